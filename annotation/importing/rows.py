"""What an importer hears in a file, and what it makes of that: the rows of a layer, and what was repaired or lost."""

import math
import re
import uuid
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Sequence, Sized
from dataclasses import dataclass, field, replace
from typing import Any, TypedDict

from annotation.words import MOST, Word, checked

LANES = ("amateur", "expert", "music", "note")
# Names under which other tools know the lanes.
ALIASES = {"student": "amateur", "learner": "amateur", "teacher": "expert", "mentor": "expert", "daw": "music"}
UNNAMED = "unnamed"  # who speaks where a file names nobody
MAX_TEXT = 20_000  # characters of one text
MAX_NAME = 200  # characters of a speaker's or a tier's name
QUOTED = 40  # characters of a name in a sentence
MAX_MS = 100 * 3_600_000  # no session is longer
MAX_SEGMENTS = 100_000
MAX_TOLD = 2 * MAX_SEGMENTS  # places that are mended or lost
MAX_SPEAKERS = 200
POINT_MS = 100  # what has no length gets this much, so that it can be seen and heard
TOLD = 20  # places that a report names of one kind of repair or loss
KINDS = 100  # of them in a report
LINE = 240  # characters of what and where in it
NAMESPACE = uuid.UUID("6e4f5b0a-8f4d-5d0e-9c0b-5a3c1f7d2e90")
_FURTHER = re.compile(r"(.*\S) \(\d{1,4}\)", re.DOTALL)  # a further tier of the same speaker: “expert (2)”


class TranscriptError(Exception):
    """A transcript that can't be read, in a sentence."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class Repair(TypedDict):
    """Something that was mended or lost, and where."""

    what: str
    where: str


@dataclass
class LayerRows:
    """Rows in the shape in which the edits API tells them."""

    segments: list[dict[str, Any]] = field(default_factory=list)
    turns: list[dict[str, Any]] = field(default_factory=list)
    conversations: list[dict[str, Any]] = field(default_factory=list)
    summaries: list[dict[str, Any]] = field(default_factory=list)
    flags: list[dict[str, Any]] = field(default_factory=list)


@dataclass
class Imported:
    """A layer's rows, facts about the session that the file carried, repairs and losses."""

    rows: LayerRows
    facts: dict[str, Any] = field(default_factory=dict)
    repaired: list[Repair] = field(default_factory=list)
    lost: list[Repair] = field(default_factory=list)

    def lanes(self) -> dict[str, int]:
        """How many segments each lane got."""
        count = dict.fromkeys(LANES, 0)
        for segment in self.rows.segments:
            count[segment["lane"]] += 1
        return {lane: n for lane, n in count.items() if n}


class Report:
    """What was mended or lost: of each kind its first places and how many more, so that it stays short."""

    def __init__(self) -> None:
        self._kinds: dict[str, list[str]] = {}
        self._counts: Counter[str] = Counter()
        self._left = MAX_TOLD

    def add(self, what: str, where: str) -> None:
        """Tell one more, in words that every database keeps, whatever the file says of itself."""
        what, where = _plain(what)[:LINE], _plain(where)[:LINE]
        if what not in self._kinds and len(self._kinds) >= KINDS:
            what = "other things"
        self._counts[what] += 1
        self._left -= 1
        if not self._left:
            raise TranscriptError(
                "too-many",
                f"More than {MAX_TOLD:,} places would have to be mended or left out; this is something else.",
            )
        places = self._kinds.setdefault(what, [])
        if len(places) < TOLD:
            places.append(where)

    def told(self) -> list[Repair]:
        """All kinds, in the order in which they came."""
        told: list[Repair] = []
        for what, places in self._kinds.items():
            told += [{"what": what, "where": where} for where in places]
            if self._counts[what] > len(places):
                told.append({"what": what, "where": f"{self._counts[what] - len(places):,} more places"})
        return told


@dataclass(slots=True)
class Piece:
    """Something that is said or played: by whom, when, and where the file tells it; `uid` is "" where it tells none."""

    speaker: str
    start_ms: int
    end_ms: int
    text: str
    where: str
    uid: str
    words: list[Word]


@dataclass
class Heard:
    """What a file tells, before anybody says which lane its speakers are; `rest` is what stands on segments."""

    pieces: list[Piece] = field(default_factory=list)
    rest: LayerRows = field(default_factory=LayerRows)
    facts: dict[str, Any] = field(default_factory=dict)
    repaired: Report = field(default_factory=Report)
    lost: Report = field(default_factory=Report)

    def mend(self, what: str, where: str) -> None:
        """Tell a repair."""
        self.repaired.add(what, where)

    def lose(self, what: str, where: str) -> None:
        """Tell a loss."""
        self.lost.add(what, where)

    def add(
        self,
        speaker: str,
        start: float,
        end: float,
        text: str,
        where: str,
        *,
        words: Sequence[Word] = (),
        uid: str = "",
    ) -> Piece | None:
        """Take a piece; times are milliseconds, which may be fractions, exchanged, or before the beginning.

        Returns None for a piece that lies before the beginning as a whole, and tells it as lost. Raises TranscriptError
        for what no session can hold.
        """
        if not max(abs(start), abs(end)) <= MAX_MS:  # NaN neither
            raise TranscriptError("bad-time", f"{where}: a time lies beyond all sessions; mend it and try again.")
        if end < start:
            start, end = end, start
            self.mend("start and end exchanged", where)
        first, last = round(start), round(end)
        if abs(first - start) > 1e-4 or abs(last - end) > 1e-4:
            self.mend("time rounded to a millisecond", where)
        if first == last:
            last = min(first + POINT_MS, MAX_MS)
            first = min(first, last - 1)
            self.mend(f"a point without length made {POINT_MS} ms long", where)
        if last <= 0:
            self.lose("a segment before the beginning", where)
            return None
        if first < 0:
            first = 0
            self.mend("a start before the beginning", where)
        name = self.text(speaker, where).strip() or UNNAMED
        if len(name) > MAX_NAME:
            raise TranscriptError("long-name", f"{where}: a speaker's name has at most {MAX_NAME} characters.")
        piece = Piece(name, first, last, self.text(text, where), where, uid, list(words))
        self.pieces.append(piece)
        require_few(self.pieces)
        return piece

    def text(self, value: Any, where: str) -> str:
        """A text that every database keeps: without NULs and halves of characters, which are told as repairs.

        Raises TypeError for what is no text, TranscriptError for one that is too long.
        """
        if not isinstance(value, str):
            raise TypeError(value)
        if len(value) > MAX_TEXT:
            raise TranscriptError("long-text", f"{where}: a text has at most {MAX_TEXT:,} characters; split this one.")
        kept = _plain(value)
        if kept != value:
            self.mend("characters that can't be stored", where)
        return kept

    def time_words(self, pieces: Sequence[Piece], words: Iterable[tuple[str, float, float, str]]) -> None:
        """Give each word, told as (where, start, end, word) in milliseconds, to the piece that holds its middle."""
        rows = sorted(pieces, key=lambda piece: (piece.start_ms, piece.end_ms))
        begins = [piece.start_ms for piece in rows]
        for where, start, end, text in words:
            place = bisect_right(begins, (start + end) / 2) - 1 if math.isfinite(start + end) else -1
            piece = rows[place] if place >= 0 else None
            if piece is None or start + end >= 2 * piece.end_ms or not self.time_word(piece, start, end, text):
                self.lose("the time of a word that no segment can take", where)

    def time_word(self, piece: Piece, start: float, end: float, text: str) -> bool:
        """Add a word to a piece; False when its times make no sense or there is no room."""
        if not (math.isfinite(start) and math.isfinite(end)) or len(piece.words) >= MOST or not text.strip():
            return False
        try:
            piece.words += checked([[round(start), round(end), self.text(text, piece.where).strip()]], MAX_MS)
        except ValueError:
            return False
        return True

    def speakers(self) -> dict[str, list[Piece]]:
        """What each speaker says, in order of their first piece."""
        found: dict[str, list[Piece]] = {}
        for piece in self.pieces:
            found.setdefault(piece.speaker, []).append(piece)
        if len(found) > MAX_SPEAKERS:
            raise TranscriptError(
                "too-many", f"This transcript names more than {MAX_SPEAKERS} speakers or tiers; it is something else."
            )
        return found


def _plain(text: str) -> str:
    """A text without NULs and halves of characters."""
    return text.replace("\x00", "").encode("utf-8", "replace").decode("utf-8")


def placed(heard: Heard, lanes: dict[str, str], *, strict: bool = True) -> Imported:
    """Make a layer's rows of what was heard; `lanes` says which lane a speaker is, "" that one is left out.

    Raises TranscriptError "unknown-lane" for a speaker of whom nobody said; where not `strict`, such are left out too.
    Whoever is left out is told as lost.
    """
    lane = {name: lane_of(name, lanes) for name in heard.speakers()}
    unknown = [name for name, found in lane.items() if found not in LANES and (found or (strict and found is None))]
    if unknown:
        names = ", ".join(f"“{name[:QUOTED]}”" for name in unknown[:5]) + (" and others" if len(unknown) > 5 else "")
        raise TranscriptError(
            "unknown-lane",
            f"Say with --lane which lane {names} is: {', '.join(LANES)}, or nothing after the = to leave it out.",
        )
    made = Imported(replace(heard.rest, segments=[]), heard.facts, heard.repaired.told(), heard.lost.told())
    left = Counter(piece.speaker for piece in heard.pieces if not lane[piece.speaker])
    made.lost += [{"what": f"{count} segments left out", "where": name} for name, count in left.items()]
    for number, piece in enumerate(heard.pieces, 1):
        if found := lane[piece.speaker]:
            uid = piece.uid or uid_at("segment", number, piece.where)
            row = {"uid": uid, "lane": found, "start_ms": piece.start_ms, "end_ms": piece.end_ms}
            row["text"] = piece.text
            made.rows.segments.append({**row, "words": piece.words} if piece.words else row)
    made.rows.segments.sort(key=lambda row: (row["start_ms"], row["end_ms"], row["lane"]))
    if left:
        _let_go(made, {piece.uid for piece in heard.pieces if not lane[piece.speaker]})
    require_whole(made.rows)
    return made


def _let_go(made: Imported, gone: set[str]) -> None:
    """Take what was left out from all that stands on it."""
    rows, turns = made.rows, {row["uid"] for row in made.rows.turns}
    sides = ("amateur", "expert", "music")
    staying = [
        {**turn, **{side: [uid for uid in turn[side] if uid not in gone] for side in sides}} for turn in rows.turns
    ]
    rows.turns = [turn for turn in staying if any(turn[side] for side in sides)]
    turns -= {row["uid"] for row in rows.turns}
    grouped = [{**row, "turns": [uid for uid in row["turns"] if uid not in turns]} for row in rows.conversations]
    rows.conversations = [row for row in grouped if row["turns"]]
    rows.summaries = [row for row in rows.summaries if row["turn"] not in turns]
    rows.flags = [row for row in rows.flags if row["turn"] not in turns]
    if turns:
        made.lost.append({"what": f"{len(turns)} turns of segments that were left out", "where": "their conversations"})


def require_few(found: Sized) -> None:
    """Refuse what would make more segments than a session has, before it fills the memory."""
    if len(found) > MAX_SEGMENTS:
        raise TranscriptError("too-many", f"A transcript has at most {MAX_SEGMENTS:,} segments; divide this one.")


def lane_of(name: str, lanes: dict[str, str]) -> str | None:
    """The lane that a speaker or tier name means, "" for one that is left out; None when nobody said."""
    if name in lanes:
        return lanes[name]
    plain = name.strip().lower()
    if further := _FURTHER.fullmatch(plain):
        plain = further[1]
    known = ALIASES.get(plain, plain)
    return known if known in LANES else None


def speaker_of(tier: str, tiers: Iterable[str]) -> str:
    """Whose tier it is: “Anna (2)” is a further tier of Anna where there is one of her name."""
    further = _FURTHER.fullmatch(tier)
    return further[1] if further and further[1] in tiers else tier


def uid_at(kind: str, position: int, content: str) -> str:
    """A uid that the same file always gives to the same row."""
    return str(uuid.uuid5(NAMESPACE, f"{kind}:{position}:{content}"))


def require_whole(rows: LayerRows) -> None:
    """Refuse rows that name what isn't there, or that say two things of one.

    Raises TranscriptError with a sentence.
    """
    _once("double-uid", "Two segments of this transcript have the same uid.", (row["uid"] for row in rows.segments))
    _once("double-uid", "Two turns of this transcript have the same uid.", (row["uid"] for row in rows.turns))
    _once(
        "double-uid",
        "Two conversations of this transcript have the same uid.",
        (row["uid"] for row in rows.conversations),
    )
    lane = {row["uid"]: row["lane"] for row in rows.segments}
    for turn in rows.turns:
        members = [(side, uid) for side in ("amateur", "expert", "music") for uid in turn[side]]
        if not members:
            raise TranscriptError("empty-turn", "A turn has at least one utterance or clip; one here has none.")
        for side, uid in members:
            if lane.get(uid) != side:
                raise TranscriptError("unknown-segment", f"A turn names a segment that is not on its lane {side}.")
        _once("double-member", "A turn names a segment twice.", members)
    spoken = (uid for turn in rows.turns for side in ("amateur", "expert") for uid in turn[side])
    _once("in-two-turns", "An utterance belongs to one turn at most; one here is in two.", spoken)
    if not all(conversation["turns"] for conversation in rows.conversations):
        raise TranscriptError("empty-conversation", "A conversation has at least one turn; one here has none.")
    grouped = [turn for conversation in rows.conversations for turn in conversation["turns"]]
    _once("double-turn", "A turn is in one conversation at most.", grouped)
    turns = {turn["uid"] for turn in rows.turns}
    if not turns.issuperset({*grouped, *(row["turn"] for row in [*rows.summaries, *rows.flags])}):
        raise TranscriptError(
            "unknown-turn", "A conversation, summary or flag names a turn that is not in the transcript."
        )
    _once("double-summary", "A turn has one summary at most.", (row["turn"] for row in rows.summaries))
    _once("double-flag", "A flag is set once on a turn.", ((row["turn"], row["flag"]) for row in rows.flags))


def _once(code: str, message: str, values: Iterable[Any]) -> None:
    found = list(values)
    if len(set(found)) != len(found):
        raise TranscriptError(code, message)
