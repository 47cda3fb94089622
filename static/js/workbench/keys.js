// From keys to actions: off while somebody types, never the browser's own.

import { el } from "workbench/element"
import { isModifier, keyLabel, keyName } from "workbench/keymap"

const TYPING = "input:not([type=checkbox]):not([type=radio]):not([type=range]), textarea, select, [contenteditable]"
const PRESSED = "button, a[href], summary, input[type=radio], input[type=checkbox]"
// Keys that a focused button or radio uses itself.
const THEIRS = new Set(["Space", "Enter"])
const RADIO = new Set(["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown", "Space"])

export class Keys {
  #bench
  #chord = null

  constructor(bench, signal) {
    this.#bench = bench
    document.addEventListener("keydown", (event) => this.#press(event), { signal })
    document.addEventListener("pointerdown", (event) => bench.legend.contains(event.target) || this.dismiss(), { signal })
  }

  #press(event) {
    if (event.defaultPrevented || event.isComposing || document.querySelector("dialog[open]")) return
    const key = keyName(event)
    if (!key || isModifier(event)) return
    if (this.#chord && this.#answer(event, key)) return
    if (this.#isTheirs(event, key)) return
    const action = this.#bench.keymap.byKey.get(key)
    if (!action) return
    event.preventDefault()
    if (event.repeat && !action.repeats) return
    this.#bench.run(action.name, event)
  }

  #isTheirs(event, key) {
    const { target } = event
    if (!(target instanceof Element)) return false
    if (target.matches(TYPING)) return !/^(Ctrl\+(Shift\+)?[ZY]|Escape)$/.test(key) || target.dataset.dirty === "true"
    if (target.matches("input[type=radio]") && RADIO.has(key)) return true
    return target.matches(PRESSED) && THEIRS.has(key)
  }

  // Wait for one more key: `choices` is a list of {key, label, run}; any other key closes the legend.
  ask(title, choices) {
    this.#chord = choices
    const items = choices.map(({ key, label, run }) => {
      const button = el("button", { type: "button", title: `${label} (${keyLabel(key)})` }, el("kbd", { text: keyLabel(key) }), el("span", { text: label }))
      button.addEventListener("click", () => {
        this.dismiss()
        run()
      })
      return button
    })
    const { legend } = this.#bench
    legend.replaceChildren(el("strong", { text: title }), ...items, el("span", { class: "hint", text: "Esc to leave" }))
    legend.hidden = false
  }

  dismiss() {
    this.#chord = null
    this.#bench.legend.hidden = true
  }

  #answer(event, key) {
    const choice = this.#chord.find((each) => each.key.toUpperCase() === key)
    this.dismiss()
    if (!choice && key !== "Escape") return false
    event.preventDefault()
    choice?.run()
    return true
  }
}
