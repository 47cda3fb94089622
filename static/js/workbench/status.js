// The chip that says, truthfully, where a person's work is: here, on its way, or kept by the server. Where the login
// has ended, it is renewed on the spot.

import { csrfToken } from "workbench/outbox"

const SENTENCES = {
  saved: (outbox) => (outbox.savedAt ? `Saved ${outbox.savedAt.toTimeString().slice(0, 5)}` : "Saved"),
  pending: (outbox) => `${outbox.count} pending`,
  sending: (outbox) => `${outbox.count} pending`,
  offline: (outbox) => `Offline – ${outbox.count} pending, retrying`,
  login: (outbox) => `Not saved: log in again – ${outbox.count} pending`,
  closed: (outbox) => `Submitted meanwhile – ${outbox.count} kept here until it is returned`,
  stuck: (outbox) => `Not saved: ${outbox.message}`,
}
const TONES = { saved: "good", pending: "soft", sending: "soft", offline: "warn", closed: "warn", login: "bad", stuck: "bad" }

class SaveStatus extends HTMLElement {
  connectedCallback() { this.gone = new AbortController() }
  disconnectedCallback() { this.gone.abort() }

  open({ outbox, document: layer }) {
    const { signal } = this.gone
    Object.assign(this, { outbox, layer })
    this.text = this.querySelector("output")
    this.door = this.querySelector("[data-part=door]")
    this.retry = this.querySelector("[data-part=retry]")
    this.dialog = document.querySelector("dialog[data-part=login]")
    this.retry.addEventListener("click", () => outbox.retry(), { signal })
    this.door.addEventListener("click", () => this.#ask(), { signal })
    this.dialog.querySelector("form[method=post]").addEventListener("submit", (event) => this.#logIn(event), { signal })
    outbox.addEventListener("state", () => this.#draw(), { signal })
    layer.addEventListener("queued", () => this.#draw(), { signal })
    this.#draw()
  }

  #draw() {
    const { state, count } = this.outbox
    const tone = TONES[state]
    const idle = state === "offline" && !count
    this.dataset.tone = tone
    this.dataset.state = state
    this.hidden = !this.layer.editable && !count
    this.text.textContent = idle ? "Offline – nothing pending" : SENTENCES[state](this.outbox)
    this.door.hidden = state !== "login"
    this.retry.hidden = !["offline", "login", "closed", "stuck"].includes(state) || !count
  }

  // ---------------------------------------------------------------- the login, renewed in place

  #ask() {
    this.#answer("")
    this.dialog.showModal()
    this.dialog.querySelector("[name=password]").focus()
  }

  #answer(sentence) {
    const line = this.dialog.querySelector("[role=alert]")
    line.textContent = sentence
    line.hidden = !sentence
  }

  async #logIn(event) {
    event.preventDefault()
    const form = event.target
    const trouble = await this.outbox.resting(() => this.#enter(form)).catch(() => "The site could not be reached; your edits are kept here.")
    form.elements.password.value = ""
    if (trouble) return this.#answer(trouble)
    this.dialog.close()
    this.outbox.retry()
  }

  // Log in; resolves to what was wrong, or to nothing.
  async #enter(form) {
    await fetch(form.action, { credentials: "same-origin" }) // sets a fresh token where the old one is gone
    const body = new URLSearchParams(new FormData(form))
    body.set("csrfmiddlewaretoken", csrfToken())
    const answer = await fetch(form.action, { method: "POST", body, redirect: "manual" })
    if (answer.type === "opaqueredirect") return ""
    return [403, 429].includes(answer.status) ? "Too many attempts; wait a quarter of an hour." : "That is not the password."
  }
}
customElements.define("save-status", SaveStatus)
