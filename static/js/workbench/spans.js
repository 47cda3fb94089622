// Rows with start_ms and end_ms, found by time, and laid out so that overlaps can be read.

export const byTime = (a, b) => a.start_ms - b.start_ms || a.end_ms - b.end_ms || (a.uid < b.uid ? -1 : 1)

// As the server orders turns: it must not differ from what is exported.
export const byTurn = (a, b) =>
  a.start_ms - b.start_ms || compare(a.speaks_ms, b.speaks_ms) || a.end_ms - b.end_ms || compare(a.uid, b.uid)

const compare = (a, b) => (a < b ? -1 : a > b ? 1 : 0)

export class SpanIndex {
  constructor(spans) {
    this.spans = [...spans].sort(byTime)
    let reach = -Infinity
    // furthest end so far: it never falls, so the first span that touches a time can be found by halving
    this.reach = this.spans.map((span) => (reach = Math.max(reach, span.end_ms)))
  }

  within(start, end) {
    const found = []
    for (let i = after(this.reach, start); i < this.spans.length && this.spans[i].start_ms < end; i++) {
      if (this.spans[i].end_ms > start) found.push(this.spans[i])
    }
    return found
  }

  at(ms) {
    return this.within(ms, ms + 1)
  }

  next(ms) {
    let low = 0
    let high = this.spans.length
    while (low < high) {
      const middle = (low + high) >> 1
      if (this.spans[middle].start_ms > ms) high = middle
      else low = middle + 1
    }
    return this.spans[low] ?? null
  }

  previous(ms) {
    let low = 0
    let high = this.spans.length
    while (low < high) {
      const middle = (low + high) >> 1
      if (this.spans[middle].start_ms < ms) low = middle + 1
      else high = middle
    }
    return this.spans[low - 1] ?? null
  }

  // uid → {row, depth}: spans that overlap share the height of their lane, the others keep all of it.
  get rows() {
    this.laid ??= stack(this.spans)
    return this.laid
  }
}

// How much of each of `columns` pixels is covered, from 0 to 1.
export function coverage(spans, msPerPx, columns) {
  const shares = new Float32Array(columns)
  let reach = -Infinity
  for (const { start_ms, end_ms } of [...spans].sort(byTime)) {
    const [from, to] = [Math.max(reach, start_ms) / msPerPx, end_ms / msPerPx]
    reach = Math.max(reach, end_ms)
    for (let x = Math.floor(from); x < Math.min(columns, to); x++) shares[x] += Math.min(to, x + 1) - Math.max(from, x)
  }
  return shares
}

function after(reach, ms) {
  let low = 0
  let high = reach.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (reach[middle] > ms) high = middle
    else low = middle + 1
  }
  return low
}

function stack(spans) {
  const rows = new Map()
  let cluster = []
  let ends = []
  let reach = -Infinity
  const close = () => {
    for (const place of cluster) place.depth = ends.length
    cluster = []
    ends = []
  }
  for (const span of spans) {
    if (span.start_ms >= reach) close()
    let row = ends.findIndex((end) => end <= span.start_ms)
    if (row < 0) row = ends.length
    ends[row] = span.end_ms
    reach = Math.max(reach, span.end_ms)
    const place = { row, depth: 1 }
    cluster.push(place)
    rows.set(span.uid, place)
  }
  close()
  return rows
}
