// What a layer still lacks: which segments and turns, and what of each.

import { clock } from "workbench/clock"

const SPOKEN = new Set(["amateur", "expert"])

// Things in order of time: {kind: "segment" | "turn", uid, item, at, lacks: ["no words", …]}.
export function unfinishedThings(document) {
  const things = []
  const note = (kind, item, lacks) => lacks.length && things.push({ kind, uid: item.uid, item, at: item.start_ms, lacks })
  for (const turn of document.turns) note("turn", turn, lacksOfTurn(document, turn))
  for (const segment of document.segments) note("segment", segment, lacksOfSegment(document, segment))
  return things.sort((a, b) => a.at - b.at)
}

function lacksOfSegment(document, { uid, lane, text }) {
  const lacks = []
  if (SPOKEN.has(lane) && !text.trim()) lacks.push("no words")
  if (lane !== "note" && !document.turnsOf(uid).length) lacks.push("no turn")
  return lacks
}

function lacksOfTurn(document, turn) {
  const lacks = ["amateur", "expert"].filter((side) => document.isMissing(turn, side)).map((side) => `no words of the ${side}`)
  const conversation = document.conversationOf(turn.uid)
  if (!conversation) lacks.push("no topic")
  else if (conversation.turns[0].uid !== turn.uid && !document.summaryOf(turn.uid)) lacks.push("no context summary")
  for (const { key, label } of document.vocabulary.flags) {
    if (!document.flagOf(turn.uid, key)?.value) lacks.push(`no answer to “${label}”`)
  }
  return lacks
}

// Event "change" when the list is another, or the transcript shows all again, or only this.
export class Unfinished extends EventTarget {
  #bench
  #things = null

  constructor(bench) {
    super()
    this.#bench = bench
    this.only = this.#read()
    bench.document.addEventListener("change", () => (this.#things = null))
  }

  get things() { return (this.#things ??= unfinishedThings(this.#bench.document)) }
  get ungrouped() { return this.#bench.document.turns.filter(({ uid }) => !this.#bench.document.conversationOf(uid)) }
  get unpaired() {
    const { document } = this.#bench
    return document.segments.filter(({ uid, lane }) => lane !== "note" && !document.turnsOf(uid).length)
  }

  of(kind, uid) { return this.things.find((thing) => thing.kind === kind && thing.uid === uid) ?? null }

  setOnly(only) {
    this.only = only
    try {
      localStorage.setItem(this.#place, JSON.stringify(only))
    } catch {
      // the next visit shows all
    }
    this.dispatchEvent(new Event("change"))
    this.#bench.dispatchEvent(new Event("view"))
    this.#bench.say(only ? `Only what is unfinished: ${this.things.length}.` : "The whole transcript.")
  }

  next() {
    const { things } = this
    if (!things.length) return this.#bench.say("Nothing is unfinished.")
    const here = this.#bench.selection.uids.size ? things.indexOf(this.last && this.of(this.last.kind, this.last.uid)) : -1
    const from = this.#bench.selection.segment?.start_ms ?? this.#bench.player.time - 1
    // where the last one was left without being finished, go on from it; else from the selection or the playhead
    const next = here >= 0 && this.#isHere(things[here]) ? things[here + 1] : things.find((thing) => thing.at >= from && !this.#wasHere(thing))
    this.#goTo(next ?? things[0])
  }

  nextUngrouped() {
    const { ungrouped } = this
    const { selection, player, say } = this.#bench
    if (!ungrouped.length) return say("Every turn is in a conversation.")
    const from = selection.turn?.start_ms ?? player.time - 1
    const turn = ungrouped.find(({ start_ms }) => start_ms > from) ?? ungrouped[0]
    this.#arrive("turn", turn)
    say(`Turn ${turn.number} has no topic yet.`)
  }

  #isHere({ kind, uid }) {
    const { selection } = this.#bench
    return kind === "segment" ? selection.primary === uid : selection.turn?.uid === uid
  }

  // What was just finished or is selected by itself comes last.
  #wasHere(thing) { return this.last?.uid === thing.uid || (thing.kind === "segment" && this.#bench.selection.primary === thing.uid) }

  #goTo(thing) {
    this.last = thing
    this.#arrive(thing.kind, thing.item)
    const { item, kind, lacks } = thing
    const name = kind === "turn" ? `Turn ${item.number}` : `The ${item.lane} segment at ${clock(item.start_ms, { digits: 1 })}`
    this.#bench.say(`${name} has ${listed(lacks)} yet.`)
  }

  #arrive(kind, item) {
    if (kind === "segment") return this.#bench.arrive([item.uid])
    this.#bench.arrive(item.segments.map(({ uid }) => uid), { primary: item.segments[0].uid, turn: item.uid, keepLane: true })
    this.dispatchEvent(new CustomEvent("arrive", { detail: { row: `t-${item.uid}` } }))
  }

  get #place() { return `workbench unfinished ${this.#bench.document.id}` }

  #read() {
    try {
      return JSON.parse(localStorage.getItem(this.#place)) === true
    } catch {
      return false
    }
  }
}

const listed = (words) => (words.length < 2 ? words.join() : `${words.slice(0, -1).join(", ")} and ${words.at(-1)}`)
