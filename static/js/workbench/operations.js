// What each edit does to the rows. The server has the last word; this says the same words early, so that nobody waits.

import { MOST, divided, faultOf, kept, moved, piecesOf } from "workbench/words"

export class RuleError extends Error {}

export const KINDS = ["segment", "turn", "conversation", "summary", "flag"]
const SIDES = ["amateur", "expert", "music"]

// The changes that an edit makes to `rows` (kind → Map of uid → row), or a RuleError.
export function changesOf(rows, edit, { lengthMs, author = "", drafted = new Map() } = {}) {
  const rule = RULES[edit.op]
  if (!rule) throw new RuleError(`There is no edit called ${edit.op}.`)
  const draft = new Draft(rows, lengthMs, author, drafted)
  rule(draft, edit)
  return draft.changes()
}

export function inverse(changes) {
  return changes.map(({ kind, uid, before, after }) => ({ kind, uid, before: after, after: before })).reverse()
}

export function applyChanges(rows, changes) {
  for (const change of changes) {
    if (change.after === null) rows[change.kind].delete(change.uid)
    else rows[change.kind].set(change.uid, change.after)
  }
}

// Whether two lists of changes leave the same rows behind.
export function sameOutcome(a, b) {
  if (a.length !== b.length) return false
  const told = new Map(a.map((change) => [`${change.kind} ${change.uid}`, stable(change.after)]))
  return b.every((change) => told.get(`${change.kind} ${change.uid}`) === stable(change.after))
}

const stable = (row) => JSON.stringify(row && Object.entries(row).sort(([a], [b]) => (a < b ? -1 : 1)))

class Draft {
  constructor(rows, lengthMs, author, drafted) {
    this.rows = rows
    this.lengthMs = lengthMs
    this.author = author
    this.drafted = drafted
    this.touched = new Map()
  }
  key(kind, uid) { return `${kind} ${uid}` }
  get(kind, uid) {
    const touched = this.touched.get(this.key(kind, uid))
    return touched ? touched.after : (this.rows[kind].get(uid) ?? null)
  }
  need(kind, uid) {
    const row = this.get(kind, uid)
    if (!row) throw new RuleError(`This ${kind} is no longer there.`)
    return row
  }
  all(kind) {
    const uids = new Set(this.rows[kind].keys())
    for (const change of this.touched.values()) if (change.kind === kind) uids.add(change.uid)
    return [...uids].map((uid) => this.get(kind, uid)).filter(Boolean)
  }
  put(kind, uid, after) {
    const key = this.key(kind, uid)
    const before = this.touched.get(key)?.before ?? this.rows[kind].get(uid) ?? null
    this.touched.set(key, { kind, uid, before, after })
  }
  changes() {
    return [...this.touched.values()].filter(({ before, after }) => stable(before) !== stable(after))
  }
}

function segment(draft, row) {
  if (!(row.start_ms < row.end_ms)) throw new RuleError("A segment starts before it ends.")
  if (row.start_ms < 0 || row.end_ms > draft.lengthMs) throw new RuleError("A segment lies inside the session.")
  draft.put("segment", row.uid, row)
}

function pick(edit, names) {
  return Object.fromEntries(names.filter((name) => name in edit).map((name) => [name, edit[name]]))
}

function dropTurn(draft, uid) {
  for (const flag of draft.all("flag")) if (flag.turn === uid) draft.put("flag", `${uid}:${flag.flag}`, null)
  draft.put("summary", uid, null)
  releaseTurns(draft, [uid])
  draft.put("turn", uid, null)
}

// A conversation that loses its last turn goes too.
function releaseTurns(draft, uids, keeper = null) {
  for (const conversation of draft.all("conversation")) {
    if (conversation.uid === keeper || !conversation.turns.some((turn) => uids.includes(turn))) continue
    const turns = conversation.turns.filter((turn) => !uids.includes(turn))
    draft.put("conversation", conversation.uid, turns.length ? { ...conversation, turns } : null)
  }
}

function replaceMember(draft, uid, replacements) {
  for (const turn of draft.all("turn")) {
    if (!SIDES.some((side) => turn[side].includes(uid))) continue
    const next = { ...turn }
    for (const side of SIDES) next[side] = turn[side].flatMap((member) => (member === uid ? replacements : [member]))
    for (const side of SIDES) next[side] = [...new Set(next[side])]
    if (SIDES.every((side) => !next[side].length)) dropTurn(draft, turn.uid)
    else draft.put("turn", turn.uid, next)
  }
}

// A merged segment keeps its place in its turns; one that is in none, and a clip, takes the places of the other.
function mergeMembers(draft, { uid, lane }, other) {
  const atHome = draft.all("turn").some((turn) => SIDES.some((side) => turn[side].includes(uid)))
  for (const turn of draft.all("turn")) {
    if (!SIDES.includes(lane) || !turn[lane].includes(other)) continue
    const takes = !turn[lane].includes(uid) && (lane === "music" || !atHome)
    const next = { ...turn, [lane]: turn[lane].flatMap((member) => (member !== other ? [member] : takes ? [uid] : [])) }
    if (SIDES.every((side) => !next[side].length)) dropTurn(draft, turn.uid)
    else draft.put("turn", turn.uid, next)
  }
}

// A segment on another lane stands on another side of its turns.
function changeSides(draft, { uid, lane }) {
  for (const turn of draft.all("turn")) {
    if (!SIDES.some((side) => turn[side].includes(uid))) continue
    const next = { ...turn }
    for (const side of SIDES) next[side] = turn[side].filter((member) => member !== uid)
    if (SIDES.includes(lane)) next[lane] = [...next[lane], uid]
    if (SIDES.every((side) => !next[side].length)) dropTurn(draft, turn.uid)
    else draft.put("turn", turn.uid, next)
  }
}

function inTime(draft, uids) {
  const rows = [...new Set(uids)].map((uid) => draft.need("segment", uid))
  return rows.sort((a, b) => a.start_ms - b.start_ms || a.end_ms - b.end_ms).map(({ uid }) => uid)
}

// A row tells its words where it has some.
function withWords({ words: _, ...row }, words) { return words.length ? { ...row, words } : row }

function checked(words, lengthMs) {
  const fault = faultOf(words, lengthMs)
  if (fault) throw new RuleError(fault)
  return words
}

// What another text leaves of the words; they go with a segment that is moved as a whole.
function wordsAfter(row, next, lengthMs) {
  const words = next.text === row.text ? (row.words ?? []) : kept(row.words ?? [], next.text)
  const by = next.start_ms - row.start_ms
  return by && by === next.end_ms - row.end_ms ? moved(words, by, lengthMs) : words
}

const RULES = {
  "segment.create": (draft, { uid, lane, start_ms, end_ms, text = "", words = [] }) => {
    segment(draft, withWords({ uid, lane, start_ms, end_ms, text }, checked(words, draft.lengthMs)))
  },
  "segment.update": (draft, edit) => {
    const row = draft.need("segment", edit.uid)
    const next = { ...row, ...pick(edit, ["lane", "start_ms", "end_ms", "text"]) }
    const { lengthMs } = draft
    segment(draft, withWords(next, "words" in edit ? checked(edit.words, lengthMs) : wordsAfter(row, next, lengthMs)))
    if (next.lane === row.lane) return
    const turns = draft.all("turn").filter((turn) => SIDES.some((side) => turn[side].includes(edit.uid)))
    if (turns.length > 1 && next.lane !== "note") {
      throw new RuleError("This clip serves several turns, an utterance only one; unpair it first.")
    }
    changeSides(draft, next)
  },
  "segment.split": (draft, { uid, at_ms, new_uid, text, new_text }) => {
    const row = draft.need("segment", uid)
    if (!(row.start_ms < at_ms && at_ms < row.end_ms)) throw new RuleError("The cut lies outside the segment.")
    const { words = [] } = row
    const pieces = piecesOf(row.text)
    const [earlier, share] = divided(words, row.text, row, at_ms)
    const left = text ?? pieces.slice(0, share).join(" ")
    const right = new_text ?? pieces.slice(share).join(" ")
    draft.put("segment", uid, withWords({ ...row, end_ms: at_ms, text: left }, kept(words.slice(0, earlier), left)))
    const rest = { ...row, uid: new_uid, start_ms: at_ms, text: right }
    draft.put("segment", new_uid, withWords(rest, kept(words.slice(earlier), right)))
    replaceMember(draft, uid, [uid, new_uid])
  },
  "segment.merge": (draft, { uid, other }) => {
    const pair = [draft.need("segment", uid), draft.need("segment", other)]
    if (pair[0].lane !== pair[1].lane) throw new RuleError("Segments of one lane can be merged.")
    const inOrder = pair.toSorted((a, b) => a.start_ms - b.start_ms || a.end_ms - b.end_ms)
    const text = inOrder.map((row) => row.text).filter(Boolean).join(" ")
    const words = inOrder.flatMap((row) => row.words ?? [])
    if (words.length > MOST) throw new RuleError(`A segment has at most ${MOST.toLocaleString("en")} words with a time.`)
    const start_ms = Math.min(...pair.map((row) => row.start_ms))
    const end_ms = Math.max(...pair.map((row) => row.end_ms))
    draft.put("segment", uid, withWords({ ...pair[0], start_ms, end_ms, text }, words))
    draft.put("segment", other, null)
    mergeMembers(draft, pair[0], other)
  },
  "segment.delete": (draft, { uid }) => {
    draft.need("segment", uid)
    draft.put("segment", uid, null)
    replaceMember(draft, uid, [])
  },
  "turn.create": (draft, { uid, amateur = [], expert = [], music = [] }) => {
    const sides = { amateur: inTime(draft, amateur), expert: inTime(draft, expert), music: inTime(draft, music) }
    draft.put("turn", uid, { uid, ...sides, amateur_text: null, expert_text: null })
  },
  "turn.update": (draft, edit) => {
    const row = draft.need("turn", edit.uid)
    const next = { ...row, ...pick(edit, [...SIDES, "amateur_text", "expert_text"]) }
    for (const side of SIDES) next[side] = inTime(draft, next[side])
    draft.put("turn", edit.uid, next)
  },
  "turn.delete": (draft, { uid }) => {
    draft.need("turn", uid)
    dropTurn(draft, uid)
  },
  "conversation.create": (draft, { uid, topic, turns }) => {
    releaseTurns(draft, turns, uid)
    draft.put("conversation", uid, { uid, topic, turns })
  },
  "conversation.update": (draft, edit) => {
    const row = draft.need("conversation", edit.uid)
    if (edit.turns) releaseTurns(draft, edit.turns, edit.uid)
    draft.put("conversation", edit.uid, { ...row, ...pick(edit, ["topic", "turns"]) })
  },
  "conversation.delete": (draft, { uid }) => {
    draft.need("conversation", uid)
    draft.put("conversation", uid, null)
  },
  "summary.write": (draft, { turn, text, draft: accepted }) => {
    draft.need("turn", turn)
    const revision = (draft.get("summary", turn)?.revision ?? 0) + 1
    const seen = draft.drafted.get(accepted) // one that an earlier page saw is the server's to name
    const model = seen?.turn === turn && seen.text === text ? seen.model : ""
    draft.put("summary", turn, text ? { uid: turn, turn, text, revision, author: draft.author, model } : null)
  },
  "flag.set": (draft, { turn, flag, value, note = "" }) => {
    draft.need("turn", turn)
    draft.put("flag", `${turn}:${flag}`, value === null ? null : { turn, flag, value, note })
  },
}
