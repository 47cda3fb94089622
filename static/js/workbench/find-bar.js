// The bar above the transcript where text is sought and replaced.

const MATCHES = ["matchCase", "word", "regex"]

class FindBar extends HTMLElement {
  connectedCallback() { this.gone = new AbortController() }
  disconnectedCallback() { this.gone.abort() }

  open(bench) {
    const { signal } = this.gone
    this.bench = bench
    const part = (name) => this.querySelector(`[data-part=${name}]`)
    this.parts = Object.fromEntries(["query", "count", "replacement", "previous", "following", "replace", "replace-all", "shut", ...MATCHES].map((name) => [name, part(name)]))
    const { query, replacement, previous, following, shut } = this.parts
    const on = (target, name, listener) => target.addEventListener(name, listener, { signal })
    bench.showFind = () => this.#show()
    on(query, "input", () => this.#seek())
    for (const name of MATCHES) on(this.parts[name], "change", () => this.#seek())
    on(this, "keydown", (event) => this.#key(event))
    on(following, "click", () => this.#step(1))
    on(previous, "click", () => this.#step(-1))
    on(this.parts.replace, "click", () => bench.finder.replace(replacement.value))
    on(this.parts["replace-all"], "click", () => bench.finder.replaceAll(replacement.value))
    on(shut, "click", () => this.#shut())
    on(bench.finder, "change", () => this.#tell())
  }

  #show() {
    const { query } = this.parts
    this.hidden = false
    query.focus()
    query.select()
    this.#seek()
  }

  #shut() {
    this.hidden = true
    this.bench.finder.clear()
    this.closest("mix-transcript").querySelector("[role=listbox]").focus({ preventScroll: true })
  }

  #seek() {
    const options = Object.fromEntries(MATCHES.map((name) => [name, this.parts[name].checked]))
    this.bench.finder.seek(this.parts.query.value, options)
  }

  #step(direction) {
    const { finder } = this.bench
    finder.step(direction)
    this.bench.say(finder.error || (finder.hits.length ? `${finder.position + 1} of ${finder.hits.length}.` : "Nothing is found."))
  }

  #key(event) {
    if (event.isComposing) return
    if (event.key === "Escape") this.#shut()
    else if (event.key === "Enter" && event.target === this.parts.query) this.#step(event.shiftKey ? -1 : 1)
    else if (event.key === "Enter" && event.target === this.parts.replacement) {
      if (event.ctrlKey || event.metaKey) this.bench.finder.replaceAll(event.target.value)
      else this.bench.finder.replace(event.target.value)
    } else return
    event.preventDefault()
    event.stopPropagation()
  }

  #tell() {
    const { finder, document } = this.bench
    const { count, previous, following, replace } = this.parts
    const { length } = finder.hits
    count.textContent = finder.error || (!finder.query ? "" : !length ? "Nothing is found" : finder.present ? `${finder.position + 1} of ${length}` : `${length} found`)
    count.classList.toggle("bad", Boolean(finder.error))
    for (const button of [previous, following]) button.disabled = !length
    for (const button of [replace, this.parts["replace-all"]]) button.disabled = !length || !document.editable
  }
}
customElements.define("find-bar", FindBar)
