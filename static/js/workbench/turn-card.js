// The turn in view: who says what, the clips, flags, and the context summary that stands before it.

import { clock, span } from "workbench/clock"
import { Draft } from "workbench/draft"
import { el } from "workbench/element"
import { SummaryDraft } from "workbench/summary-draft"
import { SummaryNotes, acceptedFrom } from "workbench/summary-notes"

class TurnCard extends HTMLElement {
  connectedCallback() { this.gone = new AbortController() }
  disconnectedCallback() { this.gone.abort() }

  open(bench) {
    const { signal } = this.gone
    this.bench = bench
    const names = ["title", "hint", "body", "members", "amateur", "expert", "flags", "summary", "written"]
    this.parts = Object.fromEntries(names.map((name) => [name, this.querySelector(`[data-part=${name}]`)]))
    const uid = () => bench.selection.turn?.uid ?? null
    const turn = (each) => each && bench.document.turn(each)
    const side = (name) => new Draft(this.parts[name], {
      bench, signal, subject: uid,
      read: (each) => (turn(each) && bench.document.textOf(turn(each), name)) ?? "",
      write: (each, text) => bench.acts.writeSide(each, name, text.trim()),
      done: () => this.parts[name].blur(),
    })
    this.summary = new Draft(this.parts.summary, {
      bench, signal, subject: uid,
      read: (each) => (each && bench.document.summaryOf(each)?.text) ?? "",
      write: (each, text) => bench.acts.summarise(each, text),
      done: () => this.parts.summary.blur(),
    })
    this.drafts = [side("amateur"), side("expert"), this.summary]
    this.notes = new SummaryNotes(this, bench, signal)
    this.modelDraft = new SummaryDraft(this, bench, signal)
    for (const button of this.querySelectorAll("[data-derive]")) {
      button.addEventListener("click", () => uid() && bench.acts.useSegmentsWords(uid(), button.dataset.derive), { signal })
    }
    this.#buildFlags()
    bench.selection.addEventListener("change", () => this.#show(), { signal })
    bench.document.addEventListener("change", () => this.#show(), { signal })
    this.#show()
  }

  #buildFlags() {
    const { document, acts, selection } = this.bench
    const { signal } = this.gone
    this.flags = document.vocabulary.flags.map(({ key, label, letter, retired }) => {
      const choices = [["", "Unset"], ["yes", "Yes"], ["no", "No"]].map(([value, text]) => {
        const input = el("input", { type: "radio", name: `flag-${key}`, value })
        input.addEventListener("change", () => acts.flag(key, value || null), { signal })
        return { input, node: el("label", {}, input, el("span", { text })) }
      })
      const note = el("input", { type: "text", class: "note", placeholder: "Note", maxlength: "500", "aria-label": `Note on ${label}` })
      const draft = new Draft(note, {
        bench: this.bench, signal, enter: true,
        subject: () => selection.turn?.uid ?? null,
        read: (turn) => (turn && document.flagOf(turn, key)?.note) ?? "",
        write: (turn, text) => acts.noteFlag(turn, key, text),
        done: () => note.blur(),
      })
      this.drafts.push(draft)
      const title = letter ? `${label} (F ${letter.toUpperCase()})` : label
      const node = el("fieldset", { class: "flagset", title }, el("legend", { text: label }),
        el("span", { class: "choices" }, ...choices.map(({ node: choice }) => choice)), note)
      return { key, retired, node, note, inputs: choices.map(({ input }) => input) }
    })
    this.parts.flags.replaceChildren(...this.flags.map(({ node }) => node))
  }

  #show() {
    const { selection, document } = this.bench
    const { title, hint, body, members, written } = this.parts
    const turn = selection.turn
    const many = selection.turns.length
    body.hidden = !turn
    title.textContent = !turn ? "Turn" : many > 1 ? `Turn ${turn.number} and ${many - 1} more` : `Turn ${turn.number}`
    hint.textContent = turn ? span(turn.start_ms, turn.end_ms) : this.#nextStep()
    hint.hidden = !hint.textContent
    if (turn) {
      members.replaceChildren(...turn.segments.map((segment) => this.#member(turn, segment)))
      for (const side of ["amateur", "expert"]) {
        const derived = turn.row[`${side}_text`] === null
        this.parts[side].placeholder = document.isMissing(turn, side) ? "missing" : "no words yet"
        this.querySelector(`[data-derive=${side}]`).hidden = derived || !document.editable
      }
      const summary = document.summaryOf(turn.uid)
      written.textContent = summary ? `Version ${summary.revision}${summary.author ? ` by ${summary.author}` : ""}${acceptedFrom(summary)}` : ""
      for (const { key, retired, node, inputs, note } of this.flags) {
        const row = document.flagOf(turn.uid, key)
        node.hidden = Boolean(retired) && !row
        for (const input of inputs) {
          input.checked = input.value === (row?.value ?? "")
          const out = retired && input.value && input.value !== row?.value
          input.disabled = !document.editable || Boolean(out)
        }
        note.disabled = !row || !document.editable
      }
    }
    for (const draft of this.drafts) draft.show()
    this.notes.show()
    this.modelDraft.show()
  }

  #nextStep() {
    const { selection, document } = this.bench
    if (!document.editable) return "Select a segment of a turn to see it here."
    if (selection.uids.size) return `These segments are in no turn yet. Shift-click to add others, then pair them${this.bench.keymap.hint("pair")}.`
    return "A turn is what the amateur asks, what the expert answers, and the music they speak about."
  }

  #member(turn, segment) {
    const { bench } = this
    const words = segment.text || (segment.lane === "music" ? "music" : "no words yet")
    const go = el("button", { type: "button", class: "member", data: { lane: segment.lane }, title: `${span(segment.start_ms, segment.end_ms)}: ${words}` },
      el("span", { class: "lane", text: segment.lane }),
      el("time", { text: clock(segment.start_ms, { digits: 1 }) }))
    go.addEventListener("click", () => {
      bench.selection.select([segment.uid], { turn: turn.uid })
      bench.reveal()
    })
    const leave = el("button", { type: "button", class: "leave", "aria-label": `Take the ${segment.lane} segment at ${clock(segment.start_ms, { digits: 1 })} out of this turn`, title: "Take out of this turn", text: "×" })
    leave.hidden = !bench.document.editable
    leave.addEventListener("click", () => bench.acts.leaveTurn(turn, segment.uid))
    return el("li", {}, go, leave)
  }
}
customElements.define("turn-card", TurnCard)
