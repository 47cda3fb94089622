"""Rows back into conversations: a row is a turn, and so is what a history holds and no row says."""

import uuid
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from itertools import pairwise

from annotation.importing.rows import NAMESPACE
from annotation.published.facts import SPLITS, Notes, PublishedError, PublishedRow, Said, group_of

MAX_TURNS = 1_000  # of one conversation
MAX_ALIGNED = 400  # utterances of a history that is laid beside its conversation
TELLING = 20  # characters from which a text tells one conversation from another

Key = tuple[str, str]  # split (none where a conversation goes on from split to split), conversation_id


@dataclass(frozen=True, slots=True)
class FoldedTurn:
    """A turn; without a row it is known from histories alone."""

    uid: str
    user: str | None
    assistant: str | None
    audio_file: str | None
    row: PublishedRow | None = None
    history: tuple[Said, ...] | None = None  # as published, where the turns before it say something else

    @property
    def said(self) -> tuple[Said, ...]:
        """The turn as a later row's history tells it."""
        return PublishedRow("", "", "", 0, None, (), self.audio_file, self.user, self.assistant).said


@dataclass(frozen=True, slots=True)
class FoldedConversation:
    """Turns in their order, under the name that they were published with."""

    uid: str
    name: str
    topic: str
    turns: tuple[FoldedTurn, ...]


@dataclass
class Folded:
    """Conversations by the group of their clips; those without any clip have none."""

    groups: dict[int | None, list[FoldedConversation]] = field(default_factory=dict)
    repaired: Notes = field(default_factory=Notes)
    lost: Notes = field(default_factory=Notes)


def fold(rows: Sequence[PublishedRow]) -> Folded:
    """Group rows into conversations and sessions; no conversation is in two sessions.

    A conversation whose turns go on from one split to the next is one; where two splits have turns of the same number,
    they are two of the same name. Order is that of names and numbers, so the same rows in any order give the same.
    """
    made = Folded()
    homes = _homes(rows, made)
    texts = _texts(rows)
    for key, members in sorted(_conversations(rows).items(), key=lambda pair: (pair[0][1], pair[0][0])):
        if len(members) > MAX_TURNS:
            raise PublishedError(
                "too-many-turns", f"A conversation has at most {MAX_TURNS:,} turns; {key[1]} has more."
            )
        made.groups.setdefault(homes[key[1]], []).append(_conversation(key, members, texts, made))
    return made


def _conversations(rows: Iterable[PublishedRow]) -> dict[Key, list[PublishedRow]]:
    by_name: dict[str, list[PublishedRow]] = {}
    for row in rows:
        by_name.setdefault(row.conversation_id, []).append(row)
    found: dict[Key, list[PublishedRow]] = {}
    for name, members in by_name.items():
        members.sort(key=lambda row: (row.turn_id, SPLITS.index(row.split)))
        clash = any(a.turn_id == b.turn_id for a, b in pairwise(members))
        for row in members:
            found.setdefault((row.split if clash else "", name), []).append(row)
    return found


def _homes(rows: Iterable[PublishedRow], made: Folded) -> dict[str, int | None]:
    """The group of each conversation: the one that most of its clips are of."""
    named: dict[str, Counter[int]] = {}
    for row in rows:
        counts = named.setdefault(row.conversation_id, Counter())
        for file in (row.audio_file, *(said.audio_file for said in row.history)):
            if (group := group_of(file)) is not None:
                counts[group] += 1
    for name, counts in named.items():
        if len(counts) > 1:
            made.repaired.add("a conversation with clips of several groups is in the session of most", name)
    return {
        name: min(counts, key=lambda group: (-counts[group], group)) if counts else None
        for name, counts in named.items()
    }


def _texts(rows: Iterable[PublishedRow]) -> dict[str, set[str]]:
    """In which conversations a text of some length is said."""
    found: dict[str, set[str]] = {}
    for row in rows:
        for text in (row.user, row.assistant):
            if text and len(text) >= TELLING:
                found.setdefault(text, set()).add(row.conversation_id)
    return found


def _conversation(
    key: Key, rows: Sequence[PublishedRow], texts: Mapping[str, set[str]], made: Folded
) -> FoldedConversation:
    split, name = key
    topics = Counter(row.topic for row in rows)
    topic = min(topics, key=lambda each: (-topics[each], each))
    for row in rows:
        if row.topic != topic:
            made.lost.add("a row's topic that is not its conversation's", row.where)
    turns: list[FoldedTurn] = []
    told: list[Said] = []
    extra = _unspoken(rows, texts, made)
    for number, row in enumerate(rows):
        for position, (user, assistant) in enumerate(extra.get(number, ())):
            uid = _uid("turn", split, name, f"before {row.turn_id}", position)
            audio = user.audio_file if user else None
            turns.append(FoldedTurn(uid, user.content if user else None, assistant, audio))
            told += turns[-1].said
            made.repaired.add("a turn that only histories tell is a turn, and no row", row.where)
        kept = None if list(row.history) == told else row.history
        if kept is not None:
            made.repaired.add(
                "a history that is not what was said before in its conversation is kept as it is", row.where
            )
        uid = _uid("turn", row.split, name, row.turn_id)
        turns.append(FoldedTurn(uid, row.user, row.assistant, row.audio_file, row, kept))
        told += row.said
    return FoldedConversation(_uid("conversation", split, name), name, topic, tuple(turns))


Exchange = tuple[Said | None, str | None]


def _unspoken(rows: Sequence[PublishedRow], texts: Mapping[str, set[str]], made: Folded) -> dict[int, list[Exchange]]:
    """What the longest history says between the rows, by the number of the row before which it is said."""
    at = max(range(len(rows)), key=lambda number: len(rows[number].history))
    history = rows[at].history
    if not history or len(history) > MAX_ALIGNED:
        return {}
    owners = [(number, said) for number, row in enumerate(rows[:at]) for said in row.said]
    spoken = [(said.role, said.content) for _, said in owners]
    earlier = [(said.role, said.content) for said in history]
    found: dict[int, list[Exchange]] = {}
    for tag, i, _, first, last in SequenceMatcher(None, spoken, earlier, autojunk=False).get_opcodes():
        if tag != "insert":
            continue
        more = history[first:last]
        name = rows[at].conversation_id
        if any(texts.get(said.content or "", {name}) != {name} for said in more):
            made.repaired.add("a history with turns of another conversation; they stay in that history", rows[at].where)
            continue
        found.setdefault(owners[i][0] if i < len(owners) else at, []).extend(_exchanges(more))
    return found


def _exchanges(history: Iterable[Said]) -> Iterator[Exchange]:
    """Utterances in pairs: what an amateur asked, what an expert answered; either may be missing."""
    asked: Said | None = None
    for said in history:
        if said.role == "user":
            if asked:
                yield asked, None
            asked = said
        else:
            yield asked, said.content
            asked = None
    if asked:
        yield asked, None


def _uid(kind: str, *names: object) -> str:
    return str(uuid.uuid5(NAMESPACE, "/".join(("published", kind, *map(str, names)))))
