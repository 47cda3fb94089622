// Paints lanes, turns and conversations, and finds what lies under a point.

const EDGE_PX = 5
const TEXT_FROM_PX = 28
const WORD_PX = 26 // on average, so that words can be read where they are said

// Where each strip lies, from top to bottom, in CSS pixels.
export function layout(height, laneNames) {
  const ruler = { top: 0, height: 22 }
  const strip = 20
  const heard = 18
  const free = height - ruler.height - heard - 2 * strip - 8
  const lane = Math.max(22, Math.min(36, Math.floor((free * 0.5) / laneNames.length)))
  const wave = { top: ruler.height, height: Math.max(30, free - lane * laneNames.length) }
  const sound = { top: wave.top + wave.height + 1, height: heard }
  let top = sound.top + sound.height + 2
  const lanes = laneNames.map((name) => {
    const place = { name, top, height: lane }
    top += lane
    return place
  })
  const turns = { top: top + 2, height: strip }
  const conversations = { top: top + 2 + strip, height: strip }
  return { ruler, wave, sound, lanes, turns, conversations, height }
}

// The box of a segment in its lane; overlapping ones share the height.
function box(segment, lane, index, viewport) {
  const { row, depth } = index.rows.get(segment.uid) ?? { row: 0, depth: 1 }
  const room = (lane.height - 4) / depth
  const x = viewport.x(segment.start_ms)
  const width = Math.max(1, viewport.x(segment.end_ms) - x)
  const y = lane.top + 2 + row * room
  const height = Math.max(2, room - (depth > 1 ? 1 : 0))
  return width > 3 ? { x, y, width: width - 1, height } : { x: Math.round(x), y, width: Math.round(width), height }
}

export function paintLanes(context, { document, selection, viewport, places, palette, hidden, suggested }) {
  for (const lane of places.lanes) {
    context.fillStyle = palette.line
    context.globalAlpha = 0.6
    context.fillRect(0, lane.top + lane.height - 1, viewport.width, 1)
    context.globalAlpha = 1
    paintLane(context, lane, { document, selection, viewport, palette, hidden })
  }
  paintStrip(context, places.turns, document.turnIndex.within(viewport.startMs, viewport.endMs), {
    viewport, palette, colour: palette.accent, label: (turn) => String(turn.number),
    chosen: new Set(selection.turns.map(({ uid }) => uid)), rows: document.turnIndex.rows,
  })
  paintSuggested(context, places.turns, suggested, viewport, palette)
  const conversations = document.conversationIndex
  paintStrip(context, places.conversations, conversations.within(viewport.startMs, viewport.endMs), {
    viewport, palette, colour: palette["ink-soft"], label: (each) => document.topicLabel(each.row.topic),
    chosen: new Set(selection.conversations.map(({ uid }) => uid)), rows: conversations.rows,
  })
}

function paintLane(context, lane, { document, selection, viewport, palette, hidden }) {
  const index = document.lane(lane.name)
  const colour = palette[lane.name] ?? palette.accent
  const [held, loose, chosen, named, timed, broken] = [[], [], [], [], [], []]
  for (const segment of index.within(viewport.startMs, viewport.endMs)) {
    if (hidden?.has(segment.uid)) continue
    const place = box(segment, lane, index, viewport)
    const paired = lane.name === "note" || document.turnsOf(segment.uid).length > 0
    if (selection.uids.has(segment.uid)) chosen.push(place)
    else (paired ? held : loose).push(place)
    if (document.broken(segment.uid).length) broken.push(place)
    if (place.width <= TEXT_FROM_PX || place.height <= 9) continue
    if (segment.words?.length && place.width > WORD_PX * segment.words.length) timed.push([place, segment.words])
    else if (segment.text) named.push([place, segment.text])
  }
  context.fillStyle = colour
  fillBoxes(context, held, 0.42)
  fillBoxes(context, loose, 0.15)
  context.globalAlpha = 1
  for (const { x, y, width, height } of [...held, ...loose]) if (width > 4) context.fillRect(x, y, 2, height)
  outline(context, loose, colour)
  for (const place of chosen) paintChosen(context, place, colour, palette)
  warn(context, broken, palette)
  paintTexts(context, named, palette)
  paintWords(context, timed, viewport, palette)
}

// A dashed line along the top of what breaks a rule of the project.
function warn(context, boxes, palette) {
  context.fillStyle = palette.warn
  for (const { x, y, width } of boxes) {
    const from = Math.max(0, x)
    const to = Math.min(context.canvas.width, x + width)
    for (let at = from; at < to; at += 7) context.fillRect(at, y, Math.min(4, to - at), 2)
  }
}

// Each word where it is said, with a tick where it begins.
function paintWords(context, timed, viewport, palette) {
  context.fillStyle = palette.ink
  context.font = `11px ${palette.font}`
  context.textBaseline = "middle"
  for (const [{ y, height }, words] of timed) {
    for (const [start, end, word] of words) {
      const [x, to] = [viewport.x(start), viewport.x(end)]
      if (to < 0 || x > viewport.width) continue
      context.globalAlpha = 0.4
      context.fillRect(Math.round(x), y, 1, height)
      context.globalAlpha = 1
      context.fillText(word, x + 3, y + height / 2 + 0.5, Math.max(8, to - x))
    }
  }
}

function fillBoxes(context, boxes, alpha) {
  // rectangle by rectangle: one path of a thousand of them takes a hundred times as long
  context.globalAlpha = alpha
  for (const { x, y, width, height } of boxes) context.fillRect(x, y, width, height)
}

function outline(context, boxes, colour) {
  context.strokeStyle = colour
  context.lineWidth = 1
  context.globalAlpha = 0.55
  for (const { x, y, width, height } of boxes) if (width > 4) context.strokeRect(x + 0.5, y + 0.5, width - 1, height - 1)
  context.globalAlpha = 1
}

export function paintChosen(context, { x, y, width, height }, colour, palette) {
  context.fillStyle = colour
  context.globalAlpha = 0.6
  context.fillRect(x, y, width, height)
  context.globalAlpha = 1
  context.strokeStyle = palette.ink
  context.lineWidth = 1.5
  context.strokeRect(x + 0.75, y + 0.75, Math.max(0.5, width - 1.5), height - 1.5)
}

function paintTexts(context, named, palette) {
  context.fillStyle = palette.ink
  context.font = `11px ${palette.font}`
  context.textBaseline = "middle"
  for (const [{ x, y, width, height }, text] of named) {
    const left = Math.max(x, 0) + 6
    const room = Math.floor((x + width - left - 3) / 6.2)
    if (room < 2) continue
    context.fillText(text.length > room ? text.slice(0, room - 1) + "…" : text, left, y + height / 2 + 0.5)
  }
}

function paintStrip(context, place, items, { viewport, palette, colour, label, chosen, rows }) {
  context.font = `11px ${palette.font}`
  context.textBaseline = "middle"
  for (const item of items) {
    const { row, depth } = rows.get(item.uid)
    const room = (place.height - 4) / depth
    const x = viewport.x(item.start_ms)
    const width = Math.max(2, viewport.x(item.end_ms) - x - 1)
    const y = place.top + 2 + row * room
    const height = Math.max(2, room - 1)
    context.fillStyle = colour
    context.globalAlpha = chosen.has(item.uid) ? 0.75 : 0.22
    context.fillRect(x, y, width, height)
    context.globalAlpha = 1
    if (width > 5) context.fillRect(x, y, 2, height)
    const left = Math.max(x, 0) + 6
    const text = label(item)
    const visible = Math.floor((x + width - left) / 6.2)
    if (height < 9 || visible < Math.min(text.length, 4)) continue
    context.fillStyle = chosen.has(item.uid) ? palette.paper : palette.ink
    context.fillText(text.slice(0, visible), left, y + height / 2 + 0.5)
  }
}

// Turns that are suggested: dashed, since nobody has made them.
function paintSuggested(context, { top, height }, suggested, viewport, palette) {
  context.strokeStyle = palette.accent
  context.lineWidth = 1
  context.setLineDash([3, 3])
  for (const { start_ms, end_ms } of suggested) {
    const x = Math.round(viewport.x(start_ms))
    const width = Math.round(viewport.x(end_ms)) - x - 1
    if (width > 3) context.strokeRect(x + 0.5, top + 2.5, width, height - 6)
  }
  context.setLineDash([])
}

export function ghostBox(segment, places, document, viewport) {
  const lane = places.lanes.find(({ name }) => name === segment.lane)
  return lane && box(segment, lane, document.lane(lane.name), viewport)
}

// What lies at (x, y): {zone, lane?, segment?, edge?, turn?, conversation?}.
export function hit(x, y, { document, viewport, places, selection }) {
  const ms = viewport.ms(x)
  if (y < places.ruler.height) return { zone: "ruler", ms }
  if (y < places.wave.top + places.wave.height) return { zone: "wave", ms }
  if (y < places.sound.top + places.sound.height) return { zone: "sound", ms }
  const lane = places.lanes.find(({ top, height }) => y >= top && y < top + height)
  if (lane) return { zone: "lane", lane: lane.name, ms, ...segmentAt(x, y, lane, { document, viewport, selection }) }
  const strip = inside(y, places.turns) ? "turn" : inside(y, places.conversations) ? "conversation" : null
  if (!strip) return { zone: "none", ms }
  const reach = 2 * viewport.msPerPx
  const found = document[`${strip}Index`].within(ms - reach, ms + reach)
  return { zone: strip, ms, item: found[0] ?? null }
}

const inside = (y, { top, height }) => y >= top && y < top + height

// Edges win over bodies, the selected segment's edges over its neighbours'.
function segmentAt(x, y, lane, { document, viewport, selection }) {
  const index = document.lane(lane.name)
  const reach = EDGE_PX * viewport.msPerPx
  const near = index.within(viewport.ms(x) - reach, viewport.ms(x) + reach)
  let best = { segment: null, edge: null, score: Infinity }
  for (const segment of near) {
    const place = box(segment, lane, index, viewport)
    if (y < place.y - 1 || y > place.y + place.height + 1) continue
    const fromStart = Math.abs(x - place.x)
    const fromEnd = Math.abs(x - (place.x + place.width))
    const within = x >= place.x && x <= place.x + place.width
    const grip = Math.min(EDGE_PX, place.width / 4 + 1)
    const bonus = selection.uids.has(segment.uid) ? -3 : 0
    const candidates = [
      { segment, edge: "start", score: fromStart + bonus, ok: fromStart <= (within ? grip : EDGE_PX) },
      { segment, edge: "end", score: fromEnd + bonus, ok: fromEnd <= (within ? grip : EDGE_PX) },
      { segment, edge: null, score: 20 + bonus, ok: within },
    ]
    for (const each of candidates) if (each.ok && each.score < best.score) best = each
  }
  return { segment: best.segment, edge: best.edge }
}
