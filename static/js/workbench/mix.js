// Which recordings of a session are heard, and how loud: mute, solo and gain of each, kept in this browser.

const LOUDEST = 2 // twice, 6 dB

// Event "change".
export class Mix extends EventTarget {
  #key
  #set = new Map() // recording id → {muted, gain}

  constructor(sessionId) {
    super()
    this.#key = `workbench mix ${sessionId}`
    this.solo = null // the recording that alone is heard
    try {
      this.#set = new Map(JSON.parse(localStorage.getItem(this.#key)) ?? [])
    } catch {
      // no storage, or something else's: as if nobody had mixed yet
    }
  }

  // A recording of everything is heard alone until somebody wants its parts.
  take(recordings) {
    const whole = recordings.some(({ kind }) => kind === "mixed")
    let first = true
    for (const { id, kind } of recordings) {
      const spare = whole && (kind !== "mixed" || !first)
      if (kind === "mixed") first = false
      if (!this.#set.has(id)) this.#set.set(id, { muted: spare, gain: 1 })
    }
    this.ids = recordings.map(({ id }) => id)
    if (!this.ids.includes(this.solo)) this.solo = null
  }

  of(id) { return this.#set.get(id) ?? { muted: false, gain: 1 } }

  // What a voice is multiplied by.
  loudness(id) {
    if (this.solo !== null) return this.solo === id ? this.of(id).gain : 0
    return this.of(id).muted ? 0 : this.of(id).gain
  }

  toggleMute(id) { this.#change(id, { muted: !this.of(id).muted }) }

  setGain(id, gain) { this.#change(id, { gain: Math.min(LOUDEST, Math.max(0, gain)) }) }

  toggleSolo(id) {
    this.solo = this.solo === id ? null : id
    this.dispatchEvent(new Event("change"))
  }

  // All, then each alone, then all.
  soloNext() {
    const ids = this.ids ?? []
    this.solo = ids[ids.indexOf(this.solo) + 1] ?? null
    this.dispatchEvent(new Event("change"))
    return this.solo
  }

  #change(id, what) {
    this.#set.set(id, { ...this.of(id), ...what })
    try {
      localStorage.setItem(this.#key, JSON.stringify([...this.#set]))
    } catch {
      // a full or forbidden storage costs only the habit
    }
    this.dispatchEvent(new Event("change"))
  }
}
