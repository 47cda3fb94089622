// What in a context summary gives away the answer of its own turn: a model that reads it would only have to copy.

const RUN = 4 // tokens in the answer's own order
const RARE = 0.05 // of the turns: what more of them say is no secret, in any language
const UNITS = new Set("hz khz db dbfs lufs ms s sec seconds bpm % st semitones cents ratio hertz decibel decibels".split(" "))
const COMMON = new Set(`about above after again also always another around because been before being below between both
  bring came come could does doing done down each even ever every from gave give goes going gone good have having here
  into just keep know like little look made make many maybe mean might more most much must need never only other over
  probably really right said same should since some something still such take than that their them then there these
  they thing think this those through till under until upon very want wants well went were what when where which while
  with without would your yeah okay amateur expert asks asked says turn mix song track`.split(/\s+/))

// [{word, start, end}] of a text: words in small letters, numbers apart from their units.
export function tokens(text) {
  return [...(text ?? "").matchAll(/\d+(?:[.,]\d+)*|%|\p{L}[\p{L}\p{M}'’]*/gu)].map((found) => ({
    word: found[0].toLowerCase().replace("’", "'").replace(",", "."), start: found.index, end: found.index + found[0].length,
  }))
}

// The phrases of `summary` that are in `answer` and in none of the texts `before` it, as they are written.
// `turnsWith(word)` of `turns`: how many turns of the layer say a word.
export function givesAway({ summary, answer, before = [], turnsWith = () => 0, turns = 0 }) {
  const said = tokens(summary)
  const secret = tokens(answer).map(({ word }) => word)
  const known = before.map((text) => tokens(text).map(({ word }) => word))
  const leaks = new Set([...runs(said, secret, known), ...numbers(said, secret, known), ...rareWords(said, secret, known, { turnsWith, turns })])
  return phrases(summary, said, leaks)
}

export function leakSentence(found) {
  return found.length ? `Gives away the answer: ${found.map((phrase) => `“${phrase}”`).join(", ")}.` : ""
}

// Runs of words in the answer's order that were not said in that order before.
function runs(said, secret, known) {
  const grams = (words) => words.slice(0, Math.max(0, words.length - RUN + 1)).map((_, i) => words.slice(i, i + RUN).join(" "))
  const old = new Set(known.flatMap(grams))
  const fresh = new Set(grams(secret).filter((gram) => !old.has(gram)))
  return grams(said.map(({ word }) => word)).flatMap((gram, i) => (fresh.has(gram) ? Array.from({ length: RUN }, (_, k) => i + k) : []))
}

// A number with its unit, or one of two digits and more; "3" alone counts takes and tracks.
function numbers(said, secret, known) {
  const told = (words, i) => (UNITS.has(words[i + 1]) ? `${words[i]} ${words[i + 1]}` : words[i])
  const all = (words) => words.flatMap((word, i) => (/^\d/.test(word) ? [word, told(words, i)] : []))
  const old = new Set(known.flatMap(all))
  const fresh = new Set(all(secret))
  const words = said.map(({ word }) => word)
  return words.flatMap((word, i) => {
    if (!/^\d/.test(word)) return []
    const whole = told(words, i)
    if (whole !== word && fresh.has(whole) && !old.has(whole)) return [i, i + 1]
    return word.length > 1 && whole === word && fresh.has(word) && !old.has(word) ? [i] : []
  })
}

// Words that carry a meaning, that few turns say, and that nobody said before.
function rareWords(said, secret, known, { turnsWith, turns }) {
  const stems = new Set(known.flat().map(stem))
  const fresh = new Set(secret.filter((word) => !stems.has(stem(word))))
  const few = Math.max(2, turns * RARE)
  return said.flatMap(({ word }, i) => {
    const carries = /^\p{L}/u.test(word) && word.length >= 4 && !COMMON.has(word)
    return carries && fresh.has(word) && turnsWith(word) <= few ? [i] : []
  })
}

const stem = (word) => word.slice(0, Math.max(4, word.length - 2)) // "kick" and "kicks", "compress" and "compressed"

// What is found as phrases: a single small word between two finds belongs to them.
function phrases(summary, said, leaks) {
  const places = [...leaks].sort((a, b) => a - b)
  const spans = []
  for (const place of places) {
    const last = spans.at(-1)
    if (last && place - last[1] <= 2) last[1] = place
    else spans.push([place, place])
  }
  return [...new Set(spans.map(([from, to]) => summary.slice(said[from].start, said[to].end)))]
}
