// Text that is sought in a layer: in the words of segments, in what was written for turns, in summaries; and replaced.

import { scriptRows } from "workbench/script"
import { uuid } from "workbench/uuid"

const SIDES = ["amateur", "expert"]
const MOST_HITS = 5000
const LETTER = "[\\p{L}\\p{N}_]"

// A pattern for what a person typed; throws SyntaxError where that is no regular expression.
export function patternOf(query, { matchCase = false, word = false, regex = false } = {}) {
  const source = regex ? query : query.replace(/[\\^$.*+?()[\]{}|/-]/g, "\\$&")
  if (regex) new RegExp(source, "u") // what is wrong with it is told before it is wrapped
  const whole = word ? `(?<!${LETTER})(?:${source})(?!${LETTER})` : source
  return new RegExp(whole, matchCase ? "gu" : "giu")
}

// Every text of the layer in the order of the transcript: {key, row, uid, kind, text}.
export function textsOf(document) {
  const texts = []
  const seen = new Set()
  const add = (kind, uid, row, text) => text && texts.push({ key: `${kind} ${uid}`, kind, uid, row, text })
  for (const { id, kind, item } of scriptRows(document)) {
    if (kind === "turn") {
      add("summary", item.uid, id, document.summaryOf(item.uid)?.text)
      for (const side of SIDES) add(side, item.uid, id, item.row[`${side}_text`])
    } else if (kind === "segment" && !seen.has(item.uid)) {
      seen.add(item.uid)
      add("segment", item.uid, id, item.text)
    }
  }
  return texts
}

export function hitsIn(texts, pattern) {
  const hits = []
  for (const place of texts) {
    for (const match of place.text.matchAll(pattern)) {
      if (!match[0]) continue // nothing at all is found everywhere
      hits.push({ ...place, start: match.index, end: match.index + match[0].length })
      if (hits.length >= MOST_HITS) return hits
    }
  }
  return hits
}

// "$1" and "\n" mean something in a replacement only beside a regular expression.
function replacement(text, regex) {
  if (!regex) return () => text
  return text.replace(/\\([nt\\])/g, (_, sign) => ({ n: "\n", t: "\t", "\\": "\\" })[sign])
}

// Events: "change" when hits differ, "arrive" {row} when one is gone to.
export class Finder extends EventTarget {
  #bench
  #marks = new Map()

  constructor(bench) {
    super()
    this.#bench = bench
    this.query = ""
    this.options = { matchCase: false, word: false, regex: false }
    this.clear()
    bench.document.addEventListener("change", () => this.query && this.#look())
  }

  clear() { this.seek("", this.options) }

  // Look for something else; the first hit at or after where one is becomes the present one, without going there.
  seek(query, options) {
    this.query = query
    this.options = options
    this.present = null
    this.#look()
  }

  get position() { return this.present ? this.hits.indexOf(this.present) : -1 }

  // The hits in one text, as [start, end, whether it is the present one].
  marksOf(kind, uid) { return this.#marks.get(`${kind} ${uid}`) ?? [] }

  step(direction) {
    if (!this.hits.length) return
    const { length } = this.hits
    const first = this.#firstFromHere()
    const to = this.present ? (this.position + direction + length) % length : direction > 0 ? first : (first - 1 + length) % length
    this.#goTo(this.hits[to])
  }

  replace(text) {
    this.#bench.flushDrafts()
    const { present } = this
    if (!present) return this.step(1)
    const pattern = new RegExp(this.pattern.source, this.pattern.flags.replace("g", "y"))
    pattern.lastIndex = present.start
    const changed = present.text.replace(pattern, replacement(text, this.options.regex))
    const { key, start } = present
    const grown = start + Math.max(0, present.end - start + changed.length - present.text.length)
    if (!this.#bench.acts.try("Replaced.", [editOf(present, changed)])) return
    // go on behind what was put in, so that it is not found again
    const at = this.hits.findIndex((hit) => hit.key === key && hit.start >= grown)
    const order = new Map(textsOf(this.#bench.document).map((each, i) => [each.key, i]))
    const later = at >= 0 ? at : this.hits.findIndex((hit) => order.get(hit.key) > order.get(key))
    if (this.hits.length) this.#goTo(this.hits[Math.max(0, later)])
  }

  replaceAll(text) {
    this.#bench.flushDrafts()
    const places = new Map(this.hits.map((hit) => [hit.key, hit]))
    const { length } = this.hits
    const ops = [...places.values()].flatMap((place) => {
      const changed = place.text.replace(this.pattern, replacement(text, this.options.regex))
      return changed === place.text ? [] : [editOf(place, changed)]
    })
    if (!ops.length) return this.#bench.acts.no(length ? "That would change nothing." : "Nothing is found.")
    this.#bench.acts.try(`${length} replaced in ${ops.length} ${ops.length === 1 ? "text" : "texts"}. Undo${this.#bench.keymap.hint("undo")} takes it all back.`, ops)
  }

  #goTo(hit) {
    const { document } = this.#bench
    if (hit.kind === "segment") this.#bench.arrive([hit.uid])
    else {
      const turn = document.turn(hit.uid)
      this.#bench.arrive(turn.segments.map(({ uid }) => uid), { primary: turn.segments[0]?.uid, turn: turn.uid, keepLane: true })
    }
    // a draft that was put down meanwhile may have changed the list
    this.present = this.hits.find(({ key, start }) => key === hit.key && start === hit.start) ?? null
    this.#tell()
    this.dispatchEvent(new CustomEvent("arrive", { detail: { row: hit.row } }))
  }

  #firstFromHere() {
    const { document, selection, player } = this.#bench
    const from = selection.segment?.start_ms ?? player.time
    const at = ({ kind, uid }) => (kind === "segment" ? document.segment(uid) : document.turn(uid))?.start_ms ?? 0
    return Math.max(0, this.hits.findIndex((hit) => at(hit) >= from))
  }

  #look() {
    this.error = ""
    this.hits = []
    this.pattern = null
    if (this.query) {
      try {
        this.pattern = patternOf(this.query, this.options)
        this.hits = hitsIn(textsOf(this.#bench.document), this.pattern)
      } catch (error) {
        if (!(error instanceof SyntaxError)) throw error
        this.error = `This is no regular expression: ${error.message.split(": ").at(-1).toLowerCase()}.`
      }
    }
    const { present } = this
    if (present) this.present = this.hits.find(({ key, start }) => key === present.key && start === present.start) ?? null
    this.#tell()
  }

  #tell() {
    this.#marks.clear()
    for (const hit of this.hits) {
      const marks = this.#marks.get(hit.key) ?? []
      marks.push([hit.start, hit.end, hit === this.present])
      this.#marks.set(hit.key, marks)
    }
    this.dispatchEvent(new Event("change"))
  }
}

function editOf({ kind, uid }, text) {
  if (kind === "segment") return { op: "segment.update", uid, text: text.replace(/\s*\n\s*/g, " ").trim() }
  if (kind === "summary") return { op: "summary.write", uid: uuid(), turn: uid, text: text.trim() }
  return { op: "turn.update", uid, [`${kind}_text`]: text.trim() }
}
