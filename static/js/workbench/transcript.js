// The transcript: everything on the canvas as a list, which follows the selection and the playhead, and leads them.

import { clock } from "workbench/clock"
import { Draft } from "workbench/draft"
import { el, oncePerFrame } from "workbench/element"
import { Heights, onlyRows, scriptRows } from "workbench/script"

const REST_MS = 4000
const OVERSCAN_PX = 160
const GUESS = { conversation: 34, turn: 27, segment: 28, suggestion: 34 }

class Transcript extends HTMLElement {
  connectedCallback() { this.gone = new AbortController() }
  disconnectedCallback() { this.gone.abort() }

  open(bench) {
    const { signal } = this.gone
    this.bench = bench
    this.list = this.querySelector("[role=listbox]")
    this.empty = this.querySelector(".empty")
    this.done = this.querySelector(".done")
    this.field = this.querySelector("textarea")
    this.rows = []
    this.drawn = new Map() // row id → its element
    this.heights = new Heights((row) => GUESS[row.kind] + (row.kind === "segment" ? 18 * Math.floor(row.item.text.length / 75) : 0))
    this.touchedAt = -Infinity
    this.now = null // what is heard now
    this.target = null // the row that has to be in view, until its place is known
    this.active = 0
    this.draw = oncePerFrame(() => this.#draw(), signal)
    this.spacer = el("div", { class: "spacer", role: "presentation" })
    this.list.replaceChildren(this.spacer)
    const on = (target, name, listener, options = {}) => target.addEventListener(name, listener, { signal, ...options })
    on(bench.document, "change", () => this.#renew())
    on(bench.selection, "change", () => this.#follow())
    on(bench.suggestions, "change", () => this.#renew())
    on(bench.unfinished, "change", () => {
      this.order.clear() // nothing lingers from the other list
      this.#renew()
    })
    on(bench.finder, "change", () => this.#drawAnew())
    for (const leader of [bench.finder, bench.unfinished]) on(leader, "arrive", ({ detail }) => this.#arrive(detail.row))
    on(bench.player, "tick", () => this.#followPlayhead())
    on(bench.player, "move", () => this.#followPlayhead(false))
    on(this.list, "scroll", () => this.draw())
    for (const name of ["wheel", "pointerdown", "touchmove"]) {
      on(this.list, name, () => (this.touchedAt = performance.now()), { passive: true })
    }
    on(this.list, "click", (event) => this.#click(event))
    on(this.list, "dblclick", () => this.bench.run("edit-text"))
    on(this.list, "keydown", (event) => this.#key(event))
    const sizes = new ResizeObserver(() => {
      if (this.width !== this.list.clientWidth) {
        this.heights.known.clear()
        this.heights.setRows(this.rows)
      }
      this.width = this.list.clientWidth
      this.draw()
    })
    sizes.observe(this.list)
    signal.addEventListener("abort", () => sizes.disconnect())
    this.draft = new Draft(this.field, {
      bench, signal, enter: true,
      subject: () => this.editing,
      read: (uid) => (uid && bench.document.segment(uid)?.text) ?? "",
      write: (uid, text) => bench.acts.write(uid, text.replace(/\s*\n\s*/g, " ").trim()),
      done: ({ next }) => this.#doneEditing(next),
    })
    on(this.field, "blur", () => this.#closeField())
    on(this.field, "input", () => this.#grow())
    this.#renew()
  }

  #renew() {
    const { document } = this.bench
    const { suggestions, unfinished } = this.bench
    const all = scriptRows(document, unfinished.only ? [] : suggestions.all)
    this.rows = unfinished.only ? onlyRows(all, this.#isUnfinished()) : all
    this.heights.setRows(this.rows)
    this.order = new Map(this.rows.map((row, i) => [row.id, i]))
    this.empty.hidden = all.length > 0
    this.done.hidden = this.rows.length > 0 || !all.length
    this.list.setAttribute("aria-label", `Transcript: ${document.segments.length} segments, ${document.turns.length} turns${unfinished.only ? "; only what is unfinished" : ""}`)
    this.#drawAnew()
  }

  #drawAnew() {
    for (const node of this.drawn.values()) node.stale = true
    this.draw()
  }

  // What one has just finished stays as long as it is selected or written in: nobody loses the row under their hands.
  #isUnfinished() {
    const { unfinished, selection } = this.bench
    const lacking = new Set(unfinished.things.map(({ kind, uid }) => `${kind} ${uid}`))
    const turn = selection.turn?.uid
    const shown = new Set(this.order?.keys())
    const isHeld = ({ kind, item }) => (kind === "turn" ? item.uid === turn : selection.uids.has(item.uid) || item.uid === this.editing)
    return (row) => lacking.has(`${row.kind} ${row.item.uid}`) || (shown.has(row.id) && isHeld(row))
  }

  // A row that somebody was led to by another way than its segments.
  #arrive(id) {
    if (!this.order.has(id)) {
      if (!this.bench.unfinished.only) return
      this.bench.unfinished.setOnly(false)
    }
    this.active = this.order.get(id)
    this.#show(this.active)
    this.draw()
  }

  // ---------------------------------------------------------------- drawing

  #draw() {
    const { scrollTop, clientHeight } = this.list
    const first = this.heights.at(Math.max(0, scrollTop - OVERSCAN_PX))
    const last = Math.min(this.rows.length, this.heights.at(scrollTop + clientHeight + OVERSCAN_PX) + 1)
    const wanted = this.rows.slice(first, last)
    const keep = new Set(wanted.map(({ id }) => id))
    for (const [id, node] of this.drawn) {
      if (keep.has(id)) continue
      node.remove()
      this.drawn.delete(id)
    }
    let previous = this.spacer
    wanted.forEach((row, i) => {
      let node = this.drawn.get(row.id)
      if (!node || node.stale) {
        const fresh = this.#row(row)
        node?.replaceWith(fresh)
        node = fresh
        this.drawn.set(row.id, node)
      }
      if (previous.nextElementSibling !== node) previous.after(node)
      previous = node
      node.setAttribute("aria-posinset", first + i + 1)
      node.setAttribute("aria-setsize", this.rows.length)
    })
    this.#mark()
    const anchor = this.heights.at(scrollTop)
    const anchorTop = this.heights.tops[anchor]
    const grew = this.heights.measure(wanted.map((row, i) => [first + i, this.drawn.get(row.id).offsetHeight]))
    wanted.forEach((row, i) => (this.drawn.get(row.id).style.transform = `translateY(${this.heights.tops[first + i]}px)`))
    this.spacer.style.height = `${this.heights.total}px`
    this.#placeField()
    if (grew) this.#settle(this.heights.tops[anchor] - anchorTop)
    else this.target = null
  }

  // Rows were not as tall as believed: what is looked at stays where it is, and what was asked for comes into view.
  #settle(moved) {
    if (moved) this.list.scrollTop += moved
    if (this.target) this.#show(this.order.get(this.target))
    this.draw()
  }

  #row(row) {
    const { document } = this.bench
    const node = el("div", { role: "option", id: `row-${row.id}`, class: `row ${row.kind}`, data: { id: row.id } })
    if (row.kind === "conversation") {
      const { item } = row
      node.append(el("strong", { text: document.topicLabel(item.row.topic) }), el("span", { class: "soft", text: `conversation ${item.number} · ${item.turns.length} ${item.turns.length === 1 ? "turn" : "turns"}` }))
    } else if (row.kind === "turn") this.#turnRow(node, row.item)
    else if (row.kind === "suggestion") this.#suggestionRow(node, row.item)
    else this.#segmentRow(node, row)
    return node
  }

  #turnRow(node, turn) {
    const { document } = this.bench
    const missing = ["amateur", "expert"].filter((side) => document.isMissing(turn, side))
    node.append(el("strong", { text: `Turn ${turn.number}` }), el("time", { text: clock(turn.start_ms, { digits: 1 }) }))
    for (const flag of document.vocabulary.flags) {
      const value = document.flagOf(turn.uid, flag.key)?.value
      if (value) node.append(el("span", { class: `flag ${value}`, text: `${flag.label}: ${value}` }))
    }
    if (missing.length) node.append(el("span", { class: "soft", text: `${missing.join(" and ")} missing` }))
    const { unfinished } = this.bench
    const lacks = unfinished.only ? unfinished.of("turn", turn.uid)?.lacks : null
    if (lacks) node.append(el("span", { class: "tag", text: lacks.join(", ") }))
    const summary = document.summaryOf(turn.uid)?.text
    node.append(summary ? el("span", { class: "summary" }, ...this.#marked("summary", turn.uid, summary)) : el("span", { class: "soft", text: "no summary" }))
    for (const side of ["amateur", "expert"]) {
      // what was written for a side is not among the rows: shown where something is found in it
      if (this.bench.finder.marksOf(side, turn.uid).length) node.append(el("span", { class: "found" }, `${side}: `, ...this.#marked(side, turn.uid, turn.row[`${side}_text`])))
    }
  }

  #suggestionRow(node, suggestion) {
    const { keymap } = this.bench
    const button = (does, text, title) => el("button", { type: "button", class: "act tiny", tabindex: "-1", data: { suggest: does }, text, title })
    node.append(
      el("strong", { text: "Suggested turn" }),
      el("time", { text: clock(suggestion.start_ms, { digits: 1 }) }),
      el("span", { class: "soft", text: suggestion.music.length ? "with music" : "no music" }),
      button("accept", "Accept", `Accept the suggested turn${keymap.hint("accept-suggestion")}`),
      button("change", "Change", "Select its segments, to change them before they are paired"),
      button("dismiss", "Dismiss", `Dismiss the suggested turn${keymap.hint("dismiss-suggestion")}`))
  }

  // A text with what is sought marked in it.
  #marked(kind, uid, text) {
    const marks = this.bench.finder.marksOf(kind, uid)
    const nodes = []
    let from = 0
    // a text longer than a row shows the first thing found in it
    if (marks.length && kind !== "segment" && marks[0][0] > 24) {
      from = marks[0][0] - 12
      nodes.push("…")
    }
    for (const [start, end, present] of marks) {
      nodes.push(text.slice(from, start), el("mark", { class: present ? "present" : null, text: text.slice(start, end) }))
      from = end
    }
    nodes.push(text.slice(from))
    return nodes
  }

  #segmentRow(node, { item, turn, suggestion }) {
    const loose = !turn && !suggestion && item.lane !== "note"
    node.classList.toggle("suggested", Boolean(suggestion))
    node.dataset.lane = item.lane
    node.classList.toggle("outside", !turn)
    node.classList.toggle("loose", loose)
    node.append(
      el("time", { text: clock(item.start_ms, { digits: 1 }) }),
      el("span", { class: "lane", text: item.lane }),
      item.text ? el("span", { class: "words" }, ...this.#marked("segment", item.uid, item.text))
        : el("span", { class: "words soft", text: item.lane === "music" ? `${((item.end_ms - item.start_ms) / 1000).toFixed(1)} s of music` : "no words yet" }),
    )
    if (loose) node.append(el("span", { class: "tag", text: "unpaired" }))
  }

  #mark() {
    const { selection } = this.bench
    const turns = new Set(selection.turns.map(({ uid }) => uid))
    for (const [id, node] of this.drawn) {
      const row = this.rows[this.order.get(id)]
      if (!row) continue
      const chosen = row.kind === "segment" ? selection.uids.has(row.item.uid) : row.kind === "turn" && turns.has(row.item.uid)
      node.setAttribute("aria-selected", String(chosen))
      node.classList.toggle("primary", row.kind === "segment" && row.item.uid === selection.primary)
      node.classList.toggle("now", row.kind === "segment" && row.item.uid === this.now)
    }
    const active = this.rows[this.active]
    if (active && this.drawn.has(active.id)) this.list.setAttribute("aria-activedescendant", `row-${active.id}`)
    else this.list.removeAttribute("aria-activedescendant")
  }

  // ---------------------------------------------------------------- following

  #indexOf(uid) {
    const turn = this.bench.selection.turn
    const inTurn = turn && this.order.get(`s-${uid}-${turn.uid}`)
    return inTurn ?? this.order.get(`s-${uid}`) ?? this.rows.findIndex((row) => row.kind === "segment" && row.item.uid === uid)
  }

  #follow() {
    if (this.bench.unfinished.only) this.#renew()
    const { primary } = this.bench.selection
    const i = primary ? this.#indexOf(primary) : -1
    if (i >= 0) {
      const row = this.rows[this.active]
      const sameTurn = row?.kind === "turn" && row.item.segments.some(({ uid }) => uid === primary)
      if (!sameTurn) this.active = i
      this.#show(this.active)
    }
    this.draw()
  }

  #followPlayhead(scroll = true) {
    const { document, player, view } = this.bench
    const now = document.index.at(player.time).findLast(({ lane }) => lane !== "music")?.uid ?? null
    if (now === this.now) return
    this.now = now
    if (now && scroll && view.follow && performance.now() - this.touchedAt > REST_MS) this.#show(this.#indexOf(now))
    this.draw()
  }

  #show(i) {
    if (!this.rows[i]) return
    this.target = this.rows[i].id
    const top = this.heights.tops[i]
    const bottom = top + this.heights.of(i)
    const { scrollTop, clientHeight } = this.list
    if (top < scrollTop) this.list.scrollTop = top - 8
    else if (bottom > scrollTop + clientHeight) this.list.scrollTop = bottom - clientHeight + clientHeight / 3
  }

  // ---------------------------------------------------------------- leading

  #click(event) {
    const node = event.target.closest("[role=option]")
    const i = node && this.order.get(node.dataset.id)
    if (i === undefined || i === null) return
    const does = event.target.closest("[data-suggest]")?.dataset.suggest
    if (does) return this.bench.suggestions[does](this.rows[i].item)
    const add = event.ctrlKey || event.metaKey
    if (event.shiftKey) this.#choose(this.#between(this.anchor ?? this.active, i))
    else if (add && this.rows[i].kind === "segment") this.bench.selection.toggle(this.rows[i].item.uid)
    else if (add) this.bench.selection.add(uidsOf(this.rows[i]))
    else {
      this.anchor = i
      this.active = i
      this.#choose([i])
    }
    this.bench.reveal()
  }

  #between(a, b) {
    const [from, to] = [Math.min(a, b), Math.max(a, b)]
    return Array.from({ length: to - from + 1 }, (_, i) => from + i)
  }

  #choose(indexes) {
    const { player } = this.bench
    if (indexes.length === 1 && !player.playing) player.seek(this.rows[indexes[0]].at)
    const rows = indexes.map((i) => this.rows[i])
    const uids = [...new Set(rows.flatMap(uidsOf))]
    const [only] = rows
    const turn = rows.length === 1 ? (only.kind === "turn" ? only.item : only.turn) : null
    const primary = rows.length === 1 && only.kind !== "segment" ? uids[0] : uids.at(-1)
    this.bench.selection.select(uids, { primary, turn: turn?.uid ?? null, keepLane: only?.kind !== "segment" })
  }

  #key(event) {
    const step = { ArrowUp: -1, ArrowDown: 1, Home: -Infinity, End: Infinity }[event.key]
    if (step === undefined || event.ctrlKey || event.metaKey || event.altKey) return
    event.preventDefault()
    event.stopPropagation()
    const i = Math.min(this.rows.length - 1, Math.max(0, this.active + step))
    if (!this.rows[i]) return
    this.anchor = event.shiftKey ? (this.anchor ?? this.active) : i
    this.active = i
    this.#choose(event.shiftKey ? this.#between(this.anchor, i) : [i])
    this.active = i
    this.#show(i)
    this.bench.reveal()
  }

  // ---------------------------------------------------------------- text in place

  edit(uid) {
    const i = this.#indexOf(uid)
    if (i < 0) return this.bench.focusOn("text") // its row is not among those shown
    this.editing = uid
    this.#show(i)
    this.draft.show()
    this.field.hidden = false
    this.field.setAttribute("aria-label", `Text of the ${this.bench.document.segment(uid).lane} segment at ${clock(this.bench.document.segment(uid).start_ms, { digits: 1 })}`)
    this.#placeField()
    this.field.focus()
    this.field.setSelectionRange(this.field.value.length, this.field.value.length)
    this.draw()
  }

  #placeField() {
    if (!this.editing) return
    const i = this.#indexOf(this.editing)
    if (i < 0) return this.#closeField()
    this.field.style.top = `${this.list.offsetTop + this.heights.tops[i] - this.list.scrollTop}px`
    this.field.style.minHeight = `${this.heights.of(i)}px`
    this.#grow()
  }

  #grow() {
    this.field.style.height = "auto"
    this.field.style.height = `${this.field.scrollHeight + 2}px`
  }

  #doneEditing(next) {
    const uid = this.editing
    this.#closeField()
    this.list.focus({ preventScroll: true })
    if (!next) return
    const i = this.#indexOf(uid)
    const row = this.rows.slice(i + 1).find(({ kind }) => kind === "segment")
    if (!row) return
    this.bench.selection.select([row.item.uid], { turn: row.turn?.uid ?? null })
    this.bench.reveal()
    this.edit(row.item.uid)
  }

  #closeField() {
    this.editing = null
    this.field.hidden = true
  }
}
customElements.define("mix-transcript", Transcript)

function uidsOf(row) {
  if (row.kind === "segment") return [row.item.uid]
  if (row.kind === "suggestion") return row.item.segments.map(({ uid }) => uid)
  const turns = row.kind === "turn" ? [row.item] : row.item.turns
  return turns.flatMap((turn) => turn.segments.map(({ uid }) => uid))
}
