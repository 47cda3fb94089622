// The selected segment: lane, exact times and words to type; what can be done to it.

import { clock, parseClock, span } from "workbench/clock"
import { Draft } from "workbench/draft"
import { el } from "workbench/element"

class SegmentCard extends HTMLElement {
  connectedCallback() { this.gone = new AbortController() }
  disconnectedCallback() { this.gone.abort() }

  open(bench) {
    const { signal } = this.gone
    this.bench = bench
    const part = (name) => this.querySelector(`[data-part=${name}]`)
    this.parts = Object.fromEntries(["title", "hint", "acts", "fields", "lane", "start", "end", "length", "text", "broken"].map((name) => [name, part(name)]))
    const { lane, start, end, text } = this.parts
    lane.replaceChildren(...bench.document.vocabulary.lanes.map((each) => el("option", { value: each, text: bench.acts.laneLabel(each) })))
    lane.addEventListener("change", () => this.#relane(), { signal })
    const uid = () => bench.selection.primary
    const row = (each) => each && bench.document.segment(each)
    const time = (field, edge) => new Draft(field, {
      bench, signal, enter: true, patient: true, subject: uid,
      read: (each) => (row(each) ? clock(row(each)[edge]) : ""),
      write: (each, typed) => this.#retime(each, edge, typed),
    })
    this.drafts = [
      time(start, "start_ms"), time(end, "end_ms"),
      new Draft(text, {
        bench, signal, enter: true, subject: uid,
        read: (each) => row(each)?.text ?? "",
        write: (each, typed) => bench.acts.write(each, typed.replace(/\s*\n\s*/g, " ").trim()),
        done: () => text.blur(),
      }),
    ]
    bench.selection.addEventListener("change", () => this.#show(), { signal })
    bench.document.addEventListener("change", () => this.#show(), { signal })
    this.#show()
  }

  #relane() {
    const { bench } = this
    const wanted = this.parts.lane.value // read first: putting down what was typed shows the fields anew
    bench.selection.select([bench.selection.primary], { keepLane: true })
    bench.acts.relane(wanted)
  }

  #retime(uid, edge, typed) {
    const ms = parseClock(typed)
    if (ms === null) this.bench.say(`“${typed}” is not a time. Type 62.5 or 1:02.5.`, "bad")
    else this.bench.acts.setTime(uid, edge, ms)
  }

  #tellBroken(segment) {
    const broken = segment ? this.bench.document.broken(segment.uid) : []
    this.parts.broken.textContent = broken.map(({ message }) => message).join(" ")
    this.parts.broken.hidden = !broken.length
  }

  #show() {
    const { selection, document, keymap } = this.bench
    const { title, hint, acts, fields, lane, length } = this.parts
    const segment = selection.segment
    const { range } = selection
    const many = selection.uids.size > 1
    acts.hidden = !segment
    fields.hidden = !segment || many
    title.textContent = many ? `${selection.uids.size} segments` : "Segment"
    if (range) hint.textContent = rangeHint(range, keymap)
    else if (many) hint.textContent = span(selection.span.start_ms, selection.span.end_ms)
    else hint.textContent = segment || !document.editable ? "" : `Drag on a lane, or mark a start${keymap.hint("mark-in")} and an end${keymap.hint("mark-out")} and choose a lane${keymap.hint("lane-1")}.`
    hint.hidden = !hint.textContent
    for (const draft of this.drafts) draft.show()
    length.textContent = segment && !many ? `${((segment.end_ms - segment.start_ms) / 1000).toFixed(3)} s` : ""
    this.#tellBroken(many ? null : segment)
    if (!segment) return
    lane.value = segment.lane
  }
}
customElements.define("segment-card", SegmentCard)

function rangeHint({ start_ms, end_ms }, keymap) {
  if (end_ms === null) return `Start marked at ${clock(start_ms)}. Mark the end${keymap.hint("mark-out")}.`
  if (start_ms === null) return `End marked at ${clock(end_ms)}. Mark the start${keymap.hint("mark-in")}.`
  return `Marked ${clock(start_ms)} – ${clock(end_ms)}. Choose a lane${keymap.hint("lane-1")}, or make it${keymap.hint("make")}.`
}
