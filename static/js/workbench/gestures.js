// What the pointer does on the timeline: seek, mark, make, move, resize, pair, group, select, pan, zoom.

import { hit } from "workbench/lanes"

const EDGE = { start: "start_ms", end: "end_ms" }
const STEADY_PX = 3
const SHORTEST_MS = 20
const BORDER_PX = 24
const STRIPS = new Set(["turn", "conversation"])
const SEEKING = new Set(["ruler", "wave", "sound"])

// `ghosts` are segments as they would be, `range` is what would be marked, `rest` is what an edge came to rest on; all
// are null when no drag is on.
export class Gestures {
  constructor(timeline, bench, signal) {
    this.timeline = timeline
    this.bench = bench
    this.stage = timeline.stage
    this.ghosts = null
    this.range = null
    this.rest = null
    this.drag = null
    const on = (name, listener, options = {}) => this.stage.addEventListener(name, listener, { signal, ...options })
    on("pointerdown", (event) => this.#down(event))
    on("pointermove", (event) => this.#move(event))
    on("pointerup", (event) => this.#up(event))
    on("pointercancel", () => this.cancel())
    on("dblclick", (event) => this.#edit(event))
    on("wheel", (event) => this.#wheel(event), { passive: false })
    signal.addEventListener("abort", () => cancelAnimationFrame(this.sliding))
  }

  get busy() { return this.drag !== null }

  cancel() {
    const wasBusy = this.busy
    this.drag = this.ghosts = this.range = this.rest = null
    this.lifted = false
    cancelAnimationFrame(this.sliding)
    this.timeline.redraw("lanes", "above")
    return wasBusy
  }

  #at(event) {
    const frame = this.stage.getBoundingClientRect()
    const { document, viewport, selection } = this.bench
    const x = event.clientX - frame.left
    const y = event.clientY - frame.top
    return { x, y, ...hit(x, y, { document, viewport, selection, places: this.timeline.places }) }
  }

  #down(event) {
    if (event.button !== 0) return
    const { document, selection } = this.bench
    const at = this.#at(event)
    const add = event.shiftKey || event.ctrlKey || event.metaKey
    this.drag = { from: at, x: at.x, startMs: at.ms, moved: false, add, act: null }
    this.stage.setPointerCapture(event.pointerId)
    if (at.zone === "lane" && at.segment) {
      if (add) selection.toggle(at.segment.uid)
      else if (!selection.uids.has(at.segment.uid)) selection.select([at.segment.uid])
      if (document.editable && !add) {
        const held = at.edge ? [at.segment] : selection.segments
        this.drag.act = at.edge ? "resize" : "move"
        this.drag.held = held.map((segment) => ({ ...segment }))
        this.drag.mate = at.edge ? this.bench.snapping.mateOf(at.segment, EDGE[at.edge]) : null
      }
    } else if (at.zone === "lane" && document.editable) this.drag.act = "make"
    else if (SEEKING.has(at.zone)) this.drag.act = "mark"
    else if (STRIPS.has(at.zone)) {
      if (at.item) this.#chooseItem(at, add)
      if (document.editable && !add) this.drag.act = "gather"
    }
  }

  #chooseItem(at, add) {
    const { selection } = this.bench
    const turns = at.zone === "turn" ? [at.item] : at.item.turns
    const uids = turns.flatMap((turn) => turn.segments.map(({ uid }) => uid))
    if (add) selection.add(uids)
    else if (at.zone === "turn") selection.selectTurn(at.item)
    else selection.select(uids, { primary: uids[0], turn: turns[0].uid })
  }

  #move(event) {
    const { drag } = this
    if (!drag) return this.#hover(event)
    const frame = this.stage.getBoundingClientRect()
    drag.x = event.clientX - frame.left
    drag.free = event.shiftKey || event.altKey
    if (!drag.moved && Math.abs(drag.x - drag.from.x) < STEADY_PX) return
    if (!drag.moved) {
      drag.moved = true
      this.#slide()
    }
    this.#preview()
  }

  #hover(event) {
    const at = this.#at(event)
    const resizing = at.edge && this.bench.document.editable
    const over = at.segment || at.item
    this.stage.style.cursor = resizing ? "ew-resize" : over ? "pointer" : STRIPS.has(at.zone) ? "cell" : at.zone === "none" ? "default" : "text"
  }

  // Near the border the view slides on, as long as the pointer stays there.
  #slide() {
    const { viewport } = this.bench
    const beyond = (x, border) => (x < border ? x - border : Math.max(0, x - viewport.width + border))
    const step = () => {
      if (!this.drag) return
      const { x, from } = this.drag
      const push = beyond(x, beyond(from.x, BORDER_PX) ? 0 : BORDER_PX) // a drag that begins there has to leave first
      if (push) {
        viewport.pan(Math.max(-30, Math.min(30, push)))
        this.#preview()
      }
      this.sliding = requestAnimationFrame(step)
    }
    this.sliding = requestAnimationFrame(step)
  }

  #preview() {
    const { document, viewport } = this.bench
    const { drag } = this
    const length = document.session.length_ms
    const pointed = clamp(Math.round(viewport.ms(drag.x)), 0, length)
    const now = drag.act === "gather" ? pointed : this.#atRest(pointed)
    const [low, high] = [Math.min(drag.startMs, now), Math.max(drag.startMs, now)].map(Math.round)
    if (drag.act === "mark" || drag.act === "gather") this.range = { start_ms: clamp(low, 0, length), end_ms: high }
    if (drag.act === "make") {
      this.ghosts = [{ uid: "", lane: drag.from.lane, start_ms: clamp(low, 0, length), end_ms: Math.max(high, low + 1) }]
    }
    if (drag.act === "move") this.ghosts = this.#moved(Math.round(viewport.ms(drag.x) - drag.startMs), length)
    if (drag.act === "resize") this.ghosts = this.#resized(Math.round(viewport.ms(drag.x) - drag.startMs), length)
    // the segments under the ghosts are lifted off once, not on every move
    this.timeline.redraw(...(this.lifted ? ["above"] : ["lanes", "above"]))
    this.lifted = true
  }

  // Where an edge comes to rest; with Shift or Alt it goes where the pointer goes.
  #atRest(ms) {
    const { drag } = this
    const except = new Set([...(drag.held ?? []), drag.mate].filter(Boolean).map(({ uid }) => uid))
    this.rest = drag.free ? null : this.bench.snapping.near(ms, except)
    return this.rest?.ms ?? ms
  }

  #moved(by, length) {
    const { held } = this.drag
    const first = Math.min(...held.map(({ start_ms }) => start_ms))
    const last = Math.max(...held.map(({ end_ms }) => end_ms))
    const starts = this.#atRest(first + by) - first
    const startsAt = this.rest
    const ends = this.#atRest(last + by) - last
    const nearer = startsAt && (!this.rest || Math.abs(starts - by) <= Math.abs(ends - by))
    if (nearer) this.rest = startsAt
    const wanted = clamp(nearer ? starts : ends, -first, length - last)
    return held.map((row) => ({ ...row, start_ms: row.start_ms + wanted, end_ms: row.end_ms + wanted }))
  }

  // An edge, and with it the edge of the neighbour that begins or ends there.
  #resized(by, length) {
    const [row] = this.drag.held
    const edge = EDGE[this.drag.from.edge]
    const mate = this.drag.free ? null : this.drag.mate
    const at = this.#atRest(row[edge] + by)
    const [left, right] = edge === "start_ms" ? [mate, row] : [row, mate]
    const low = left ? left.start_ms + shortest(left) : 0
    const high = right ? right.end_ms - shortest(right) : length
    const ms = clamp(at, low, high)
    const ghosts = [{ ...row, [edge]: ms }]
    if (mate) ghosts.push({ ...mate, [edge === "start_ms" ? "end_ms" : "start_ms"]: ms })
    return ghosts
  }

  #up() {
    const { drag, ghosts, range } = this
    if (!drag) return
    this.cancel()
    if (!drag.moved) this.#click(drag)
    else if (drag.act === "mark") this.bench.selection.mark(range)
    else if (drag.act === "gather") this.bench.gather(drag.from.zone, range, drag.from.item)
    else if (drag.act === "make" && ghosts) this.bench.acts.make(ghosts[0])
    else if (ghosts) this.bench.acts.place(ghosts)
  }

  #click({ from, add }) {
    const { player, selection } = this.bench
    const found = from.zone === "sound" && this.bench.sound.found.at(Math.round(from.ms))[0]
    if (found) selection.mark({ start_ms: found.start_ms, end_ms: found.end_ms })
    if (SEEKING.has(from.zone)) {
      player.seek(from.ms)
      if (!add && !found && selection.range) selection.mark(null)
    } else if (from.zone === "lane" && from.segment && !add) selection.select([from.segment.uid])
    else if (from.zone === "lane" && !from.segment) {
      selection.clear()
      selection.setLane(from.lane)
      player.seek(from.ms)
    }
  }

  #edit(event) {
    const at = this.#at(event)
    if (at.segment) this.bench.run("edit-text")
  }

  #wheel(event) {
    event.preventDefault()
    const { viewport } = this.bench
    const unit = event.deltaMode === 1 ? 16 : event.deltaMode === 2 ? viewport.width : 1
    if (event.ctrlKey || event.metaKey) {
      const x = event.clientX - this.stage.getBoundingClientRect().left
      viewport.zoom(Math.exp(clamp(event.deltaY * unit, -240, 240) * 0.004), x)
    } else viewport.pan((event.deltaX || event.deltaY) * unit)
  }
}

const shortest = ({ start_ms, end_ms }) => Math.min(SHORTEST_MS, end_ms - start_ms)
const clamp = (value, low, high) => Math.min(high, Math.max(low, value))
