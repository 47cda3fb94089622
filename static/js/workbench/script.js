// The layer as a list to read: conversations, turns and segments in the order of time.

// Rows {id, kind, item, turn?, suggestion?, at}: "conversation", "turn" and "suggestion" head what follows, "segment"
// holds words.
export function scriptRows(document, suggestions = []) {
  const rows = []
  let conversation = null
  for (const { at, turn, segment, suggestion } of parts(document, suggestions)) {
    const held = turn && document.conversationOf(turn.uid)
    if (held && held !== conversation) {
      // a conversation that something else interrupts is headed again, so that nobody loses the thread
      rows.push({ id: `c-${held.uid}-${turn.uid}`, kind: "conversation", item: held, at })
    }
    if (turn) conversation = held
    if (suggestion) {
      rows.push({ id: `g-${suggestion.uid}`, kind: "suggestion", item: suggestion, at })
      for (const member of suggestion.segments) {
        const id = member.lane === "music" ? `s-${member.uid}-${suggestion.uid}` : `s-${member.uid}` // a clip may serve several
        rows.push({ id, kind: "segment", item: member, turn: null, suggestion, at: member.start_ms })
      }
      continue
    }
    if (segment) {
      rows.push({ id: `s-${segment.uid}`, kind: "segment", item: segment, turn: null, at })
      continue
    }
    rows.push({ id: `t-${turn.uid}`, kind: "turn", item: turn, at })
    for (const member of turn.segments) {
      rows.push({ id: `s-${member.uid}-${turn.uid}`, kind: "segment", item: member, turn, at: member.start_ms })
    }
  }
  return rows
}

// The rows alone that `isShown(row)` says, below the conversations that they belong to.
export function onlyRows(rows, isShown) {
  const kept = []
  let heading = null
  for (const row of rows) {
    if (row.kind === "conversation") heading = row
    else if (row.kind !== "suggestion" && isShown(row)) {
      const within = row.kind === "turn" ? row.item : row.turn
      if (heading && within && heading.item.turns.some(({ uid }) => uid === within.uid)) {
        kept.push(heading)
        heading = null
      }
      kept.push(row)
    }
  }
  return kept
}

// Turns, suggested turns, and the segments outside both, by time.
function parts(document, suggestions) {
  const suggested = new Set(suggestions.flatMap(({ segments }) => segments.map(({ uid }) => uid)))
  const loose = document.segments.filter(({ uid }) => !suggested.has(uid) && !document.turnsOf(uid).length)
  const all = [
    ...document.turns.map((turn) => ({ at: turn.start_ms, turn })),
    ...suggestions.map((suggestion) => ({ at: suggestion.start_ms, suggestion })),
    ...loose.map((segment) => ({ at: segment.start_ms, segment })),
  ]
  return all.sort((a, b) => a.at - b.at)
}

// Heights of rows, measured where a row was drawn, guessed elsewhere; offsets are sums that are kept.
export class Heights {
  constructor(guess) {
    this.guess = guess
    this.known = new Map()
    this.rows = []
    this.tops = [0]
  }

  setRows(rows) {
    this.rows = rows
    this.#sum(0)
  }

  of(i) { return this.tops[i + 1] - this.tops[i] }
  get total() { return this.tops.at(-1) }

  // The row at a distance from the top.
  at(y) {
    let [low, high] = [0, this.rows.length - 1]
    while (low < high) {
      const middle = (low + high + 1) >> 1
      if (this.tops[middle] <= y) low = middle
      else high = middle - 1
    }
    return low
  }

  // True when something was taller or shorter than believed.
  measure(measured) {
    let first = Infinity
    for (const [i, height] of measured) {
      if (this.known.get(this.rows[i].id) === height) continue
      this.known.set(this.rows[i].id, height)
      first = Math.min(first, i)
    }
    if (first === Infinity) return false
    this.#sum(first)
    return true
  }

  #sum(first) {
    this.tops.length = first + 1
    for (let i = first; i < this.rows.length; i++) {
      this.tops.push(this.tops[i] + (this.known.get(this.rows[i].id) ?? this.guess(this.rows[i])))
    }
  }
}
