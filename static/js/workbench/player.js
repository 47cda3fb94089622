// Plays the recordings' proxies on the session's clock, all that are heard at once. The masters are never fetched.

import { Mix } from "workbench/mix"
import { Voice } from "workbench/voice"

const SILENCE_AHEAD_MS = 120 // how long before the end of a selection its silence is scheduled
const COMPARE_EVERY_MS = 200
const PRE_ROLL_MS = 500
const SMOOTHING = 0.05 // weight of one reading of the loudspeaker's clock, which is off by up to a block of sound

// Events: "tick" on every frame while it plays, "move" when the time was set, "state" when playing, speed, mix or
// recordings differ, "trouble" {message}.
export class Player extends EventTarget {
  #gone
  #asked = 0 // the exact time that was asked for; the elements' own clocks are read only while they play
  #from = 0
  #until = null // {start_ms, end_ms, loop, back}
  #frame = 0
  #started = 0
  #compared = 0
  #recordings = []
  #clock = null // the voice whose element tells the time
  #ahead = null // ms by which the context is ahead of the loudspeaker

  constructor({ id, length_ms }, signal) {
    super()
    this.#gone = signal
    this.lengthMs = length_ms
    this.voices = []
    this.playing = false
    this.rate = 1
    this.looping = false
    this.preRoll = false
    this.mix = new Mix(id)
    this.mix.addEventListener("change", () => this.#remix(), { signal })
    signal.addEventListener("abort", () => {
      cancelAnimationFrame(this.#frame)
      for (const voice of this.voices) voice.leave()
      this.context?.close()
    })
  }

  get canPlay() { return this.voices.length > 0 }

  // The element that tells the time, for whoever measures it.
  get audio() { return (this.#clock ?? this.voices[0])?.audio ?? null }

  // What is heard now, in session milliseconds.
  get time() {
    if (!this.playing) return this.#asked
    return Math.round(Math.min(Math.max(this.#heardAt(), this.#from), this.#until?.end_ms ?? this.lengthMs))
  }

  // An element's clock is ahead of the loudspeaker by the output latency, which passes at the speed of playing.
  #heardAt() { return this.#clock.mediaMs - (this.#ahead ?? this.#latency) * this.rate }

  // Told in steps of 8 ms, so it is only where to begin.
  get #latency() { return (this.context?.outputLatency || this.context?.baseLatency || 0) * 1000 }

  #readLoudspeaker() {
    const { contextTime, performanceTime } = this.context.getOutputTimestamp()
    const reading = (this.context.currentTime - contextTime) * 1000 - (performance.now() - performanceTime)
    if (!contextTime || !(reading >= 0 && reading < 1000)) return // not running yet, or a browser that can't tell
    this.#ahead ??= this.#latency
    this.#ahead += (reading - this.#ahead) * SMOOTHING
  }

  // The session's recordings as they are now; one that got its proxy can be heard from here on.
  take(recordings) {
    this.#recordings = recordings
    this.mix.take(recordings)
    const known = new Map(this.voices.map((voice) => [voice.recording.proxy.url, voice]))
    const wanted = recordings.filter(({ proxy }) => proxy)
    const voices = wanted.map((recording) => known.get(recording.proxy.url) ?? new Voice(recording, (...news) => this.#hear(...news), this.#gone))
    const gone = this.voices.filter((voice) => !voices.includes(voice))
    if (gone.includes(this.#clock)) this.pause()
    for (const voice of gone) voice.leave()
    this.voices = voices
    if (!voices.includes(this.#clock)) this.#clock = null
    for (const voice of voices) voice.setRate(this.rate)
    if (this.context) this.#connect()
    this.dispatchEvent(new Event("state"))
  }

  seek(ms) {
    this.#asked = Math.round(Math.min(Math.max(ms, 0), this.lengthMs))
    this.#until = null
    if (this.playing) this.#go()
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
    const before = this.#until?.back ?? this.time
    const ahead = this.preRoll && !this.playing && !stretch?.back ? PRE_ROLL_MS : 0
    const from = stretch ? stretch.start_ms : this.#asked >= this.lengthMs ? 0 : this.time
    this.#asked = Math.max(0, from - ahead)
    this.#until = stretch && { ...stretch, back: stretch.back ? before : null }
    this.#graph()
    this.playing = true
    await this.#go()
  }

  // Begin at the time that was asked for, every voice that is heard at the same moment.
  async #go() {
    const attempt = ++this.#started
    this.#locate()
    this.#cut(null)
    const [clock, ...others] = this.#wanted()
    this.dispatchEvent(new Event("state"))
    this.#tick()
    try {
      await this.context.resume()
      if (others.length) {
        for (const voice of this.voices) voice.pause()
        await Promise.all([clock, ...others].map((voice) => voice.ready(this.#gone)))
        if (attempt !== this.#started) return
      }
      await Promise.all([clock, ...others].map((voice) => voice.play()))
    } catch (error) {
      if (attempt !== this.#started || error.name === "AbortError") return
      this.pause()
      this.#fail("The browser would not start playback. Press play once more.")
    }
  }

  #whyNot() {
    if (!this.#recordings.length) return "This session has no recording yet."
    const { state, message } = this.#recordings[0]
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
    for (const voice of this.voices) voice.setRate(this.rate)
    this.#cut(null)
    this.dispatchEvent(new Event("state"))
  }

  setLooping(on) {
    this.looping = on
    if (this.#until) this.#until.loop = on
    this.dispatchEvent(new Event("state"))
  }

  setPreRoll(on) {
    this.preRoll = on
    this.dispatchEvent(new Event("state"))
  }

  #stop() {
    this.#started += 1
    this.playing = false
    cancelAnimationFrame(this.#frame)
    for (const voice of this.voices) voice.pause()
    this.#until = null
    this.dispatchEvent(new Event("state"))
    this.dispatchEvent(new Event("move"))
  }

  // Choose who tells the time, and bring every voice that has something to say there.
  #locate() {
    if (!this.voices.some((voice) => voice.covers(this.#asked))) {
      const starts = this.voices.map(({ startMs }) => startMs).filter((ms) => ms > this.#asked)
      this.#asked = Math.max(this.#asked, starts.length ? Math.min(...starts) : 0) // there is nothing to hear before
    }
    this.#from = this.#asked
    const here = this.voices.filter((voice) => voice.covers(this.#asked))
    const best = (a, b) => (this.#loudness(b) > 0) - (this.#loudness(a) > 0) || b.endMs - a.endMs
    this.#clock = here.sort(best)[0] ?? this.voices.toSorted((a, b) => b.endMs - a.endMs)[0]
    for (const voice of this.voices) {
      if (voice === this.#clock || (voice.covers(this.#asked) && this.#loudness(voice))) voice.locate(this.#asked)
      else voice.pause()
    }
  }

  // The clock, and the others that are heard at the time that was asked for.
  #wanted() {
    const others = this.voices.filter((voice) => voice !== this.#clock && voice.covers(this.#asked) && this.#loudness(voice))
    return [this.#clock, ...others]
  }

  #loudness({ recording }) { return this.mix.loudness(recording.id) }

  #tick() {
    cancelAnimationFrame(this.#frame)
    if (!this.playing || this.#gone.aborted) return
    this.#readLoudspeaker()
    if (this.#until) this.#mindTheEnd()
    if (!this.playing) return
    this.#compare()
    this.dispatchEvent(new Event("tick"))
    this.#frame = requestAnimationFrame(() => this.#tick())
  }

  // Voices begin and end at times of their own, and are kept together.
  #compare() {
    if (this.voices.length < 2 || performance.now() - this.#compared < COMPARE_EVERY_MS) return
    this.#compared = performance.now()
    const clock = this.#clock
    if (clock.audio.seeking || clock.audio.paused) return
    const now = clock.mediaMs
    for (const voice of this.voices) {
      if (voice === clock) continue
      const heard = voice.covers(now) && this.#loudness(voice) > 0
      if (!heard && voice.runs) voice.pause()
      else if (heard && !voice.runs) {
        voice.locate(now + 30 * this.rate)
        voice.play().catch(() => {}) // its own trouble is told by its "error"
      } else if (heard) voice.keepUp(now, this.rate)
    }
  }

  // Frames come every 16 ms, too coarse for an end: silence is scheduled on the audio clock, then playing stops.
  #mindTheEnd() {
    const { audio, mediaMs } = this.#clock
    if (audio.seeking) return
    const { start_ms, end_ms, loop, back } = this.#until
    const left = (end_ms - mediaMs) / this.rate
    if (left <= SILENCE_AHEAD_MS && !this.cutting && !audio.paused) this.#cut(Math.max(0, left))
    if (this.#heardAt() < end_ms && !audio.ended) return
    if (loop) {
      this.#asked = start_ms
      this.#go()
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
    this.output.connect(this.context.destination)
    this.#connect()
  }

  #connect() {
    for (const voice of this.voices) voice.connect(this.context, this.output, this.#loudness(voice))
  }

  #remix() {
    if (this.context) this.#connect()
    this.#compared = 0
    this.dispatchEvent(new Event("state"))
  }

  #hear(news, voice) {
    if (news === "ended") this.#ended(voice)
    else if (this.playing && voice === this.#clock) {
      // a failed read-ahead while nothing plays is nobody's concern; the next play begins anew
      this.pause()
      this.#fail("The recording could not be read on. Press play to try again.")
    } else if (voice.runs) {
      voice.pause()
      this.#fail(`${voice.recording.name} could not be read on; it is silent until you play again.`)
    }
  }

  // Another recording may go on longer than the one that told the time.
  #ended(voice) {
    voice.runs = false
    if (!this.playing || voice !== this.#clock || this.#until) return // a stretch minds its own end
    this.#asked = voice.endMs
    const later = this.voices.some((each) => each.endMs > voice.endMs + 1)
    if (later) this.#go()
    else this.pause()
  }

  #fail(message) {
    this.dispatchEvent(new CustomEvent("trouble", { detail: { message } }))
  }
}
