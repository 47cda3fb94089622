// The timeline: ruler, waveforms, lanes, turns and conversations on canvases, with the playhead above them.

import { el, oncePerFrame } from "workbench/element"
import { Gestures } from "workbench/gestures"
import { ghostBox, layout, paintChosen, paintLanes } from "workbench/lanes"
import { clock } from "workbench/clock"
import { Surface } from "workbench/surface"
import { paintRuler, paintWaveform } from "workbench/waveform"

const FOLLOW_REST_MS = 4000

export class Timeline extends HTMLElement {
  connectedCallback() { this.gone = new AbortController() }
  disconnectedCallback() { this.gone.abort() }

  open(bench) {
    const { signal } = this.gone
    this.bench = bench
    this.stage = this.querySelector(".stage")
    this.gutter = this.querySelector(".gutter")
    this.waves = new Surface(this.stage.querySelector("[data-surface=waves]"))
    this.lanes = new Surface(this.stage.querySelector("[data-surface=lanes]"))
    this.above = new Surface(this.stage.querySelector("[data-surface=above]"))
    this.dirty = { waves: true, lanes: true, above: true }
    this.draw = oncePerFrame(() => this.#draw(), signal)
    this.#buildGutter()

    const redraw = (...layers) => () => this.redraw(...layers)
    const on = (target, name, listener) => target.addEventListener(name, listener, { signal })
    on(bench.viewport, "change", redraw("waves", "lanes", "above"))
    on(bench.document, "change", redraw("lanes", "above"))
    on(bench.document, "recordings", redraw("waves"))
    on(bench.selection, "change", () => {
      this.#showLane()
      this.redraw("lanes", "above")
    })
    on(bench.player, "move", redraw("above"))
    on(bench.player, "tick", () => {
      this.#follow()
      this.redraw("above")
    })
    on(bench.palette, "change", redraw("waves", "lanes", "above"))
    on(bench, "peaks", () => {
      for (const { peaks } of bench.tracks) peaks.addEventListener("tile", redraw("waves"), { signal })
      this.redraw("waves")
    })
    this.gestures = new Gestures(this, bench, signal)
    const sizes = new ResizeObserver(() => this.#resize())
    sizes.observe(this.stage)
    signal.addEventListener("abort", () => sizes.disconnect())
    this.#resize()
    this.#showLane()
  }

  redraw(...layers) {
    for (const layer of layers) this.dirty[layer] = true
    this.draw()
  }

  #buildGutter() {
    const { document, actions } = this.bench
    this.laneButtons = document.vocabulary.lanes.map((lane, i) => {
      const action = actions.get(`lane-${i + 1}`)
      const button = el("button", { type: "button", class: "lane", title: action.title, data: { lane, action: action.name } })
      button.append(el("kbd", { text: String(i + 1) }), el("span", { text: action.label }))
      return button
    })
    this.labels = ["Turns", "Topics"].map((text) => el("span", { class: "strip", text }))
    this.gutter.replaceChildren(...this.laneButtons, ...this.labels)
  }

  #resize() {
    const { clientWidth: width, clientHeight: height } = this.stage
    if (!width || !height) return
    for (const surface of [this.waves, this.lanes, this.above]) surface.fit(width, height)
    this.places = layout(height, this.bench.document.vocabulary.lanes)
    const put = (node, { top, height: tall }) => {
      node.style.top = `${top}px`
      node.style.height = `${tall}px`
    }
    this.places.lanes.forEach((place, i) => put(this.laneButtons[i], place))
    put(this.labels[0], this.places.turns)
    put(this.labels[1], this.places.conversations)
    this.bench.viewport.resize(width)
    this.redraw("waves", "lanes", "above")
  }

  #showLane() {
    for (const button of this.laneButtons) {
      button.setAttribute("aria-pressed", String(button.dataset.lane === this.bench.selection.lane))
    }
  }

  // While it plays the page turns when the playhead leaves it, unless somebody just looked elsewhere.
  #follow() {
    const { player, viewport, view } = this.bench
    if (!view.follow || this.gestures.busy || performance.now() - viewport.touchedAt < FOLLOW_REST_MS) return
    const x = viewport.x(player.time)
    if (x < 0 || x > viewport.width - 24) viewport.moveTo(player.time - viewport.width * 0.08 * viewport.msPerPx)
  }

  #draw() {
    if (!this.places) return
    const { dirty } = this
    this.dirty = {}
    if (dirty.waves) this.#drawWaves()
    if (dirty.lanes) this.#drawLanes()
    if (dirty.above) this.#drawAbove()
  }

  #drawWaves() {
    const { viewport, palette, tracks, document } = this.bench
    const { ruler, wave } = this.places
    const context = this.waves.clear()
    paintRuler(context, viewport, ruler.height, palette)
    const room = wave.height / Math.max(1, tracks.length)
    tracks.forEach(({ peaks, recording }, i) => {
      const top = wave.top + i * room
      const level = peaks.levelFor(viewport.msPerPx)
      const point = peaks.msPerPoint(level)
      const from = (viewport.startMs - peaks.offsetMs) / point
      peaks.want(level, from, from + (viewport.width * viewport.msPerPx) / point + 1)
      context.globalAlpha = 0.85
      paintWaveform(context, peaks, viewport, { top, height: room }, palette)
      context.globalAlpha = 1
      if (tracks.length > 1) this.#caption(context, recording.name, top + 9)
    })
    if (!tracks.length) this.#caption(context, waitingFor(document.recordings), wave.top + wave.height / 2)
  }

  #caption(context, text, y) {
    context.fillStyle = this.bench.palette["ink-soft"]
    context.font = `12px ${this.bench.palette.font}`
    context.textBaseline = "middle"
    context.fillText(text, 8, y)
  }

  #drawLanes() {
    const { document, selection, viewport, palette } = this.bench
    const hidden = this.gestures.ghosts && new Set(this.gestures.ghosts.map(({ uid }) => uid))
    paintLanes(this.lanes.clear(), { document, selection, viewport, places: this.places, palette, hidden })
  }

  #drawAbove() {
    const { selection, viewport, palette, player, document } = this.bench
    const context = this.above.clear()
    const { ruler, wave, lanes, height } = this.places
    const ghosts = this.gestures.ghosts ?? []
    const range = this.gestures.range ?? selection.range
    if (range) {
      const from = viewport.x(range.start_ms ?? range.end_ms)
      const to = viewport.x(range.end_ms ?? range.start_ms)
      context.fillStyle = palette.accent
      context.globalAlpha = 0.16
      context.fillRect(from, 0, to - from, lanes.at(-1).top + lanes.at(-1).height)
      context.globalAlpha = 1
      for (const x of [from, to]) context.fillRect(Math.round(x), 0, 1, lanes.at(-1).top + lanes.at(-1).height)
    }
    for (const segment of selection.segments) {
      if (ghosts.length) break
      context.fillStyle = palette[segment.lane] ?? palette.accent
      context.globalAlpha = 0.12
      const x = viewport.x(segment.start_ms)
      context.fillRect(x, wave.top, viewport.x(segment.end_ms) - x, wave.height)
      context.globalAlpha = 1
    }
    for (const ghost of ghosts) {
      const place = ghostBox(ghost, this.places, document, viewport)
      if (!place) continue
      paintChosen(context, place, palette[ghost.lane] ?? palette.accent, palette)
      context.globalAlpha = 0.5
      for (const x of [place.x, place.x + place.width]) context.fillRect(Math.round(x), ruler.height, 1, place.y - ruler.height)
      context.globalAlpha = 1
      this.#tag(context, `${clock(ghost.start_ms)} – ${clock(ghost.end_ms)}`, place.x, place.y - 10)
    }
    const x = Math.round(viewport.x(player.time))
    if (x < -1 || x > viewport.width + 1) return
    context.fillStyle = palette.bad
    context.fillRect(x, 0, 1, height)
    context.beginPath()
    context.moveTo(x - 4, 0)
    context.lineTo(x + 5, 0)
    context.lineTo(x + 0.5, 7)
    context.fill()
  }

  #tag(context, text, x, y) {
    const { palette, viewport } = this.bench
    context.font = `11px ${palette.font}`
    context.textBaseline = "middle"
    const width = context.measureText(text).width + 8
    const left = Math.max(2, Math.min(x, viewport.width - width - 2))
    context.fillStyle = palette.ink
    context.fillRect(left, y - 8, width, 16)
    context.fillStyle = palette.paper
    context.fillText(text, left + 4, y + 0.5)
  }
}
customElements.define("mix-timeline", Timeline)

export function waitingFor(recordings) {
  if (!recordings.length) return "This session has no recording yet. Upload one on the session’s page."
  const failed = recordings.find(({ state }) => state === "failed")
  if (failed) return `The waveform could not be made: ${failed.message || "the recording could not be read."}`
  if (recordings.some(({ state }) => state === "cancelled")) return "Making the waveform was cancelled. Start it again on the jobs page."
  return "The waveform is being made; it appears here by itself."
}
