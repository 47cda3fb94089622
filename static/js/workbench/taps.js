// Segments made by ear: keys struck while the session plays, set back by the time that this person needs to strike.

const KEY = "workbench tap delay"
const HELD_MS = 220 // a key that is held longer marks with its release, a shorter one with the next press
export const USUAL_DELAY_MS = 200
export const MOST_DELAY_MS = 1000

// Event "change" when it is on or off, or something is open.
export class Taps extends EventTarget {
  #held = null // {code, at}: the key that is down, and since when by the event's own clock: a busy page hears late

  constructor(bench) {
    super()
    this.bench = bench
    this.on = false
    this.opened = null // {lane, start_ms}: begun, not yet ended
    this.delayMs = USUAL_DELAY_MS
    try {
      const kept = localStorage.getItem(KEY)
      const delay = kept === null ? NaN : Number(kept)
      if (delay >= 0 && delay <= MOST_DELAY_MS) this.delayMs = delay
    } catch {
      // no storage: the usual delay
    }
    document.addEventListener("keyup", (event) => this.#release(event), { signal: bench.signal })
    bench.player.addEventListener("state", () => bench.player.playing || this.end(), { signal: bench.signal })
  }

  setDelay(ms) {
    this.delayMs = Math.round(Math.min(MOST_DELAY_MS, Math.max(0, ms)))
    try {
      localStorage.setItem(KEY, String(this.delayMs))
    } catch {
      // a full or forbidden storage costs only the habit
    }
    this.dispatchEvent(new Event("change"))
  }

  toggle() {
    this.end()
    this.on = !this.on
    this.bench.say(this.on ? "Tap mode: play, then hold 1 to 4 while somebody speaks, or strike Enter at each boundary." : "Tap mode is off.")
    this.dispatchEvent(new Event("change"))
  }

  get ready() { return this.on && this.bench.player.playing && this.bench.document.editable }

  // What was meant when a key was struck now.
  get now() {
    const { player } = this.bench
    return Math.max(0, Math.round(player.time - this.delayMs * player.rate))
  }

  // A lane's key went down: begin a segment there, or end the one that is open there.
  strike(lane, event) {
    const open = this.opened
    if (open) this.end()
    if (open?.lane === lane) return
    this.#held = event?.code ? { code: event.code, at: event.timeStamp } : null
    this.#open(lane, this.now)
  }

  // One segment ends and the next begins.
  boundary() {
    const { lane = this.bench.selection.lane } = this.opened ?? {}
    const at = this.now
    this.end(at)
    this.#open(lane, at)
  }

  end(at = this.now) {
    const open = this.opened
    this.opened = this.#held = null
    if (!open) return
    if (at > open.start_ms) this.bench.acts.make({ ...open, end_ms: Math.min(at, this.bench.document.session.length_ms) })
    this.dispatchEvent(new Event("change"))
  }

  drop() {
    const was = this.opened
    this.opened = this.#held = null
    if (was) this.dispatchEvent(new Event("change"))
    return Boolean(was)
  }

  #open(lane, start_ms) {
    this.opened = { lane, start_ms }
    this.bench.selection.setLane(lane)
    this.dispatchEvent(new Event("change"))
  }

  #release({ code, timeStamp }) {
    const held = this.#held
    if (held?.code !== code) return
    this.#held = null
    if (timeStamp - held.at >= HELD_MS) this.end()
  }
}
