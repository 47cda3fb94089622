// The conversation of the turn in view: its topic and its turns.

import { span } from "workbench/clock"
import { el } from "workbench/element"

class ConversationCard extends HTMLElement {
  connectedCallback() { this.gone = new AbortController() }
  disconnectedCallback() { this.gone.abort() }

  open(bench) {
    const { signal } = this.gone
    this.bench = bench
    const names = ["title", "hint", "topic", "turns"]
    this.parts = Object.fromEntries(names.map((name) => [name, this.querySelector(`[data-part=${name}]`)]))
    const { topic } = this.parts
    topic.addEventListener("change", () => bench.acts.setTopic(topic.value), { signal })
    bench.selection.addEventListener("change", () => this.#show(), { signal })
    bench.document.addEventListener("change", () => this.#show(), { signal })
    this.#show()
  }

  #show() {
    const { selection, document, view } = this.bench
    const { title, hint, topic, turns } = this.parts
    const conversation = selection.conversation
    const chosen = selection.turns
    const choices = document.choices("topics", conversation?.row.topic)
    this.#fillTopics(choices)
    topic.disabled = !document.editable
    topic.value = conversation?.row.topic ?? view.topic ?? choices[0]?.key ?? ""
    title.textContent = conversation ? `Conversation ${conversation.number}` : "Conversation"
    hint.textContent = conversation ? span(conversation.start_ms, conversation.end_ms)
      : chosen.length ? `${chosen.length} ${chosen.length === 1 ? "turn is" : "turns are"} in no conversation yet. Group ${chosen.length === 1 ? "it" : "them"} under this topic${this.bench.keymap.hint("group")}.`
        : "Turns about one topic make a conversation."
    const inView = new Set(chosen.map(({ uid }) => uid))
    turns.replaceChildren(...(conversation?.turns ?? []).map((turn) => this.#turn(conversation, turn, inView.has(turn.uid))))
  }

  #fillTopics(choices) {
    const { topic } = this.parts
    if ([...topic.options].map(({ value }) => value).join() === choices.map(({ key }) => key).join()) return
    topic.replaceChildren(...choices.map(({ key, label, retired }) => el("option", { value: key, text: retired ? `${label} (retired)` : label })))
  }

  #turn(conversation, turn, current) {
    const { bench } = this
    const go = el("button", { type: "button", class: "member", "aria-current": current ? "true" : null, text: `Turn ${turn.number}`, title: span(turn.start_ms, turn.end_ms) })
    go.addEventListener("click", () => {
      bench.selection.selectTurn(bench.document.turn(turn.uid))
      bench.reveal()
    })
    const leave = el("button", { type: "button", class: "leave", "aria-label": `Take turn ${turn.number} out of this conversation`, title: "Take out of this conversation", text: "×" })
    leave.hidden = !bench.document.editable
    leave.addEventListener("click", () => bench.acts.leaveConversation(conversation, turn.uid))
    return el("li", {}, go, leave)
  }
}
customElements.define("conversation-card", ConversationCard)
