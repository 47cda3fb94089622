// Which part of the session is in view, and how milliseconds become pixels.

const CLOSEST_MS = 5 // the least that fills the view

export class Viewport extends EventTarget {
  constructor(lengthMs) {
    super()
    this.lengthMs = Math.max(1, lengthMs)
    this.width = 1
    this.startMs = 0
    this.msPerPx = 1
    this.whole = true // show the whole session until somebody looks closer
    this.touchedAt = -Infinity // when a person last moved the view; following waits for them
  }

  get endMs() { return this.startMs + this.width * this.msPerPx }
  get widest() { return this.lengthMs / this.width }

  x(ms) { return (ms - this.startMs) / this.msPerPx }
  ms(x) { return this.startMs + x * this.msPerPx }

  resize(width) {
    if (width === this.width || width < 1) return
    this.width = width
    this.#set(this.startMs, this.whole ? this.widest : this.msPerPx)
  }

  pan(px, { byHand = true } = {}) {
    if (byHand) this.touchedAt = performance.now()
    this.#set(this.startMs + px * this.msPerPx, this.msPerPx)
  }

  // The time under `x` stays under it.
  zoom(factor, x = this.width / 2) {
    this.touchedAt = performance.now()
    const scale = this.#clamp(this.msPerPx * factor)
    this.#set(this.ms(x) - x * scale, scale)
  }

  show(start, end, { margin = 0.1 } = {}) {
    const length = Math.max(end - start, CLOSEST_MS)
    const scale = this.#clamp((length * (1 + 2 * margin)) / this.width)
    this.#set((start + end) / 2 - (this.width * scale) / 2, scale)
  }

  showAll() { this.#set(0, this.widest) }

  moveTo(start, { byHand = false } = {}) {
    if (byHand) this.touchedAt = performance.now()
    this.#set(start, this.msPerPx)
  }

  // Bring a span into view without changing the scale; leave the view alone when it is there already.
  reveal(start, end) {
    const margin = Math.min(60, this.width / 8) * this.msPerPx
    if (start >= this.startMs + margin * 0.2 && end <= this.endMs - margin * 0.2) return
    if (end - start > this.width * this.msPerPx) this.moveTo(start - margin)
    else if (start < this.startMs) this.moveTo(start - margin)
    else this.moveTo(Math.min(start - margin, end + margin - this.width * this.msPerPx))
  }

  #clamp(scale) { return Math.min(this.widest, Math.max(CLOSEST_MS / this.width, scale)) }

  #set(start, scale) {
    const msPerPx = this.#clamp(scale)
    const last = Math.max(0, this.lengthMs - this.width * msPerPx)
    const startMs = Math.min(last, Math.max(0, start))
    this.whole = msPerPx >= this.widest
    if (startMs === this.startMs && msPerPx === this.msPerPx) return
    this.startMs = startMs
    this.msPerPx = msPerPx
    this.dispatchEvent(new Event("change"))
  }
}
