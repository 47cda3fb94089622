"""When each word is said: what is left of that when a text is changed, a segment cut, moved or merged."""

import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotation import words
from annotation.desk import EditError
from annotation.editing import apply_edits, document, start_layer
from annotation.models import Segment
from tests.factories import LayerFactory, SegmentFactory, SessionFactory


def said(text, at=1000, each=100):
    """Word times for a text: one word after the other, each as long."""
    return [[at + n * each, at + (n + 1) * each, word] for n, word in enumerate(text.split())]


LONG = " ".join(f"w{n}" for n in range(900))
# Words, a text, and which of the words it still says; the browser is held to the same table.
CASES = [
    ("the kick is muddy", "the kick is muddy", [0, 1, 2, 3]),
    ("the kick is muddy", "The kick is – muddy!", [0, 1, 2, 3]),
    ("the kick is muddy", "the snare is muddy", [0, 2, 3]),
    ("the kick is muddy", "kick muddy", [1, 3]),
    ("the kick is muddy", "muddy the kick is", [0, 1, 2]),
    ("the the the", "the the", [0, 1]),
    ("a b a b a", "b a a b", [1, 2, 4]),
    ("one two three four five", "one 2 three 4 five", [0, 2, 4]),
    ("cut at three hundred", "", []),
    ("", "anything at all", []),
    ("straße İstanbul ΟΔΟΣ", "STRASSE i̇stanbul οδος", [1, 2]),
    ("e\u0301te\u0301 – x", "été – x", [1, 2]),
    ("nine\u00a0nine \u2026", "nine\u2003nine\u0085\u2026", [0, 1, 2]),
    ("a\ufeffb c", "ab c", [0, 1]),
    (LONG, LONG.replace("w450 ", ""), [*range(450), *range(451, 900)]),
    (LONG, " ".join(["x", *LONG.split()[1:-1], "y"]), []),  # too long to look for what lies between
    (LONG, " ".join(["w0", *LONG.split()[400:500], "w899"]), [0, 899]),
]


@pytest.mark.parametrize(("before", "after", "left"), CASES)
def test_a_text_keeps_the_times_of_words_that_it_still_says(before, after, left):
    told = said(before)
    assert words.kept(told, after) == [told[number] for number in left]


texts = st.lists(st.sampled_from(["a", "b", "c", "A,", "–"]), max_size=12).map(" ".join)


@given(before=texts, after=texts)
def test_what_is_kept_stands_in_the_order_of_both(before, after):
    told = said(before)
    kept = words.kept(told, after)
    assert kept == sorted(kept)
    assert all(word in told for word in kept)
    assert words.kept(kept, after) == kept
    assert words.kept(told, before) == told


@given(text=texts, at=st.integers(900, 2500))
def test_a_cut_leaves_every_word_and_every_piece_on_one_side(text, at):
    told = said(text)
    earlier, share = words.divided(told, text, (900, 2500), at)
    assert earlier == share == sum(start + end < 2 * at for start, end, _ in told)


@pytest.fixture
def layer(ana, project):
    return LayerFactory(owner=ana, session=SessionFactory(project=project, length_ms=60_000))


@pytest.fixture
def segment(layer):
    return SegmentFactory(
        layer=layer, start_ms=1000, end_ms=1400, text="the kick is muddy", words=said("the kick is muddy")
    )


def do(layer, op, **arguments):
    """Apply one edit and undo it again: the rows are as they were, to the byte. Then redo it, and return the rows."""
    before = document(layer)["segments"]
    revision, (done,) = apply_edits(
        layer, layer.owner, layer.revision, [{"id": str(uuid.uuid4()), "op": op, **arguments}]
    )
    after = document(layer)["segments"]
    undo = {"id": str(uuid.uuid4()), "op": "undo", "of": str(done.uid)}
    apply_edits(layer, layer.owner, revision, [undo])
    assert document(layer)["segments"] == before
    apply_edits(layer, layer.owner, revision + 1, [{"id": str(uuid.uuid4()), "op": "undo", "of": undo["id"]}])
    assert document(layer)["segments"] == after
    return {row["uid"]: row for row in after}


def test_a_row_tells_its_words_only_where_it_has_some(layer, segment):
    SegmentFactory(layer=layer, start_ms=2000, text="no times")
    first, second = document(layer)["segments"]
    assert first["words"] == said("the kick is muddy")
    assert "words" not in second


def test_a_segment_is_made_with_words_and_given_others(layer):
    uid = str(uuid.uuid4())
    span = {"lane": "expert", "start_ms": 0, "end_ms": 500, "text": "cut it"}
    assert do(layer, "segment.create", uid=uid, **span, words=said("cut it", 0))[uid]["words"] == said("cut it", 0)
    assert do(layer, "segment.update", uid=uid, words=said("cut it", 50))[uid]["words"] == said("cut it", 50)
    assert "words" not in do(layer, "segment.update", uid=uid, words=[])[uid]


def test_another_text_keeps_the_times_of_what_it_still_says(layer, segment):
    row = do(layer, "segment.update", uid=str(segment.uid), text="The snare is muddy.")[str(segment.uid)]
    assert [word for *_, word in row["words"]] == ["the", "is", "muddy"]


def test_words_go_with_a_segment_that_moves_and_stay_where_an_edge_does(layer, segment):
    uid = str(segment.uid)
    moved = do(layer, "segment.update", uid=uid, start_ms=3000, end_ms=3400)[uid]
    assert moved["words"] == said("the kick is muddy", 3000)
    assert do(layer, "segment.update", uid=uid, end_ms=3900)[uid]["words"] == moved["words"]


def test_a_word_that_would_leave_the_session_loses_its_time(layer, segment):
    uid = str(segment.uid)
    do(layer, "segment.update", uid=uid, start_ms=1200, end_ms=1300)
    row = do(layer, "segment.update", uid=uid, start_ms=0, end_ms=100)[uid]
    assert row["words"] == [[0, 100, "is"], [100, 200, "muddy"]]


def test_a_split_divides_text_and_words_where_they_are_said(layer, segment):
    """By the share of time it would be one word and three: the speaker waited before the last."""
    words_ = [[1000, 1010, "the"], [1010, 1020, "kick"], [1020, 1030, "is"], [1300, 1400, "muddy"]]
    uid, new = str(segment.uid), str(uuid.uuid4())
    do(layer, "segment.update", uid=uid, words=words_)
    told = do(layer, "segment.split", uid=uid, at_ms=1100, new_uid=new)
    assert (told[uid]["text"], told[uid]["words"]) == ("the kick is", words_[:3])
    assert (told[new]["text"], told[new]["words"]) == ("muddy", words_[3:])


def test_pieces_without_a_time_are_shared_out_between_their_neighbours(layer, segment):
    uid, new = str(segment.uid), str(uuid.uuid4())
    do(layer, "segment.update", uid=uid, words=[[1000, 1010, "the"], [1390, 1400, "muddy"]])
    told = do(layer, "segment.split", uid=uid, at_ms=1200, new_uid=new)
    assert (told[uid]["text"], told[new]["text"]) == ("the kick", "is muddy")


def test_a_split_with_texts_of_its_own_keeps_what_each_still_says(layer, segment):
    uid, new = str(segment.uid), str(uuid.uuid4())
    told = do(layer, "segment.split", uid=uid, at_ms=1200, new_uid=new, text="kick", new_text="so muddy")
    assert [word for *_, word in told[uid]["words"]] == ["kick"]
    assert [word for *_, word in told[new]["words"]] == ["muddy"]


def test_a_merge_puts_words_in_order_of_time(layer, segment):
    other = SegmentFactory(layer=layer, start_ms=500, end_ms=900, text="so now", words=said("so now", 500))
    told = do(layer, "segment.merge", uid=str(segment.uid), other=str(other.uid))[str(segment.uid)]
    assert told["text"] == "so now the kick is muddy"
    assert told["words"] == said("so now", 500) + said("the kick is muddy")


def test_a_merge_of_too_many_words_is_refused(layer, segment):
    many = SegmentFactory(layer=layer, start_ms=0, words=[[0, 1, "x"]] * words.MOST)
    with pytest.raises(EditError) as error:
        do(layer, "segment.merge", uid=str(segment.uid), other=str(many.uid))
    assert error.value.code == "bad-words"


@pytest.mark.parametrize(
    "bad",
    [
        "the kick",
        {"0": [0, 1, "x"]},
        None,
        [[0, 1]],
        [[0, 1, "x", "y"]],
        [[0.5, 1, "x"]],
        [[True, 1, "x"]],
        [[2, 1, "x"]],
        [[-1, 1, "x"]],
        [[0, 60_001, "x"]],
        [[0, 1, 7]],
        [[0, 1, "x" * 201]],
        [[0, 1, "x"]] * 2001,
        ["abc"],
    ],
)
def test_words_that_make_no_sense_are_refused_in_one_sentence(layer, segment, bad):
    span = {"lane": "expert", "start_ms": 0, "end_ms": 500}
    for arguments in ({"op": "segment.create", "uid": str(uuid.uuid4()), **span}, {"op": "segment.update"}):
        arguments = {"uid": str(segment.uid), **arguments}
        op = arguments.pop("op")
        with pytest.raises(EditError) as error:
            do(layer, op, words=bad, **arguments)
        assert (error.value.code, error.value.message) == ("bad-words", words.FORM)
    assert Segment.objects.get().words == said("the kick is muddy")


def test_a_layer_that_begins_with_anothers_rows_begins_with_their_words(layer, segment, rita):
    copy = start_layer(layer.session, rita, layer)
    assert copy.segments.get().words == segment.words
