// A recording's own samples, for a look closer than its waveform's tiles: windows of a second, fetched when seen.

const WINDOW_MS = 1000 // a whole number of frames at every rate
const HEADER_BYTES = 44

export const CLOSE_MS_PER_PX = 1 // closer than this a tile's points are broader than a pixel

// Event "window" when one came in. Times are the session's.
export class Samples extends EventTarget {
  #clips
  #room
  #gone
  #fetching = new Map() // url → AbortController
  #failed = new Map() // url → when to try again

  constructor({ clips, offset_ms, length_ms }, room, signal) {
    super()
    this.#clips = clips
    this.#room = room
    this.#gone = signal
    this.offsetMs = offset_ms
    this.lengthMs = length_ms
    this.exact = clips.exact
    signal.addEventListener("abort", () => this.#fetching.forEach((each) => each.abort()))
  }

  #address(number) {
    return this.#clips.url.replace("{start}", number * WINDOW_MS).replace("{end}", Math.min(this.lengthMs, (number + 1) * WINDOW_MS))
  }

  #numbers(startMs, endMs) {
    const first = Math.max(0, Math.floor((startMs - this.offsetMs) / WINDOW_MS))
    const last = Math.min(Math.ceil((endMs - this.offsetMs) / WINDOW_MS), Math.ceil(this.lengthMs / WINDOW_MS))
    return Array.from({ length: Math.max(0, last - first) }, (_, i) => first + i)
  }

  // Fetch what covers a span; windows that nobody looks at any more are given up.
  want(startMs, endMs) {
    const urls = this.#numbers(startMs, endMs).map((number) => this.#address(number))
    for (const [url, fetching] of this.#fetching) if (!urls.includes(url)) fetching.abort()
    return Promise.all(urls.map((url) => this.#fetch(url)))
  }

  async #fetch(url) {
    if (this.#room.get(url) || this.#fetching.has(url) || (this.#failed.get(url) ?? 0) > performance.now()) return
    const giveUp = new AbortController()
    this.#fetching.set(url, giveUp)
    try {
      const response = await fetch(url, { signal: AbortSignal.any([giveUp.signal, this.#gone]) })
      if (!response.ok) throw new Error(`samples answered ${response.status}`)
      this.#room.put(url, parsed(await response.arrayBuffer()))
    } catch (error) {
      if (error.name !== "AbortError") this.#failed.set(url, performance.now() + 5000)
    } finally {
      this.#fetching.delete(url)
    }
    if (!this.#gone.aborted) this.dispatchEvent(new Event("window"))
  }

  // The windows that cover a span, [{startMs, rate, channels, data}]; null while one is missing.
  windows(startMs, endMs) {
    const found = []
    for (const number of this.#numbers(startMs, endMs)) {
      const window = this.#room.get(this.#address(number))
      if (!window) return null
      found.push({ ...window, startMs: this.offsetMs + number * WINDOW_MS })
    }
    return found
  }

  // Of the whole milliseconds within `reach` of a time, the one at which the sound is nearest to zero; null where its
  // samples are not here.
  quietest(ms, reach) {
    const windows = this.windows(ms - reach, ms + reach + 1)
    if (!windows?.length) return null
    let best = null
    for (let at = Math.ceil(ms - reach); at <= ms + reach; at++) {
      const window = windows.findLast(({ startMs }) => startMs <= at)
      const frame = window && Math.round(((at - window.startMs) * window.rate) / 1000)
      if (!window || frame * window.channels >= window.data.length) continue
      let sum = 0
      for (let channel = 0; channel < window.channels; channel++) sum += window.data[frame * window.channels + channel]
      const found = { at, size: Math.abs(sum), far: Math.abs(at - ms) }
      if (!best || found.size < best.size || (found.size === best.size && found.far < best.far)) best = found
    }
    return best?.at ?? null
  }
}

function parsed(buffer) {
  const head = new DataView(buffer)
  const data = new Int16Array(buffer, HEADER_BYTES, (buffer.byteLength - HEADER_BYTES) >> 1)
  return { channels: head.getUint16(22, true), rate: head.getUint32(24, true), data, byteLength: buffer.byteLength }
}
