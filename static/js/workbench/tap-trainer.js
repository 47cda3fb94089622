// Finds out how long a person needs from hearing to striking: clicks at unforeseen moments, a key at each.

import { MOST_DELAY_MS } from "workbench/taps"

const CLICKS = 8
const BETWEEN_S = [0.9, 2.1]
const CLICK_S = 0.03

class TapTrainer extends HTMLElement {
  connectedCallback() { this.gone = new AbortController() }
  disconnectedCallback() { this.gone.abort() }

  open(bench) {
    const { signal } = this.gone
    this.bench = bench
    this.dialog = this.closest("dialog")
    const part = (name) => this.querySelector(`[data-part=${name}]`)
    this.parts = Object.fromEntries(["said", "start", "pad", "delay"].map((name) => [name, part(name)]))
    const { start, pad, delay } = this.parts
    delay.max = String(MOST_DELAY_MS)
    start.addEventListener("click", () => this.#run(), { signal })
    pad.addEventListener("pointerdown", (event) => this.#strike(event), { signal })
    pad.addEventListener("keydown", (event) => this.#key(event), { signal })
    delay.addEventListener("change", () => this.#set(Number(delay.value)), { signal })
    this.dialog.addEventListener("close", () => this.#stop(), { signal })
    bench.showTapTrainer = () => this.#show()
  }

  #show() {
    this.parts.delay.value = String(this.bench.taps.delayMs)
    this.parts.said.textContent = `You will hear ${CLICKS} clicks at unforeseen moments. Press Space, or the pad, as soon as you hear each.`
    this.parts.pad.disabled = true
    this.dialog.showModal()
  }

  #set(ms) {
    this.bench.taps.setDelay(ms)
    this.parts.delay.value = String(this.bench.taps.delayMs)
  }

  #run() {
    this.#stop()
    this.bench.player.pause()
    this.context = new AudioContext()
    this.delays = []
    this.parts.pad.disabled = false
    this.parts.pad.focus()
    this.parts.said.textContent = "Listen …"
    this.#next()
  }

  #next() {
    const { context } = this
    const [least, most] = BETWEEN_S
    this.clickAt = context.currentTime + least + Math.random() * (most - least)
    const click = context.createOscillator()
    const gain = context.createGain()
    click.frequency.value = 1200
    gain.gain.value = 0.4
    click.connect(gain).connect(context.destination)
    click.start(this.clickAt)
    click.stop(this.clickAt + CLICK_S)
    // whoever misses one hears the next
    this.missing = setTimeout(() => this.#next(), (this.clickAt - context.currentTime) * 1000 + 1500)
  }

  #key(event) {
    if (event.key !== " " || event.repeat) return
    event.preventDefault()
    this.#strike(event)
  }

  #strike({ timeStamp }) {
    if (!this.context) return
    const { contextTime, performanceTime } = this.context.getOutputTimestamp()
    const heardAt = performanceTime + (this.clickAt - contextTime) * 1000
    const delay = timeStamp - heardAt
    if (delay < 0) return (this.parts.said.textContent = "That was before the click; wait for it.")
    clearTimeout(this.missing)
    this.delays.push(delay)
    this.parts.said.textContent = `${this.delays.length} of ${CLICKS}`
    if (this.delays.length < CLICKS) return this.#next()
    this.#stop()
    const inOrder = this.delays.toSorted((a, b) => a - b)
    this.#set((inOrder[CLICKS / 2 - 1] + inOrder[CLICKS / 2]) / 2)
    this.parts.said.textContent = `You need ${this.bench.taps.delayMs} ms. What you tap is set back by that much.`
    this.parts.start.focus()
  }

  #stop() {
    clearTimeout(this.missing)
    this.context?.close()
    this.context = null
    this.parts.pad.disabled = true
  }
}
customElements.define("tap-trainer", TapTrainer)
