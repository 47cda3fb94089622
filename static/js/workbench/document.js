// One layer's rows in the browser: what the server said, with the edits that still wait drawn on top.

import { KINDS, RuleError, applyChanges, changesOf, inverse, sameOutcome } from "workbench/operations"
import { brokenRules } from "workbench/rules"
import { SpanIndex, byTime, byTurn } from "workbench/spans"
import { uuid } from "workbench/uuid"

const UNDO_DEPTH = 200

// Events: "change" when rows differ, "queued" when an edit waits, "settled" when one no longer does,
// "refused" {edit, message} when the server would not have one, "recordings" when their state differs.
export class LayerDocument extends EventTarget {
  constructor(json, author = "") {
    super()
    this.author = author
    this.drafted = new Map() // draft → {turn, model, text}, as far as they were seen: no rows of the layer
    this.pending = [] // {edit, changes, until}: drawn, not yet acknowledged, oldest first
    this.reset(json)
  }

  reset(json) {
    this.id = json.id
    this.revision = json.revision
    this.state = json.state
    this.editable = json.editable
    this.session = json.session
    this.vocabulary = json.vocabulary
    this.recordings = json.recordings
    this.rows = Object.fromEntries(KINDS.map((kind) => [kind, new Map()]))
    for (const row of json.segments) this.rows.segment.set(row.uid, row)
    for (const row of json.turns) this.rows.turn.set(row.uid, row)
    for (const row of json.conversations) this.rows.conversation.set(row.uid, row)
    for (const row of json.summaries) this.rows.summary.set(row.turn, row)
    for (const row of json.flags) this.rows.flag.set(`${row.turn}:${row.flag}`, row)
    this.history = new Map() // edit id → its changes, for drawing an undo at once
    this.undoable = json.undoable.map((act) => [...act]) // one list of ids for each act of a person
    this.redoable = json.redoable.map((act) => [...act])
    const known = new Set([...this.undoable, ...this.redoable].flat())
    this.pending = this.pending.filter(({ edit }) => !known.has(edit.id)) // they had come through
    for (const entry of this.pending) {
      entry.changes = this.#draw(entry.edit)
      this.history.set(entry.edit.id, entry.changes)
      this.#stack(entry.edit)
    }
    this.#changed(KINDS)
    this.dispatchEvent(new Event("settled"))
  }

  setRecordings(recordings) {
    if (JSON.stringify(recordings) === JSON.stringify(this.recordings)) return
    this.recordings = recordings
    this.dispatchEvent(new Event("recordings"))
  }

  // ------------------------------------------------------------------ edits

  // Draw `ops` at once and queue them. Raises RuleError and changes nothing where one can't be done.
  // `hold` (ms) lets the next edit of the same fields join this one: a run of nudges is one edit.
  commit(ops, { hold = 0 } = {}) {
    if (!this.editable) throw new RuleError("This layer can't be changed.")
    const joined = hold && ops.length === 1 ? this.#join(ops[0], hold) : null
    if (joined) return joined
    const made = []
    try {
      const act = ops.length > 1 ? uuid() : null
      for (const op of ops) {
        const edit = { id: uuid(), ...op, ...(act && { act }) }
        const changes = this.#changes(edit)
        applyChanges(this.rows, changes)
        made.push({ edit, changes, until: hold ? performance.now() + hold : 0 })
      }
    } catch (error) {
      for (const { changes } of made.reverse()) applyChanges(this.rows, inverse(changes))
      throw error
    }
    this.pending.push(...made)
    const ids = made.map(({ edit }) => edit.id)
    for (const { edit, changes } of made) this.history.set(edit.id, changes)
    this.undoable.push(ids)
    this.redoable = []
    if (this.undoable.length > UNDO_DEPTH) this.undoable.shift().forEach((id) => this.history.delete(id))
    this.#changed(made.flatMap(({ changes }) => changes.map((change) => change.kind)))
    this.dispatchEvent(new Event("queued"))
    return ids
  }

  // Take up edits that an earlier page drew and could not send: they wait again, in their order, as that page had them.
  resume(edits) {
    const known = new Set([...this.undoable, ...this.redoable].flat())
    const fresh = edits.filter(({ id }) => !known.has(id) && !this.pending.some(({ edit }) => edit.id === id))
    for (const edit of fresh) {
      const entry = { edit, changes: this.#draw(edit), until: 0 }
      this.pending.push(entry)
      if (entry.changes.length) this.history.set(edit.id, entry.changes)
      this.#stack(edit)
    }
    this.#changed(KINDS)
    this.dispatchEvent(new Event(fresh.length ? "queued" : "settled"))
    return fresh.length
  }

  // Put an edit where undo and redo find it, beside the others of its act.
  #stack(edit) {
    const from = edit.op === "undo" && !edit.restores ? [this.redoable, this.undoable].find((acts) => acts.flat().includes(edit.of)) : null
    const to = from && from !== this.redoable ? this.redoable : this.undoable
    if (from) {
      const acts = from.map((ids) => ids.filter((id) => id !== edit.of)).filter((ids) => ids.length)
      from.splice(0, from.length, ...acts)
    } else this.redoable = []
    const mates = edit.act && to.at(-1)?.some((id) => this.pending.some(({ edit: other }) => other.id === id && other.act === edit.act))
    if (mates) to.at(-1).push(edit.id)
    else to.push([edit.id])
  }

  // Lead the layer back to an earlier state: undo these edits, the newest first, as one act.
  restore(ids) {
    return this.commit(ids.map((of) => ({ op: "undo", of, restores: true })))
  }

  undo() { return this.#turnBack(this.undoable, this.redoable) }
  redo() { return this.#turnBack(this.redoable, this.undoable) }

  #turnBack(from, to) {
    const ids = from.pop()
    if (!ids) return false
    const act = ids.length > 1 ? { act: uuid() } : {}
    const made = ids.toReversed().map((of) => ({ edit: { id: uuid(), op: "undo", of, ...act }, until: 0 }))
    for (const entry of made) entry.changes = this.#draw(entry.edit)
    for (const { edit, changes } of made) if (changes.length) this.history.set(edit.id, changes)
    this.pending.push(...made)
    to.push(made.map(({ edit }) => edit.id))
    this.#changed(made.flatMap(({ changes }) => changes.map((change) => change.kind)))
    this.dispatchEvent(new Event("queued"))
    return true
  }

  #changes(edit) {
    if (edit.op === "undo") return inverse(this.history.get(edit.of) ?? [])
    return changesOf(this.rows, edit, { lengthMs: this.session.length_ms, author: this.author, drafted: this.drafted })
  }

  // Draw an edit where it can be drawn; where it can't, the server will say why.
  #draw(edit) {
    try {
      const changes = this.#changes(edit)
      applyChanges(this.rows, changes)
      return changes
    } catch (error) {
      if (error instanceof RuleError) return []
      throw error
    }
  }

  #join(op, hold) {
    const last = this.pending.at(-1)
    const fields = (edit) => Object.keys(edit).filter((name) => name !== "id").sort().join()
    if (!last || last.sent || !last.until || fields(last.edit) !== fields(op)) return null
    if (last.edit.op !== op.op || last.edit.uid !== op.uid) return null
    const before = inverse(last.changes)
    const edit = { ...last.edit, ...op }
    applyChanges(this.rows, before)
    try {
      last.changes = this.#changes(edit)
    } catch (error) {
      applyChanges(this.rows, last.changes)
      throw error
    }
    applyChanges(this.rows, last.changes)
    last.edit = edit
    last.until = performance.now() + hold
    this.history.set(edit.id, last.changes)
    this.#changed(last.changes.map((change) => change.kind))
    this.dispatchEvent(new Event("queued"))
    return [edit.id]
  }

  // ------------------------------------------------------------------ news from the server

  // The server applied these edits of ours.
  confirm(applied, revision) {
    this.#take(applied, revision)
  }

  // The server had edits that we did not know, perhaps some of ours whose answer was lost.
  merge(missed, revision) {
    this.#take(missed, revision)
    const foreign = missed.filter(({ id }) => !this.history.has(id))
    for (const { id, changes } of foreign) this.history.set(id, changes)
    if (foreign.length) this.dispatchEvent(new CustomEvent("merged", { detail: { edits: foreign } }))
  }

  // The server would not have this edit: take it off the page, keep the others.
  refuse(id, message) {
    const entry = this.pending.find(({ edit }) => edit.id === id)
    if (!entry) return
    this.#rebase([], new Set([id]))
    for (const stack of [this.undoable, this.redoable]) {
      for (const ids of stack) if (ids.includes(id)) ids.splice(ids.indexOf(id), 1)
    }
    this.undoable = this.undoable.filter((ids) => ids.length)
    this.redoable = this.redoable.filter((ids) => ids.length)
    this.dispatchEvent(new CustomEvent("refused", { detail: { edit: entry.edit, message } }))
    this.dispatchEvent(new Event("settled"))
  }

  #take(edits, revision) {
    const asDrawn = edits.every(({ id, changes }, i) => {
      const entry = this.pending[i]
      return entry?.edit.id === id && sameOutcome(entry.changes, changes)
    })
    const ids = new Set(edits.map(({ id }) => id))
    if (asDrawn) this.pending = this.pending.filter(({ edit }) => !ids.has(edit.id))
    else this.#rebase(edits.flatMap(({ changes }) => changes), ids)
    for (const { id, changes } of edits) if (this.history.has(id)) this.history.set(id, changes)
    this.revision = Math.max(this.revision, revision)
    this.dispatchEvent(new Event("settled"))
  }

  // Lift our waiting edits off, put the server's changes down, and lay what still waits on top again.
  #rebase(changes, gone) {
    for (const entry of this.pending.toReversed()) applyChanges(this.rows, inverse(entry.changes))
    applyChanges(this.rows, changes)
    this.pending = this.pending.filter(({ edit }) => !gone.has(edit.id))
    for (const entry of this.pending) {
      entry.changes = this.#draw(entry.edit)
      this.history.set(entry.edit.id, entry.changes)
    }
    this.#changed(KINDS)
  }

  #changed(kinds) {
    if (!kinds.length) return
    this.#memo = {}
    this.dispatchEvent(new CustomEvent("change", { detail: { kinds: new Set(kinds) } }))
  }

  // ------------------------------------------------------------------ reads, worked out when first asked for

  #memo = {}

  #once(name, work) {
    return (this.#memo[name] ??= work())
  }

  segment(uid) { return this.rows.segment.get(uid) ?? null }

  get segments() { return this.#once("segments", () => [...this.rows.segment.values()].sort(byTime)) }

  // Which of the project's rules a segment breaks, [{code, message}]; they are told, and never enforced.
  broken(uid) {
    return this.#once("broken", () => new Map(this.segments.map((segment) => {
      const near = this.lane(segment.lane).within(segment.start_ms, segment.end_ms)
      return [segment.uid, brokenRules(segment, near, this.vocabulary.rules)]
    }))).get(uid) ?? []
  }

  get index() { return this.#once("index", () => new SpanIndex(this.rows.segment.values())) }

  lane(lane) {
    return this.#once(`lane ${lane}`, () => new SpanIndex(this.segments.filter((row) => row.lane === lane)))
  }

  // Turns in order of time, of those that share a clip the one spoken first: {uid, row, number, start_ms, end_ms, segments}.
  get turns() {
    return this.#once("turns", () => {
      const turns = [...this.rows.turn.values()].map((row) => {
        const uids = [...row.amateur, ...row.expert, ...row.music]
        const segments = uids.map((uid) => this.rows.segment.get(uid)).filter(Boolean).sort(byTime)
        const start_ms = Math.min(...segments.map((segment) => segment.start_ms))
        const end_ms = Math.max(...segments.map((segment) => segment.end_ms))
        const spoken = segments.filter(({ lane }) => lane === "amateur" || lane === "expert")
        const speaks_ms = Math.min(...spoken.map((segment) => segment.start_ms)) // Infinity where nobody does
        return { uid: row.uid, row, segments, start_ms, speaks_ms, end_ms }
      })
      turns.sort(byTurn).forEach((turn, i) => (turn.number = i + 1))
      return turns
    })
  }

  turn(uid) {
    return this.#once("turn by uid", () => new Map(this.turns.map((turn) => [turn.uid, turn]))).get(uid) ?? null
  }

  // The turns that hold a segment: one for speech, perhaps several for music.
  turnsOf(segmentUid) {
    const held = this.#once("turns of", () => {
      const map = new Map()
      for (const turn of this.turns) {
        for (const { uid } of turn.segments) map.set(uid, [...(map.get(uid) ?? []), turn])
      }
      return map
    })
    return held.get(segmentUid) ?? []
  }

  get turnIndex() { return this.#once("turn index", () => new SpanIndex(this.turns)) }

  // Conversations in the order of their first turns: {uid, row, number, start_ms, end_ms, turns}.
  get conversations() {
    return this.#once("conversations", () => {
      const all = [...this.rows.conversation.values()].map((row) => {
        const turns = row.turns.map((uid) => this.turn(uid)).filter(Boolean).sort(byTurn)
        const start_ms = Math.min(...turns.map((turn) => turn.start_ms))
        const end_ms = Math.max(...turns.map((turn) => turn.end_ms))
        return { uid: row.uid, row, turns, start_ms, end_ms }
      })
      all.sort((a, b) => byTurn(a.turns[0], b.turns[0])).forEach((conversation, i) => (conversation.number = i + 1))
      return all
    })
  }

  get conversationIndex() { return this.#once("conversation index", () => new SpanIndex(this.conversations)) }

  conversationOf(turnUid) {
    const held = this.#once("conversation of", () => {
      return new Map(this.conversations.flatMap((each) => each.turns.map((turn) => [turn.uid, each])))
    })
    return held.get(turnUid) ?? null
  }

  summaryOf(turnUid) { return this.rows.summary.get(turnUid) ?? null }

  flagOf(turnUid, flag) { return this.rows.flag.get(`${turnUid}:${flag}`) ?? null }

  // A side's words: what was written for the turn, or else the words of its segments; null where the side is missing.
  textOf(turn, side) {
    const written = turn.row[`${side}_text`]
    return written ?? this.derivedText(turn, side)
  }

  derivedText(turn, side) {
    const members = turn.segments.filter(({ uid }) => turn.row[side].includes(uid))
    const text = members.map((segment) => segment.text.trim()).filter(Boolean).join(" ")
    return text || null
  }

  // Nobody spoke on this side: it has neither segments nor a text of its own.
  isMissing(turn, side) { return !turn.row[side].length && !turn.row[`${side}_text`] }

  // What can be chosen of "topics" or "flags": what is not retired, and what this already is.
  choices(list, current = null) {
    return this.vocabulary[list].filter(({ key, retired }) => !retired || key === current)
  }

  topicLabel(key) {
    return this.vocabulary.topics.find((topic) => topic.key === key)?.label ?? key
  }
}
