// Who changed what, and when; and the way back to before any of it.

import { span } from "workbench/clock"
import { el } from "workbench/element"

class EditHistory extends HTMLElement {
  connectedCallback() { this.gone = new AbortController() }
  disconnectedCallback() { this.gone.abort() }

  open(bench) {
    const { signal } = this.gone
    this.bench = bench
    this.dialog = this.closest("dialog")
    this.list = this.querySelector("ol")
    this.more = this.querySelector("[data-part=more]")
    this.said = this.querySelector("[data-part=said]")
    this.more.addEventListener("click", () => this.#load(), { signal })
    bench.showHistory = () => this.#show()
  }

  async #show() {
    this.edits = [] // the newest first, as far as they have been read
    this.next = `${this.closest("mix-workbench").dataset.edits}?page_size=50`
    this.list.replaceChildren()
    this.dialog.showModal()
    await this.#load()
  }

  async #load() {
    this.more.hidden = true
    this.said.textContent = "Reading …"
    try {
      const answer = await fetch(this.next, { headers: { Accept: "application/json" }, signal: this.gone.signal })
      if (!answer.ok) throw new Error(`${answer.status}`)
      const page = await answer.json()
      const next = page.next && new URL(page.next)
      this.next = next && next.pathname + next.search // a proxy may not tell the site its own scheme
      this.edits.push(...page.results)
      this.list.append(...page.results.map((edit) => this.#item(edit)))
      this.more.hidden = !page.next
      this.said.textContent = this.edits.length ? "" : "Nothing has been changed yet."
    } catch (error) {
      if (error.name !== "AbortError") this.said.textContent = "The history could not be read. Close it and try again."
    }
  }

  #item(edit) {
    const when = new Date(edit.created_at)
    const back = el("button", { type: "button", class: "btn small", text: "Back to before this", onclick: () => this.#restore(edit) })
    back.hidden = !this.bench.document.editable
    return el("li", {},
      el("time", { datetime: edit.created_at, title: when.toLocaleString(), text: when.toTimeString().slice(0, 5) }),
      el("strong", { text: edit.author }),
      el("span", { text: told(edit) }),
      back)
  }

  #restore(edit) {
    const { document: layer, outbox, say } = this.bench
    if (outbox.count) return (this.said.textContent = "Some edits are still being saved; try again in a moment.")
    const later = this.edits.slice(0, this.edits.indexOf(edit) + 1)
    if (later[0].revision !== layer.revision) return (this.said.textContent = "The layer has changed meanwhile; close this and open it again.")
    for (const { id, changes } of later) if (!layer.history.get(id)?.length) layer.history.set(id, changes)
    layer.restore(later.map(({ id }) => id))
    this.dialog.close()
    say(`Back to before ${later.length === 1 ? "the last edit" : `the last ${later.length} edits`}. Ctrl+Z undoes that.`)
  }
}
customElements.define("edit-history", EditHistory)

// One edit in words, from its rows before and after.
function told({ op, changes }) {
  const { before, after } = changes[0] ?? {}
  const words = (text) => (text.length > 60 ? `“${text.slice(0, 60)}…”` : `“${text}”`)
  const at = (row) => span(row.start_ms, row.end_ms)
  switch (op) {
    case "segment.create": return `${after.lane} segment made, ${at(after)}`
    case "segment.update":
      if (after.text !== before.text) return `${after.lane} segment says ${words(after.text)}`
      if (after.lane !== before.lane) return `segment moved from ${before.lane} to ${after.lane}`
      return `${after.lane} segment moved to ${at(after)}`
    case "segment.split": return `segment split, ${at(before)}`
    case "segment.merge": return `segments merged, ${at(after)}`
    case "segment.delete": return "segment deleted"
    case "turn.create": return "turn made"
    case "turn.update": return "turn changed"
    case "turn.delete": return "turn taken apart"
    case "conversation.create": return `turns grouped: ${changes.at(-1).after.topic}`
    case "conversation.update": return `conversation changed: ${changes.at(-1).after.topic}`
    case "conversation.delete": return "turns ungrouped"
    case "summary.write": return after ? `context summary: ${words(after.text)}` : "context summary removed"
    case "flag.set": return after ? `${after.flag}: ${after.value}` : `${before?.flag ?? "flag"}: unset`
    case "undo": return "an edit undone"
    default: return op
  }
}
