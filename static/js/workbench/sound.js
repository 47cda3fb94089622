// What a recording sounds like, as the server heard it: how loud, where it is silent, where music plays, where somebody
// speaks. None of it is an annotation until a person says so.

import { SpanIndex, byTime } from "workbench/spans"

const COVERED = 0.5 // a span is taken care of when segments cover half of it
export const FLOOR_DB = -70

// Event "change" when it came in.
export class Sound extends EventTarget {
  #document
  #gone
  #covered = new Map() // uid → whether segments cover it, as the layer is now
  #taken = "" // the addresses that were read

  constructor(document, signal) {
    super()
    this.#document = document
    this.#gone = signal
    document.addEventListener("change", () => this.#covered.clear(), { signal })
    this.curves = [] // {startMs, stepMs, loudness}
    this.silences = new SpanIndex([])
    this.found = new SpanIndex([]) // {uid, kind: "speech" | "playback", start_ms, end_ms}
  }

  async take(recordings) {
    const heard = recordings.filter(({ levels }) => levels)
    const addresses = heard.map(({ levels }) => levels.url).join(" ")
    if (addresses === this.#taken) return
    this.#taken = addresses
    try {
      const told = await Promise.all(heard.map((recording) => this.#read(recording)))
      this.#set(told)
    } catch (error) {
      if (error.name === "AbortError") return
      this.#taken = "" // asked for again with the next news of the recordings
    }
  }

  async #read({ id, levels, offset_ms }) {
    const response = await fetch(levels.url, { signal: this.#gone })
    if (!response.ok) throw new Error(`levels answered ${response.status}`)
    const { step_ms, loudness, silences, speech, playback } = await response.json()
    const spans = (pairs, kind) => pairs.map(([a, b]) => ({ uid: `${kind}-${id}-${a}`, kind, start_ms: a + offset_ms, end_ms: b + offset_ms }))
    return {
      curve: { startMs: offset_ms, stepMs: step_ms, loudness: Int8Array.from(loudness) },
      silences: spans(silences, "silence"),
      found: [...spans(speech, "speech"), ...spans(playback, "playback")],
    }
  }

  #set(told) {
    this.curves = told.map(({ curve }) => curve)
    this.silences = new SpanIndex(told.flatMap(({ silences }) => silences))
    this.found = new SpanIndex(told.flatMap(({ found }) => found))
    this.dispatchEvent(new Event("change"))
  }

  // What was found and no segment covers yet: music by the music lane, speech by the others.
  get open() { return this.found.spans.filter((span) => !this.isCovered(span)) }

  isCovered(span) {
    let covered = this.#covered.get(span.uid)
    if (covered === undefined) {
      covered = this.#share(span) >= COVERED
      this.#covered.set(span.uid, covered)
    }
    return covered
  }

  #share({ kind, start_ms, end_ms }) {
    const lanes = kind === "playback" ? ["music"] : ["amateur", "expert", "note"]
    let covered = 0
    let reach = start_ms
    for (const segment of lanes.flatMap((lane) => this.#document.lane(lane).within(start_ms, end_ms)).sort(byTime)) {
      const [from, to] = [Math.max(reach, segment.start_ms), Math.min(end_ms, segment.end_ms)]
      if (to > from) covered += to - from
      reach = Math.max(reach, to)
    }
    return covered / (end_ms - start_ms)
  }

  // The loudest of all recordings between two times, in dBFS.
  loudest(startMs, endMs) {
    let most = FLOOR_DB
    for (const curve of this.curves) {
      const first = Math.max(0, Math.floor((startMs - curve.startMs) / curve.stepMs))
      const last = Math.min(curve.loudness.length, Math.max(first + 1, Math.ceil((endMs - curve.startMs) / curve.stepMs)))
      for (let i = first; i < last; i++) if (curve.loudness[i] > most) most = curve.loudness[i]
    }
    return most
  }
}

// Every column its loudness, in the colour of what was found there; what no segment covers yet stands out.
export function paintSound(context, sound, { viewport, place, palette }) {
  const { top, height } = place
  const spans = sound.found.within(viewport.startMs, viewport.endMs)
  context.fillStyle = palette.line
  for (let x = 0; x < viewport.width; x++) {
    const tall = bar(sound, viewport, x, height)
    context.fillRect(x, top + height - tall, 1, tall)
  }
  for (const span of spans) {
    const [from, to] = [Math.max(0, Math.floor(viewport.x(span.start_ms))), Math.min(viewport.width, Math.ceil(viewport.x(span.end_ms)))]
    const covered = sound.isCovered(span)
    context.fillStyle = span.kind === "playback" ? palette.music : palette["ink-soft"]
    context.globalAlpha = covered ? 0.35 : 0.85
    for (let x = from; x < to; x++) {
      const tall = bar(sound, viewport, x, height)
      context.fillRect(x, top + height - tall, 1, tall)
    }
    if (!covered) context.fillRect(from, top + height - 2, Math.max(1, to - from), 2)
    context.globalAlpha = 1
  }
}

function bar(sound, viewport, x, height) {
  const loud = sound.loudest(viewport.ms(x), viewport.ms(x + 1))
  return Math.max(1, Math.round(((loud - FLOOR_DB) / -FLOOR_DB) * height))
}
