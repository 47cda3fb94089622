// The bar between timeline and transcript: time and speed.

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
    this.play = this.querySelector("[data-action=play]")
    const on = (target, name, listener) => target.addEventListener(name, listener, { signal })
    on(bench.player, "tick", () => this.#showTime())
    on(bench.player, "move", () => this.#showTime())
    on(bench.player, "state", () => this.#show())
    on(this.speed, "change", () => bench.player.setRate(Number(this.speed.value)))
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

  #show() {
    const { player } = this.bench
    this.play.textContent = player.playing ? "Pause" : "Play"
    if (![...this.speed.options].some(({ value }) => Number(value) === player.rate)) {
      this.speed.append(el("option", { value: String(player.rate), text: `${player.rate}×` }))
    }
    this.speed.value = [...this.speed.options].find(({ value }) => Number(value) === player.rate).value
    this.dataset.state = player.canPlay ? "ready" : "waiting"
  }
}
customElements.define("mix-transport", Transport)
