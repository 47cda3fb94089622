// The bar between timeline and transcript: time, speed, which recording is heard.

import { clock, parseClock } from "workbench/clock"
import { el } from "workbench/element"

class Transport extends HTMLElement {
  connectedCallback() { this.gone = new AbortController() }
  disconnectedCallback() { this.gone.abort() }

  open(bench) {
    const { signal } = this.gone
    this.bench = bench
    this.time = this.querySelector("[data-part=time]")
    this.speed = this.querySelector("[data-part=speed]")
    this.heard = this.querySelector("[data-part=heard]")
    this.play = this.querySelector("[data-action=play]")
    const on = (target, name, listener) => target.addEventListener(name, listener, { signal })
    on(bench.player, "tick", () => this.#showTime())
    on(bench.player, "move", () => this.#showTime())
    on(bench.player, "state", () => this.#show())
    on(bench.document, "recordings", () => this.#show())
    on(this.speed, "change", () => bench.player.setRate(Number(this.speed.value)))
    on(this.heard, "change", () => this.#listen())
    on(this.time, "change", () => this.#go())
    on(this.time, "keydown", (event) => event.key === "Enter" && this.time.blur())
    on(this.time, "blur", () => this.#showTime())
    this.#show()
    this.#showTime()
  }

  #showTime() {
    if (document.activeElement !== this.time) this.time.value = clock(this.bench.player.time)
  }

  #go() {
    const ms = parseClock(this.time.value)
    if (ms === null) return this.bench.say(`“${this.time.value}” is not a time. Type 62.5 or 1:02.5.`, "bad")
    this.bench.player.seek(ms)
    this.bench.viewport.reveal(this.bench.player.time, this.bench.player.time + 1)
  }

  #listen() {
    const recording = this.bench.document.recordings.find(({ id }) => String(id) === this.heard.value)
    const at = this.bench.player.time
    this.bench.player.listenTo(recording)
    this.bench.player.seek(at)
  }

  #show() {
    const { player, document: layer } = this.bench
    this.play.textContent = player.playing ? "Pause" : "Play"
    if (![...this.speed.options].some(({ value }) => Number(value) === player.rate)) {
      this.speed.append(el("option", { value: String(player.rate), text: `${player.rate}×` }))
    }
    this.speed.value = [...this.speed.options].find(({ value }) => Number(value) === player.rate).value
    const playable = layer.recordings.filter(({ proxy }) => proxy)
    this.heard.parentElement.hidden = playable.length < 2
    this.heard.replaceChildren(...playable.map(({ id, name }) => el("option", { value: String(id), text: name })))
    this.heard.value = String(player.recording?.id ?? "")
    this.dataset.state = player.canPlay ? "ready" : "waiting"
  }
}
customElements.define("mix-transport", Transport)
