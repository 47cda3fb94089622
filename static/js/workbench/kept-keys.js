// A person's keys: they come with the page, go to the server when they change, and wait in this browser meanwhile.

import { csrfToken } from "workbench/outbox"

const PAUSE_MS = 600

export class KeptKeys {
  #url
  #name
  #signal
  #timer = 0

  constructor({ url, author, signal }) {
    this.#url = url
    this.#name = `workbench keys ${author}`
    this.#signal = signal
    signal.addEventListener("abort", () => clearTimeout(this.#timer))
  }

  // What an earlier page could not send comes before what the server knows.
  read(sent) {
    try {
      return this.#waiting() ?? JSON.parse(sent || "{}")
    } catch {
      return {}
    }
  }

  follow(keymap) {
    keymap.addEventListener("change", () => {
      this.#hold(JSON.stringify(keymap))
      clearTimeout(this.#timer)
      this.#timer = setTimeout(() => this.#send(), PAUSE_MS)
    }, { signal: this.#signal })
    addEventListener("pagehide", () => this.#send({ keepalive: true }), { signal: this.#signal })
    this.#send()
  }

  #waiting() { return JSON.parse(localStorage.getItem(this.#name)) }

  #hold(text) {
    try {
      if (text === null) localStorage.removeItem(this.#name)
      else localStorage.setItem(this.#name, text)
    } catch {
      // without storage the keys are only as safe as the network
      this.unheld = text
    }
  }

  async #send({ keepalive = false } = {}) {
    let text = this.unheld ?? null
    try {
      text ??= localStorage.getItem(this.#name)
    } catch {
      // told above
    }
    if (text === null) return
    const headers = { "Content-Type": "application/json", Accept: "application/json", "X-CSRFToken": csrfToken() }
    try {
      const { status } = await fetch(this.#url, { method: "PUT", body: text, headers, keepalive, redirect: "manual" })
      // sent, or refused for good; with no login and no network they wait for the next page
      if (status !== 200 && status !== 400) return
    } catch {
      return
    }
    this.unheld = null
    try {
      if (localStorage.getItem(this.#name) === text) this.#hold(null)
    } catch {
      // told above
    }
  }
}
