// Everything that can be done here, by name: what it is called, its keys, when it can be done, and how.

const SPEEDS = [0.5, 0.75, 1, 1.25, 1.5, 1.75, 2]

// name → {name, label, words, keys, group, repeats, edits, can(), run(event)}; the keymap changes the keys and adds a
// title, which is the words with the key in force.
export function actionsOf(bench) {
  const { document, selection, player, viewport, acts, view, taps, snapping, suggestions, unfinished } = bench
  const table = new Map()
  const add = (group, name, label, keys, run, { can = () => true, edits = false, repeats = false, pressed = null } = {}) => {
    const all = [].concat(keys)
    const able = edits ? () => document.editable && can() : can
    table.set(name, { group, name, label, words: label, keys: all, run, can: able, edits, repeats, pressed })
  }
  const some = () => selection.uids.size > 0
  const one = () => selection.segment !== null
  const turn = () => selection.turn !== null

  add("Listen", "play", "Play or pause", "Space", () => player.toggle(), { pressed: () => player.playing })
  add("Listen", "play-selection", "Play the selection", "Shift+Space", () => player.play({ ...selection.span, loop: player.looping }), { can: () => selection.span !== null })
  add("Listen", "loop", "Loop the selection", "R", () => player.setLooping(!player.looping), { pressed: () => player.looping })
  add("Listen", "stop", "Stop, let go of everything", "Escape", () => bench.letGo())
  add("Listen", "slower-or-back", "Slower, or 2 seconds back", "J", () => bench.shuttle(-1), { repeats: true })
  add("Listen", "pause", "Pause at normal speed", "K", () => bench.shuttle(0))
  add("Listen", "faster", "Play, then faster", "L", () => bench.shuttle(1))
  add("Listen", "back-5", "5 seconds back", "ArrowLeft", () => bench.step(-5000), { repeats: true })
  add("Listen", "forward-5", "5 seconds forward", "ArrowRight", () => bench.step(5000), { repeats: true })
  add("Listen", "back-30", "30 seconds back", "Shift+ArrowLeft", () => bench.step(-30_000), { repeats: true })
  add("Listen", "forward-30", "30 seconds forward", "Shift+ArrowRight", () => bench.step(30_000), { repeats: true })
  add("Listen", "back-tenth", "0.1 seconds back", ",", () => bench.step(-100), { repeats: true })
  add("Listen", "forward-tenth", "0.1 seconds forward", ".", () => bench.step(100), { repeats: true })
  add("Listen", "back-1", "1 second back", "<", () => bench.step(-1000), { repeats: true })
  add("Listen", "forward-1", "1 second forward", ">", () => bench.step(1000), { repeats: true })

  add("Listen", "pre-roll", "Begin half a second early", "Shift+K", () => player.setPreRoll(!player.preRoll), { pressed: () => player.preRoll })
  add("Listen", "solo-next", "Hear the next recording alone, then all", "I", () => bench.soloNext(), { can: () => bench.tracks.length > 1 })
  add("Listen", "mute", "Mute the recording that is alone, or the first", "Shift+I", () => bench.toggleMute(), { can: () => bench.tracks.length > 0 })

  add("Choose", "previous", "Previous segment on the lane", "ArrowUp", () => bench.walk(-1), { repeats: true })
  add("Choose", "next", "Next segment on the lane", "ArrowDown", () => bench.walk(1), { repeats: true })
  add("Choose", "extend-up", "Previous segment too", "Shift+ArrowUp", () => bench.extend(-1), { repeats: true })
  add("Choose", "extend-down", "Next segment too", "Shift+ArrowDown", () => bench.extend(1), { repeats: true })
  add("Choose", "previous-turn", "Previous turn", "PageUp", () => bench.walkTurns(-1), { repeats: true })
  add("Choose", "next-turn", "Next turn", "PageDown", () => bench.walkTurns(1), { repeats: true })
  add("Choose", "extend-turn-up", "Previous turn too", "Shift+PageUp", () => bench.extendTurns(-1), { repeats: true })
  add("Choose", "extend-turn-down", "Next turn too", "Shift+PageDown", () => bench.extendTurns(1), { repeats: true })
  add("Choose", "next-unpaired", "Next unpaired segment", "N", () => bench.nextUnpaired())
  add("Choose", "next-ungrouped", "Next turn without a conversation", "Shift+U", () => unfinished.nextUngrouped())
  add("Choose", "next-unfinished", "Next that is unfinished", "U", () => unfinished.next())
  add("Choose", "only-unfinished", "Show only what is unfinished", "Shift+L", () => unfinished.setOnly(!unfinished.only), { pressed: () => unfinished.only })
  add("Choose", "find", "Find and replace", "/", () => bench.showFind())

  add("Cut", "mark-in", "Mark the start at the playhead", "[", () => bench.mark("start_ms"))
  add("Cut", "mark-out", "Mark the end at the playhead", "]", () => bench.mark("end_ms"))
  add("Cut", "make", "Make a segment of the marked range, or edit text", "Enter", () => bench.enter(), { edits: true, can: () => selection.range !== null || one() || taps.ready })
  add("Cut", "next-found", "Next sound that no segment covers", "D", () => bench.nextFound())
  add("Cut", "make-found", "Segments of what sounds in the range, or here", "Shift+D", () => bench.makeFound(), { edits: true })
  add("Cut", "tap", "Tap mode", "B", () => taps.toggle(), { pressed: () => taps.on, can: () => document.editable })
  add("Cut", "tap-end", "End what is being tapped", "Shift+Enter", () => taps.end(), { edits: true, can: () => taps.opened !== null })
  add("Cut", "tap-delay", "Measure how fast you tap", "Shift+B", () => bench.showTapTrainer())
  document.vocabulary.lanes.forEach((lane, i) => {
    add("Cut", `lane-${i + 1}`, acts.laneLabel(lane), String(i + 1), (event) => bench.chooseLane(lane, event))
    table.get(`lane-${i + 1}`).words = `${acts.laneLabel(lane)} lane: of the selected segments, else of what is made next`
  })
  add("Cut", "split", "Split", "S", () => acts.split(), { edits: true })
  add("Cut", "merge-next", "Merge", "M", () => acts.merge(1), { edits: true, can: some })
  add("Cut", "merge-previous", "Merge back", "Shift+M", () => acts.merge(-1), { edits: true, can: some })
  for (const [key, name, edge, sign, label] of [
    ["Q", "start-earlier", "start_ms", -1, "Start earlier"], ["W", "start-later", "start_ms", 1, "Start later"],
    ["O", "end-earlier", "end_ms", -1, "End earlier"], ["P", "end-later", "end_ms", 1, "End later"],
  ]) {
    add("Cut", name, `${label} by 20 ms`, key, () => acts.nudge(edge, sign * 20), { edits: true, can: one, repeats: true })
    add("Cut", `${name}-fine`, `${label} by 5 ms`, `Shift+${key}`, () => acts.nudge(edge, sign * 5), { edits: true, can: one, repeats: true })
  }
  add("Cut", "snap-silence", "Edges to silence", "Z", () => acts.snap("silence"), { edits: true, can: one })
  add("Cut", "snap-words", "Edges to its words", "X", () => acts.snap("word"), { edits: true, can: one })
  add("Cut", "snap-zero", "Edges to zero crossings", "Shift+Z", () => acts.snap("zero"), { edits: true, can: one })
  add("Cut", "snap", "Snap while dragging", "Shift+X", () => snapping.set({ on: !snapping.on }), { pressed: () => snapping.on })
  add("Cut", "start-here", "Start at the playhead", "{", () => acts.setTime(selection.primary, "start_ms", player.time), { edits: true, can: one })
  add("Cut", "end-here", "End at the playhead", "}", () => acts.setTime(selection.primary, "end_ms", player.time), { edits: true, can: one })
  add("Cut", "edit-text", "Edit text", "E", () => bench.editText(), { edits: true, can: one })
  add("Cut", "delete", "Delete", ["Delete", "Backspace"], () => acts.remove(), { edits: true, can: some })

  add("Turns", "pair", "Pair", "T", () => acts.pair(), { edits: true, can: some })
  add("Turns", "unpair", "Unpair", "Shift+T", () => acts.unpair(), { edits: true, can: turn })
  add("Turns", "flag", "Flag", "F", () => bench.askForFlag(), { edits: true, can: turn })
  add("Turns", "summary", "Context summary", "C", () => bench.focusOn("summary"), { edits: true, can: turn })
  add("Turns", "summary-versions", "Earlier context summaries", "Shift+C", () => bench.showVersions(), { can: turn })
  if (bench.drafting) {
    const drafted = { edits: true, can: () => bench.modelDraft.ready }
    add("Turns", "draft", "Ask for a draft of the context summary", "Shift+J", () => bench.modelDraft.ask(), { edits: true, can: turn })
    add("Turns", "accept-draft", "Accept the draft of the context summary", "Shift+Y", () => bench.modelDraft.accept(), drafted)
    add("Turns", "discard-draft", "Discard the draft of the context summary", "Shift+Delete", () => bench.modelDraft.discard(), drafted)
  }
  add("Turns", "group", "Group", "G", () => bench.group(), { edits: true, can: () => turn() || selection.isMarked })
  add("Turns", "ungroup", "Ungroup", "Shift+G", () => acts.ungroup(), { edits: true, can: () => selection.conversations.length > 0 })
  add("Turns", "topic", "Topic", "Y", () => bench.askForTopic(), { edits: true, can: () => selection.conversation !== null })

  add("Turns", "accept-suggestion", "Accept the suggested turn, go to the next", ["Shift+S", "Ctrl+Enter"], () => suggestions.accept(), { edits: true })
  add("Turns", "accept-suggestions", "Accept all suggested turns that are marked, selected or in view", "Ctrl+Shift+Enter", () => suggestions.acceptAll(), { edits: true })
  add("Turns", "dismiss-suggestion", "Dismiss the suggested turn", "Shift+R", () => suggestions.dismiss(), { edits: true })

  add("Look", "zoom-in", "Zoom in", ["+", "="], () => bench.zoom(0.5), { repeats: true })
  add("Look", "zoom-out", "Zoom out", "-", () => bench.zoom(2), { repeats: true })
  add("Look", "zoom-all", "Whole session", "0", () => viewport.showAll())
  add("Look", "zoom-selection", "Zoom to the selection", "V", () => viewport.show(selection.span.start_ms, selection.span.end_ms), { can: () => selection.span !== null })
  add("Look", "taller", "Taller waveform", "*", () => bench.stretch(2), { repeats: true, can: () => bench.tracks.length > 0 })
  add("Look", "flatter", "Flatter waveform", "_", () => bench.stretch(0.5), { repeats: true, can: () => view.amplitude > 1 })
  add("Look", "spectrogram", "Spectrogram", "Shift+V", () => bench.showSpectrogram(), { pressed: () => view.spectrogram, can: () => bench.tracks.length > 0 })
  add("Look", "resume", "Back to the playhead", "Shift+A", () => bench.resume())
  add("Look", "follow", "Follow the playhead", "A", () => bench.setFollow(!view.follow), { pressed: () => view.follow })

  add("Always", "undo", "Undo", "Ctrl+Z", () => acts.undo(), { edits: true, can: () => document.undoable.length > 0, repeats: true })
  add("Always", "redo", "Redo", ["Ctrl+Shift+Z", "Ctrl+Y"], () => acts.redo(), { edits: true, can: () => document.redoable.length > 0, repeats: true })
  add("Always", "history", "History", "H", () => bench.showHistory())
  add("Always", "keys", "All keys", "?", () => bench.showKeys())
  return table
}

export function otherSpeed(rate, direction) {
  const next = direction > 0 ? SPEEDS.find((speed) => speed > rate + 0.01) : SPEEDS.findLast((speed) => speed < rate - 0.01)
  return next ?? rate
}
