// Plays a recording's proxy on the session's clock. The master is never fetched.

const SILENCE_AHEAD_MS = 120 // how long before the end of a selection its silence is scheduled

// Events: "tick" on every frame while it plays, "move" when the time was set, "state" when playing, speed or
// recording differ, "trouble" {message}.
export class Player extends EventTarget {
  #gone
  #asked = 0 // the exact time that was asked for; the element's own clock is read only while it plays
  #from = 0
  #until = null // {start_ms, end_ms, loop, back}
  #frame = 0
  #started = 0

  constructor(lengthMs, signal) {
    super()
    this.#gone = signal
    this.lengthMs = lengthMs
    this.recording = null
    this.playing = false
    this.rate = 1
    this.looping = false
    this.audio = new Audio()
    this.audio.preload = "metadata"
    this.audio.preservesPitch = true
    const on = (name, listener) => this.audio.addEventListener(name, listener, { signal })
    on("ended", () => this.pause())
    on("error", () => this.#broken())
    signal.addEventListener("abort", () => {
      cancelAnimationFrame(this.#frame)
      this.audio.pause()
      this.audio.removeAttribute("src")
      this.audio.load()
      this.context?.close()
    })
  }

  get canPlay() { return Boolean(this.recording?.proxy) }

  // What is heard now, in session milliseconds.
  get time() {
    if (!this.playing) return this.#asked
    const heard = this.#heard()
    return Math.round(Math.min(Math.max(heard, this.#from), this.#until?.end_ms ?? this.lengthMs))
  }

  // The element's clock is ahead of the loudspeaker by the output latency, which passes at the speed of playing.
  #heard() {
    const latency = (this.context?.outputLatency || this.context?.baseLatency || 0) * 1000 * this.rate
    return this.audio.currentTime * 1000 + this.recording.offset_ms - latency
  }

  listenTo(recording) {
    const same = this.recording?.proxy?.url === recording?.proxy?.url
    this.recording = recording
    if (same) return
    this.pause()
    if (recording?.proxy) {
      this.audio.src = recording.proxy.url
      this.audio.playbackRate = this.rate
    }
    this.dispatchEvent(new Event("state"))
  }

  seek(ms) {
    this.#asked = Math.round(Math.min(Math.max(ms, 0), this.lengthMs))
    this.#until = null
    if (this.playing) {
      this.#cut(null)
      this.#locate()
    }
    this.dispatchEvent(new Event("move"))
  }

  step(ms) { this.seek(this.time + ms) }

  toggle() {
    if (this.playing) this.pause()
    else this.play()
  }

  // Play from here, or a stretch {start_ms, end_ms, loop, back} that ends exactly where it ends; with `back` the
  // playhead then returns to where it was.
  async play(stretch = null) {
    if (!this.canPlay) return this.#fail(this.#whyNot())
    if (this.audio.error) this.audio.load() // the network failed earlier: begin anew
    const before = this.#until?.back ?? this.time
    if (stretch) this.#asked = stretch.start_ms
    else if (this.#asked >= this.lengthMs) this.#asked = 0
    else this.#asked = this.time
    this.#until = stretch && { ...stretch, back: stretch.back ? before : null }
    this.#graph()
    this.#locate()
    this.#cut(null)
    const attempt = ++this.#started
    this.playing = true
    this.dispatchEvent(new Event("state"))
    this.#tick()
    try {
      await this.context.resume()
      await this.audio.play()
    } catch (error) {
      if (attempt !== this.#started || error.name === "AbortError") return
      this.pause()
      this.#fail("The browser would not start playback. Press play once more.")
    }
  }

  #whyNot() {
    if (!this.recording) return "This session has no recording yet."
    const { state, message } = this.recording
    if (state === "failed") return `Playback could not be prepared. ${message}`
    if (state === "cancelled") return "Preparing playback was cancelled. Start it again on the jobs page."
    return "Playback is being prepared; it starts to work here by itself."
  }

  pause() {
    if (!this.playing) return
    this.#asked = this.time
    this.#stop()
  }

  setRate(rate) {
    this.rate = Math.min(2, Math.max(0.5, Math.round(rate * 20) / 20))
    this.audio.playbackRate = this.rate
    this.#cut(null)
    this.dispatchEvent(new Event("state"))
  }

  setLooping(on) {
    this.looping = on
    if (this.#until) this.#until.loop = on
    this.dispatchEvent(new Event("state"))
  }

  #stop() {
    this.#started += 1
    this.playing = false
    cancelAnimationFrame(this.#frame)
    this.audio.pause()
    this.#until = null
    this.dispatchEvent(new Event("state"))
    this.dispatchEvent(new Event("move"))
  }

  #locate() {
    this.#asked = Math.max(this.#asked, this.recording.offset_ms) // there is nothing to hear before it begins
    this.#from = this.#asked
    this.audio.currentTime = Math.max(0, this.#asked - this.recording.offset_ms) / 1000
  }

  #tick() {
    cancelAnimationFrame(this.#frame)
    if (!this.playing || this.#gone.aborted) return
    if (this.#until) this.#mindTheEnd()
    if (!this.playing) return
    this.dispatchEvent(new Event("tick"))
    this.#frame = requestAnimationFrame(() => this.#tick())
  }

  // Frames come every 16 ms, too coarse for an end: silence is scheduled on the audio clock, then playing stops.
  #mindTheEnd() {
    if (this.audio.seeking) return
    const { start_ms, end_ms, loop, back } = this.#until
    const media = this.audio.currentTime * 1000 + this.recording.offset_ms
    const left = (end_ms - media) / this.rate
    if (left <= SILENCE_AHEAD_MS && !this.cutting && !this.audio.paused) this.#cut(Math.max(0, left))
    if (this.#heard() < end_ms && !this.audio.ended) return
    if (loop) {
      this.#asked = start_ms
      this.#cut(null)
      this.#locate()
    } else {
      this.#asked = back ?? end_ms
      this.#stop()
    }
  }

  #cut(inMs) {
    this.cutting = inMs !== null
    if (!this.context) return
    const { gain } = this.output
    gain.cancelScheduledValues(0)
    gain.setValueAtTime(1, this.context.currentTime)
    if (inMs !== null) gain.setValueAtTime(0, this.context.currentTime + inMs / 1000)
  }

  // Made on the first play, because browsers want a person's act before they make sound.
  #graph() {
    if (this.context) return
    this.context = new AudioContext()
    this.output = this.context.createGain()
    this.context.createMediaElementSource(this.audio).connect(this.output).connect(this.context.destination)
  }

  // A failed read-ahead while nothing plays is nobody's concern; the next play begins anew.
  #broken() {
    if (!this.playing) return
    this.pause()
    this.#fail("The recording could not be read on. Press play to try again.")
  }

  #fail(message) {
    this.dispatchEvent(new CustomEvent("trouble", { detail: { message } }))
  }
}
