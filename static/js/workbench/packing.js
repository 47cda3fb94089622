// A document whose references are places in its lists, as it comes over the network, made whole again.

const SIDES = ["amateur", "expert", "music"]

export function unpacked(json) {
  if (!json.packed) return json
  const { segments, turns } = json
  const uids = (places, rows) => places.map((place) => rows[place].uid)
  const on = (row) => ({ ...row, turn: turns[row.turn].uid })
  return {
    ...json,
    turns: turns.map((row) => ({ ...row, ...Object.fromEntries(SIDES.map((side) => [side, uids(row[side], segments)])) })),
    conversations: json.conversations.map((row) => ({ ...row, turns: uids(row.turns, turns) })),
    summaries: json.summaries.map((row) => ({ uid: turns[row.turn].uid, ...on(row) })),
    flags: json.flags.map(on),
  }
}
