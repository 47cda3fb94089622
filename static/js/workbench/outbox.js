// Carries waiting edits to the server: in order, again and again with the same ids, until each is settled.

const BATCH = 50
const TIMEOUT_MS = 20_000
const SLOWEST_MS = 30_000
const KEEPALIVE_CHARS = 16_000 // browsers allow 64 KiB under way

// States: "saved", "pending", "sending", "offline", "login", "closed" (the layer is submitted; edits wait until it is
// returned), "stuck". Events: "state" when it or the count differs, "astray" when the document must be read anew.
const HALTED = ["offline", "login", "closed", "stuck"]

export class Outbox extends EventTarget {
  #document
  #url
  #gone
  #timer = 0
  #failures = 0
  #busy = false
  #resting = false
  #alone = false // after an answer that names no edit, send one at a time to learn which is meant

  constructor(layer, url, signal) {
    super()
    this.#document = layer
    this.#url = url
    this.#gone = signal
    this.state = "saved"
    this.savedAt = null
    this.message = ""
    layer.addEventListener("queued", () => this.#wake(), { signal })
    layer.addEventListener("settled", () => !this.count && !this.#busy && this.state !== "saved" && this.#set("saved"), { signal })
    addEventListener("online", () => (this.count ? this.retry() : this.#set("saved")), { signal })
    addEventListener("offline", () => this.#set("offline"), { signal })
    addEventListener("focus", () => this.state === "login" && this.retry(), { signal })
    addEventListener("visibilitychange", () => document.hidden && this.retry(), { signal, capture: true })
    addEventListener("beforeunload", (event) => this.count && event.preventDefault(), { signal })
    signal.addEventListener("abort", () => clearTimeout(this.#timer))
  }

  get count() { return this.#document.pending.length }

  // Send now: a person asked, or the network came back.
  retry() {
    this.#failures = 0
    if (!this.count) return
    for (const entry of this.#document.pending) entry.until = 0
    this.#schedule(0)
  }

  // Send nothing while `work` runs, nor before what is under way has ended: a late answer to a request of an ended login
  // takes the cookie of a new one away.
  async resting(work) {
    this.#resting = true
    clearTimeout(this.#timer)
    try {
      while (this.#busy) await new Promise((wake) => setTimeout(wake, 50))
      return await work()
    } finally {
      this.#resting = false
      if (this.count) this.#schedule(0)
    }
  }

  // Resolves when nothing waits any more; rejects when that needs a person.
  settled() {
    if (!this.count) return Promise.resolve()
    this.retry()
    return new Promise((resolve, reject) => {
      const look = () => {
        if (this.count && !HALTED.includes(this.state)) return
        this.removeEventListener("state", look)
        if (this.count) reject(new Error(this.state))
        else resolve()
      }
      this.addEventListener("state", look)
    })
  }

  #wake() {
    if (this.#busy) return this.#set(this.state)
    if (HALTED.includes(this.state) && this.#failures) return this.#set(this.state)
    this.#set("pending")
    this.#schedule(Math.max(0, (this.#document.pending.at(-1)?.until ?? 0) - performance.now()))
  }

  #schedule(delay) {
    clearTimeout(this.#timer)
    if (!this.#gone.aborted) this.#timer = setTimeout(() => this.#send(), delay)
  }

  async #send() {
    if (this.#busy || this.#resting || !this.count) return
    this.#busy = true
    const batch = this.#document.pending.slice(0, this.#alone ? 1 : BATCH)
    for (const entry of batch) entry.sent = true
    if (!HALTED.includes(this.state)) this.#set("sending")
    let delay = 0
    try {
      delay = await this.#exchange(batch)
    } catch {
      delay = this.#failed("offline") // the network, or a server that is being restarted
    }
    this.#busy = false
    if (this.count) this.#schedule(delay)
  }

  // Sends one batch, takes the answer in, and says how long to wait before the next.
  async #exchange(batch) {
    const body = JSON.stringify({ base_revision: this.#document.revision, edits: batch.map(({ edit }) => edit) })
    const response = await fetch(this.#url, {
      method: "POST",
      body,
      keepalive: body.length < KEEPALIVE_CHARS, // goes on when the page is closed meanwhile
      headers: { "Content-Type": "application/json", Accept: "application/json", "X-CSRFToken": csrfToken() },
      redirect: "manual", // a redirect is the login page
      signal: AbortSignal.any([this.#gone, AbortSignal.timeout(TIMEOUT_MS)]),
    })
    const { status } = response
    if (status === 401 || status === 403 || response.type === "opaqueredirect") return this.#turnedAway(response)
    if (status >= 500 || status === 429 || status === 408) return this.#failed("offline", response.headers.get("Retry-After"))
    const answer = await response.json()
    if (status === 200) this.#document.confirm(answer.applied, answer.revision)
    else if (status === 409 && answer.missed?.length) this.#document.merge(answer.missed, answer.revision)
    else if (status === 409) return this.#astray()
    else return this.#refused(batch, answer)
    this.#failures = 0
    if (status === 200) this.#alone = false
    this.savedAt = this.count ? this.savedAt : new Date()
    this.#set(this.count ? "pending" : "saved")
    return 0
  }

  // The server knows fewer revisions than we do: only a fresh document can help.
  #astray() {
    this.dispatchEvent(new Event("astray"))
    return this.#failed("offline")
  }

  #refused(batch, answer) {
    if (answer.error === "closed") {
      if (this.state !== "closed") this.dispatchEvent(new Event("astray"))
      return this.#failed("closed")
    }
    const message = answer.message ?? answer.detail ?? "The server refused this edit."
    const named = batch.find(({ edit }) => edit.id === answer.edit) ?? (batch.length === 1 ? batch[0] : null)
    if (!named) {
      if (this.#alone) return this.#failed("stuck", null, message)
      this.#alone = true
      return 0
    }
    this.#failures = 0
    this.#document.refuse(named.edit.id, message)
    this.#set(this.count ? "pending" : "saved")
    return 0
  }

  async #turnedAway(response) {
    const { detail = "" } = await response.json().catch(() => ({}))
    const known = response.status === 403 && !/credentials|csrf/i.test(detail) // logged in, but not allowed
    return this.#failed(known ? "stuck" : "login", null, detail)
  }

  #failed(state, retryAfter = null, message = "") {
    if (this.#gone.aborted) return SLOWEST_MS
    this.#failures += 1
    this.message = message
    this.#set(state)
    const asked = Number(retryAfter) * 1000 || 0
    const backoff = Math.min(SLOWEST_MS, 500 * 2 ** Math.min(this.#failures - 1, 7))
    return Math.max(asked, backoff * (0.5 + Math.random() / 2))
  }

  #set(state) {
    this.state = state
    this.dispatchEvent(new Event("state"))
  }
}

export function csrfToken() {
  return document.cookie.match(/(?:^|;\s*)csrftoken=([^;]*)/)?.[1] ?? ""
}
