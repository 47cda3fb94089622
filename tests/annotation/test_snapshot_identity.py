"""The same rows make the same snapshot: on any database, in any order, on any day; and no session is torn."""

import hashlib
import random
import shutil
from datetime import timedelta

import numpy as np
import pytest
import soundfile
from django.utils import timezone
from hypothesis import given, settings
from hypothesis import strategies as st

from annotation.filling import fill_layer
from annotation.importing.rows import LayerRows
from annotation.models import Layer, MixingSession, Participant, Person, Project, Review, Seat
from annotation.snapshots import splits
from annotation.snapshots.build import split_rows, told_of_split
from annotation.snapshots.rows import TurnRow
from annotation.snapshots.writer import files_in
from annotation.uploading import add_recording
from tests.annotation.test_snapshots import build

# Of the data below. The first means the rows alone; the second means all bytes of all files, and so changes with the
# version of pyarrow. SQLite and PostgreSQL must both come to them.
CONTENT = "a6910339e6be6d81aba8128fa3ca6dd5ee46cb981993b96e4033fd32d02a81b1"
BYTES = "eb1587223a81cebe1585b3e833eb73a28729f3abaf25d4bc80655feab8e2de8e"


def rows_of(group: int) -> LayerRows:
    """A layer's rows with uids of their own: three conversations of three turns, one clip shared, a summary, flags."""
    made = LayerRows()
    uid = lambda kind, n: f"{group:08x}-0000-4000-8000-{kind:04x}{n:08x}"  # noqa: E731
    for number in range(9):
        at = number * 4000
        spans = [("music", 1, at, at + 1500), ("amateur", 2, at + 1500, at + 2500), ("expert", 3, at + 2500, at + 3900)]
        for lane, kind, start, end in spans:
            text = f"{lane} {group}.{number} “ü” 🎚"
            made.segments.append(
                {"uid": uid(kind, number), "lane": lane, "start_ms": start, "end_ms": end, "text": text}
            )
        music = [uid(1, number), *([uid(1, number - 1)] if number % 4 == 3 else [])]
        members = {"amateur": [uid(2, number)], "expert": [uid(3, number)], "music": music}
        made.turns.append({"uid": uid(4, number), **members, "amateur_text": None, "expert_text": None})
        for flag in ("odd", "has_content"):
            made.flags.append(
                {"turn": uid(4, number), "flag": flag, "value": "yes" if number % 2 else "no", "note": ""}
            )
    made.summaries.append({"turn": uid(4, 5), "text": "So far.", "model": "m 1"})
    for number in range(3):
        turns = [uid(4, 3 * number + n) for n in range(3)]
        made.conversations.append({"uid": uid(5, number), "topic": ("drums", "bass", "keys")[number], "turns": turns})
    return made


def lay_out(project: Project, folder, order: random.Random) -> None:
    """Four sessions with people, recordings and reviewed layers, their rows inserted in any order."""
    people = [Person.objects.get_or_create(username=name)[0] for name in ("ana", "rita")]
    for person, role in zip(people, ("annotator", "reviewer"), strict=True):
        project.admit(person, role)
    for group in order.sample((1, 2, 3, 4), 4):
        session = MixingSession.objects.create(project=project, number=group, title=f"Evening {group}", license="CC0")
        takes = [("take.wav", group), ("other.wav", group + 10)]
        for name, seed in order.sample(takes, 2):
            path = folder / f"{seed}-{name}"
            samples = np.random.default_rng(seed).standard_normal(16_000 * 40) * 0.1
            soundfile.write(path, samples, 16_000, subtype="PCM_16")
            add_recording(path, name, project, None, session=session)
        for role in order.sample(("amateur", "expert"), 2):
            participant, _ = Participant.objects.get_or_create(project=project, code=f"{role[0].upper()}{group % 2}")
            Seat.objects.create(session=session, participant=participant, role=role)
        rows = rows_of(group)
        for name in ("segments", "turns", "conversations", "flags"):
            order.shuffle(getattr(rows, name))
        layer = Layer.objects.create(session=session, owner=people[0], state="accepted")
        fill_layer(layer, rows, by=None)
        Review.objects.create(layer=layer, reviewer=people[1], verdict="accept")


def built(folder, seed: int):
    """A snapshot of that data in a project of its own; its content hash, and a hash of all files."""
    project = Project.objects.create(slug=f"p{seed}", name="P")
    project.flags = [*project.flags, {"key": "odd", "label": "Odd"}]
    project.save()
    folder.mkdir()
    lay_out(project, folder, random.Random(seed))
    snapshot = build(project, "the one", flags={"has_content": ["yes", "no"]}, split="session", sessions=[1, 2, 3, 4])
    files = [*files_in(snapshot.path), snapshot.path / "manifest.json"]
    told = {str(path.relative_to(snapshot.path)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}
    return snapshot, told


def test_other_orders_numbers_and_days_make_the_same_bytes_of_every_file(db, tmp_path, monkeypatch):
    first, files = built(tmp_path / "one", 1)
    tomorrow = timezone.now() + timedelta(days=1, hours=3)
    monkeypatch.setattr(timezone, "now", lambda: tomorrow)
    other, others = built(tmp_path / "two", 2)
    assert other.content_hash == first.content_hash
    assert others == files
    assert len(files) > 30
    assert first.content_hash == CONTENT
    assert hashlib.sha256(repr(sorted(files.items())).encode()).hexdigest() == BYTES


def row(group, conversation, turn, topic):
    return TurnRow(
        session="", group=group, conversation_id=f"Group{group}-{conversation}", topic=topic, turn_id=turn,
        user="a", assistant="b", clip=None, clips=(), history=(), summary=None, summary_author=None, flags=(),
        start_ms=0, end_ms=1,
    )  # fmt: skip


SESSIONS = st.lists(
    st.lists(st.tuples(st.sampled_from(["drums", "bass", "keys"]), st.integers(1, 6)), min_size=1, max_size=5),
    min_size=1,
    max_size=9,
)


@given(SESSIONS, st.integers(0, 2**31 - 1), st.sampled_from([1.0, 0.75, 0.5, 0.1]), st.randoms())
@settings(max_examples=150, deadline=None)
def test_no_session_is_ever_on_both_sides_of_a_split(sessions, seed, fraction, order):
    rows = [
        row(group, number, turn, topic)
        for group, conversations in enumerate(sessions, 1)
        for number, (topic, turns) in enumerate(conversations)
        for turn in range(turns)
    ]
    placed, split_by = split_rows(rows, {"fraction": fraction}, seed)
    whole = len(sessions) >= 3
    assert split_by == ("session" if whole else "conversation")
    homes: dict[object, set[str]] = {}
    for each in placed:
        homes.setdefault(each.group if whole else each.conversation_id, set()).add(each.split)
    assert all(len(found) == 1 for found in homes.values())
    if whole:
        assert {split for found in homes.values() for split in found} == set(splits.SPLITS)
        assert "no session is in two splits" in told_of_split(placed, split_by, seed)
    shuffled = list(rows)
    order.shuffle(shuffled)
    again, _ = split_rows(shuffled, {"fraction": fraction}, seed)
    assert sorted(each.key for each in again) == sorted(each.key for each in placed)


@given(SESSIONS, st.integers(0, 2**31 - 1))
@settings(max_examples=60, deadline=None)
def test_smaller_fractions_are_nested_and_touch_the_training_rows_alone(sessions, seed):
    rows = [
        row(group, number, turn, topic)
        for group, conversations in enumerate(sessions, 1)
        for number, (topic, turns) in enumerate(conversations)
        for turn in range(turns)
    ]
    keys = [{each.key for each in split_rows(rows, {"fraction": share}, seed)[0]} for share in (0.5, 0.75, 1.0)]
    assert keys[0] <= keys[1] <= keys[2]
    held_out = [{key for key in each if not key.startswith("train/")} for each in keys]
    assert held_out[0] == held_out[1] == held_out[2]


@pytest.fixture(autouse=True)
def tidy(tmp_path):
    yield
    shutil.rmtree(tmp_path, ignore_errors=True)
