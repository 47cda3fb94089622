// One recording as it sounds: its playback copy, and where that stands on the session's clock.

const APART_MS = 8 // from here on a voice is drawn closer to the clock
const LOST_MS = 120 // from here on it jumps
const TOGETHER_MS = 3
const LEAN = 0.02 // how much faster or slower a voice runs to come closer: too little to be heard
const READY_WITHIN_MS = 1500

// Events: those of its element are given to `on`: "ended", "error".
export class Voice {
  constructor(recording, on, signal) {
    this.recording = recording
    this.runs = false
    this.audio = new Audio()
    this.audio.preload = "metadata"
    this.audio.preservesPitch = true
    this.audio.src = recording.proxy.url
    for (const name of ["ended", "error"]) this.audio.addEventListener(name, () => on(name, this), { signal })
  }

  get startMs() { return this.recording.offset_ms }
  get endMs() { return this.recording.offset_ms + this.recording.length_ms }
  covers(ms) { return ms >= this.startMs && ms < this.endMs }

  // Where its element stands, in session milliseconds.
  get mediaMs() { return this.audio.currentTime * 1000 + this.startMs }

  // Join the graph once there is one: browsers want a person's act before they make sound.
  connect(context, output, loudness) {
    this.gain ??= context.createGain()
    if (!this.source) {
      this.source = context.createMediaElementSource(this.audio)
      this.source.connect(this.gain).connect(output)
    }
    this.gain.gain.value = loudness
  }

  locate(ms) {
    if (this.audio.error) this.audio.load() // the network failed earlier: begin anew
    this.audio.currentTime = Math.max(0, ms - this.startMs) / 1000
  }

  setRate(rate) { this.audio.playbackRate = rate }

  async play() {
    this.runs = true
    await this.audio.play()
  }

  pause() {
    this.runs = false
    this.audio.pause()
  }

  // Resolves when it could sound at once where it stands, or when waiting longer would be worse.
  ready(signal) {
    const { audio } = this
    if (!audio.seeking && audio.readyState >= 3) return Promise.resolve()
    return new Promise((resolve) => {
      for (const name of ["canplay", "error"]) audio.addEventListener(name, resolve, { once: true, signal })
      setTimeout(resolve, READY_WITHIN_MS)
    })
  }

  // Two elements that were started together drift apart by what their decoders needed: lean towards the clock.
  keepUp(clockMs, rate) {
    const { audio } = this
    if (audio.seeking || audio.readyState < 3) return
    const ahead = this.mediaMs - clockMs
    if (Math.abs(ahead) > LOST_MS) this.locate(clockMs + 30 * rate)
    else if (Math.abs(ahead) > APART_MS) audio.playbackRate = rate * (1 - Math.sign(ahead) * LEAN)
    else if (Math.abs(ahead) < TOGETHER_MS && audio.playbackRate !== rate) audio.playbackRate = rate
  }

  leave() {
    this.pause()
    this.source?.disconnect()
    this.gain?.disconnect()
    this.audio.removeAttribute("src")
    this.audio.load()
  }
}
