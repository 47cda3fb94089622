// Where an edge comes to rest when it is drawn near something: edges of others, silence, words, zero crossings, the grid.

import { el } from "workbench/element"
import { CLOSE_MS_PER_PX } from "workbench/samples"

const REACH_PX = 8
const CROSSING_MS = 3
const GRID_MS = 100
const KEY = "workbench snapping"

export const TARGETS = {
  edge: "Edges and playhead",
  silence: "Silence",
  word: "Words",
  grid: "Grid of 0.1 s",
  zero: "Zero crossings, close up",
}

// Event "change" when it is set otherwise. What is set is kept in this browser.
export class Snapping extends EventTarget {
  constructor(bench) {
    super()
    this.bench = bench
    this.on = true
    this.linked = true // an edge that two segments of a lane share moves for both
    this.kinds = new Set(["edge", "silence", "word"])
    try {
      const { on, linked, kinds } = JSON.parse(localStorage.getItem(KEY)) ?? {}
      if (typeof on === "boolean") this.on = on
      if (typeof linked === "boolean") this.linked = linked
      if (Array.isArray(kinds)) this.kinds = new Set(kinds.filter((kind) => kind in TARGETS))
    } catch {
      // no storage, or something else's: as it is at first
    }
  }

  set(what) {
    Object.assign(this, what)
    try {
      localStorage.setItem(KEY, JSON.stringify({ on: this.on, linked: this.linked, kinds: [...this.kinds] }))
    } catch {
      // a full or forbidden storage costs only the habit
    }
    this.dispatchEvent(new Event("change"))
  }

  // The target that an edge at `ms` comes to rest on, {ms, kind}; null where none is near. `except` are the uids that
  // are being moved themselves.
  near(ms, except = new Set()) {
    if (!this.on) return null
    const reach = REACH_PX * this.bench.viewport.msPerPx
    const found = [...this.#marks(ms - reach, ms + reach, except)].filter((mark) => Math.abs(mark.ms - ms) <= reach)
    found.sort((a, b) => Math.abs(a.ms - ms) - Math.abs(b.ms - ms))
    return found[0] ?? this.#grid(ms, reach) ?? this.#crossing(ms)
  }

  *#marks(from, to, except) {
    const { document, player, sound } = this.bench
    const near = document.index.within(from - 1, to + 1)
    if (this.kinds.has("edge")) {
      yield { ms: player.time, kind: "playhead" }
      for (const { uid, start_ms, end_ms } of near) {
        if (!except.has(uid)) yield* [{ ms: start_ms, kind: "edge" }, { ms: end_ms, kind: "edge" }]
      }
    }
    if (this.kinds.has("silence")) {
      for (const { start_ms, end_ms } of sound.silences.within(from - 1, to + 1)) {
        yield* [{ ms: start_ms, kind: "silence" }, { ms: end_ms, kind: "silence" }]
      }
    }
    if (this.kinds.has("word")) {
      for (const { words = [] } of near) {
        for (const [start, end] of words) yield* [{ ms: start, kind: "word" }, { ms: end, kind: "word" }]
      }
    }
  }

  #grid(ms, reach) {
    const at = Math.round(ms / GRID_MS) * GRID_MS
    return this.kinds.has("grid") && Math.abs(at - ms) <= Math.max(reach, 1) ? { ms: at, kind: "grid" } : null
  }

  #crossing(ms) {
    const { viewport, tracks } = this.bench
    if (!this.kinds.has("zero") || viewport.msPerPx >= CLOSE_MS_PER_PX) return null
    const at = tracks[0]?.samples?.quietest(Math.round(ms), CROSSING_MS) ?? null
    return at === null ? null : { ms: at, kind: "zero crossing" }
  }

  // The segment of the same lane that begins where this one ends, or ends where it begins.
  mateOf({ uid, lane, ...row }, edge) {
    if (!this.linked) return null
    const other = edge === "start_ms" ? "end_ms" : "start_ms"
    const near = this.bench.document.lane(lane).within(row[edge] - 1, row[edge] + 1)
    return near.find((each) => each.uid !== uid && each[other] === row[edge]) ?? null
  }
}

class SnapMenu extends HTMLElement {
  connectedCallback() { this.gone = new AbortController() }
  disconnectedCallback() { this.gone.abort() }

  open({ snapping }) {
    const { signal } = this.gone
    const list = this.querySelector("[data-part=targets]")
    const box = (text, checked, change) => {
      const input = el("input", { type: "checkbox", checked })
      input.addEventListener("change", () => change(input.checked), { signal })
      return el("label", {}, input, el("span", { text }))
    }
    const targets = Object.entries(TARGETS).map(([kind, text]) => box(text, snapping.kinds.has(kind), (on) => {
      const kinds = new Set(snapping.kinds)
      if (on) kinds.add(kind)
      else kinds.delete(kind)
      snapping.set({ kinds })
    }))
    list.replaceChildren(...targets, box("Shared edges move together", snapping.linked, (linked) => snapping.set({ linked })))
  }
}
customElements.define("snap-menu", SnapMenu)
