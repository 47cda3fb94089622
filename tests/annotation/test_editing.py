"""Edits: one operation, rows before and after, and an inverse that always leads back."""

import json
import uuid

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from annotation.desk import EditError
from annotation.editing import Stale, apply_edits, document
from annotation.models import Edit, Segment, Summary
from annotation.tables import MEMBER_LANES
from tests.factories import LayerFactory, SessionFactory, turn

ROWS = ("segments", "turns", "conversations", "summaries", "flags")


@pytest.fixture
def layer(ana, project):
    return LayerFactory(owner=ana, session=SessionFactory(project=project, length_ms=60_000))


def edit(op, **arguments):
    return {"id": str(uuid.uuid4()), "op": op, **arguments}


def do(layer, *edits):
    return apply_edits(layer, layer.owner, layer.revision, edits)


def made(layer, lane="amateur", start=0, end=1000, text="one two three four"):
    uid = str(uuid.uuid4())
    do(layer, edit("segment.create", uid=uid, lane=lane, start_ms=start, end_ms=end, text=text))
    return uid


def paired(layer, at=0):
    uids = {
        lane: made(layer, lane, at + i * 1000, at + i * 1000 + 900)
        for i, lane in enumerate(("music", "amateur", "expert"))
    }
    uid = str(uuid.uuid4())
    do(layer, edit("turn.create", uid=uid, **{lane: [one] for lane, one in uids.items()}))
    return uid, uids


def rows(layer):
    """What the layer says, in an order of its own, without what an undo may change (revisions of summaries)."""
    told = document(layer)
    return {name: sorted(json.dumps({**row, "revision": 0}, sort_keys=True) for row in told[name]) for name in ROWS}


def test_an_edit_says_what_changed_and_raises_the_revision(layer):
    uid = str(uuid.uuid4())
    revision, (stored,) = do(
        layer, edit("segment.create", uid=uid, lane="expert", start_ms=5, end_ms=9, text="Cut it.")
    )
    assert revision == 1
    row = {"uid": uid, "lane": "expert", "start_ms": 5, "end_ms": 9, "text": "Cut it."}
    assert stored.changes == [{"kind": "segment", "uid": uid, "before": None, "after": row}]


def test_the_same_edit_twice_is_applied_once_and_answers_the_same(layer):
    one = edit("segment.create", uid=str(uuid.uuid4()), lane="music", start_ms=0, end_ms=5)
    first = apply_edits(layer, layer.owner, 0, [one])
    again = apply_edits(layer, layer.owner, 0, [one])
    assert first[0] == again[0] == 1
    assert [e.pk for e in first[1]] == [e.pk for e in again[1]]
    assert Segment.objects.filter(layer=layer).count() == 1


def test_a_retry_with_a_new_edit_behind_the_known_one_goes_through(layer):
    """The answer to the first try was lost: the client sends it again with what came after, on the old revision."""
    one = edit("segment.create", uid=str(uuid.uuid4()), lane="music", start_ms=0, end_ms=5)
    apply_edits(layer, layer.owner, 0, [one])
    two = edit("segment.create", uid=str(uuid.uuid4()), lane="music", start_ms=5, end_ms=9)
    revision, _ = apply_edits(layer, layer.owner, 0, [one, two])
    assert revision == 2


def test_an_old_base_revision_is_told_what_it_missed(layer):
    made(layer)
    with pytest.raises(Stale) as stale:
        apply_edits(
            layer, layer.owner, 0, [edit("segment.create", uid=str(uuid.uuid4()), lane="note", start_ms=0, end_ms=9)]
        )
    assert [one.op for one in stale.value.missed] == ["segment.create"]
    assert stale.value.revision == 1
    assert Segment.objects.filter(layer=layer).count() == 1


def test_all_edits_of_a_request_are_applied_or_none(layer):
    good = edit("segment.create", uid=str(uuid.uuid4()), lane="music", start_ms=0, end_ms=5)
    bad = edit("segment.create", uid=str(uuid.uuid4()), lane="music", start_ms=9, end_ms=5)
    with pytest.raises(EditError) as error:
        do(layer, good, bad)
    assert error.value.code == "empty-span"
    assert error.value.edit == bad["id"]
    assert not Segment.objects.filter(layer=layer).exists()
    assert not Edit.objects.filter(layer=layer).exists()


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"start_ms": -1, "end_ms": 5}, "empty-span"),
        ({"start_ms": 5, "end_ms": 5}, "empty-span"),
        ({"start_ms": 0, "end_ms": 60_001}, "past-the-end"),
        ({"start_ms": 0.5, "end_ms": 5}, "bad-time"),
        ({"start_ms": True, "end_ms": 5}, "bad-time"),
        ({"start_ms": 0, "end_ms": 5, "lane": "drums"}, "unknown-lane"),
        ({"start_ms": 0, "end_ms": 5, "text": 7}, "bad-text"),
        ({"start_ms": 0, "end_ms": 5, "text": "a\x00b"}, "bad-text"),
        ({"start_ms": 0, "end_ms": 5, "uid": "seven"}, "bad-uid"),
    ],
)
def test_a_segment_that_makes_no_sense_is_refused_with_a_code(layer, fields, code):
    with pytest.raises(EditError) as error:
        do(layer, edit("segment.create", **{"uid": str(uuid.uuid4()), "lane": "music", **fields}))
    assert error.value.code == code
    assert error.value.message.endswith(".")


def test_a_split_divides_the_words_by_time_and_keeps_both_halves_in_the_turn(layer):
    _, uids = paired(layer)
    new = str(uuid.uuid4())
    do(layer, edit("segment.split", uid=uids["expert"], at_ms=2450, new_uid=new))
    told = {row["uid"]: row for row in document(layer)["segments"]}
    assert (told[uids["expert"]]["end_ms"], told[uids["expert"]]["text"]) == (2450, "one two")
    assert (told[new]["start_ms"], told[new]["end_ms"], told[new]["text"]) == (2450, 2900, "three four")
    assert document(layer)["turns"][0]["expert"] == [uids["expert"], new]


def test_a_merge_joins_spans_and_texts(layer):
    a, b = made(layer, start=0, end=1000, text="one"), made(layer, start=1200, end=2000, text="two")
    do(layer, edit("segment.merge", uid=b, other=a))
    (row,) = document(layer)["segments"]
    assert row == {"uid": b, "lane": "amateur", "start_ms": 0, "end_ms": 2000, "text": "one two"}


def test_deleting_the_last_segment_of_a_turn_deletes_turn_flags_and_empty_conversation(layer):
    uid = made(layer, "expert")
    turn_uid, conversation = str(uuid.uuid4()), str(uuid.uuid4())
    do(layer, edit("turn.create", uid=turn_uid, expert=[uid]))
    do(layer, edit("conversation.create", uid=conversation, topic="bass", turns=[turn_uid]))
    do(layer, edit("flag.set", turn=turn_uid, flag="has_content", value="yes", note="why"))
    do(layer, edit("summary.write", turn=turn_uid, text="We looked at the bass."))
    before = rows(layer)
    _, (gone,) = do(layer, edit("segment.delete", uid=uid))
    assert all(not document(layer)[name] for name in ROWS)
    do(layer, edit("undo", of=str(gone.uid)))
    assert rows(layer) == before


def test_an_utterance_is_in_one_turn_but_a_clip_may_serve_several(layer):
    _, uids = paired(layer)
    do(layer, edit("turn.create", uid=str(uuid.uuid4()), music=[uids["music"]]))
    with pytest.raises(EditError) as error:
        do(layer, edit("turn.create", uid=str(uuid.uuid4()), amateur=[uids["amateur"]]))
    assert error.value.code == "in-another-turn"


@pytest.mark.parametrize("none", [False, 0, "", {}])
def test_what_is_no_list_takes_no_members_away(layer, none):
    one, _ = paired(layer)
    with pytest.raises(EditError) as error:
        do(layer, edit("turn.update", uid=one, expert=none))
    assert error.value.code == "bad-members"


def test_a_turn_leaves_its_conversation_when_it_is_grouped_elsewhere(layer):
    (one, _), (two, _) = paired(layer, 0), paired(layer, 5000)
    first, second = str(uuid.uuid4()), str(uuid.uuid4())
    do(layer, edit("conversation.create", uid=first, topic="bass", turns=[two, one]))
    assert document(layer)["conversations"][0]["turns"] == [one, two]
    do(layer, edit("conversation.create", uid=second, topic="keys", turns=[two]))
    told = {row["uid"]: row["turns"] for row in document(layer)["conversations"]}
    assert told == {first: [one], second: [two]}


def test_a_segment_that_changes_lanes_changes_its_place_in_its_turn(layer):
    _, uids = paired(layer)
    do(layer, edit("segment.update", uid=uids["amateur"], lane="expert"))
    (row,) = document(layer)["turns"]
    assert row["amateur"] == []
    assert uids["amateur"] in row["expert"]


def test_every_writing_of_a_summary_is_kept_and_an_empty_one_takes_it_away(layer):
    uid, _ = paired(layer)
    do(layer, edit("summary.write", turn=uid, text="One."))
    do(layer, edit("summary.write", turn=uid, text="Two."))
    do(layer, edit("summary.write", turn=uid, text=""))
    assert document(layer)["summaries"] == []
    assert list(Summary.objects.filter(layer=layer).values_list("text", flat=True)) == ["One.", "Two.", ""]


def test_an_undo_is_refused_when_a_later_edit_changed_the_same_thing(layer):
    uid = made(layer)
    _, (first,) = do(layer, edit("segment.update", uid=uid, text="first"))
    do(layer, edit("segment.update", uid=uid, text="second"))
    with pytest.raises(EditError) as error:
        do(layer, edit("undo", of=str(first.uid)))
    assert error.value.code == "undo-blocked"


def member_gone(layer):
    turn, uids = paired(layer)
    gone = edit("turn.delete", uid=turn)
    do(layer, gone)
    do(layer, edit("segment.delete", uid=uids["amateur"]))
    return gone


def member_in_another_turn(layer):
    turn, uids = paired(layer)
    gone = edit("turn.delete", uid=turn)
    do(layer, gone)
    do(layer, edit("turn.create", uid=str(uuid.uuid4()), amateur=[uids["amateur"]]))
    return gone


def member_on_another_lane(layer):
    turn, uids = paired(layer)
    gone = edit("turn.delete", uid=turn)
    do(layer, gone)
    do(layer, edit("segment.update", uid=uids["amateur"], lane="expert"))
    return gone


def segment_in_a_turn(layer):
    uid = str(uuid.uuid4())
    begun = edit("segment.create", uid=uid, lane="amateur", start_ms=0, end_ms=5)
    do(layer, begun)
    do(layer, edit("turn.create", uid=str(uuid.uuid4()), amateur=[uid]))
    return begun


def turn_with_a_flag(layer):
    uid = made(layer)
    begun = edit("turn.create", uid=str(uuid.uuid4()), amateur=[uid])
    do(layer, begun)
    do(layer, edit("flag.set", turn=begun["uid"], flag="has_content", value="yes"))
    return begun


def turn_with_a_summary(layer):
    uid = made(layer)
    begun = edit("turn.create", uid=str(uuid.uuid4()), amateur=[uid])
    do(layer, begun)
    do(layer, edit("summary.write", turn=begun["uid"], text="They looked for the noise."))
    return begun


def turn_in_a_conversation(layer):
    uid = made(layer)
    begun = edit("turn.create", uid=str(uuid.uuid4()), amateur=[uid])
    do(layer, begun)
    do(layer, edit("conversation.create", uid=str(uuid.uuid4()), topic="drums", turns=[begun["uid"]]))
    return begun


def turns_grouped_again(layer):
    turn, _ = paired(layer)
    home = str(uuid.uuid4())
    do(layer, edit("conversation.create", uid=home, topic="drums", turns=[turn]))
    gone = edit("conversation.delete", uid=home)
    do(layer, gone)
    do(layer, edit("conversation.create", uid=str(uuid.uuid4()), topic="bass", turns=[turn]))
    return gone


def grouped_turn_gone(layer):
    turn, _ = paired(layer)
    home = str(uuid.uuid4())
    do(layer, edit("conversation.create", uid=home, topic="drums", turns=[turn]))
    gone = edit("conversation.delete", uid=home)
    do(layer, gone)
    do(layer, edit("turn.delete", uid=turn))
    return gone


def flagged_turn_gone(layer):
    turn, _ = paired(layer)
    do(layer, edit("flag.set", turn=turn, flag="has_content", value="no"))
    gone = edit("flag.set", turn=turn, flag="has_content", value=None)
    do(layer, gone)
    do(layer, edit("turn.delete", uid=turn))
    return gone


@pytest.mark.parametrize(
    "story",
    [
        member_gone,
        member_in_another_turn,
        member_on_another_lane,
        segment_in_a_turn,
        turn_with_a_flag,
        turn_with_a_summary,
        turn_in_a_conversation,
        turns_grouped_again,
        grouped_turn_gone,
        flagged_turn_gone,
    ],
)
def test_an_undo_is_refused_when_later_edits_rest_on_what_it_would_change(layer, story):
    early = story(layer)
    before = rows(layer)
    with pytest.raises(EditError) as error:
        do(layer, edit("undo", of=early["id"]))
    assert error.value.code == "undo-blocked"
    assert rows(layer) == before


@pytest.fixture
def shared(layer):
    """Two turns of one conversation that have nothing but one clip, the same."""
    clip = made(layer, "music")
    turns = [str(uuid.uuid4()) for _ in range(2)]
    do(layer, *(edit("turn.create", uid=turn, music=[clip]) for turn in turns))
    do(layer, edit("conversation.create", uid=str(uuid.uuid4()), topic="drums", turns=turns))
    return clip


def test_a_clip_of_two_turns_takes_both_and_their_conversation_along_and_brings_them_back(layer, shared):
    before = rows(layer)
    _, (gone,) = do(layer, edit("segment.delete", uid=shared))
    assert not any(document(layer)[name] for name in ("segments", "turns", "conversations"))
    assert len({(row["kind"], row["uid"]) for row in gone.changes}) == len(gone.changes)
    do(layer, edit("undo", of=str(gone.uid)))
    assert rows(layer) == before


def test_a_clip_of_two_turns_does_not_become_an_utterance(layer, shared):
    with pytest.raises(EditError) as error:
        do(layer, edit("segment.update", uid=shared, lane="amateur"))
    assert error.value.code == "in-another-turn"
    do(layer, edit("segment.update", uid=shared, lane="note"))
    assert not document(layer)["turns"]


def test_a_conversation_can_be_undone_although_its_turns_changed_places(layer):
    (first, uids), (second, _) = paired(layer), paired(layer, 10_000)
    _, (group,) = do(layer, edit("conversation.create", uid=str(uuid.uuid4()), topic="bass", turns=[first, second]))
    for number, uid in enumerate(uids.values()):
        do(layer, edit("segment.update", uid=uid, start_ms=20_000 + number, end_ms=21_000))
    (row,) = document(layer)["conversations"]
    assert row["turns"] == [second, first]
    do(layer, edit("undo", of=str(group.uid)))
    assert not document(layer)["conversations"]


@pytest.mark.parametrize("attempt", range(4))  # uids are random, so a tie would fall either way
def test_of_two_turns_that_begin_with_one_clip_the_one_that_is_spoken_first_comes_first(layer, attempt):
    clip = made(layer, "music", 0, 5000)
    late, early = made(layer, "amateur", 3000, 4000), made(layer, "amateur", 1000, 2000)
    turns = [str(uuid.uuid4()) for _ in range(2)]
    do(layer, edit("turn.create", uid=turns[0], amateur=[late], music=[clip]))
    do(layer, edit("turn.create", uid=turns[1], amateur=[early], music=[clip]))
    do(layer, edit("conversation.create", uid=str(uuid.uuid4()), topic="bass", turns=turns))
    assert document(layer)["conversations"][0]["turns"] == turns[::-1]


def test_redo_is_the_undo_of_the_undo_and_both_lists_follow(layer):
    uid = made(layer)
    _, (one,) = do(layer, edit("segment.update", uid=uid, text="new"))
    _, (back,) = do(layer, edit("undo", of=str(one.uid)))
    assert document(layer)["redoable"] == [[str(back.uid)]]
    assert document(layer)["segments"][0]["text"] == "one two three four"
    _, (again,) = do(layer, edit("undo", of=str(back.uid)))
    assert document(layer)["segments"][0]["text"] == "new"
    assert document(layer)["redoable"] == []
    assert document(layer)["undoable"][-1] == [str(again.uid)]


def test_what_was_done_at_once_is_undone_at_once_after_a_reload(layer):
    act = str(uuid.uuid4())
    one, two = made(layer), made(layer, start=2000, end=3000)
    both = [edit("segment.update", uid=uid, text="new", act=act) for uid in (one, two)]
    do(layer, *both)
    assert document(layer)["undoable"][-1] == [each["id"] for each in both]
    back = str(uuid.uuid4())
    undos = [edit("undo", of=each["id"], act=back) for each in reversed(both)]
    do(layer, *undos)
    told = document(layer)
    assert told["redoable"] == [[each["id"] for each in undos]]
    assert len(told["undoable"]) == 2
    do(layer, *(edit("undo", of=each["id"], act=str(uuid.UUID(int=7))) for each in reversed(undos)))
    told = document(layer)
    assert told["redoable"] == []
    assert len(told["undoable"][-1]) == 2


def test_a_restored_state_can_be_undone_like_any_act(layer):
    uid = made(layer)
    before = rows(layer)
    _, (first,) = do(layer, edit("segment.update", uid=uid, text="first"))
    _, (second,) = do(layer, edit("segment.update", uid=uid, text="second"))
    act = str(uuid.uuid4())
    later = [edit("undo", of=str(each.uid), act=act, restores=True) for each in (second, first)]
    do(layer, *later)
    assert rows(layer) == before
    told = document(layer)
    assert told["redoable"] == []
    assert told["undoable"][-1] == [each["id"] for each in later]


def test_nobody_edits_a_layer_that_is_submitted(layer):
    layer.submit()
    with pytest.raises(EditError) as error:
        do(layer, edit("segment.create", uid=str(uuid.uuid4()), lane="music", start_ms=0, end_ms=5))
    assert error.value.code == "closed"


def test_the_document_takes_the_same_number_of_queries_for_one_turn_and_for_fifty(
    layer, django_assert_num_queries, django_assert_max_num_queries
):
    turn(layer, 0, flag="yes")
    with django_assert_max_num_queries(10) as few:
        document(layer)
    for n in range(50):
        turn(layer, 1000 * n, flag="no")
    with django_assert_num_queries(len(few.captured_queries)):
        document(layer)


# --- any order of operations, undone, leads back ----------------------------------------------------------------------


@st.composite
def scripts(draw):
    return draw(st.lists(st.tuples(st.integers(0, 12), st.integers(0, 999), st.integers(0, 999)), max_size=14))


def require_sound(layer):
    """What is true of a layer after any edit."""
    told = document(layer)
    lane_of = {row["uid"]: row["lane"] for row in told["segments"]}
    members = [(lane, uid) for row in told["turns"] for lane in MEMBER_LANES for uid in row[lane]]
    assert all(lane_of[uid] == lane for lane, uid in members)
    spoken = [uid for lane, uid in members if lane != "music"]
    assert len(spoken) == len(set(spoken))
    assert all(row["amateur"] or row["expert"] or row["music"] for row in told["turns"])
    turns = {row["uid"] for row in told["turns"]}
    assert all(row["turns"] for row in told["conversations"])
    grouped = [uid for row in told["conversations"] for uid in row["turns"]]
    assert len(grouped) == len(set(grouped))
    assert turns.issuperset(grouped)
    assert turns.issuperset(row["turn"] for row in [*told["flags"], *told["summaries"]])


def step(layer, number, a, b):
    """One operation that depends on what is there; what makes no sense is refused, and that is fine too."""
    told = document(layer)
    segments, turns, conversations = told["segments"], told["turns"], told["conversations"]
    pick = lambda found, n: found[n % len(found)]["uid"] if found else str(uuid.uuid4())  # noqa: E731
    start = (a * 37) % 50_000
    new = str(uuid.uuid4())
    lane = ("amateur", "expert", "music", "note")[a % 4]
    every = {name: [s["uid"] for s in segments if s["lane"] == name][-2:] for name in MEMBER_LANES}
    return [
        edit("segment.create", uid=new, lane=lane, start_ms=start, end_ms=start + 1 + b, text=f"word {a} {b}"),
        edit("segment.update", uid=pick(segments, a), start_ms=start, end_ms=start + 1 + b),
        edit("segment.update", uid=pick(segments, a), lane=lane, text=f"text {b}"),
        edit("segment.split", uid=pick(segments, a), at_ms=start + b // 2, new_uid=new),
        edit("segment.merge", uid=pick(segments, a), other=pick(segments, b)),
        edit("segment.delete", uid=pick(segments, a)),
        edit("turn.create", uid=new, **every),
        edit("turn.delete", uid=pick(turns, a)),
        edit("conversation.create", uid=new, topic="bass", turns=[pick(turns, a), pick(turns, b)]),
        edit("conversation.delete", uid=pick(conversations, a)),
        edit("summary.write", turn=pick(turns, a), text="" if b % 3 == 0 else f"So far {b}."),
        edit("flag.set", turn=pick(turns, a), flag="has_content", value=("yes", "no", None)[b % 3]),
        edit("undo", of=pick([{"uid": str(uid)} for uid in layer.edits.values_list("uid", flat=True)], b)),
    ][number]


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(script=scripts())
def test_any_script_undone_backwards_leads_back_and_redone_leads_forth(db, ana, project, script):
    layer = LayerFactory(owner=ana, session=SessionFactory(project=project, length_ms=60_000))
    layer.session.layers.exclude(pk=layer.pk).delete()
    for at in (0, 10_000, 20_000):
        paired(layer, at)
    start = rows(layer)
    done = []
    for number, a, b in script:
        try:
            _, stored = do(layer, step(layer, number, a, b))
        except EditError:
            continue
        done += stored
        require_sound(layer)
    forth = rows(layer)
    undone = []
    for one in reversed(done):
        _, stored = do(layer, edit("undo", of=str(one.uid)))
        undone += stored
    assert rows(layer) == start
    for one in reversed(undone):
        do(layer, edit("undo", of=str(one.uid)))
    assert rows(layer) == forth
