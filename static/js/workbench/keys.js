// From keys to actions: off while somebody types, never the browser's own; the sheet that shows them all.

import { el } from "workbench/element"

const WORDS = { " ": "Space", Esc: "Escape", Del: "Delete" }
const SHOWN = { ArrowLeft: "←", ArrowRight: "→", ArrowUp: "↑", ArrowDown: "↓", Escape: "Esc", PageUp: "Page Up", PageDown: "Page Down", "-": "−" }

// "Ctrl+Shift+Z", "Shift+Space", "?": a sign that needs Shift is named without it.
export function keyName(event) {
  const key = WORDS[event.key] ?? event.key
  const isLetter = /^\p{L}$/u.test(key)
  const isSign = key.length === 1 && !isLetter
  const altGraph = event.getModifierState?.("AltGraph")
  if (event.altKey && !altGraph) return null
  const control = (event.ctrlKey || event.metaKey) && !altGraph
  return [control && "Ctrl", event.shiftKey && !isSign && "Shift", isLetter ? key.toUpperCase() : key].filter(Boolean).join("+")
}

export function keyLabel(key) {
  return key.split(/\+(?!$)/).map((part) => SHOWN[part] ?? part).join("+")
}

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
    this.byKey = new Map()
    for (const action of bench.actions.values()) {
      for (const key of action.keys) {
        if (this.byKey.has(key)) throw new Error(`${key} means both ${this.byKey.get(key).name} and ${action.name}`)
        this.byKey.set(key, action)
      }
    }
    document.addEventListener("keydown", (event) => this.#press(event), { signal })
    document.addEventListener("pointerdown", (event) => bench.legend.contains(event.target) || this.dismiss(), { signal })
  }

  #press(event) {
    if (event.defaultPrevented || event.isComposing || document.querySelector("dialog[open]")) return
    const key = keyName(event)
    if (!key || key === "Shift" || key === "Ctrl+Control" || key === "Control") return
    if (this.#chord && this.#answer(event, key)) return
    if (this.#isTheirs(event, key)) return
    const action = this.byKey.get(key)
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
      const button = el("button", { type: "button", title: `${label} (${key})` }, el("kbd", { text: key }), el("span", { text: label }))
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

// The sheet of all keys, built once, from the same table.
export function keySheet(dialog, actions) {
  const groups = Map.groupBy(actions.values(), ({ group }) => group)
  const body = dialog.querySelector("[data-keys]")
  body.replaceChildren(...[...groups].map(([group, list]) => el("section", {},
    el("h3", { text: group }),
    el("dl", {}, ...list.flatMap(({ keys, label }) => [
      el("dt", {}, ...keys.map((key) => el("kbd", { text: keyLabel(key) }))),
      el("dd", { text: label }),
    ])),
  )))
}
