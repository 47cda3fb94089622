// A draft of the context summary by the configured model: asked for, waited for while its turn is in view, and nothing
// of the layer until somebody accepts it.

const POLL_MS = 1500
const SETTLE_MS = 300 // walking through turns asks for nothing

export class SummaryDraft {
  #uid = null
  #stay = new AbortController() // ends when the turn is left
  #draft = null // as the server told it last
  #gone = new Set() // discarded or accepted here

  constructor(card, bench, signal) {
    Object.assign(this, { bench, signal })
    const part = (name) => card.querySelector(`[data-part=${name}]`)
    this.box = part("draft-box")
    if (!this.box) return // none is configured
    this.by = part("draft-by")
    this.text = part("draft-text")
    this.said = part("draft-said")
    this.button = card.querySelector("[data-action=draft]")
    this.address = card.closest("mix-workbench").dataset.edits.replace(/edits\/$/, "turns/")
    this.#gone = new Set(this.#kept())
    bench.modelDraft = this
    bench.document.addEventListener("refused", ({ detail }) => this.#backAgain(detail.edit), { signal })
    signal.addEventListener("abort", () => this.#stay.abort())
  }

  // Whether there is a draft to accept or discard.
  get ready() { return Boolean(this.box && !this.box.hidden) }

  show() {
    const uid = (this.bench.document.editable && this.bench.selection.turn?.uid) || null
    if (!this.box || uid === this.#uid) return
    this.#uid = uid
    this.#stay.abort()
    this.#stay = new AbortController()
    this.#take(null)
    if (uid) this.#while(async (signal) => {
      await pause(SETTLE_MS, signal)
      await this.#follow(uid, signal)
    })
  }

  // Ask for a draft of the turn in view: what is typed is saved first, since the server can tell only what it has.
  ask() {
    const uid = this.#uid
    if (!uid) return
    this.bench.flushDrafts()
    this.#stay.abort()
    this.#stay = new AbortController()
    this.said.textContent = "Asking for a draft …"
    this.#while(async (signal) => {
      const { document } = this.bench
      while (document.pending.length) await pause(100, signal)
      const answer = await this.bench.post(`${this.address}${uid}/drafts/`)
      signal.throwIfAborted()
      if (!answer.ok) return this.#fail((await answer.json().catch(() => ({}))).message ?? "The draft could not be asked for; try again in a moment.")
      this.bench.say("A draft is being written.")
      await this.#follow(uid, signal, { tell: true })
    })
  }

  accept() {
    if (!this.ready) return
    const draft = this.#draft
    this.bench.flushDrafts() // what is being typed becomes a version too
    if (this.bench.acts.acceptDraft(this.#uid, draft)) this.#leave(draft)
  }

  discard() {
    if (!this.ready) return
    this.#leave(this.#draft)
    this.#keep()
    this.bench.say("Draft discarded.")
  }

  // ---------------------------------------------------------------- what the server says

  async #follow(uid, signal, { tell = false } = {}) {
    for (let waited = false; ; waited = true) {
      const answer = await fetch(`${this.address}${uid}/drafts/`, { headers: { Accept: "application/json" }, signal })
      if (!answer.ok) throw new Error(`${answer.status}`)
      const draft = await answer.json()
      signal.throwIfAborted()
      this.#take(draft)
      if (!draft || !["queued", "running"].includes(draft.state)) {
        if (!tell && !waited) return
        if (this.ready) this.bench.say(`A draft by ${draft.model} is there; accept it${this.bench.keymap.hint("accept-draft")} or discard it${this.bench.keymap.hint("discard-draft")}.`)
        else if (draft?.message) this.#fail(draft.message)
        return
      }
      await pause(POLL_MS, signal)
    }
  }

  async #while(work) {
    const { signal } = this.#stay
    try {
      await work(signal)
    } catch {
      if (!signal.aborted && !this.signal.aborted) this.#fail("The draft could not be read; try again in a moment.")
    }
  }

  #take(draft) {
    this.#draft = draft
    const runs = draft && ["queued", "running"].includes(draft.state)
    const there = draft?.state === "succeeded" && !draft.accepted && !this.#gone.has(draft.draft)
    this.said.textContent = runs ? "A draft is being written …" : draft?.state === "failed" ? draft.message : ""
    this.by.textContent = there ? `Draft by ${draft.model}, not yet accepted` : ""
    this.text.textContent = there ? draft.text : ""
    if (this.box.hidden === there) {
      this.box.hidden = !there
      this.bench.dispatchEvent(new Event("view")) // the buttons can be pressed now, or no longer
    }
    if (there) this.bench.document.drafted.set(draft.draft, { turn: this.#uid, model: draft.model, text: draft.text })
  }

  #fail(sentence) {
    this.said.textContent = sentence
    this.bench.say(sentence, "bad")
  }

  #leave(draft) {
    const held = this.box.contains(document.activeElement)
    this.#gone.add(draft.draft)
    this.#take(draft)
    if (held) this.button.focus()
  }

  // The server would not have it accepted: it is a draft again.
  #backAgain({ draft }) {
    if (!draft || !this.#gone.delete(draft)) return
    if (draft === this.#draft?.draft) this.#take(this.#draft)
  }

  // ---------------------------------------------------------------- what was discarded stays in this browser

  get #name() { return `workbench discarded drafts ${this.bench.document.id}` }

  #kept() {
    try {
      const kept = JSON.parse(localStorage.getItem(this.#name))
      return Array.isArray(kept) ? kept : []
    } catch {
      return [] // without storage a discarded draft is offered again
    }
  }

  #keep() {
    try {
      localStorage.setItem(this.#name, JSON.stringify([...this.#gone].slice(-500)))
    } catch {
      // told above
    }
  }
}

function pause(ms, signal) {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason)
    const timer = setTimeout(resolve, ms)
    signal.addEventListener("abort", () => {
      clearTimeout(timer)
      reject(signal.reason)
    }, { once: true })
  })
}
