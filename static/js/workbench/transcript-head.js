// Above the transcript: what is still to do in this layer, each count a way to the next of its kind.

import { oncePerFrame } from "workbench/element"

class TranscriptHead extends HTMLElement {
  connectedCallback() { this.gone = new AbortController() }
  disconnectedCallback() { this.gone.abort() }

  open(bench) {
    const { signal } = this.gone
    this.bench = bench
    const named = (name) => this.querySelector(`[data-action=${name}]`)
    this.unfinished = named("only-unfinished")
    this.unpaired = named("next-unpaired")
    this.ungrouped = named("next-ungrouped")
    this.suggested = this.querySelector("[data-part=suggested]")
    this.count = this.suggested.querySelector("output")
    const tell = oncePerFrame(() => this.#tell(), signal)
    for (const target of [bench.document, bench.suggestions, bench.unfinished]) target.addEventListener("change", tell, { signal })
    this.#tell()
  }

  #tell() {
    const { unfinished, suggestions } = this.bench
    const unpaired = unfinished.unpaired.length
    const ungrouped = unfinished.ungrouped.length
    const suggested = suggestions.all.length
    this.unfinished.textContent = `Unfinished ${unfinished.things.length}`
    this.unpaired.textContent = `${unpaired} unpaired`
    this.unpaired.hidden = !unpaired
    this.ungrouped.textContent = `${ungrouped} ${ungrouped === 1 ? "turn" : "turns"} ungrouped`
    this.ungrouped.hidden = !ungrouped
    this.count.textContent = `${suggested} suggested`
    this.suggested.hidden = !suggested
  }
}
customElements.define("transcript-head", TranscriptHead)
