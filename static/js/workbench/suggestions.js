// The turns that are suggested in a layer: accepted one by one or all at once, or dismissed for good in this browser.

import { suggestTurns } from "workbench/suggest"
import { uuid } from "workbench/uuid"

const MOST_DISMISSED = 2000

// Event "change" when others are suggested than before.
export class Suggestions extends EventTarget {
  #bench
  #found = null
  #dismissed

  constructor(bench) {
    super()
    this.#bench = bench
    this.#dismissed = new Set(this.#read())
    bench.document.addEventListener("change", ({ detail }) => {
      if (detail.kinds.has("segment") || detail.kinds.has("turn")) this.#renew()
    })
  }

  get all() {
    const { document } = this.#bench
    if (!document.editable) return []
    this.#found ??= suggestTurns(document.segments, (uid) => document.turnsOf(uid).length > 0).filter(({ uid }) => !this.#dismissed.has(uid))
    return this.#found
  }

  // The suggestion that the selection touches, else the one at the playhead.
  get here() {
    const { selection, player } = this.#bench
    const { uids } = selection
    if (uids.size) return this.all.find((each) => [...each.amateur, ...each.expert].some((uid) => uids.has(uid))) ?? null
    return this.all.find(({ start_ms, end_ms }) => start_ms <= player.time && player.time < end_ms) ?? null
  }

  // Accept the one that is here and go on to the next; with none here, only go.
  accept(one = this.here) {
    if (!one) return this.#goOn(null)
    if (this.#create([one], `Turn made of ${one.segments.length} segments.`)) this.#goOn(one)
  }

  // All that lie in the marked range, else those that are selected, else those in view: one act.
  acceptAll() {
    const { selection, viewport, acts } = this.#bench
    const { range, uids } = selection
    const touched = (each) => [...each.amateur, ...each.expert].some((uid) => uids.has(uid))
    const within = (from, to) => this.all.filter(({ start_ms, end_ms }) => start_ms >= from && end_ms <= to)
    const marked = range?.start_ms != null && range.end_ms != null
    const chosen = this.all.filter(touched)
    const found = marked ? within(range.start_ms, range.end_ms) : chosen.length > 1 ? chosen : within(viewport.startMs, viewport.endMs)
    if (!found.length) return acts.no(`No suggested turn lies in ${marked ? "the marked range" : "view"}.`)
    this.#create(found, `${found.length} ${found.length === 1 ? "turn" : "turns"} made of what was suggested${this.#bench.keymap.label("undo") && `; ${this.#bench.keymap.label("undo")} takes ${found.length === 1 ? "it" : "them"} back`}.`)
  }

  dismiss(one = this.here) {
    if (!one) return this.#goOn(null)
    this.#dismissed.add(one.uid)
    this.#write()
    this.#renew()
    this.#bench.say("Dismissed; it is not suggested again.")
    this.#goOn(one)
  }

  // Select what is suggested, so that others can be added and left out before it is paired.
  change(one) {
    this.#bench.arrive(one.segments.map(({ uid }) => uid), { primary: one.amateur[0], keepLane: true })
    this.#bench.say(`Add and leave out segments with Ctrl-click, then pair them${this.#bench.keymap.hint("pair")}.`)
  }

  #create(found, sentence) {
    const ops = found.map(({ amateur, expert, music }) => ({ op: "turn.create", uid: uuid(), amateur, expert, music }))
    return this.#bench.acts.try(sentence, ops)
  }

  #goOn(from) {
    const { player, selection, say } = this.#bench
    const at = from?.start_ms ?? selection.segment?.start_ms ?? player.time
    const next = this.all.find(({ start_ms }) => start_ms >= at) ?? this.all[0]
    if (next) this.#bench.arrive(next.segments.map(({ uid }) => uid), { primary: next.amateur[0], keepLane: true })
    else if (!from) say("No turn is suggested.")
  }

  #renew() {
    this.#found = null
    this.dispatchEvent(new Event("change"))
  }

  get #place() { return `workbench dismissed ${this.#bench.document.id}` }

  #read() {
    try {
      const kept = JSON.parse(localStorage.getItem(this.#place))
      return Array.isArray(kept) ? kept : []
    } catch {
      return []
    }
  }

  #write() {
    try {
      localStorage.setItem(this.#place, JSON.stringify([...this.#dismissed].slice(-MOST_DISMISSED)))
    } catch {
      // without storage it is suggested again on the next visit
    }
  }
}
