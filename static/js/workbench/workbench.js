// The workbench: reads the layer, sets the bench, and lets every pane take its place at it.

import { Bench } from "workbench/bench"
import "workbench/conversation-card"
import { LayerDocument } from "workbench/document"
import { Keep } from "workbench/keep"
import { KeptKeys } from "workbench/kept-keys"
import "workbench/find-bar"
import { keyLabel } from "workbench/keymap"
import { Keys } from "workbench/keys"
import { Outbox, csrfToken } from "workbench/outbox"
import { mark } from "workbench/overview"
import { unpacked } from "workbench/packing"
import { Palette } from "workbench/palette"
import { TileRoom } from "workbench/peaks"
import "workbench/segment-card"
import "workbench/snapping"
import "workbench/status"
import "workbench/timeline"
import "workbench/transcript"
import "workbench/transcript-head"
import "workbench/transport"
import "workbench/turn-card"

const POLL_MS = { first: 300, most: 3000 } // often while a waveform is due, seldom while a long job runs
const MESSAGE_MS = 7000
// What is seldom opened comes when it is first asked for: the act on the bench that opens it, its module, its element.
const LATER = [["showHistory", "history", "edit-history"], ["showKeys", "key-sheet", "key-sheet"], ["showTapTrainer", "tap-trainer", "tap-trainer"]]
const PANES = ["mix-overview", "mix-timeline", "mix-transcript", "mix-transport", "save-status", "segment-card", "turn-card", "conversation-card", "snap-menu", "transcript-head", "find-bar"]

class Workbench extends HTMLElement {
  connectedCallback() {
    this.gone = new AbortController()
    this.#start()
  }

  disconnectedCallback() { this.gone.abort() }

  async #start() {
    const notice = this.querySelector("[data-part=loading]")
    try {
      this.#open(await this.#read())
    } catch (error) {
      if (this.gone.signal.aborted) return
      this.dataset.state = "failed"
      notice.textContent = "The layer could not be loaded. Reload the page to try again."
      throw error
    }
    notice.remove()
    for (const link of document.querySelectorAll("link[rel=modulepreload]")) link.remove() // they have done their work
    requestAnimationFrame(() => {
      mark("workbench-ready")
      this.dataset.state = "ready"
      this.bench.settle()
    })
  }

  async #read(address = this.dataset.document) {
    const response = await fetch(address, { signal: this.gone.signal, headers: { Accept: "application/json" } })
    if (!response.ok) throw new Error(`The layer answered ${response.status}`)
    return unpacked(await response.json())
  }

  #open(json) {
    const { signal } = this.gone
    const layer = new LayerDocument(json, this.dataset.author)
    const outbox = new Outbox(layer, this.dataset.edits, signal)
    const say = (sentence, tone) => this.#say(sentence, tone)
    const kept = new KeptKeys({ url: this.dataset.keysUrl, author: this.dataset.author, signal })
    const keys = kept.read(this.dataset.keys)
    const bench = new Bench({ document: layer, outbox, palette: new Palette(this, signal), room: new TileRoom(), say, signal, keys, drafting: "drafts" in this.dataset })
    kept.follow(bench.keymap)
    this.bench = bench
    bench.legend = this.querySelector("[data-part=legend]")
    bench.keys = new Keys(bench, signal)
    bench.timeline = this.querySelector("mix-timeline")
    bench.post = (address) => fetch(address, { method: "POST", headers: { Accept: "application/json", "X-CSRFToken": csrfToken() }, signal })
    bench.addEventListener("waits", () => this.#askOnce().then(() => this.#poll()), { signal })
    bench.editText = () => {
      const uid = bench.selection.primary
      if (uid && layer.editable) this.querySelector("mix-transcript").edit(uid)
    }
    bench.focusOn = (part) => this.querySelector(`[data-part=${part}]`)?.focus()
    for (const pane of LATER) this.#bringLater(bench, ...pane)
    for (const name of PANES) for (const pane of this.querySelectorAll(name)) pane.open(bench)
    bench.restore()
    bench.takeRecordings()
    this.#followAddress()
    this.#wireButtons()
    this.#releaseFocus()
    this.#readOnly()
    this.#submission()

    bench.player.addEventListener("trouble", ({ detail }) => say(detail.message, "bad"), { signal })
    outbox.addEventListener("astray", () => this.#renew({ always: true }), { signal })
    addEventListener("focus", () => this.#renew(), { signal })
    addEventListener("beforeunload", () => bench.flushDrafts(), { signal, capture: true })
    this.#keep(layer, signal)
    this.#poll()
  }

  // `#turn=<uid>` leads to a turn, when the page comes and when only the address changes.
  #followAddress() {
    const follow = () => {
      const uid = /^#turn=([0-9a-f-]{36})$/.exec(location.hash)?.[1]
      if (uid && !this.bench.goToTurn(uid)) this.#say("That turn isn’t in this layer any more.", "bad")
    }
    addEventListener("hashchange", follow, { signal: this.gone.signal })
    follow()
  }

  // What waits is kept in this browser; what a tab that is gone has left is taken up.
  #keep(layer, signal) {
    const keep = new Keep(layer.id, signal)
    for (const news of ["queued", "settled"]) layer.addEventListener(news, () => keep.follow(layer.pending), { signal })
    const adopt = async () => {
      const found = await keep.orphans()
      if (found.length && layer.resume(found)) this.#say(`${found.length === 1 ? "An edit" : `${found.length} edits`} from before came back and will be saved.`)
      keep.follow(layer.pending)
    }
    addEventListener("focus", adopt, { signal })
    this.kept = adopt()
  }

  #bringLater(bench, show, module, element) {
    let coming = null
    bench[show] = async () => {
      // what is opened puts an act of its own in place of this one
      coming ??= import(`workbench/${module}`).then(() => this.querySelector(element).open(bench))
      try {
        await coming
      } catch {
        coming = null
        return this.#say("That could not be fetched; try again when the network is back.", "bad")
      }
      bench[show]()
    }
  }

  // ---------------------------------------------------------------- buttons

  // A press with the mouse leaves the focus where it is, so that Space goes on playing.
  #wireButtons() {
    const { signal } = this.gone
    const { bench } = this
    this.addEventListener("mousedown", (event) => event.target.closest("button") && event.preventDefault(), { signal })
    this.addEventListener("click", (event) => {
      const button = event.target.closest("[data-action]")
      if (!button) return
      if (event.detail) bench.flushDrafts()
      bench.run(button.dataset.action, event)
    }, { signal })
    bench.keymap.addEventListener("change", () => this.#nameKeys(), { signal })
    this.#nameKeys()
    let queued = false
    const refresh = () => {
      if (queued) return
      queued = true
      requestAnimationFrame(() => {
        queued = false
        this.#refresh()
      })
    }
    for (const [target, name] of [[bench.document, "change"], [bench.document, "queued"], [bench.selection, "change"], [bench.player, "state"], [bench, "view"], [bench.suggestions, "change"], [bench.taps, "change"], [bench.snapping, "change"]]) {
      target.addEventListener(name, refresh, { signal })
    }
    this.#refresh()
  }

  // Every control names the key in force.
  #nameKeys() {
    const { actions } = this.bench
    for (const button of this.querySelectorAll("[data-action]")) {
      const action = actions.get(button.dataset.action)
      button.title = action.title
      if (!button.textContent.trim()) button.textContent = action.label
    }
    // fields and groups that do what several keys do name them all
    for (const node of this.querySelectorAll("[data-hint]")) {
      node.title = node.dataset.hint.split(" ").map((name) => actions.get(name).title).join("\n")
    }
    for (const shown of this.querySelectorAll("[data-key], [data-action] > kbd")) {
      const [key] = actions.get(shown.dataset.key ?? shown.parentNode.dataset.action).keys
      shown.textContent = key ? keyLabel(key) : "–"
    }
  }

  // A choice made with the mouse gives the keys back at once; one made with the keyboard keeps its field.
  #releaseFocus() {
    const { signal } = this.gone
    let byHand = null
    this.addEventListener("pointerdown", (event) => (byHand = event.target.closest("select, label")), { signal })
    this.addEventListener("keydown", () => (byHand = null), { signal })
    this.addEventListener("change", ({ target }) => {
      if (byHand?.contains(target) && target.matches("select, input[type=radio]")) target.blur()
    }, { signal })
  }

  #refresh() {
    for (const button of this.querySelectorAll("[data-action]")) {
      const action = this.bench.actions.get(button.dataset.action)
      button.disabled = !action.can()
      if (action.pressed) button.setAttribute("aria-pressed", String(action.pressed()))
    }
  }

  #readOnly() {
    const { editable } = this.bench.document
    this.toggleAttribute("readonly", !editable)
    for (const field of this.querySelectorAll("segment-card input, textarea")) field.readOnly = !editable
    for (const field of this.querySelectorAll("segment-card select")) field.disabled = !editable
  }

  // ---------------------------------------------------------------- the layer's way to review

  #submission() {
    const form = this.querySelector("form[data-part=submission]")
    form?.addEventListener("submit", async (event) => {
      const { bench } = this
      bench.flushDrafts()
      if (!bench.outbox.count) return
      event.preventDefault()
      bench.say("Your last edits are being saved first.")
      try {
        await bench.outbox.settled()
        form.submit()
      } catch {
        bench.say("The layer can’t be submitted before your edits are saved.", "bad")
      }
    }, { signal: this.gone.signal })
  }

  // ---------------------------------------------------------------- news

  #say(sentence, tone = "soft") {
    const live = this.querySelector("[data-part=message]")
    live.dataset.tone = tone
    live.title = sentence
    // the same sentence twice is read twice only if it differs
    live.textContent = live.textContent === sentence ? sentence + "\u00a0" : sentence
    clearTimeout(this.fading)
    this.fading = setTimeout(() => (live.textContent = ""), tone === "bad" ? 2 * MESSAGE_MS : MESSAGE_MS)
  }

  // Read the layer again: after a person comes back to this tab, or when the server says that we are astray.
  async #renew({ always = false } = {}) {
    const { document: layer } = this.bench
    if (layer.pending.length && !always) return
    try {
      const json = await this.#read()
      if (layer.pending.length && !always) return
      if (always || json.revision !== layer.revision || json.editable !== layer.editable) layer.reset(json)
      layer.setRecordings(json.recordings)
      this.#readOnly()
    } catch {
      // the outbox's chip tells of a lost network; there is nothing to add
    }
  }

  async #askOnce() {
    try {
      this.bench.document.setRecordings((await this.#read(this.dataset.playback)).recordings)
    } catch {
      // asked again in a moment
    }
  }

  // While something of a recording is being made, ask how far it is; one asks at a time.
  async #poll() {
    if (this.asking) return
    this.asking = true
    let delay = POLL_MS.first
    while (this.bench.document.recordings.some(isBeingMade) && !this.gone.signal.aborted) {
      await new Promise((resolve) => setTimeout(resolve, delay))
      if (this.gone.signal.aborted) return
      await this.#askOnce()
      const undrawn = this.bench.document.recordings.some(({ peaks, state }) => !peaks && state !== "failed")
      delay = undrawn ? POLL_MS.first : Math.min(POLL_MS.most, delay * 1.5)
    }
    this.asking = false
  }
}

const isBeingMade = ({ state, spectrogram_state }) => [state, spectrogram_state].some((each) => each === "queued" || each === "running")

customElements.define("mix-workbench", Workbench)
