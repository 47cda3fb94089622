// The timeline: ruler, waveforms, lanes, turns and conversations on canvases, with the playhead above them.

import { oncePerFrame } from "workbench/element"
import { Gestures } from "workbench/gestures"
import { Gutter } from "workbench/gutter"
import { ghostBox, layout, paintChosen, paintLanes } from "workbench/lanes"
import { clock } from "workbench/clock"
import { paintSound } from "workbench/sound"
import { Surface } from "workbench/surface"
import { paintTracks, trackPlaces } from "workbench/tracks"
import { paintRuler } from "workbench/waveform"

const FOLLOW_REST_MS = 4000

export class Timeline extends HTMLElement {
  connectedCallback() { this.gone = new AbortController() }
  disconnectedCallback() { this.gone.abort() }

  open(bench) {
    const { signal } = this.gone
    this.bench = bench
    this.stage = this.querySelector(".stage")
    this.gutter = new Gutter(this.querySelector(".gutter"), bench, signal)
    this.resume = this.querySelector("[data-action=resume]")
    this.waves = new Surface(this.stage.querySelector("[data-surface=waves]"))
    this.lanes = new Surface(this.stage.querySelector("[data-surface=lanes]"))
    this.above = new Surface(this.stage.querySelector("[data-surface=above]"))
    this.dirty = { waves: true, lanes: true, above: true }
    this.draw = oncePerFrame(() => this.#draw(), signal)

    const redraw = (...layers) => () => this.redraw(...layers)
    const on = (target, name, listener) => target.addEventListener(name, listener, { signal })
    on(bench.viewport, "change", redraw("waves", "lanes", "above"))
    on(bench.document, "change", redraw("waves", "lanes", "above"))
    on(bench.document, "recordings", redraw("waves"))
    on(bench.selection, "change", redraw("lanes", "above"))
    on(bench.sound, "change", redraw("waves"))
    on(bench.taps, "change", redraw("above"))
    on(bench, "view", () => this.#resize())
    on(bench.player, "state", () => {
      this.#showResume()
      this.redraw("waves", "above")
    })
    on(bench.player, "move", redraw("above"))
    on(bench.player, "tick", () => {
      this.#follow()
      this.redraw("above")
    })
    on(bench.suggestions, "change", redraw("lanes"))
    on(bench.palette, "change", redraw("waves", "lanes", "above"))
    on(bench, "peaks", () => {
      for (const { peaks, samples, spectrogram } of bench.tracks) {
        peaks.addEventListener("tile", redraw("waves"), { signal })
        samples?.addEventListener("window", redraw("waves"), { signal })
        spectrogram?.addEventListener("tile", redraw("waves"), { signal })
      }
      this.gutter.fill()
      this.#resize()
    })
    this.gestures = new Gestures(this, bench, signal)
    const sizes = new ResizeObserver(() => this.#resize())
    sizes.observe(this.stage)
    signal.addEventListener("abort", () => sizes.disconnect())
    this.#resize()
  }

  redraw(...layers) {
    for (const layer of layers) this.dirty[layer] = true
    this.draw()
  }

  #resize() {
    const { clientWidth: width, clientHeight: height } = this.stage
    if (!width || !height) return
    for (const surface of [this.waves, this.lanes, this.above]) surface.fit(width, height)
    this.places = layout(height, this.bench.document.vocabulary.lanes)
    this.places.tracks = trackPlaces(this.bench.tracks, this.places.wave, this.bench.view.spectrogram)
    this.gutter.place(this.places)
    this.bench.viewport.resize(width)
    this.redraw("waves", "lanes", "above")
  }

  // While it plays the page turns when the playhead leaves it, unless somebody just looked elsewhere.
  #follow() {
    const { player, viewport, view } = this.bench
    this.#showResume()
    if (!view.follow || this.gestures.busy || this.#rests) return
    const x = viewport.x(player.time)
    if (x < 0 || x > viewport.width - 24) viewport.moveTo(player.time - viewport.width * 0.08 * viewport.msPerPx)
  }

  get #rests() { return performance.now() - this.bench.viewport.touchedAt < FOLLOW_REST_MS }

  // Somebody looks elsewhere while it plays: a chip says so, and leads back at once.
  #showResume() {
    const { player, viewport, view } = this.bench
    const x = viewport.x(player.time)
    const away = x < 0 || x > viewport.width
    const hidden = !player.playing || !away || (view.follow && !this.#rests)
    if (this.resume.hidden !== hidden) this.resume.hidden = hidden
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
    const { bench, places } = this
    const { viewport, palette, tracks, document, sound } = bench
    const context = this.waves.clear()
    paintRuler(context, viewport, places.ruler.height, palette)
    paintTracks(context, places.tracks, bench)
    paintSound(context, sound, { viewport, place: places.sound, palette })
    if (!tracks.length) this.#caption(context, waitingFor(document.recordings), places.wave.top + places.wave.height / 2)
  }

  #caption(context, text, y) {
    context.fillStyle = this.bench.palette["ink-soft"]
    context.font = `12px ${this.bench.palette.font}`
    context.textBaseline = "middle"
    context.fillText(text, 8, y)
  }

  #drawLanes() {
    const { document, selection, viewport, palette, suggestions } = this.bench
    const suggested = suggestions.all.filter(({ start_ms, end_ms }) => end_ms > viewport.startMs && start_ms < viewport.endMs)
    const hidden = this.gestures.ghosts && new Set(this.gestures.ghosts.map(({ uid }) => uid))
    paintLanes(this.lanes.clear(), { document, selection, viewport, places: this.places, palette, hidden, suggested })
  }

  #drawAbove() {
    const { selection, viewport, palette, player, document } = this.bench
    const context = this.above.clear()
    const { ruler, wave, lanes, height } = this.places
    const ghosts = this.gestures.ghosts ?? this.#tapped()
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
    if (this.gestures.rest) this.#guide(context, this.gestures.rest)
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

  // What is being tapped, as far as it has come.
  #tapped() {
    const { taps, player } = this.bench
    if (!taps.opened) return []
    return [{ uid: "", ...taps.opened, end_ms: Math.max(taps.opened.start_ms + 1, player.time) }]
  }

  // What the edge under the pointer came to rest on.
  #guide(context, { ms, kind }) {
    const { palette, viewport } = this.bench
    const x = Math.round(viewport.x(ms))
    context.fillStyle = palette.accent
    for (let y = 0; y < this.places.height; y += 6) context.fillRect(x, y, 1, 3)
    this.#tag(context, kind, x + 4, this.places.ruler.height + 10)
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
