// The sheet of all keys: which there are, and the place to change them.

import { el } from "workbench/element"
import { isModifier, keyLabel, keyName } from "workbench/keymap"
import { PROFILES } from "workbench/profiles"

class KeySheet extends HTMLElement {
  connectedCallback() { this.gone = new AbortController() }
  disconnectedCallback() { this.gone.abort() }

  open(bench) {
    const { signal } = this.gone
    this.bench = bench
    this.dialog = this.closest("dialog")
    this.said = this.querySelector("[data-part=said]")
    this.profile = this.querySelector("[data-part=profile]")
    this.all = this.querySelector("[data-part=reset-all]")
    this.taking = null // {name, beside}: the action that gets the next key
    this.profile.replaceChildren(...PROFILES.map(({ name, label }) => el("option", { value: name, text: label })))
    const on = (target, name, listener, options = {}) => target.addEventListener(name, listener, { signal, ...options })
    on(this.profile, "change", () => this.#useProfile())
    on(this.all, "click", () => {
      bench.keymap.resetAll()
      this.#say("All keys are the profile’s again.")
    })
    on(this, "click", (event) => this.#click(event))
    on(this.dialog, "keydown", (event) => this.#key(event), { capture: true })
    on(this.dialog, "keyup", (event) => this.#swallow(event), { capture: true })
    on(this.dialog, "cancel", (event) => this.taking && event.preventDefault())
    on(this.dialog, "close", () => this.#close())
    on(this.dialog, "pointerdown", (event) => event.target.closest("[data-change], [data-add]") || this.#leave())
    on(bench.keymap, "change", () => this.#fill())
    bench.showKeys = () => {
      this.dialog.showModal()
      this.#fill()
    }
  }

  // A thousand nodes that nobody looks at are not kept.
  #close() {
    this.#leave()
    this.querySelector("[data-keys]").replaceChildren()
  }

  #fill() {
    if (!this.dialog.open) return
    const { actions, keymap } = this.bench
    const held = this.contains(document.activeElement) ? document.activeElement : null
    const again = held?.closest("[data-name]") && { name: held.closest("[data-name]").dataset.name, act: Object.keys(held.dataset)[0] }
    this.profile.value = keymap.profile
    this.all.disabled = !keymap.someChanged
    const groups = Map.groupBy(actions.values(), ({ group }) => group)
    this.querySelector("[data-keys]").replaceChildren(...[...groups].map(([group, list]) => el("section", {},
      el("h3", { text: group }),
      el("ul", {}, ...list.map((action) => this.#row(action))),
    )))
    if (again) this.#button(again.name, again.act)?.focus()
  }

  #button(name, act) {
    const row = this.querySelector(`[data-name="${name}"]`)
    return row?.querySelector(`[data-${act}]`) ?? row?.querySelector("[data-change]")
  }

  #row({ name, label, keys }) {
    const { keymap } = this.bench
    const changed = keymap.isChanged(name)
    const taking = this.taking?.name === name && this.taking
    const button = (act, text, does) => el("button", { type: "button", class: "act tiny", data: { [act]: "" }, "aria-label": `${does} ${label}`, title: `${does} ${label}`, text })
    return el("li", { data: { name }, class: changed ? "changed" : null },
      el("span", { class: "held" },
        ...(taking && !taking.beside ? [] : keys.map((key) => el("kbd", { text: keyLabel(key) }))),
        taking ? el("kbd", { class: "taking", text: "press a key" }) : null,
        keys.length || taking ? null : el("span", { class: "soft", text: "no key" })),
      el("span", { class: "does", text: label }, changed ? el("em", { text: " yours" }) : null),
      el("span", { class: "changes" },
        changed ? button("reset", "Reset", "Reset the key of") : null,
        button("change", "Change", "Change the key of"),
        button("add", "+", "Add a key to")))
  }

  #click(event) {
    const button = event.target.closest("button")
    const name = button?.closest("[data-name]")?.dataset.name
    if (!name) return
    if ("reset" in button.dataset) {
      this.bench.keymap.reset(name)
      this.#say(`${this.#label(name)}: ${this.#keysOf(name)} again.`)
    } else this.#take(name, "add" in button.dataset)
  }

  #take(name, beside) {
    this.taking = { name, beside }
    this.#fill()
    this.#button(name, beside ? "add" : "change").focus()
    this.#say(`Press the ${beside ? "other key" : "key"} for “${this.#label(name)}”. Esc leaves it; Delete takes its keys away.`)
  }

  #key(event) {
    if (!this.taking) return
    event.preventDefault()
    event.stopPropagation()
    if (isModifier(event) || event.repeat) return
    this.swallowed = event.code
    const { name, beside } = this.taking
    const key = keyName(event)
    if (key === "Escape") return this.#leave("Left as it was.")
    if (key === "Delete" || key === "Backspace") {
      this.taking = null
      this.bench.keymap.clear(name)
      return this.#say(`“${this.#label(name)}” has no key now.`)
    }
    const taken = this.taking
    this.taking = null // before the keymap tells its change
    const no = this.bench.keymap.give(name, key, { beside })
    if (!no) return this.#say(`“${this.#label(name)}”: ${this.#keysOf(name)}.`)
    this.taking = taken
    this.#say(no, "bad")
  }

  // The release of the key that was taken presses no button.
  #swallow(event) {
    if (event.code !== this.swallowed) return
    this.swallowed = null
    event.preventDefault()
  }

  #leave(sentence = "") {
    if (!this.taking) return
    this.taking = null
    this.#fill()
    this.#say(sentence)
  }

  #useProfile() {
    const { keymap } = this.bench
    keymap.useProfile(this.profile.value)
    const { label } = PROFILES.find(({ name }) => name === keymap.profile)
    const idle = [...this.bench.actions.values()].filter(({ keys }) => !keys.length).length
    this.#say(`Keys of ${label}.${keymap.someChanged ? " Your own changes stay." : ""}${idle ? ` ${idle} without a key.` : ""}`)
  }

  #label(name) { return this.bench.actions.get(name).label }
  #keysOf(name) { return this.bench.actions.get(name).keys.map(keyLabel).join(" or ") || "no key" }

  #say(sentence, tone = "soft") {
    this.said.dataset.tone = tone
    this.said.textContent = sentence
  }
}
customElements.define("key-sheet", KeySheet)
