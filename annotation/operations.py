"""What can be asked of a layer: each operation worked out against the rows as they are, into changes.

A change is one row before and after, `{"kind", "uid", "before", "after"}`, whole, as JSON or null. Writing changes is
one function whatever the operation was; a client that applies changes needs to know no operation.
"""

from collections.abc import Callable
from typing import Any

from annotation import words as spoken
from annotation.desk import Desk, EditError, as_uid, change, quoted
from annotation.models import Lane, SummaryDraft
from annotation.order import SPOKEN, place
from annotation.tables import MEMBER_LANES, Change, Row, members, segment_row
from mixassist_site.jobs import State

LATEST_MS = 2**31 - 1  # in a session whose length nobody knows yet
MAX_TEXT = 20_000
MAX_NOTE = 500


def _span(desk: Desk, start: Any, end: Any) -> tuple[int, int]:
    if not all(isinstance(at, int) and not isinstance(at, bool) for at in (start, end)):
        raise EditError("bad-time", "Times are whole milliseconds.")
    if not 0 <= start < end:
        raise EditError("empty-span", "A segment starts before it ends, and not before the session does.")
    if end > (desk.length_ms or LATEST_MS):
        raise EditError("past-the-end", "A segment ends before the session does.")
    return start, end


def _lane(value: Any) -> str:
    if not isinstance(value, str) or value not in Lane.values:
        raise EditError("unknown-lane", f"There is no lane “{quoted(value)}”; use one of {', '.join(Lane.values)}.")
    return str(value)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise EditError("bad-text", "A text is a text.")
    if len(value) > MAX_TEXT:
        raise EditError("long-text", f"A text has at most {MAX_TEXT:,} characters.")
    return value


def _words(desk: Desk, value: Any) -> list[spoken.Word]:
    try:
        return spoken.checked(value, desk.length_ms)
    except ValueError as error:
        raise EditError("bad-words", str(error)) from None


def _fresh(desk: Desk, kind: str, arguments: Row) -> str:
    uid = as_uid(arguments.get("uid"))
    if not desk.is_fresh(kind, uid):
        raise EditError("uid-taken", f"There is a {kind} with this uid already.")
    return uid


def create_segment(desk: Desk, arguments: Row) -> list[Change]:
    """A new segment on a lane."""
    uid = _fresh(desk, "segment", arguments)
    start, end = _span(desk, arguments.get("start_ms"), arguments.get("end_ms"))
    text, words = _text(arguments.get("text", "")), _words(desk, arguments.get("words", []))
    row = segment_row(uid, _lane(arguments.get("lane")), start, end, text, words)
    return [change("segment", uid, None, row)]


def update_segment(desk: Desk, arguments: Row) -> list[Change]:
    """Other times, text, words or lane; a segment that changes its lane changes its place in its turns."""
    before = desk.need("segment", arguments.get("uid"))
    names = ("lane", "start_ms", "end_ms", "text")
    wanted = {**before, **{name: arguments[name] for name in names if name in arguments}}
    start, end = _span(desk, wanted["start_ms"], wanted["end_ms"])
    lane, text = _lane(wanted["lane"]), _text(wanted["text"])
    given = "words" in arguments
    words = _words(desk, arguments["words"]) if given else _words_after(desk, before, start, end, text)
    after = segment_row(before["uid"], lane, start, end, text, words)
    changes = [change("segment", before["uid"], before, after)]
    if after["lane"] == before["lane"]:
        return changes
    if after["lane"] in SPOKEN and len(desk.turns_with(before["uid"])) > 1:
        raise EditError("in-another-turn", "This clip serves several turns, an utterance only one; unpair it first.")

    def moved(turn: Row) -> Row:
        left = {**turn, before["lane"]: [uid for uid in turn[before["lane"]] if uid != before["uid"]]}
        if after["lane"] in MEMBER_LANES:
            left[after["lane"]] = [*left[after["lane"]], before["uid"]]
        return left

    return changes + _each_turn(desk, before["uid"], moved)


def _words_after(desk: Desk, before: Row, start: int, end: int, text: str) -> list[spoken.Word]:
    """What another text leaves of the words; they go with a segment that is moved as a whole."""
    words: list[spoken.Word] = before.get("words", [])
    if text != before["text"]:
        words = spoken.kept(words, text)
    by = start - before["start_ms"]
    return spoken.moved(words, by, desk.length_ms) if by and by == end - before["end_ms"] else words


def split_segment(desk: Desk, arguments: Row) -> list[Change]:
    """Cut a segment in two; its text is divided where its words, or else its time, are, unless both texts are given."""
    before = desk.need("segment", arguments.get("uid"))
    new = _fresh(desk, "segment", {"uid": arguments.get("new_uid")})
    at = arguments.get("at_ms")
    if not isinstance(at, int) or isinstance(at, bool) or not before["start_ms"] < at < before["end_ms"]:
        raise EditError("outside", "A segment is split somewhere inside it.")
    (lane, start, end), words = (before[name] for name in ("lane", "start_ms", "end_ms")), before.get("words", [])
    pieces = before["text"].split()
    earlier, share = spoken.divided(words, before["text"], (start, end), at)
    left = _text(arguments.get("text", " ".join(pieces[:share])))
    right = _text(arguments.get("new_text", " ".join(pieces[share:])))
    first = segment_row(before["uid"], lane, start, at, left, spoken.kept(words[:earlier], left))
    second = segment_row(new, lane, at, end, right, spoken.kept(words[earlier:], right))
    changes = [change("segment", before["uid"], before, first), change("segment", new, None, second)]
    for turn in desk.turns_with(before["uid"]):
        place = turn[before["lane"]].index(before["uid"]) + 1
        grown = {**turn, before["lane"]: [*turn[before["lane"]][:place], new, *turn[before["lane"]][place:]]}
        changes.append(change("turn", turn["uid"], turn, grown))
    return changes


def merge_segments(desk: Desk, arguments: Row) -> list[Change]:
    """Make one segment of two on the same lane; the first keeps its place in its turns."""
    kept = desk.need("segment", arguments.get("uid"))
    other = desk.need("segment", arguments.get("other"))
    if kept["uid"] == other["uid"] or kept["lane"] != other["lane"]:
        raise EditError("not-mergeable", "Two different segments of one lane can be merged.")
    in_order = sorted((kept, other), key=lambda row: (row["start_ms"], row["end_ms"]))
    text = " ".join(row["text"] for row in in_order if row["text"])
    words = [word for row in in_order for word in row.get("words", [])]
    if len(words) > spoken.MOST:
        raise EditError("bad-words", f"A segment has at most {spoken.MOST:,} words with a time.")
    span = in_order[0]["start_ms"], max(kept["end_ms"], other["end_ms"])
    made = segment_row(kept["uid"], kept["lane"], *span, _text(text), words)
    changes = [change("segment", kept["uid"], kept, made)]
    lane, at_home = kept["lane"], bool(desk.turns_with(kept["uid"]))

    def joined(turn: Row) -> Row:
        left = [uid for uid in turn[lane] if uid != other["uid"]]
        if kept["uid"] not in left and (lane == Lane.MUSIC or not at_home):
            left = [kept["uid"] if uid == other["uid"] else uid for uid in turn[lane]]
        return {**turn, lane: left}

    return [*changes, *_each_turn(desk, other["uid"], joined), change("segment", other["uid"], other, None)]


def delete_segment(desk: Desk, arguments: Row) -> list[Change]:
    """Take a segment away, and with it a turn that has nothing left."""
    return _segment_goes(desk, desk.need("segment", arguments.get("uid")))


def _segment_goes(desk: Desk, row: Row) -> list[Change]:
    def without(turn: Row) -> Row:
        return {**turn, **{lane: [uid for uid in turn[lane] if uid != row["uid"]] for lane in MEMBER_LANES}}

    return [*_each_turn(desk, row["uid"], without), change("segment", row["uid"], row, None)]


def _each_turn(desk: Desk, segment: str, becomes: Callable[[Row], Row]) -> list[Change]:
    """What happens to the turns with a segment, one after the other: two may leave the same conversation."""
    changes: list[Change] = []
    for turn in desk.turns_with(segment):
        after = becomes(turn)
        made = [change("turn", turn["uid"], turn, after)] if members(after) else _turn_goes(desk, turn)
        desk.put(made)
        changes += made
    return changes


def _turn_goes(desk: Desk, turn: Row) -> list[Change]:
    changes = []
    conversation = desk.conversation_of(turn["uid"])
    if conversation:
        left = [uid for uid in conversation["turns"] if uid != turn["uid"]]
        after = {**conversation, "turns": left} if left else None
        changes.append(change("conversation", conversation["uid"], conversation, after))
    for row in desk.flags_on(turn["uid"]):
        changes.append(change("flag", f"{turn['uid']}:{row['flag']}", row, None))
    summary = desk.get("summary", turn["uid"])
    if summary:
        changes.append(change("summary", turn["uid"], summary, None))
    return [*changes, change("turn", turn["uid"], turn, None)]


def _turn_row(desk: Desk, uid: str, row: Row) -> Row:
    """A turn's row with members that exist, stand on their lane, and utter in no other turn."""
    made: Row = {"uid": uid}
    for lane in MEMBER_LANES:
        uids = [] if row.get(lane) is None else row[lane]
        if not isinstance(uids, list) or len(uids) > 500:
            raise EditError("bad-members", "A turn lists its segments by uid, lane by lane.")
        segments = [desk.need("segment", each) for each in dict.fromkeys(map(as_uid, uids))]
        for segment in segments:
            if segment["lane"] != lane:
                raise EditError("wrong-lane", f"A segment on the lane {segment['lane']} can't be the turn's {lane}.")
            if lane != "music" and any(turn["uid"] != uid for turn in desk.turns_with(segment["uid"])):
                raise EditError("in-another-turn", "An utterance belongs to one turn; take it out of the other first.")
        made[lane] = [s["uid"] for s in sorted(segments, key=lambda s: (s["start_ms"], s["end_ms"]))]
    for name in ("amateur_text", "expert_text"):
        text = row.get(name)
        made[name] = None if text is None else _text(text)
    if not members(made):
        raise EditError("empty-turn", "A turn has at least one utterance or clip.")
    return made


def create_turn(desk: Desk, arguments: Row) -> list[Change]:
    """Pair utterances and clips into a turn."""
    uid = _fresh(desk, "turn", arguments)
    return [change("turn", uid, None, _turn_row(desk, uid, arguments))]


def update_turn(desk: Desk, arguments: Row) -> list[Change]:
    """Other members, or a text of its own in place of the one derived from its segments."""
    before = desk.need("turn", arguments.get("uid"))
    names = (*MEMBER_LANES, "amateur_text", "expert_text")
    wanted = {**before, **{name: arguments[name] for name in names if name in arguments}}
    return [change("turn", before["uid"], before, _turn_row(desk, before["uid"], wanted))]


def delete_turn(desk: Desk, arguments: Row) -> list[Change]:
    """Unpair; the segments stay."""
    return _turn_goes(desk, desk.need("turn", arguments.get("uid")))


def _topic(desk: Desk, value: Any, had: str | None = None) -> str:
    if not isinstance(value, str) or value not in desk.topics:
        raise EditError("unknown-topic", f"The project has no topic “{quoted(value)}”.")
    if value != had and ("topic", value) in desk.retired:
        raise EditError("retired-topic", f"The project has retired the topic “{value}”; choose another one.")
    return value


def _gathers(desk: Desk, uid: str, turns: Any) -> tuple[list[str], list[Change]]:
    """The turns of a conversation in order of time, and what that takes from other conversations."""
    if not isinstance(turns, list) or not turns or len(turns) > 2000:
        raise EditError("empty-conversation", "A conversation has at least one turn.")
    rows = [desk.need("turn", turn) for turn in dict.fromkeys(map(as_uid, turns))]
    taken: dict[str, tuple[Row, Row]] = {}
    for row in rows:
        other = desk.conversation_of(row["uid"])
        if other and other["uid"] != uid:
            before, after = taken.get(other["uid"], (other, other))
            taken[other["uid"]] = (before, {**after, "turns": [t for t in after["turns"] if t != row["uid"]]})
    losses = [
        change("conversation", u, before, after if after["turns"] else None) for u, (before, after) in taken.items()
    ]
    return [row["uid"] for row in sorted(rows, key=lambda row: _place(desk, row))], losses


def _place(desk: Desk, turn: Row) -> tuple[int, float, int, str]:
    found = ((uid, desk.get("segment", uid)) for uid in members(turn))
    return place(turn, {uid: segment for uid, segment in found if segment})


def create_conversation(desk: Desk, arguments: Row) -> list[Change]:
    """Group turns under a topic; they leave the conversations that they were in."""
    uid = _fresh(desk, "conversation", arguments)
    turns, losses = _gathers(desk, uid, arguments.get("turns"))
    row = {"uid": uid, "topic": _topic(desk, arguments.get("topic")), "turns": turns}
    return [*losses, change("conversation", uid, None, row)]


def update_conversation(desk: Desk, arguments: Row) -> list[Change]:
    """Another topic, or other turns."""
    before = desk.need("conversation", arguments.get("uid"))
    turns, losses = _gathers(desk, before["uid"], arguments.get("turns", before["turns"]))
    topic = arguments.get("topic", before["topic"])
    after = {**before, "topic": _topic(desk, topic, before["topic"]), "turns": turns}
    return [*losses, change("conversation", before["uid"], before, after)]


def delete_conversation(desk: Desk, arguments: Row) -> list[Change]:
    """Ungroup; the turns stay."""
    before = desk.need("conversation", arguments.get("uid"))
    return [change("conversation", before["uid"], before, None)]


def write_summary(desk: Desk, arguments: Row) -> list[Change]:
    """Write the context summary before a turn, or accept a `draft` as it is; no text takes it away."""
    turn = desk.need("turn", arguments.get("turn"))
    text = _text(arguments.get("text")).strip()
    model = _drafted(desk, turn["uid"], arguments["draft"], text) if arguments.get("draft") is not None else ""
    before = desk.get("summary", turn["uid"])
    author = desk.by.username if desk.by else ""
    after = {"uid": turn["uid"], "turn": turn["uid"], "text": text, "revision": 0, "author": author, "model": model}
    return [change("summary", turn["uid"], before, after if text else None)]


def _drafted(desk: Desk, turn: str, draft: Any, text: str) -> str:
    """The model whose draft for this turn is accepted as it stands; none where a person has rewritten it."""
    named = isinstance(draft, int) and not isinstance(draft, bool) and 0 < draft < 2**63
    ready = SummaryDraft.objects.filter(layer=desk.layer, turn_uid=turn, state=State.SUCCEEDED)
    found = ready.filter(pk=draft).first() if named else None
    if found is None:
        raise EditError("no-draft", "There is no such draft for this turn; ask for another one, or write it yourself.")
    return found.model if found.text == text else ""


def set_flag(desk: Desk, arguments: Row) -> list[Change]:
    """Set a flag to yes or no, or unset it."""
    turn, flag, value = desk.need("turn", arguments.get("turn")), arguments.get("flag"), arguments.get("value")
    if not isinstance(flag, str) or flag not in desk.flags:
        raise EditError("unknown-flag", f"The project has no flag “{quoted(flag)}”.")
    if value not in ("yes", "no", None):
        raise EditError("bad-flag", "A flag is yes, no, or unset.")
    note = _text(arguments.get("note") or "")
    if len(note) > MAX_NOTE:
        raise EditError("long-note", f"A flag's note has at most {MAX_NOTE} characters.")
    uid = f"{turn['uid']}:{flag}"
    before = desk.get("flag", uid)
    if value and ("flag", flag) in desk.retired and (before is None or before["value"] != value):
        raise EditError("retired-flag", f"The project has retired the flag “{flag}”; it can only be taken away.")
    after = {"turn": turn["uid"], "flag": flag, "value": value, "note": note} if value else None
    return [change("flag", uid, before, after)]


OPERATIONS: dict[str, Callable[[Desk, Row], list[Change]]] = {
    "segment.create": create_segment,
    "segment.update": update_segment,
    "segment.split": split_segment,
    "segment.merge": merge_segments,
    "segment.delete": delete_segment,
    "turn.create": create_turn,
    "turn.update": update_turn,
    "turn.delete": delete_turn,
    "conversation.create": create_conversation,
    "conversation.update": update_conversation,
    "conversation.delete": delete_conversation,
    "summary.write": write_summary,
    "flag.set": set_flag,
}
