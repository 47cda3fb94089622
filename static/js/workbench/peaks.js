// A recording's waveform as tiles of minimum and maximum: fetched when seen, dropped when the store is full.

const ROOM_BYTES = 16 * 2 ** 20
const AT_ONCE = 6
const MOST_GAIN = 4

// Tiles of all recordings share one room; the tile used longest ago leaves first.
export class TileRoom {
  #tiles = new Map()
  #bytes = 0

  constructor(room = ROOM_BYTES) { this.room = room }

  get(url) {
    const tile = this.#tiles.get(url)
    if (tile) {
      this.#tiles.delete(url)
      this.#tiles.set(url, tile)
    }
    return tile ?? null
  }

  put(url, tile) {
    this.#tiles.set(url, tile)
    this.#bytes += tile.byteLength
    for (const [oldest, old] of this.#tiles) {
      if (this.#bytes <= this.room || oldest === url) break
      this.#tiles.delete(oldest)
      this.#bytes -= old.byteLength
    }
  }
}

// Event "tile" when a tile came in.
export class Peaks extends EventTarget {
  #room
  #gone
  #gain = 0
  #fetching = new Map() // url → AbortController
  #failed = new Map() // url → when to try again

  constructor(peaks, offsetMs, room, signal) {
    super()
    Object.assign(this, peaks)
    this.offsetMs = offsetMs
    this.#room = room
    this.#gone = signal
    signal.addEventListener("abort", () => this.#fetching.forEach((each) => each.abort()))
  }

  framesPerPoint(level) { return this.base * this.factor ** level }
  msPerPoint(level) { return (this.framesPerPoint(level) / this.rate) * 1000 }

  // The coarsest level that still has a point for every pixel.
  levelFor(msPerPx) {
    let level = 0
    while (level + 1 < this.levels.length && this.msPerPoint(level + 1) <= msPerPx) level++
    return level
  }

  address(level, tile) { return this.url.replace("{level}", level).replace("{tile}", tile) }

  tile(level, tile) { return this.#room.get(this.address(level, tile)) }

  // How much the picture is stretched so that the loudest moment fills its height: quiet speech stays readable.
  get gain() {
    if (this.#gain) return this.#gain
    const level = this.levels.length - 1
    let loudest = 0
    for (let tile = 0; tile * this.tile_points < this.levels[level]; tile++) {
      const data = this.tile(level, tile)
      if (!data) return 1
      for (const value of data) loudest = Math.max(loudest, Math.abs(value))
    }
    return (this.#gain = Math.min(MOST_GAIN, 126 / Math.max(1, loudest)))
  }

  // Fetch the tiles for the points [first, last) of a level. Those that nobody looks at any more are given up.
  want(level, first, last) {
    const wanted = []
    const from = Math.max(0, Math.floor(first / this.tile_points))
    const to = Math.min(Math.ceil(last / this.tile_points), Math.ceil(this.levels[level] / this.tile_points))
    for (let tile = from; tile < to; tile++) wanted.push(this.address(level, tile))
    return this.wantOnly(wanted)
  }

  wantOnly(urls) {
    for (const [url, fetching] of this.#fetching) if (!urls.includes(url) && !fetching.kept) fetching.abort()
    for (const url of urls) this.#fetch(url)
  }

  // Like want, but first in line and never given up: the overview is always looked at. The coarsest level comes
  // along: it is small, it stands in for what is not here yet, and the gain is read from it.
  keep(level) {
    if (level < this.levels.length - 1) this.keep(this.levels.length - 1)
    for (let tile = 0; tile * this.tile_points < this.levels[level]; tile++) this.#fetch(this.address(level, tile), true)
  }

  async #fetch(url, kept = false) {
    if (this.#room.get(url) || this.#fetching.has(url)) return
    if (!kept && this.#fetching.size >= AT_ONCE) return // asked for again when one of those has come
    if ((this.#failed.get(url) ?? 0) > performance.now()) return
    const giveUp = new AbortController()
    giveUp.kept = kept
    this.#fetching.set(url, giveUp)
    try {
      const response = await fetch(url, { signal: AbortSignal.any([giveUp.signal, this.#gone]) })
      if (!response.ok) throw new Error(`peaks answered ${response.status}`)
      this.#room.put(url, new Int8Array(await response.arrayBuffer()))
      this.#failed.delete(url)
    } catch (error) {
      if (error.name !== "AbortError") this.#failed.set(url, performance.now() + 5000)
    } finally {
      this.#fetching.delete(url)
    }
    if (!this.#gone.aborted) this.dispatchEvent(new Event("tile"))
  }

  // Lowest and highest of a channel for each of `columns` pixels from session time `startMs` on, into `out`
  // (2 × columns, -128..127; low above high where nothing is known). Coarser tiles stand in while finer ones come.
  columns(channel, startMs, msPerPx, columns, out) {
    for (let x = 0; x < columns; x++) {
      out[2 * x] = 127
      out[2 * x + 1] = -128
    }
    for (let level = this.levelFor(msPerPx); level < this.levels.length; level++) {
      if (!this.#fill(level, channel, startMs, msPerPx, columns, out)) break
    }
  }

  // Returns whether a tile was missing.
  #fill(level, channel, startMs, msPerPx, columns, out) {
    const perPoint = this.msPerPoint(level)
    const points = this.levels[level]
    const stride = this.channels * 2
    let known = -1
    let tile = null
    let missing = false
    for (let x = 0; x < columns; x++) {
      if (out[2 * x] <= out[2 * x + 1]) continue
      const from = (startMs - this.offsetMs + x * msPerPx) / perPoint
      const first = Math.floor(from)
      if (first < 0 || first >= points) continue
      const last = Math.min(points, Math.max(first + 1, Math.floor(from + msPerPx / perPoint)))
      let low = 127
      let high = -128
      for (let point = first; point < last; point++) {
        const number = Math.floor(point / this.tile_points)
        if (number !== known) {
          known = number
          tile = this.tile(level, number)
        }
        if (!tile) {
          missing = true
          continue
        }
        const at = (point - number * this.tile_points) * stride + channel * 2
        if (tile[at] < low) low = tile[at]
        if (tile[at + 1] > high) high = tile[at + 1]
      }
      out[2 * x] = low
      out[2 * x + 1] = high
    }
    return missing
  }
}
