// When each word of a segment is said: what another text, a cut or a move leaves of that, as annotation/words.py has it.

const COMPARED = 40_000
const FORM = "Word times are a list of at most 2,000 [start, end, word]: whole milliseconds inside the session, no start after its end, and words of at most 200 characters."
export const MOST = 2_000
const LONGEST = 200
const SPACES = /[\t-\r\x1c-\x20\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+/ // what the server takes for space

export function piecesOf(text) { return text.split(SPACES).filter(Boolean) }

// What is wrong with these words, in a sentence; null when nothing is.
export function faultOf(words, lengthMs) {
  const isWord = (each) => Array.isArray(each) && each.length === 3 && [each[0], each[1]].every(Number.isInteger)
    && inside(each[0], each[1], lengthMs) && typeof each[2] === "string" && [...each[2]].length <= LONGEST
  return Array.isArray(words) && words.length <= MOST && words.every(isWord) ? null : FORM
}

function inside(start, end, lengthMs) { return start >= 0 && start <= end && (!lengthMs || end <= lengthMs) }

// The words that a text still says in the same order, whatever their case and punctuation.
export function kept(words, text) { return matched(words, piecesOf(text)).map(([number]) => words[number]) }

// The words of a segment that was moved as a whole; one that would leave the session loses its time.
export function moved(words, by, lengthMs) {
  return words.map(([start, end, word]) => [start + by, end + by, word]).filter(([start, end]) => inside(start, end, lengthMs))
}

// How many words, and how many pieces of the text, come before a cut. A word is on the side of its middle; pieces
// without a time are shared out by the time between their neighbours that have one, or the segment's edges.
export function divided(words, text, { start_ms, end_ms }, at) {
  const pieces = piecesOf(text)
  const cut = words.findIndex(([start, end]) => start + end >= 2 * at)
  const before = cut < 0 ? words.length : cut
  let [since, until, first, last] = [start_ms, end_ms, 0, pieces.length]
  for (const [number, place] of matched(words, pieces)) {
    if (number >= before) {
      until = words[number][0]
      last = place
      break
    }
    since = words[number][1]
    first = place + 1
  }
  const length = until - since
  if (length <= 0) return [before, first]
  const passed = Math.min(Math.max(at - since, 0), length)
  return [before, first + Math.floor((2 * (last - first) * passed + length) / (2 * length))]
}

// Which word stands where in the text: as many as can be matched without changing the order of either.
function matched(words, pieces) {
  const a = words.map(([, , word]) => bare(word))
  const b = pieces.map(bare)
  const shorter = Math.min(a.length, b.length)
  let head = 0
  while (head < shorter && a[head] === b[head]) head += 1
  let tail = 0
  while (tail < shorter - head && a.at(-1 - tail) === b.at(-1 - tail)) tail += 1
  const middle = common(a.slice(head, a.length - tail), b.slice(head, b.length - tail))
  return [
    ...a.slice(0, head).map((_, number) => [number, number]),
    ...middle.map(([i, j]) => [head + i, head + j]),
    ...a.slice(a.length - tail).map((_, number) => [a.length - tail + number, b.length - tail + number]),
  ]
}

// The longest common subsequence, or nothing where looking for it would take long.
function common(a, b) {
  if (a.length * b.length > COMPARED) return []
  const best = Array.from({ length: a.length + 1 }, () => new Array(b.length + 1).fill(0))
  for (let i = a.length - 1; i >= 0; i -= 1) {
    for (let j = b.length - 1; j >= 0; j -= 1) {
      best[i][j] = a[i] === b[j] ? best[i + 1][j + 1] + 1 : Math.max(best[i + 1][j], best[i][j + 1])
    }
  }
  const pairs = []
  for (let i = 0, j = 0; i < a.length && j < b.length;) {
    if (a[i] === b[j]) pairs.push([i++, j++])
    else if (best[i + 1][j] >= best[i][j + 1]) i += 1
    else j += 1
  }
  return pairs
}

// A word without case and punctuation; what is punctuation alone stays.
function bare(word) { return word.toLowerCase().replace(/[^\p{L}\p{N}]/gu, "") || word }
