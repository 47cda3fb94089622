// The chip that says, truthfully, where a person's work is: here, on its way, or kept by the server.

const SENTENCES = {
  saved: (outbox) => (outbox.savedAt ? `Saved ${outbox.savedAt.toTimeString().slice(0, 5)}` : "Saved"),
  pending: (outbox) => `${outbox.count} pending`,
  sending: (outbox) => `${outbox.count} pending`,
  offline: (outbox) => `Offline – ${outbox.count} pending, retrying`,
  login: () => "Not saved: log in again",
  stuck: (outbox) => `Not saved: ${outbox.message}`,
}

class SaveStatus extends HTMLElement {
  connectedCallback() { this.gone = new AbortController() }
  disconnectedCallback() { this.gone.abort() }

  open({ outbox, say }) {
    const { signal } = this.gone
    this.outbox = outbox
    this.say = say
    this.text = this.querySelector("output")
    this.link = this.querySelector("a")
    this.retry = this.querySelector("button")
    this.retry.addEventListener("click", () => outbox.retry(), { signal })
    outbox.addEventListener("state", () => this.#draw(), { signal })
    this.#draw()
  }

  #draw() {
    const { state, count } = this.outbox
    const tone = { saved: "good", pending: "soft", sending: "soft", offline: "warn", login: "bad", stuck: "bad" }[state]
    const idle = state === "offline" && !count
    this.dataset.tone = tone
    this.dataset.state = state
    this.text.textContent = idle ? "Offline – nothing pending" : SENTENCES[state](this.outbox)
    this.link.hidden = state !== "login"
    this.retry.hidden = !["offline", "login", "stuck"].includes(state) || !count
    if (tone === "bad" && this.tone !== tone) this.say(this.text.textContent, "bad")
    this.tone = tone
  }
}
customElements.define("save-status", SaveStatus)
