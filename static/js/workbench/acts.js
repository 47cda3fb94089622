// What a person does to a layer: each act checks that it makes sense, commits its edits, and says what it did.

import { clock, span } from "workbench/clock"
import { RuleError } from "workbench/operations"
import { uuid } from "workbench/uuid"

const SHORTEST_MS = 20
const SNAP_REACH_MS = 1000
const ZERO_REACH_MS = 5
const SIDES = ["amateur", "expert", "music"]

export class Acts {
  constructor(bench) { this.bench = bench }

  get document() { return this.bench.document }
  get selection() { return this.bench.selection }

  // Commit, and tell; a broken rule is told too, and false comes back.
  try(sentence, ops, options) {
    try {
      this.document.commit(ops, options)
    } catch (error) {
      if (!(error instanceof RuleError)) throw error
      this.bench.say(error.message, "bad")
      return false
    }
    if (sentence) this.bench.say(sentence)
    return true
  }

  no(sentence) {
    this.bench.say(sentence, "warn")
    return false
  }

  // ---------------------------------------------------------------- segments

  make({ lane, start_ms, end_ms }) {
    const uid = uuid()
    if (end_ms - start_ms < SHORTEST_MS) return this.no(`A segment lasts at least ${SHORTEST_MS} ms.`)
    const made = this.try(`${this.laneLabel(lane)} segment made, ${span(start_ms, end_ms)}.`, [
      { op: "segment.create", uid, lane, start_ms, end_ms, text: "" },
    ])
    if (made) this.selection.select([uid])
    return made
  }

  // Several segments as one act.
  makeAll(rows) {
    const made = rows.map((row) => ({ op: "segment.create", uid: uuid(), text: "", ...row }))
    const done = this.try(`${count(made, "segment")} made.`, made)
    if (done) this.selection.select(made.map(({ uid }) => uid))
    return done
  }

  makeFromRange(lane = this.selection.lane) {
    const { range } = this.selection
    if (range?.start_ms == null || range.end_ms == null) return this.no(`Mark a start${this.#key("mark-in")} and an end${this.#key("mark-out")} first.`)
    return this.make({ lane, ...range })
  }

  // Segments where a drag has put them.
  place(rows) {
    const ops = rows.flatMap((row) => {
      const old = this.document.segment(row.uid)
      if (!old || (old.start_ms === row.start_ms && old.end_ms === row.end_ms)) return []
      const op = { op: "segment.update", uid: row.uid }
      if (old.start_ms !== row.start_ms) op.start_ms = row.start_ms
      if (old.end_ms !== row.end_ms) op.end_ms = row.end_ms
      return [op]
    })
    if (!ops.length) return false
    const where = span(rows[0].start_ms, rows[0].end_ms)
    return this.try(ops.length > 1 ? `${ops.length} segments moved.` : `Segment at ${where}.`, ops)
  }

  setTime(uid, edge, ms) {
    const row = this.document.segment(uid)
    if (!row || row[edge] === ms) return false
    return this.try(`Segment ${edge === "start_ms" ? "starts" : "ends"} at ${clock(ms)}.`, this.#edgeOps(row, edge, ms))
  }

  // An edge that two segments of a lane share moves for both, if that is wanted and leaves something of each.
  #edgeOps(row, edge, ms) {
    const ops = [{ op: "segment.update", uid: row.uid, [edge]: ms }]
    const mate = this.bench.snapping.mateOf(row, edge)
    const room = mate && (edge === "start_ms" ? ms - mate.start_ms : mate.end_ms - ms)
    if (mate && room >= SHORTEST_MS) ops.push({ op: "segment.update", uid: mate.uid, [edge === "start_ms" ? "end_ms" : "start_ms"]: ms })
    return ops
  }

  nudge(edge, by) {
    const row = this.selection.segment
    if (!row) return this.no("Select a segment first.")
    const others = edge === "start_ms" ? [0, row.end_ms - SHORTEST_MS] : [row.start_ms + SHORTEST_MS, this.document.session.length_ms]
    const at = Math.min(others[1], Math.max(others[0], row[edge] + by))
    if (at === row[edge]) return false
    const done = this.try(null, this.#edgeOps(row, edge, at), { hold: 400 })
    if (done) this.bench.playAround(at)
    return done
  }

  // The edges of the selected segment on the nearest silence, its own words, or where the sound is nearest to zero.
  async snap(kind) {
    const row = this.selection.segment
    if (!row) return this.no("Select a segment first.")
    const found = { silence: () => this.#toSilence(row), word: () => this.#toWords(row), zero: () => this.#toZero(row) }
    const edges = await found[kind]()
    if (!edges) return false
    const { start_ms = row.start_ms, end_ms = row.end_ms } = edges
    if (end_ms - start_ms < SHORTEST_MS) return this.no("That would leave nothing of the segment.")
    const ops = [...(start_ms !== row.start_ms ? this.#edgeOps(row, "start_ms", start_ms) : []), ...(end_ms !== row.end_ms ? this.#edgeOps(row, "end_ms", end_ms) : [])]
    if (!ops.length) return this.no("The edges are there already.")
    return this.try(`Segment at ${clock(start_ms)} – ${clock(end_ms)}.`, ops)
  }

  // Sound begins where a silence ends, and ends where one begins.
  #toSilence({ start_ms, end_ms }) {
    const { silences } = this.bench.sound
    if (!silences.spans.length) return this.no("Where this session is silent is not known yet.")
    const near = (ms, edge) => silences.within(ms - SNAP_REACH_MS, ms + SNAP_REACH_MS).map((each) => each[edge])
      .filter((at) => Math.abs(at - ms) <= SNAP_REACH_MS).sort((a, b) => Math.abs(a - ms) - Math.abs(b - ms))[0]
    const edges = { start_ms: near(start_ms, "end_ms"), end_ms: near(end_ms, "start_ms") }
    if (edges.start_ms === undefined && edges.end_ms === undefined) return this.no(`There is no silence within ${SNAP_REACH_MS / 1000} s of its edges.`)
    return edges
  }

  #toWords({ words = [] }) {
    if (!words.length) return this.no("The times of this segment’s words are not known.")
    return { start_ms: words[0][0], end_ms: Math.max(...words.map(([, end]) => end)) }
  }

  async #toZero({ start_ms, end_ms }) {
    const samples = this.bench.tracks.find((track) => track.samples)?.samples
    if (!samples) return this.no("The samples can’t be read yet.")
    const at = async (ms) => {
      await samples.want(ms - ZERO_REACH_MS, ms + ZERO_REACH_MS + 1)
      return samples.quietest(ms, ZERO_REACH_MS) ?? ms
    }
    return { start_ms: await at(start_ms), end_ms: await at(end_ms) }
  }

  write(uid, text) {
    if (!this.document.segment(uid) || this.document.segment(uid).text === text) return false
    return this.try("Text saved with the segment.", [{ op: "segment.update", uid, text }])
  }

  relane(lane) {
    const rows = this.selection.segments.filter((row) => row.lane !== lane)
    if (!rows.length) return false
    const done = this.try(`${count(rows, "segment")} moved to ${this.laneLabel(lane)}.`,
      rows.map(({ uid }) => ({ op: "segment.update", uid, lane })))
    if (done) this.selection.setLane(lane)
    return done
  }

  split(at = this.bench.player.time) {
    const inside = (row) => row && row.start_ms < at && at < row.end_ms
    const row = this.selection.segments.find(inside)
      ?? this.document.lane(this.selection.lane).at(at).find(inside) ?? this.document.index.at(at).find(inside)
    if (!row) return this.no("Put the playhead inside a segment to split it.")
    const new_uid = uuid()
    const done = this.try(`Split at ${clock(at)}.`, [{ op: "segment.split", uid: row.uid, at_ms: at, new_uid }])
    if (done) this.selection.select([new_uid])
    return done
  }

  merge(direction) {
    let rows = this.selection.segments
    if (!rows.length) return this.no("Select a segment to merge.")
    if (rows.length === 1) {
      const { spans } = this.document.lane(rows[0].lane)
      const neighbour = spans[spans.findIndex(({ uid }) => uid === rows[0].uid) + direction]
      if (!neighbour) return this.no(`There is no ${direction > 0 ? "next" : "previous"} segment on this lane.`)
      rows = direction > 0 ? [rows[0], neighbour] : [neighbour, rows[0]]
    }
    if (new Set(rows.map(({ lane }) => lane)).size > 1) return this.no("Only segments of one lane can be merged.")
    const [first, ...others] = rows
    const done = this.try(`${count(rows, "segment")} merged.`,
      others.map(({ uid }) => ({ op: "segment.merge", uid: first.uid, other: uid })))
    if (done) this.selection.select([first.uid])
    return done
  }

  remove() {
    const rows = this.selection.segments
    if (!rows.length) return this.no("Select what to delete first.")
    const last = rows.at(-1)
    const done = this.try(`${count(rows, "segment")} deleted. Undo${this.#key("undo")} brings ${rows.length > 1 ? "them" : "it"} back.`,
      rows.map(({ uid }) => ({ op: "segment.delete", uid })))
    const next = this.document.lane(last.lane).next(last.start_ms) ?? this.document.lane(last.lane).previous(last.start_ms)
    if (done && next) this.selection.select([next.uid])
    return done
  }

  // ---------------------------------------------------------------- turns

  // Selected segments become a turn, or join the one turn that some of them are in.
  pair() {
    const rows = this.selection.segments.filter(({ lane }) => SIDES.includes(lane))
    if (!rows.length) return this.no("Select amateur, expert or music segments to pair.")
    const held = (row) => this.document.turnsOf(row.uid)
    const speech = rows.filter(({ lane }) => lane !== "music")
    const turns = new Set((speech.length ? speech : rows).flatMap(held))
    if (turns.size > 1) return this.no("These segments belong to different turns. Unpair one of them first.")
    const [turn] = turns
    const members = (side) => rows.filter(({ lane }) => lane === side).map(({ uid }) => uid)
    if (!turn) {
      const uid = uuid()
      const op = { op: "turn.create", uid, amateur: members("amateur"), expert: members("expert"), music: members("music") }
      const done = this.try(`Turn made of ${count(rows, "segment")}.`, [op])
      if (done) this.selection.selectTurn(this.document.turn(uid))
      return done
    }
    const op = { op: "turn.update", uid: turn.uid }
    for (const side of SIDES) {
      const joined = [...new Set([...turn.row[side], ...members(side)])]
      if (joined.length > turn.row[side].length) op[side] = this.#inTime(joined)
    }
    if (Object.keys(op).length === 2) return this.no(`These segments are already turn ${turn.number}.`)
    const done = this.try(`Joined to turn ${turn.number}.`, [op])
    if (done) this.selection.selectTurn(this.document.turn(turn.uid))
    return done
  }

  unpair() {
    const { turns } = this.selection
    if (!turns.length) return this.no("Select a turn to take apart.")
    return this.try(`${count(turns, "turn")} taken apart; the segments stay.`,
      turns.map(({ uid }) => ({ op: "turn.delete", uid })))
  }

  leaveTurn(turn, uid) {
    const sides = SIDES.filter((side) => turn.row[side].includes(uid))
    const left = SIDES.flatMap((side) => turn.row[side]).filter((member) => member !== uid)
    if (!left.length) return this.try(`Turn ${turn.number} taken apart.`, [{ op: "turn.delete", uid: turn.uid }])
    const op = { op: "turn.update", uid: turn.uid }
    for (const side of sides) op[side] = turn.row[side].filter((member) => member !== uid)
    return this.try(`Segment taken out of turn ${turn.number}.`, [op])
  }

  writeSide(turnUid, side, text) {
    const turn = this.document.turn(turnUid)
    if (!turn) return false
    const value = text === (this.document.derivedText(turn, side) ?? "") ? null : text
    if (value === turn.row[`${side}_text`]) return false
    return this.try(value === null ? "The segments’ own words are used." : "Text saved with the turn.",
      [{ op: "turn.update", uid: turnUid, [`${side}_text`]: value }])
  }

  useSegmentsWords(turnUid, side) {
    return this.try("The segments’ own words are used.", [{ op: "turn.update", uid: turnUid, [`${side}_text`]: null }])
  }

  summarise(turnUid, text) {
    const old = this.document.summaryOf(turnUid)?.text ?? ""
    if (!this.document.turn(turnUid) || text.trim() === old) return false
    return this.try(text.trim() ? "Context summary saved." : "Context summary removed.", [
      { op: "summary.write", uid: uuid(), turn: turnUid, text: text.trim() },
    ])
  }

  // A model's draft becomes the summary; a person's other writing stays among the versions.
  acceptDraft(turnUid, { draft, model, text }) {
    if (!this.document.turn(turnUid)) return false
    return this.try(`Draft by ${model} accepted.`, [{ op: "summary.write", uid: uuid(), turn: turnUid, text, draft }])
  }

  // Sets a flag of all selected turns; without a value, the next of unset → yes → no → unset.
  flag(key, value) {
    const { turns, turn } = this.selection
    if (!turns.length) return this.no("Select a turn to flag.")
    const now = this.document.flagOf(turn.uid, key)?.value ?? null
    const next = value === undefined ? { yes: "no", no: null }[now] ?? (now === null ? "yes" : null) : value
    const label = this.document.vocabulary.flags.find((flag) => flag.key === key).label
    const ops = turns.flatMap(({ uid }) => {
      const row = this.document.flagOf(uid, key)
      return (row?.value ?? null) === next ? [] : [{ op: "flag.set", turn: uid, flag: key, value: next, note: row?.note ?? "" }]
    })
    if (!ops.length) return false
    return this.try(`${label}: ${next ?? "unset"}${turns.length > 1 ? ` on ${turns.length} turns` : ""}.`, ops)
  }

  noteFlag(turnUid, key, note) {
    const row = this.document.flagOf(turnUid, key)
    if (!row || row.note === note.trim()) return false
    return this.try("Note saved.", [{ op: "flag.set", turn: turnUid, flag: key, value: row.value, note: note.trim() }])
  }

  // ---------------------------------------------------------------- conversations

  // Selected turns become a conversation, or join the one that some of them are in.
  group(topic = this.bench.view.topic ?? this.document.choices("topics")[0]?.key) {
    const { turns, conversations } = this.selection
    if (!turns.length) return this.no("Select turns to group.")
    const uids = turns.map(({ uid }) => uid)
    if (conversations.length > 1) return this.no("These turns belong to different conversations. Ungroup one of them first.")
    const [held] = conversations
    if (!held) {
      return this.try(`${count(turns, "turn")} grouped: ${this.document.topicLabel(topic)}.`, [
        { op: "conversation.create", uid: uuid(), topic, turns: uids },
      ])
    }
    const joined = [...new Set([...held.row.turns, ...uids])]
    if (joined.length === held.row.turns.length) return this.no("These turns are one conversation already.")
    const inOrder = this.document.turns.filter(({ uid }) => joined.includes(uid)).map(({ uid }) => uid)
    return this.try(`${count(turns, "turn")} joined to conversation ${held.number}.`, [
      { op: "conversation.update", uid: held.uid, turns: inOrder },
    ])
  }

  ungroup() {
    const { conversations } = this.selection
    if (!conversations.length) return this.no("Select a turn of a conversation to ungroup it.")
    return this.try("Ungrouped; the turns stay.", conversations.map(({ uid }) => ({ op: "conversation.delete", uid })))
  }

  leaveConversation(conversation, turnUid) {
    const turns = conversation.row.turns.filter((uid) => uid !== turnUid)
    if (!turns.length) return this.try("Ungrouped.", [{ op: "conversation.delete", uid: conversation.uid }])
    return this.try("Turn taken out of the conversation.", [{ op: "conversation.update", uid: conversation.uid, turns }])
  }

  setTopic(topic) {
    const { conversation } = this.selection
    this.bench.view.topic = topic
    if (!conversation || conversation.row.topic === topic) return false
    return this.try(`Topic: ${this.document.topicLabel(topic)}.`, [
      { op: "conversation.update", uid: conversation.uid, topic },
    ])
  }

  // ---------------------------------------------------------------- back and forth

  undo() { return this.document.undo() ? this.bench.say("Undone.") : this.no("There is nothing to undo.") }
  redo() { return this.document.redo() ? this.bench.say("Done again.") : this.no("There is nothing to redo.") }

  laneLabel(lane) { return lane[0].toUpperCase() + lane.slice(1) }

  // " (S)": the key in force, behind what an action is called.
  #key(name) { return this.bench.keymap.hint(name) }

  #inTime(uids) {
    return uids.toSorted((a, b) => this.document.segment(a).start_ms - this.document.segment(b).start_ms)
  }
}

const count = (list, noun) => `${list.length} ${noun}${list.length === 1 ? "" : "s"}`
