// Which of the project's rules a segment breaks, in sentences. Rules are told and never enforced.

import { clock } from "workbench/clock"

// `rules` is `vocabulary.rules` of the layer's document; the segment itself may be among its neighbours.
// Returns [{code, message}]: "too-short", "too-long", "overlap".
export function brokenRules(segment, neighboursOnLane, rules) {
  const rule = rules?.lanes?.[segment.lane]
  if (!rule) return []
  const length = segment.end_ms - segment.start_ms
  const broken = []
  if (length < rule.min_ms) {
    broken.push({ code: "too-short", message: `Shorter than ${told(rule.min_ms)}: too short to be ${WHAT[segment.lane] ?? "meant"}.` })
  }
  if (rule.max_ms != null && length > rule.max_ms) {
    const why = segment.lane === "music" ? `a model hears at most ${told(rule.max_ms)} of it` : "look whether it should be cut in two"
    broken.push({ code: "too-long", message: `Longer than ${told(rule.max_ms)}: ${why}.` })
  }
  const other = rule.overlap === "warn" && neighboursOnLane.find((each) => overlap(each, segment))
  if (other) broken.push({ code: "overlap", message: `Overlaps the ${segment.lane} segment that starts at ${clock(other.start_ms)}.` })
  return broken
}

const WHAT = { amateur: "an utterance", expert: "an utterance", music: "heard as music" }

const overlap = (a, b) => a.uid !== b.uid && a.start_ms < b.end_ms && b.start_ms < a.end_ms

const told = (ms) => (ms < 1000 ? `${ms} ms` : `${ms / 1000} s`)
