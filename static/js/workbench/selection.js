// What a person has chosen: segments, a marked range, the lane that the next segment goes to. Every pane sets it,
// every pane follows it.

// Events: "change"; "leaving" just before it, so that fields can put down what was typed.
export class Selection extends EventTarget {
  #document

  constructor(document) {
    super()
    this.#document = document
    this.uids = new Set()
    this.primary = null // the one that single-segment acts mean
    this.turnUid = null // the turn in view, where a music clip belongs to several
    this.range = null // {start_ms, end_ms}: marked, not yet a segment; either may be null
    this.lane = document.vocabulary.lanes[0]
    document.addEventListener("change", () => this.#prune())
  }

  get segments() {
    return [...this.uids].map((uid) => this.#document.segment(uid)).filter(Boolean).sort((a, b) => a.start_ms - b.start_ms)
  }

  get segment() { return this.primary ? this.#document.segment(this.primary) : null }

  // Turns that hold a selected segment. A music clip alone means all its turns; beside speech, the speech decides.
  get turns() {
    const speech = this.segments.filter((segment) => segment.lane !== "music")
    const deciding = speech.some(({ uid }) => this.#document.turnsOf(uid).length) ? speech : this.segments
    const turns = new Map(deciding.flatMap(({ uid }) => this.#document.turnsOf(uid).map((turn) => [turn.uid, turn])))
    return [...turns.values()].sort((a, b) => a.number - b.number)
  }

  get turn() {
    const turns = this.turns
    return turns.find((turn) => turn.uid === this.turnUid)
      ?? turns.find((turn) => turn.segments.some(({ uid }) => uid === this.primary))
      ?? turns[0] ?? null
  }

  get conversation() { return this.turn && this.#document.conversationOf(this.turn.uid) }

  get conversations() {
    const all = this.turns.map((turn) => this.#document.conversationOf(turn.uid)).filter(Boolean)
    return [...new Set(all)]
  }

  get isMarked() { return this.range?.start_ms != null && this.range.end_ms != null }

  // What "play selection" means: the marked range, else the selected segments.
  get span() {
    if (this.isMarked) return this.range
    const segments = this.segments
    if (!segments.length) return null
    return { start_ms: segments[0].start_ms, end_ms: Math.max(...segments.map((segment) => segment.end_ms)) }
  }

  select(uids, { primary = null, turn = null, keepLane = false } = {}) {
    this.#change(() => {
      this.uids = new Set(uids)
      this.primary = primary ?? uids[uids.length - 1] ?? null
      this.turnUid = turn
      this.range = null
      const lane = this.segment?.lane
      if (lane && !keepLane) this.lane = lane
    })
  }

  toggle(uid) {
    this.#change(() => {
      if (!this.uids.delete(uid)) {
        this.uids.add(uid)
        this.primary = uid
        this.lane = this.segment.lane
      } else if (this.primary === uid) this.primary = [...this.uids].at(-1) ?? null
      this.turnUid = null
      this.range = null
    })
  }

  add(uids) {
    this.#change(() => {
      for (const uid of uids) this.uids.add(uid)
      this.primary = uids.at(-1) ?? this.primary
      this.range = null
    })
  }

  selectTurn(turn) { this.select(turn.segments.map(({ uid }) => uid), { primary: turn.segments[0]?.uid, turn: turn.uid, keepLane: true }) }

  clear() { this.select([]) }

  mark(range) {
    this.#change(() => {
      this.range = range
      if (range) {
        this.uids = new Set()
        this.primary = null
      }
    })
  }

  setLane(lane) { this.#change(() => (this.lane = lane)) }

  #change(work) {
    this.dispatchEvent(new Event("leaving"))
    work()
    this.dispatchEvent(new Event("change"))
  }

  #prune() {
    const gone = [...this.uids].filter((uid) => !this.#document.segment(uid))
    if (!gone.length) return
    for (const uid of gone) this.uids.delete(uid)
    if (!this.uids.has(this.primary)) this.primary = [...this.uids].at(-1) ?? null
    this.dispatchEvent(new Event("change"))
  }
}
