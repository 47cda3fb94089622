// What stands beside a context summary: how long it should be, what it gives away, and what it was before.

import { el } from "workbench/element"
import { givesAway, leakSentence, tokens } from "workbench/lint"

export class SummaryNotes {
  #counts = null // word → how many turns of the layer say it, until the rows differ
  #shown = null

  constructor(card, bench, signal) {
    Object.assign(this, { bench, signal })
    const part = (name) => card.querySelector(`[data-part=${name}]`)
    this.field = part("summary")
    this.words = part("words")
    this.leak = part("leak")
    this.versions = part("versions")
    this.list = part("versions-list")
    this.said = part("versions-said")
    this.more = part("versions-more")
    this.address = card.closest("mix-workbench").dataset.edits.replace(/edits\/$/, "turns/")
    this.field.addEventListener("input", () => this.#check(), { signal })
    this.versions.addEventListener("toggle", () => this.#read(), { signal })
    this.more.addEventListener("click", () => this.#load(), { signal })
    bench.document.addEventListener("change", () => (this.#counts = null), { signal })
    bench.document.addEventListener("settled", () => this.#refresh(), { signal })
    bench.showVersions = () => this.#toggle()
  }

  show() {
    this.#check()
    this.#refresh()
  }

  #toggle() {
    this.versions.open = !this.versions.open
    if (this.versions.open) this.versions.querySelector("summary").focus()
  }

  #check() {
    const { min, max } = this.bench.document.vocabulary.rules.summary_words
    const count = this.field.value.split(/\s+/).filter(Boolean).length
    const hint = count > max ? ` – long for a summary, at most ${max}` : count && count < min ? ` – short for a summary, at least ${min}` : ""
    this.words.textContent = `${count} ${count === 1 ? "word" : "words"}${hint}`
    this.words.classList.toggle("warn", hint !== "")
    const sentence = leakSentence(this.#leaks())
    if (this.leak.textContent !== sentence) this.leak.textContent = sentence
    this.leak.hidden = !sentence
  }

  #leaks() {
    const { document, selection } = this.bench
    const { turn } = selection
    const answer = turn && document.textOf(turn, "expert")
    if (!answer || !this.field.value.trim()) return []
    const turns = document.conversationOf(turn.uid)?.turns ?? []
    const earlier = turns.slice(0, Math.max(0, turns.findIndex(({ uid }) => uid === turn.uid)))
    const before = [...earlier.flatMap((each) => [document.textOf(each, "amateur"), document.textOf(each, "expert")]), document.textOf(turn, "amateur")]
    return givesAway({
      summary: this.field.value, answer, before: before.filter(Boolean),
      turns: document.turns.length, turnsWith: (word) => this.#count(word),
    })
  }

  #count(word) {
    const { document } = this.bench
    if (!this.#counts) {
      this.#counts = new Map()
      for (const turn of document.turns) {
        const text = `${document.textOf(turn, "amateur") ?? ""} ${document.textOf(turn, "expert") ?? ""}`
        for (const each of new Set(tokens(text).map((token) => token.word))) this.#counts.set(each, (this.#counts.get(each) ?? 0) + 1)
      }
    }
    return this.#counts.get(word) ?? 0
  }

  // ---------------------------------------------------------------- versions

  // Read again when another turn is in view, or when what is saved differs.
  #refresh() {
    const { document, selection } = this.bench
    const uid = selection.turn?.uid ?? null
    const now = `${uid} ${uid && document.summaryOf(uid)?.text}`
    if (document.pending.length || now === this.#shown) return
    this.#shown = now
    this.#read()
  }

  #read() {
    const uid = this.bench.selection.turn?.uid
    this.asked = null
    this.list.replaceChildren()
    this.more.hidden = true
    this.said.textContent = ""
    this.next = uid ? `${this.address}${uid}/summaries/?page_size=20` : null
    if (this.versions.open && uid) this.#load()
  }

  async #load() {
    const asked = (this.asked = {})
    this.more.hidden = true
    try {
      const answer = await fetch(this.next, { headers: { Accept: "application/json" }, signal: this.signal })
      if (!answer.ok) throw new Error(`${answer.status}`)
      const page = await answer.json()
      if (asked !== this.asked) return // another turn is in view by now, or it was asked again
      const next = page.next && new URL(page.next)
      this.next = next && next.pathname + next.search // a proxy may not tell the site its own scheme
      this.list.append(...page.results.map((version) => this.#item(version)))
      this.more.hidden = !next
      this.said.textContent = this.list.children.length ? "" : "Nothing has been written yet."
    } catch (error) {
      if (error.name !== "AbortError" && asked === this.asked) this.said.textContent = "The versions could not be read. Close and open them to try again."
    }
  }

  #item({ revision, text, author, model, created_at }) {
    const { document, selection, acts } = this.bench
    const uid = selection.turn?.uid
    const back = el("button", { type: "button", class: "link", text: "Use this again", "aria-label": `Use version ${revision} again` })
    back.hidden = !document.editable || !text || text === document.summaryOf(uid)?.text
    back.addEventListener("click", () => {
      this.bench.flushDrafts() // what is being typed becomes a version too
      acts.summarise(uid, text)
    })
    return el("li", {},
      el("span", { class: "soft", text: `Version ${revision} by ${author || model || "an import"}${acceptedFrom({ author, model })}, ${new Date(created_at).toLocaleString()} ` }), back,
      el("p", { text: text || "taken away" }))
  }
}

// An import's summary is told under its model's own name; a person's, with a model, was that model's draft.
export function acceptedFrom({ author, model }) {
  return author && model && author !== model ? `, accepted from ${model}` : ""
}
