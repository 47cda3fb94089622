// Which key does what: a person's own changes over a profile's table over the table of actions.

import { PROFILES } from "workbench/profiles"

const WORDS = { " ": "Space", Esc: "Escape", Del: "Delete" }
const SHOWN = { ArrowLeft: "←", ArrowRight: "→", ArrowUp: "↑", ArrowDown: "↓", Escape: "Esc", PageUp: "Page Up", PageDown: "Page Down", "-": "−" }
const MOST_KEYS = 4 // of one action, as the server holds them

// "Ctrl+Shift+Z", "Shift+Space", "?": a sign that needs Shift is named without it; null with Alt.
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

export const isModifier = (event) => /^(Shift|Control|Alt|AltGraph|Meta|CapsLock|NumLock|Fn|OS)$/.test(event.key)

const OURS_WITH_CTRL = /^Ctrl\+(Z|Shift\+Z|Y|Space|(Shift\+)?(Enter|Arrow\w+))$/
const THEIRS = /^(Shift\+)?(F1|F3|F5|F6|F7|F10|F11|F12|Tab|ContextMenu)$/

// Why no action can have this key, in a sentence; null where one can.
export function refusal(key) {
  if (key === null) return "Keys with Alt belong to the browser and the system; take one without."
  const name = key.split(/\+(?!$)/).at(-1)
  if (/^(Dead|Unidentified|Process|Compose)$/.test(name)) return "This keyboard does not tell which key that was; take another."
  if (key === "Escape") return "Esc stops, lets go and closes; take another key."
  if (THEIRS.test(key) || (key.startsWith("Ctrl+") && !OURS_WITH_CTRL.test(key))) return `${keyLabel(key)} belongs to the browser; take another key.`
  return null
}

// Event "change" when a key does something else than before. Every action carries its keys and its title.
export class Keymap extends EventTarget {
  #actions
  #defaults
  #changed = new Map() // action → the keys that the person gave it

  constructor(actions, kept = {}) {
    super()
    this.#actions = actions
    this.#defaults = new Map([...actions.values()].map(({ name, keys }) => [name, keys]))
    const all = [...this.#defaults.values()].flat()
    const twice = all.find((key, i) => all.indexOf(key) < i)
    if (twice) throw new Error(`${twice} means two things`)
    this.profile = "default"
    this.byKey = new Map()
    this.take(kept)
  }

  // Take over what was kept; what is not known here, or can't be, is passed over.
  take({ profile, keys } = {}) {
    this.profile = PROFILES.some(({ name }) => name === profile) ? profile : "default"
    const known = Object.entries(keys ?? {}).filter(([name, each]) => this.#actions.has(name) && Array.isArray(each))
    this.#changed = new Map(known.map(([name, each]) => [name, each.filter((key) => typeof key === "string" && this.#may(name, key))]))
    this.#settle()
  }

  toJSON() { return { profile: this.profile, keys: Object.fromEntries(this.#changed) } }

  isChanged(name) { return this.#changed.has(name) }
  get someChanged() { return this.#changed.size > 0 }

  // How the first key of an action is written, or nothing.
  label(name) {
    const [key] = this.#actions.get(name).keys
    return key ? keyLabel(key) : ""
  }

  // " (S)" or nothing, to stand behind what an action is called.
  hint(name) { return this.label(name) && ` (${this.label(name)})` }

  // Give an action this key, instead of those it has or `beside` them; a sentence where that can't be.
  give(name, key, { beside = false } = {}) {
    const no = refusal(key)
    if (no) return no
    const holder = this.byKey.get(key)
    if (holder && holder.name !== name) return `${keyLabel(key)} does “${holder.label}” already; clear that first.`
    const { keys } = this.#actions.get(name)
    if (beside && keys.length >= MOST_KEYS) return `An action has ${MOST_KEYS} keys at most.`
    this.#put(name, beside ? [...new Set([...keys, key])] : [key])
    return null
  }

  clear(name) { this.#put(name, []) }

  // Back to the profile's key; where another action has it now, that action keeps it.
  reset(name) {
    this.#changed.delete(name)
    this.#settle()
  }

  resetAll() {
    this.#changed.clear()
    this.#settle()
  }

  useProfile(profile) {
    this.profile = profile
    this.#settle()
  }

  #may(name, key) { return this.#defaults.get(name).includes(key) || !refusal(key) }

  #put(name, keys) {
    this.#changed.set(name, keys)
    this.#settle()
  }

  // A person's own keys come first, then the profile's, then the table's: a key that is taken is passed over.
  #settle() {
    const profile = new Map(Object.entries(PROFILES.find(({ name }) => name === this.profile).keys))
    const layers = [this.#changed, profile, this.#defaults]
    const keys = new Map()
    this.byKey.clear()
    for (const layer of layers) {
      for (const [name, wanted] of layer) {
        const action = this.#actions.get(name)
        if (!action || keys.has(name)) continue
        const free = wanted.filter((key) => !this.byKey.has(key))
        for (const key of free) this.byKey.set(key, action)
        keys.set(name, free)
      }
    }
    for (const action of this.#actions.values()) {
      action.keys = keys.get(action.name)
      action.title = action.words + this.hint(action.name)
    }
    this.dispatchEvent(new Event("change"))
  }
}
