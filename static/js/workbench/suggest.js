// Turns that loose segments seem to be: what the amateur asks, what the expert answers, the music they speak about.

export const GAPS = {
  within_ms: 15_000, // silence that ends a run of one person
  answer_ms: 30_000, // silence before an answer, while somebody listens or tries
  clip_ms: 60_000, // how long before the question its clip may have ended
}

// `segments` are all of the layer in order of time, `isHeld(uid)` says whether one is in a turn already. Gives
// {uid, amateur, expert, music, segments, start_ms, end_ms}: uids by side, in order; `uid` is the same whenever the same
// speech is suggested. A turn that exists ends a run: nothing is suggested across it.
export function suggestTurns(segments, isHeld, gaps = GAPS) {
  const music = segments.filter(({ lane }) => lane === "music")
  const found = []
  let [asked, answered] = [[], []]
  const close = () => {
    if (asked.length && answered.length) found.push(suggestion(asked, answered, clipOf(music, asked, answered, gaps)))
    asked = []
    answered = []
  }
  for (const segment of segments) {
    if (segment.lane !== "amateur" && segment.lane !== "expert") continue
    if (isHeld(segment.uid)) {
      close()
      continue
    }
    const silence = segment.start_ms - Math.max(0, ...[...asked, ...answered].map(({ end_ms }) => end_ms))
    if (segment.lane === "amateur") {
      if (answered.length || silence > gaps.within_ms) close()
      asked.push(segment)
    } else {
      if (silence > (answered.length ? gaps.within_ms : gaps.answer_ms)) close()
      if (asked.length) answered.push(segment) // words of the expert that nobody asked for begin no turn
    }
  }
  close()
  return found
}

// The last music that begins before the answer, and either ends before it or sounds during the question.
function clipOf(music, asked, answered, { clip_ms }) {
  const [question] = asked
  const [answer] = answered
  const asking = Math.max(...asked.map(({ end_ms }) => end_ms))
  return music.findLast(({ start_ms, end_ms }) => {
    const sounds = start_ms < asking && end_ms > question.start_ms
    return start_ms < answer.start_ms && (sounds || end_ms <= answer.start_ms) && end_ms >= question.start_ms - clip_ms
  }) ?? null
}

function suggestion(asked, answered, clip) {
  const segments = [...asked, ...answered, ...(clip ? [clip] : [])].sort((a, b) => a.start_ms - b.start_ms)
  const uids = (rows) => rows.map(({ uid }) => uid)
  return {
    uid: `${asked[0].uid}~${answered.at(-1).uid}`,
    amateur: uids(asked), expert: uids(answered), music: clip ? [clip.uid] : [], segments,
    start_ms: asked[0].start_ms, end_ms: Math.max(...[...asked, ...answered].map(({ end_ms }) => end_ms)),
  }
}
