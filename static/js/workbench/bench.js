// What the panes of a workbench share: the layer, the selection, the view, the player, and ways to move about.

import { Acts } from "workbench/acts"
import { actionsOf, otherSpeed } from "workbench/actions"
import { Finder } from "workbench/find"
import { Keymap } from "workbench/keymap"
import { Peaks } from "workbench/peaks"
import { Player } from "workbench/player"
import { Samples } from "workbench/samples"
import { Selection } from "workbench/selection"
import { Snapping } from "workbench/snapping"
import { Sound } from "workbench/sound"
import { Spectrogram } from "workbench/spectrogram"
import { Suggestions } from "workbench/suggestions"
import { Taps } from "workbench/taps"
import { Unfinished } from "workbench/unfinished"
import { Viewport } from "workbench/viewport"

const FIRST_VIEW_MS = 90_000
const TALLEST = 32
const EXCERPT_MS = 200 // heard on either side of a nudged edge

// Event "peaks" when what is drawn of recordings came, "view" when a setting of the view differs.
export class Bench extends EventTarget {
  constructor({ document, outbox, palette, room, say, signal, keys = {}, drafting = false }) {
    super()
    Object.assign(this, { document, outbox, palette, room, say, signal, drafting })
    this.selection = new Selection(document)
    this.viewport = new Viewport(document.session.length_ms)
    this.player = new Player(document.session, signal)
    this.view = { follow: true, topic: null, spectrogram: false, amplitude: 1 }
    this.drafts = new Set()
    this.tracks = [] // {recording, peaks} of the recordings that have a waveform
    this.sound = new Sound(document, signal)
    this.snapping = new Snapping(this)
    this.taps = new Taps(this)
    this.finder = new Finder(this)
    this.suggestions = new Suggestions(this)
    this.unfinished = new Unfinished(this)
    this.acts = new Acts(this)
    this.actions = actionsOf(this)
    this.keymap = new Keymap(this.actions, keys)
    document.addEventListener("recordings", () => this.takeRecordings())
    document.addEventListener("merged", ({ detail }) => {
      this.say(`${detail.edits.length === 1 ? "A change" : `${detail.edits.length} changes`} made elsewhere came in.`)
    })
    document.addEventListener("refused", ({ detail }) => this.say(`Not kept: ${detail.message}`, "bad"))
  }

  // Do an action by its name; says nothing where it can't be done now.
  run(name, event) {
    const action = this.actions.get(name)
    if (!action.can()) {
      if (action.edits && !this.document.editable) this.say("This layer is open for reading only.", "warn")
      return
    }
    action.run(event)
  }

  // Go on where this person stopped: the view and the playhead are kept in this browser for each layer.
  restore() {
    const { viewport, player } = this
    let kept = null
    try {
      kept = JSON.parse(localStorage.getItem(this.#placeKey))
    } catch {
      // no storage, or something else's: begin at the beginning
    }
    if (Number.isFinite(kept?.start) && Number.isFinite(kept.end) && kept.end > kept.start) {
      viewport.show(kept.start, kept.end, { margin: 0 })
      player.seek(kept.time ?? 0)
    } else viewport.show(0, FIRST_VIEW_MS, { margin: 0 })
    addEventListener("pagehide", () => this.#keepPlace(), { signal: this.signal })
  }

  get #placeKey() { return `workbench place ${this.document.id}` }

  #keepPlace() {
    const { startMs: start, endMs: end } = this.viewport
    try {
      localStorage.setItem(this.#placeKey, JSON.stringify({ start, end, time: this.player.time }))
    } catch {
      // a full or forbidden storage costs only the place
    }
  }

  flushDrafts() { for (const draft of this.drafts) draft.flush() }

  takeRecordings() {
    const { recordings } = this.document
    const known = new Map(this.tracks.map((track) => [track.recording.id, track]))
    const drawn = recordings.filter(({ peaks }) => peaks)
    const tracks = drawn.map((recording) => this.#track(recording, known.get(recording.id)))
    this.player.take(recordings)
    if (this.ready) this.sound.take(recordings)
    const parts = (track) => [track.peaks, track.samples, track.spectrogram]
    const same = tracks.length === this.tracks.length && tracks.every((track, i) => parts(track).every((part, j) => part === parts(this.tracks[i])[j]))
    this.tracks = tracks
    this.dispatchEvent(new Event(same ? "recordings" : "peaks"))
  }

  // What is drawn of a recording; what is known already stays.
  #track(recording, known) {
    const { signal, room } = this
    const peaks = known?.recording.peaks.url === recording.peaks.url ? known.peaks : new Peaks(recording.peaks, recording.offset_ms, room, signal)
    const samples = recording.clips ? (known?.samples ?? new Samples(recording, room, signal)) : null
    const spectrogram = recording.spectrogram ? (known?.spectrogram ?? new Spectrogram(recording, signal)) : null
    return { recording, peaks, samples, spectrogram }
  }

  // The page stands: now what can wait is read.
  settle() {
    this.ready = true
    this.sound.take(this.document.recordings)
  }

  // ---------------------------------------------------------------- moving about

  step(ms) {
    this.player.step(ms)
    const at = this.player.time
    this.viewport.reveal(at, at + 1)
  }

  shuttle(direction) {
    const { player } = this
    if (direction === 0) {
      player.pause()
      player.setRate(1)
    } else if (direction > 0 && !player.playing) player.play()
    else if (direction < 0 && player.rate <= 1) this.step(-2000)
    else player.setRate(otherSpeed(player.rate, direction))
  }

  zoom(factor) {
    const { viewport, player, selection } = this
    const anchor = selection.segment ? (selection.segment.start_ms + selection.segment.end_ms) / 2 : player.time
    const x = viewport.x(anchor)
    viewport.zoom(factor, x >= 0 && x <= viewport.width ? x : viewport.width / 2)
  }

  // How tall the waveform is drawn, in steps of two; what is heard stays as it is.
  stretch(factor) {
    this.view.amplitude = Math.min(TALLEST, Math.max(1, this.view.amplitude * factor))
    this.dispatchEvent(new Event("view"))
    this.say(this.view.amplitude === 1 ? "The waveform is drawn as it is." : `The waveform is drawn ${Number(this.view.amplitude.toFixed(1))} times as tall.`)
  }

  setFollow(on) {
    this.view.follow = on
    this.viewport.touchedAt = -Infinity
    this.dispatchEvent(new Event("view"))
  }

  // Back to the playhead, and with it from now on.
  resume() {
    const at = this.player.time
    this.setFollow(true)
    this.viewport.reveal(at, at + 1)
  }

  soloNext() {
    const { player, document } = this
    const alone = player.mix.soloNext()
    this.say(alone === null ? "All that is not muted is heard." : `${document.recordings.find(({ id }) => id === alone).name} is heard alone.`)
  }

  // The recording that is heard alone, else the first.
  toggleMute() {
    const { mix } = this.player
    const id = mix.solo ?? this.tracks[0]?.recording.id
    mix.toggleMute(id)
    const { name } = this.document.recordings.find((recording) => recording.id === id)
    this.say(`${name} is ${mix.of(id).muted ? "muted" : "heard"}.`)
  }

  async showSpectrogram() {
    this.view.spectrogram = !this.view.spectrogram
    this.dispatchEvent(new Event("view"))
    const recording = this.tracks[0]?.recording
    if (!this.view.spectrogram || !recording || recording.spectrogram || recording.spectrogram_state !== "none") return
    const answer = await this.post(recording.spectrogram_url).catch(() => null)
    if (!answer?.ok) return this.say("The spectrogram could not be asked for; try again in a moment.", "bad")
    this.say("The spectrogram is being made.")
    this.dispatchEvent(new Event("waits"))
  }

  reveal() {
    const { span } = this.selection
    if (span) this.viewport.reveal(span.start_ms, span.end_ms)
  }

  // The next or previous segment of the lane: chosen, in view, heard.
  walk(direction) {
    const { document, selection, player } = this
    const lane = document.lane(selection.lane)
    const { segment } = selection
    let found
    if (segment?.lane === selection.lane) {
      found = lane.spans[lane.spans.findIndex(({ uid }) => uid === segment.uid) + direction]
    } else found = direction > 0 ? lane.next(player.time - 1) : lane.previous(player.time)
    if (!found) return this.say(`No ${direction > 0 ? "later" : "earlier"} ${selection.lane} segment.`)
    this.arrive([found.uid])
  }

  extend(direction) {
    const { document, selection } = this
    const { spans } = document.index
    const at = spans.findIndex(({ uid }) => uid === selection.primary)
    const found = spans[at + direction]
    if (at < 0 || !found) return
    if (selection.uids.has(found.uid)) selection.toggle(selection.primary)
    selection.select([...selection.uids].filter((uid) => uid !== found.uid).concat(found.uid), { keepLane: true })
    this.reveal()
  }

  walkTurns(direction) {
    const { document, selection, player } = this
    const here = selection.turn
    const found = here ? document.turns[here.number - 1 + direction]
      : direction > 0 ? document.turnIndex.next(player.time - 1) : document.turnIndex.previous(player.time)
    if (!found) return this.say(`No ${direction > 0 ? "later" : "earlier"} turn.`)
    this.selection.selectTurn(found)
    this.#goTo(found)
  }

  // Be at a turn that an address names; false when the layer has none of that name.
  goToTurn(uid) {
    const found = this.document.turn(uid)
    if (!found) return false
    this.selection.selectTurn(found)
    this.#goTo(found)
    return true
  }

  extendTurns(direction) {
    const { document, selection } = this
    const { turns } = selection
    const edge = direction > 0 ? turns.at(-1) : turns[0]
    const found = edge && document.turns[edge.number - 1 + direction]
    if (!found) return
    selection.add(found.segments.map(({ uid }) => uid))
    this.viewport.reveal(found.start_ms, found.end_ms)
  }

  nextUnpaired() {
    const { document, selection, player } = this
    const from = selection.segment?.start_ms ?? player.time - 1
    const loose = document.segments.filter(({ uid, lane }) => lane !== "note" && !document.turnsOf(uid).length)
    const found = loose.find(({ uid, start_ms }) => start_ms > from || (start_ms === from && uid > selection.primary)) ?? loose[0]
    if (!found) return this.say("Every segment is in a turn.")
    this.arrive([found.uid])
  }

  // Choose these, have them in view, and be there.
  arrive(uids, options = {}) {
    this.selection.select(uids, options)
    this.#goTo(this.selection.span)
  }

  #goTo({ start_ms, end_ms }) {
    this.viewport.reveal(start_ms, end_ms)
    if (this.player.playing) this.player.play({ start_ms, end_ms })
    else this.player.seek(start_ms)
  }

  playAround(ms) {
    if (!this.player.canPlay) return
    const length = this.document.session.length_ms
    this.player.play({ start_ms: Math.max(0, ms - EXCERPT_MS), end_ms: Math.min(length, ms + EXCERPT_MS), back: true })
  }

  // ---------------------------------------------------------------- cutting

  mark(edge) {
    const at = this.player.time
    const range = { start_ms: null, end_ms: null, ...this.selection.range, [edge]: at }
    const other = edge === "start_ms" ? "end_ms" : "start_ms"
    if (range.start_ms !== null && range.end_ms !== null && range.start_ms >= range.end_ms) range[other] = null
    this.selection.mark(range)
    this.say(`${edge === "start_ms" ? "Start" : "End"} marked.`)
  }

  enter() {
    if (this.taps.ready) this.taps.boundary()
    else if (this.selection.range) this.acts.makeFromRange()
    else this.editText()
  }

  // A lane's key makes a segment of a marked range, moves selected segments, or chooses the lane for later.
  chooseLane(lane, event) {
    const { selection, document } = this
    if (this.taps.ready) return this.taps.strike(lane, event)
    const { range } = selection
    if (document.editable && range?.start_ms != null && range.end_ms != null) return this.acts.makeFromRange(lane)
    if (document.editable && selection.uids.size) return this.acts.relane(lane)
    selection.setLane(lane)
    this.say(`${this.acts.laneLabel(lane)} lane.`)
  }

  // The next sound that no segment covers, after the playhead or what is marked: marked, in view, heard.
  nextFound() {
    const { document, sound, selection, player } = this
    const from = selection.range?.start_ms ?? player.time - 1
    const { open } = sound
    const found = open.find(({ start_ms }) => start_ms > from) ?? open[0]
    if (!found) return this.say(sound.found.spans.length ? "Segments cover all that sounds." : "What sounds in this session is not known yet.")
    selection.mark({ start_ms: found.start_ms, end_ms: found.end_ms })
    this.#goTo(found)
    const key = (lane) => this.keymap.label(`lane-${document.vocabulary.lanes.indexOf(lane) + 1}`) || `the ${lane} lane’s button`
    this.say(found.kind === "playback" ? `Music plays here, it seems: ${key("music")} makes a clip of it.` : `Somebody speaks here, it seems: ${key("amateur")} or ${key("expert")} says who.`)
  }

  // Segments of all that sounds in the marked range, else at the playhead: music on its lane, speech on the lane chosen.
  makeFound() {
    const { sound, selection, player } = this
    const { start_ms, end_ms } = selection.range?.end_ms != null && selection.range.start_ms != null ? selection.range : { start_ms: player.time, end_ms: player.time + 1 }
    const open = sound.found.within(start_ms, end_ms).filter((span) => !sound.isCovered(span))
    if (!open.length) return this.acts.no("Nothing was found here that no segment covers yet.")
    const lane = ["amateur", "expert"].includes(selection.lane) ? selection.lane : "amateur"
    return this.acts.makeAll(open.map((span) => ({ lane: span.kind === "playback" ? "music" : lane, start_ms: span.start_ms, end_ms: span.end_ms })))
  }

  // ---------------------------------------------------------------- turns

  // A marked range means the turns whose middle lies in it.
  group() {
    const { document, selection } = this
    if (selection.isMarked) {
      const { start_ms, end_ms } = selection.range
      const middle = (turn) => (turn.start_ms + turn.end_ms) / 2
      const turns = document.turnIndex.within(start_ms, end_ms).filter((turn) => middle(turn) >= start_ms && middle(turn) < end_ms)
      if (!turns.length) return this.acts.no("No turn lies in the marked range.")
      const uids = [...new Set(turns.flatMap(({ segments }) => segments.map(({ uid }) => uid)))]
      selection.select(uids, { primary: turns[0].segments[0].uid, turn: turns[0].uid, keepLane: true })
    }
    const fresh = !this.selection.conversation
    if (this.acts.group() && fresh) this.askForTopic()
  }

  // What a drag along the turns or the topics swept over: segments outside turns become one, turns a conversation; what
  // it began on takes them in.
  gather(zone, { start_ms, end_ms }, into) {
    const { document, selection } = this
    const swept = (each) => (each.start_ms + each.end_ms) / 2 >= start_ms && (each.start_ms + each.end_ms) / 2 < end_ms
    const held = into?.segments ?? into?.turns.flatMap(({ segments }) => segments) ?? []
    const found = zone === "turn"
      ? document.index.within(start_ms, end_ms).filter((segment) => segment.lane !== "note" && !document.turnsOf(segment.uid).length && swept(segment))
      : document.turnIndex.within(start_ms, end_ms).filter((turn) => !document.conversationOf(turn.uid) && swept(turn)).flatMap(({ segments }) => segments)
    if (!found.length) return this.say(zone === "turn" ? "No segment outside a turn lies there." : "No turn outside a conversation lies there.", "warn")
    selection.select([...new Set([...held, ...found].map(({ uid }) => uid))])
    if (zone === "turn") this.acts.pair()
    else this.group()
  }

  askForTopic() {
    const choices = this.document.choices("topics", this.selection.conversation?.row.topic).slice(0, 9).map(({ key, label }, i) => ({
      key: String(i + 1), label, run: () => this.acts.setTopic(key),
    }))
    this.keys.ask("Topic", choices)
  }

  askForFlag() {
    const choices = this.document.choices("flags").map(({ key, label, letter }, i) => ({
      key: (letter || String(i + 1)).toUpperCase(), label, run: () => this.acts.flag(key),
    }))
    this.keys.ask("Flag", choices)
  }

  letGo() {
    if (this.timeline.gestures.cancel() || this.taps.drop()) return
    if (this.player.playing) this.player.pause()
    else this.selection.clear()
    document.activeElement?.blur?.()
  }
}
