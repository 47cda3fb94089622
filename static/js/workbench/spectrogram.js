// A recording's spectrogram as pictures that the server made: those in view are fetched, few are kept.

const KEPT = 24 // pictures; each is about half a megabyte when it is drawn

// Event "tile" when a picture came in.
export class Spectrogram extends EventTarget {
  #tiles = new Map() // address → ImageBitmap, the one used longest ago first
  #fetching = new Set()
  #gone

  constructor({ spectrogram, offset_ms }, signal) {
    super()
    Object.assign(this, spectrogram)
    this.offsetMs = offset_ms
    this.#gone = signal
    signal.addEventListener("abort", () => this.#tiles.forEach((tile) => tile.close()))
  }

  // The coarsest level that still has a column for every pixel, or the coarsest there is.
  levelFor(msPerPx) {
    let level = 0
    while (level + 1 < this.levels.length && this.levels[level + 1].ms_per_column <= msPerPx) level++
    return level
  }

  // Whether a picture of this scale is worth its bytes: further out it would be a blur of many tiles.
  readable(msPerPx) { return msPerPx <= 4 * this.levels.at(-1).ms_per_column }

  paint(context, viewport, { top, height }) {
    const number = this.levelFor(viewport.msPerPx)
    const level = this.levels[number]
    const tileMs = this.tile_columns * level.ms_per_column
    const first = Math.max(0, Math.floor((viewport.startMs - this.offsetMs) / tileMs))
    const last = Math.min(Math.ceil(level.columns / this.tile_columns), Math.ceil((viewport.endMs - this.offsetMs) / tileMs))
    for (let tile = first; tile < last; tile++) {
      const picture = this.#tile(this.url.replace("{level}", number).replace("{tile}", tile))
      if (!picture) continue
      const x = viewport.x(this.offsetMs + tile * tileMs)
      context.drawImage(picture, x, top, (picture.width * level.ms_per_column) / viewport.msPerPx, height)
    }
  }

  #tile(address) {
    const found = this.#tiles.get(address)
    if (!found) this.#fetch(address)
    else {
      this.#tiles.delete(address)
      this.#tiles.set(address, found)
    }
    return found ?? null
  }

  async #fetch(address) {
    if (this.#fetching.has(address)) return
    this.#fetching.add(address)
    try {
      const response = await fetch(address, { signal: this.#gone })
      if (!response.ok) throw new Error(`the spectrogram answered ${response.status}`)
      this.#tiles.set(address, await createImageBitmap(await response.blob()))
      for (const [oldest, tile] of this.#tiles) {
        if (this.#tiles.size <= KEPT) break
        tile.close()
        this.#tiles.delete(oldest)
      }
      this.#fetching.delete(address)
      if (!this.#gone.aborted) this.dispatchEvent(new Event("tile"))
    } catch {
      setTimeout(() => this.#fetching.delete(address), 5000) // then it may be asked for again
    }
  }
}
