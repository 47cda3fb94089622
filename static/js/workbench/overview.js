// The whole session in one strip: what sounds and is not cut, what is cut, in turns, under a topic, flagged; the view.

import { span } from "workbench/clock"
import { oncePerFrame } from "workbench/element"
import { coverage } from "workbench/spans"
import { Surface } from "workbench/surface"
import { paintWaveform } from "workbench/waveform"

const ROW_PX = 4
const ROWS = 5

class Overview extends HTMLElement {
  connectedCallback() {
    this.gone = new AbortController()
    this.lengthMs = Math.max(1, Number(this.dataset.length))
    const [below, above] = this.querySelectorAll("canvas")
    this.below = new Surface(below)
    this.above = new Surface(above)
  }

  disconnectedCallback() { this.gone.abort() }

  open(bench) {
    const { signal } = this.gone
    this.bench = bench
    this.dirty = true
    this.draw = oncePerFrame(() => this.#draw(), signal)
    const all = () => {
      this.dirty = true
      this.draw()
    }
    const on = (target, name, listener, options = {}) => target.addEventListener(name, listener, { signal, ...options })
    on(bench.document, "change", all)
    on(bench.palette, "change", all)
    on(bench.sound, "change", all)
    on(bench.viewport, "change", () => this.draw())
    on(bench.player, "move", () => this.draw())
    on(bench.player, "tick", () => this.draw())
    on(bench, "peaks", () => {
      for (const { peaks } of bench.tracks) {
        peaks.addEventListener("tile", () => this.#tile(), { signal })
        peaks.keep(this.#level(peaks))
      }
      all()
    })
    on(this, "pointerdown", (event) => this.#down(event))
    on(this, "pointermove", (event) => this.held !== undefined && this.#drag(event))
    on(this, "pointerup", () => (this.held = undefined))
    on(this, "pointercancel", () => (this.held = undefined))
    on(this, "keydown", (event) => this.#key(event))
    on(this, "wheel", (event) => this.#wheel(event), { passive: false })
    const sizes = new ResizeObserver(() => {
      for (const surface of [this.below, this.above]) surface.fit(this.clientWidth, this.clientHeight)
      all()
    })
    sizes.observe(this)
    signal.addEventListener("abort", () => sizes.disconnect())
  }

  get msPerPx() { return this.lengthMs / Math.max(1, this.below.width) }

  #level(peaks) { return peaks.levelFor(this.lengthMs / Math.max(600, this.clientWidth)) }

  // Tiles of the timeline come in all the time; only the overview's own change this picture.
  #tile() {
    if (this.drawnWhole) return
    for (const { peaks } of this.bench.tracks) peaks.keep(this.#level(peaks))
    this.dirty = true
    this.draw()
  }

  #draw() {
    if (!this.below.width) return
    if (this.dirty) this.#drawBelow()
    this.dirty = false
    const { viewport, palette, player } = this.bench
    const context = this.above.clear()
    const [from, to] = [viewport.startMs / this.msPerPx, viewport.endMs / this.msPerPx]
    context.fillStyle = palette.ink
    context.globalAlpha = 0.07
    context.fillRect(0, 0, from, this.above.height)
    context.fillRect(to, 0, this.above.width - to, this.above.height)
    context.globalAlpha = 1
    context.strokeStyle = palette.accent
    context.lineWidth = 1.5
    context.strokeRect(from + 0.75, 0.75, Math.max(3, to - from - 1.5), this.above.height - 1.5)
    context.fillStyle = palette.bad
    context.fillRect(Math.round(player.time / this.msPerPx), 0, 1, this.above.height)
    this.setAttribute("aria-valuenow", Math.round(viewport.startMs / 1000))
    this.setAttribute("aria-valuetext", `Showing ${span(viewport.startMs, viewport.endMs)}`)
  }

  #drawBelow() {
    const { palette, tracks } = this.bench
    const context = this.below.clear()
    const { width, height } = this.below
    const rows = this.#rows()
    const wave = height - ROW_PX * rows.length
    this.drawnWhole = tracks.length > 0 && tracks.every(({ peaks }) => peaks.tile(this.#level(peaks), 0))
    const main = tracks[0]
    if (main) this.#drawWave(context, main.peaks, wave, palette)
    if (this.drawnWhole) {
      this.querySelector("svg")?.remove() // the waveform that came with the page
      mark("overview-drawn")
    }
    rows.forEach(({ spans, colour }, i) => {
      const shares = coverage(spans, this.msPerPx, Math.ceil(width))
      context.fillStyle = colour
      shares.forEach((share, x) => {
        if (!share) return
        context.globalAlpha = 0.25 + 0.75 * share
        context.fillRect(x, wave + i * ROW_PX, 1, ROW_PX - 1)
      })
    })
    context.globalAlpha = 1
  }

  #drawWave(context, peaks, height, palette) {
    context.globalAlpha = 0.7
    const view = { startMs: 0, msPerPx: this.msPerPx, width: this.below.width }
    paintWaveform(context, peaks, view, { top: 0, height, overlaid: true }, palette)
    context.globalAlpha = 1
  }

  // How far the work is, from above: cut (and beneath that what sounds and is not), in turns, under a topic, flagged.
  #rows() {
    const { document, palette, sound } = this.bench
    const flags = document.vocabulary.flags.filter(({ retired }) => !retired)
    const flagged = ({ uid }) => flags.length > 0 && flags.every(({ key }) => document.flagOf(uid, key))
    return [
      { spans: sound.open, colour: palette.warn },
      { spans: document.segments.filter(({ lane }) => lane !== "note"), colour: palette.wave },
      { spans: document.turns, colour: palette.accent },
      { spans: document.conversations, colour: palette.music },
      { spans: document.turns.filter(flagged), colour: palette.good },
    ]
  }

  #down(event) {
    if (event.button !== 0) return
    const { viewport } = this.bench
    const ms = event.offsetX * this.msPerPx
    const inside = ms >= viewport.startMs && ms <= viewport.endMs
    this.held = inside ? ms - viewport.startMs : (viewport.endMs - viewport.startMs) / 2
    this.setPointerCapture(event.pointerId)
    this.#drag(event)
  }

  #drag(event) {
    const x = event.clientX - this.getBoundingClientRect().left
    this.bench.viewport.moveTo(x * this.msPerPx - this.held, { byHand: true })
  }

  #wheel(event) {
    event.preventDefault()
    const { viewport } = this.bench
    if (event.ctrlKey || event.metaKey) viewport.zoom(Math.exp(event.deltaY * 0.004))
    else viewport.pan((event.deltaX || event.deltaY) * 2)
  }

  #key(event) {
    const { viewport } = this.bench
    const page = viewport.width * 0.8
    const steps = { ArrowLeft: -page / 4, ArrowRight: page / 4, PageUp: -page, PageDown: page, Home: -Infinity, End: Infinity }
    const step = steps[event.key]
    if (step === undefined || event.ctrlKey || event.altKey || event.metaKey) return
    event.preventDefault()
    event.stopPropagation()
    if (Number.isFinite(step)) viewport.pan(step)
    else viewport.moveTo(step < 0 ? 0 : viewport.lengthMs, { byHand: true })
  }
}
customElements.define("mix-overview", Overview)

export function mark(name) {
  if (!performance.getEntriesByName(name, "mark").length) performance.mark(name)
}
