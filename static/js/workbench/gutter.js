// Beside the timeline: what each strip is, and for each recording whether and how loud it is heard.

import { el } from "workbench/element"

export class Gutter {
  constructor(node, bench, signal) {
    Object.assign(this, { node, bench, signal })
    const { document, actions } = bench
    this.lanes = document.vocabulary.lanes.map((lane, i) => {
      const action = actions.get(`lane-${i + 1}`)
      const button = el("button", { type: "button", class: "lane", title: action.title, data: { lane, action: action.name } })
      button.append(el("kbd", { text: String(i + 1) }), el("span", { text: action.label }))
      return button
    })
    const strip = (text) => el("span", { class: "strip", text })
    Object.assign(this, { sound: strip("Sound"), turns: strip("Turns"), topics: strip("Topics") })
    this.tracks = []
    bench.player.addEventListener("state", () => this.#showMix(), { signal })
    bench.keymap.addEventListener("change", () => this.#showMix(), { signal })
    bench.selection.addEventListener("change", () => this.#showLane(), { signal })
    this.fill()
  }

  // After recordings came or went.
  fill() {
    const { tracks } = this.bench
    this.tracks = tracks.map(({ recording }) => this.#track(recording, tracks.length > 1))
    this.node.replaceChildren(...this.tracks.map(({ node }) => node), this.sound, ...this.lanes, this.turns, this.topics)
    this.#showMix()
    this.#showLane()
  }

  #track({ id, name }, several) {
    const { mix } = this.bench.player
    const press = (text, label, act) => {
      const button = el("button", { type: "button", class: "act tiny", text, title: label, "aria-label": label })
      button.addEventListener("click", act, { signal: this.signal })
      return button
    }
    const mute = press("M", `Mute ${name}`, () => mix.toggleMute(id))
    const solo = press("S", `Hear ${name} alone`, () => mix.toggleSolo(id))
    const gain = el("input", { type: "range", min: "0", max: "2", step: "0.05", "aria-label": `Gain of ${name}` })
    gain.addEventListener("input", () => mix.setGain(id, Number(gain.value)), { signal: this.signal })
    gain.addEventListener("dblclick", () => mix.setGain(id, 1), { signal: this.signal })
    const node = el("div", { class: "track", role: "group", "aria-label": `Recording ${name}`, data: { hint: "solo-next mute" } },
      el("span", { class: "strip", text: name, title: name }),
      el("span", { class: "mix" }, ...(several ? [mute, solo] : []), gain))
    return { id, node, mute, solo, gain }
  }

  #showMix() {
    const { player: { mix }, keymap } = this.bench
    for (const { id, mute, solo, gain } of this.tracks) {
      mute.title = mute.ariaLabel + keymap.hint("mute")
      solo.title = solo.ariaLabel + keymap.hint("solo-next")
      mute.setAttribute("aria-pressed", String(mix.of(id).muted))
      solo.setAttribute("aria-pressed", String(mix.solo === id))
      if (Number(gain.value) !== mix.of(id).gain) gain.value = String(mix.of(id).gain)
      gain.title = `Gain ${Math.round(mix.of(id).gain * 100)} %; twice for 100 %`
    }
  }

  #showLane() {
    for (const button of this.lanes) button.setAttribute("aria-pressed", String(button.dataset.lane === this.bench.selection.lane))
  }

  place({ tracks, sound, lanes, turns, conversations }) {
    const put = (node, { top, height }) => {
      node.style.top = `${top}px`
      node.style.height = `${height}px`
    }
    this.tracks.forEach(({ node }, i) => tracks[i] && put(node, tracks[i]))
    lanes.forEach((place, i) => put(this.lanes[i], place))
    put(this.sound, sound)
    put(this.turns, turns)
    put(this.topics, conversations)
  }
}
