"""ELAN's EAF 2.7 to 3.0: tiers of annotations on a shared list of times, some of them hanging on others.

After the EAF annotation format of the Max Planck Institute for Psycholinguistics, schema 3.0 (2017).
"""

from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any
from xml.parsers import expat

from annotation.importing.characters import head_of
from annotation.importing.rows import (
    MAX_MS,
    MAX_NAME,
    MAX_SEGMENTS,
    MAX_SPEAKERS,
    MAX_TEXT,
    Heard,
    Piece,
    TranscriptError,
    lane_of,
    speaker_of,
)
from annotation.importing.textgrid import words_of

DEPTH = 20  # of elements; ELAN's own need six
BROKEN = "This EAF is damaged: it breaks off or is no XML. Open and save it in ELAN, then try again."


@dataclass(slots=True)
class _Annotation:
    """One annotation: between two time slots, or on another annotation."""

    uid: str
    slots: tuple[str, str] | None
    on: str
    where: str
    text: str = ""
    span: tuple[float, float] | None = None


@dataclass(slots=True)
class _Tier:
    name: str
    participant: str
    parent: str
    annotations: list[_Annotation] = field(default_factory=list)


@dataclass
class _Document:
    slots: dict[str, int | None] = field(default_factory=dict)
    tiers: list[_Tier] = field(default_factory=list)
    points: int = 0  # annotations in all


def looks_like(data: bytes) -> bool:
    """Whether it is XML whose first element is ELAN's."""
    head = head_of(data)
    return head.lstrip().startswith("<") and "<ANNOTATION_DOCUMENT" in head


def hear(data: bytes) -> Heard:
    """Take the annotations of all tiers, those that hang on others with their times."""
    heard = Heard()
    document = _parsed(data)
    for tier in document.tiers:
        _resolve(heard, tier, document.slots)
    _hang(heard, document.tiers)
    names = {tier.name for tier in document.tiers}
    taken: dict[str, list[Piece]] = {}
    speakers = _speakers(document.tiers)
    words = {tier.name: words_of(tier.name, names) if tier.parent else None for tier in document.tiers}
    for tier in document.tiers:
        if words[tier.name] is None:
            for each in tier.annotations:
                piece = each.span and heard.add(speakers[tier.name], *each.span, each.text, each.where)
                if piece:
                    taken.setdefault(tier.name, []).append(piece)
    for tier in document.tiers:
        if speaker := words[tier.name]:
            told = ((each.where, *each.span, each.text) for each in tier.annotations if each.span)
            heard.time_words(taken.get(speaker, []), told)
    return heard


def _speakers(tiers: list[_Tier]) -> dict[str, str]:
    """Who speaks on each tier: its participant, where that is the only tier of theirs that stands by itself."""
    names = {tier.name for tier in tiers}
    own: dict[str, set[str]] = {}
    for tier in tiers:
        if not tier.parent:
            own.setdefault(tier.participant, set()).add(speaker_of(tier.name, names))
    return {
        tier.name: tier.participant
        if tier.participant and not tier.parent and len(own[tier.participant]) == 1 and not lane_of(tier.name, {})
        else speaker_of(tier.name, names)
        for tier in tiers
    }


def _resolve(heard: Heard, tier: _Tier, slots: dict[str, int | None]) -> None:
    """Give annotations on slots their times; slots without a value share out the time between those that have one."""
    timed = [each for each in tier.annotations if each.slots]
    chain: list[str] = []
    for each in timed:
        assert each.slots is not None
        chain += [slot for slot in each.slots if not chain or slot != chain[-1]]
    times: dict[str, float] = {slot: value for slot in chain if (value := slots.get(slot)) is not None}
    known = [place for place, slot in enumerate(chain) if slot in times]
    for left, right in pairwise(known):
        since, until = times[chain[left]], times[chain[right]]
        for place in range(left + 1, right):
            if since <= until:
                times.setdefault(chain[place], since + (until - since) * (place - left) / (right - left))
    for each in timed:
        assert each.slots is not None
        first, last = (times.get(slot) for slot in each.slots)
        if first is None or last is None:
            heard.lose("an annotation without a time", each.where)
            continue
        if any(slots.get(slot) is None for slot in each.slots):
            first, last = float(round(first)), float(round(last))
            heard.mend("a time shared out between its neighbours", each.where)
        each.span = (first, last)


def _hang(heard: Heard, tiers: list[_Tier]) -> None:
    """Give annotations on others the time of those, shared out where several hang on one."""
    spans = {each.uid: each.span for tier in tiers for each in tier.annotations if each.span}
    waiting = [tier for tier in tiers if any(each.slots is None for each in tier.annotations)]
    for _ in range(len(waiting)):
        for tier in waiting:
            groups: dict[str, list[_Annotation]] = {}
            for each in tier.annotations:
                if each.slots is None and each.span is None and each.on in spans:
                    groups.setdefault(each.on, []).append(each)
            for on, group in groups.items():
                first, last = spans[on] or (0.0, 0.0)
                step = (last - first) / len(group)
                for number, each in enumerate(group):
                    each.span = (float(round(first + number * step)), float(round(first + (number + 1) * step)))
                    spans[each.uid] = each.span
                    if len(group) > 1:
                        heard.mend("a time shared out between its neighbours", each.where)
        waiting = [tier for tier in waiting if any(each.span is None and not each.slots for each in tier.annotations)]
    for tier in waiting:
        for each in tier.annotations:
            if each.span is None and each.slots is None:
                heard.lose("an annotation on another that is not there", each.where)


def _parsed(data: bytes) -> _Document:
    """Read the XML as it comes; entities and document types, by which XML reaches outside or swells, are refused."""
    parser = expat.ParserCreate()
    parser.buffer_text = True
    reader = _Reader()
    parser.StartElementHandler = reader.start
    parser.EndElementHandler = reader.end
    parser.CharacterDataHandler = reader.characters
    parser.StartDoctypeDeclHandler = _refuse
    parser.EntityDeclHandler = _refuse
    try:
        parser.Parse(data, True)
    except (expat.ExpatError, LookupError, ValueError):
        raise TranscriptError("broken-eaf", BROKEN) from None
    if not reader.is_eaf:
        raise TranscriptError("not-an-eaf", "This XML is not an annotation document of ELAN.")
    return reader.document


def _refuse(*_: Any) -> None:
    raise TranscriptError(
        "unsafe-xml", "This EAF declares a document type or entities, as ELAN never does; take them out."
    )


class _Reader:
    """Fills a document from the parser's events."""

    def __init__(self) -> None:
        self.document = _Document()
        self.is_eaf = False
        self.depth = 0
        self.annotation: _Annotation | None = None
        self.pieces: list[str] | None = None
        self.length = 0

    def start(self, name: str, attributes: dict[str, str]) -> None:
        """An element begins."""
        self.depth += 1
        if self.depth == 1:
            self.is_eaf = name == "ANNOTATION_DOCUMENT"
        if self.depth > DEPTH:
            raise TranscriptError("broken-eaf", "This EAF is nested deeper than any that ELAN writes.")
        document = self.document
        if name == "HEADER" and attributes.get("TIME_UNITS", "milliseconds") != "milliseconds":
            raise TranscriptError("frames", "This EAF counts time in frames of a video; save it again in a later ELAN.")
        if name == "TIME_SLOT":
            document.slots[attributes.get("TIME_SLOT_ID", "")] = _value(attributes.get("TIME_VALUE"))
            if len(document.slots) > 4 * MAX_SEGMENTS:
                raise TranscriptError(
                    "too-many", f"An EAF has at most {4 * MAX_SEGMENTS:,} time slots; divide this one."
                )
        elif name == "TIER":
            tier, participant = attributes.get("TIER_ID", ""), attributes.get("PARTICIPANT", "").strip()
            if len(tier) > MAX_NAME or len(participant) > MAX_NAME or len(document.tiers) >= MAX_SPEAKERS:
                raise TranscriptError(
                    "too-many", f"An EAF has at most {MAX_SPEAKERS} tiers, their names at most {MAX_NAME} characters."
                )
            document.tiers.append(_Tier(tier, participant, attributes.get("PARENT_REF", "")))
        elif name in ("ALIGNABLE_ANNOTATION", "REF_ANNOTATION") and document.tiers:
            self._annotation(name, attributes)
        elif name == "ANNOTATION_VALUE":
            self.pieces, self.length = [], 0

    def _annotation(self, name: str, attributes: dict[str, str]) -> None:
        document = self.document
        document.points += 1
        if document.points > MAX_SEGMENTS:
            raise TranscriptError("too-many", f"A transcript has at most {MAX_SEGMENTS:,} segments; divide this one.")
        tier = document.tiers[-1]
        where = f"tier {tier.name}, annotation {len(tier.annotations) + 1}"
        slots = attributes.get("TIME_SLOT_REF1", ""), attributes.get("TIME_SLOT_REF2", "")
        uid, on = attributes.get("ANNOTATION_ID", ""), attributes.get("ANNOTATION_REF", "")
        self.annotation = _Annotation(uid, slots if name == "ALIGNABLE_ANNOTATION" else None, on, where)
        tier.annotations.append(self.annotation)

    def end(self, name: str) -> None:
        """An element ends."""
        self.depth -= 1
        if name == "ANNOTATION_VALUE" and self.pieces is not None:
            if self.annotation is not None:
                self.annotation.text = "".join(self.pieces)
            self.annotation = self.pieces = None

    def characters(self, text: str) -> None:
        """Text inside an element."""
        if self.pieces is not None and self.annotation is not None:
            self.length += len(text)
            if self.length > MAX_TEXT:
                where = self.annotation.where
                raise TranscriptError(
                    "long-text", f"{where}: a text has at most {MAX_TEXT:,} characters; split this one."
                )
            self.pieces.append(text)


def _value(time: str | None) -> int | None:
    """A slot's time in milliseconds; None where it has none."""
    try:
        value = int(time or "")
    except ValueError:
        return None
    if abs(value) > MAX_MS:
        raise TranscriptError("broken-eaf", "This EAF is damaged: it holds a time beyond all sessions.")
    return value
