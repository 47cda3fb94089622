"""Whatever is edited, in whatever order it arrives: undone it leads back, sent again it counts once, refused it is not.

Edits are invented from a seed against what is there, so that each makes sense by itself. A state is the rows of the
document, byte for byte; the revision and author of a summary are its history, which an undo adds to, and no state.
"""

import json
import os
import random
import uuid

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from annotation.editing import apply_at_once, apply_edits, document
from annotation.filling import fill_layer
from annotation.importing.rows import LayerRows
from annotation.models import Edit, Project, Summary
from annotation.tables import MEMBER_LANES, members
from tests.annotation.test_editing import ROWS, edit, paired, require_sound
from tests.factories import LayerFactory, SessionFactory
from tests.people import member

LENGTH_MS = 60_000
TEXTS = ("Is it muddy?", "Cut at 300 Hz, then listen.", "one two three four", "", "Größe 🎚️ \\u0000", "a  b")
HISTORY = ("revision", "author")  # of a summary
BATCH = 3

seeds = st.integers(0, 2**32 - 1)


def some(examples):
    """Hypothesis, quick and the same every time; MIXASSIST_EXAMPLES asks for more."""
    number = int(os.environ.get("MIXASSIST_EXAMPLES", examples))
    return settings(
        max_examples=number,
        derandomize=True,
        deadline=None,
        database=None,
        phases=[Phase.generate],  # a seed has no smaller one
        suppress_health_check=list(HealthCheck),
    )


@pytest.fixture
def begin(db):
    """Layers of two turns each, in a project with topics and flags enough."""
    flags = [{"key": "has_content", "label": "Has content"}, {"key": "unsure", "label": "Unsure"}]
    project = Project.objects.create(slug="properties", name="Properties", flags=flags)
    ana, control = member(project, "ana", "annotator"), member(project, "control", "annotator")

    def layers():
        session = SessionFactory(project=project, length_ms=LENGTH_MS)
        mine = LayerFactory(owner=ana, session=session)
        for at in (0, 10_000):
            paired(mine, at)
        copy = LayerFactory(owner=control, session=session)
        rows = document(mine)
        fill_layer(copy, LayerRows(**{name: rows[name] for name in ROWS}), by=control)
        return mine, copy

    return layers


def state(layer):
    """The rows of a layer in bytes that are the same whenever they say the same."""
    told = document(layer)
    rows = {name: [{k: v for k, v in row.items() if k not in HISTORY} for row in told[name]] for name in ROWS}
    texts = {name: sorted(json.dumps(row, sort_keys=True) for row in each) for name, each in rows.items()}
    return json.dumps(texts, sort_keys=True).encode()


class Known:
    """What a client knows of a layer, and which edits make sense there."""

    def __init__(self, layer):
        told = document(layer)
        self.rows = {
            "segment": {row["uid"]: row for row in told["segments"]},
            "turn": {row["uid"]: row for row in told["turns"]},
            "conversation": {row["uid"]: row for row in told["conversations"]},
            "summary": {row["turn"]: row for row in told["summaries"]},
            "flag": {f"{row['turn']}:{row['flag']}": row for row in told["flags"]},
        }

    def take(self, changes):
        """Put changes down as they come, as a client that knows no operation."""
        for each in changes:
            if each["after"] is None:
                self.rows[each["kind"]].pop(each["uid"], None)
            else:
                self.rows[each["kind"]][each["uid"]] = each["after"]

    def told(self):
        """What is known, comparable: a client itself puts the turns of a conversation in order of time."""
        plain = {}
        for kind, rows in self.rows.items():
            for uid, row in rows.items():
                kept = {name: value for name, value in row.items() if name not in HISTORY}
                plain[f"{kind} {uid}"] = {**kept, "turns": sorted(kept["turns"])} if "turns" in kept else kept
        return plain

    def invent(self, rng):
        """One edit that makes sense."""
        ways = self._ways(rng)
        return ways[rng.choice(sorted(ways))]()

    def _ways(self, rng):
        segments, turns, homes = (list(self.rows[kind]) for kind in ("segment", "turn", "conversation"))
        ways = {"segment.create": lambda: self._create(rng)}
        if segments:
            ways |= {
                "segment.update": lambda: self._update(rng, rng.choice(segments)),
                "segment.delete": lambda: edit("segment.delete", uid=rng.choice(segments)),
            }
        if long := [uid for uid in segments if self._length(uid) > 1]:
            ways["segment.split"] = lambda: self._split(rng, rng.choice(long))
        if pairs := self._pairs():
            ways["segment.merge"] = lambda: edit("segment.merge", **rng.choice(pairs))
        if self._free(None):
            ways["turn.create"] = lambda: edit("turn.create", uid=new(rng), **self._members(rng, None))
        if turns:
            ways |= {
                "turn.update": lambda: self._turn(rng, rng.choice(turns)),
                "turn.delete": lambda: edit("turn.delete", uid=rng.choice(turns)),
                "conversation.create": lambda: edit("conversation.create", uid=new(rng), **self._talk(rng, turns)),
                "summary.write": lambda: edit("summary.write", turn=rng.choice(turns), text=rng.choice(TEXTS)),
                "flag.set": lambda: self._flag(rng, rng.choice(turns)),
            }
        if homes and turns:
            ways |= {
                "conversation.update": lambda: self._regroup(rng, rng.choice(homes), turns),
                "conversation.delete": lambda: edit("conversation.delete", uid=rng.choice(homes)),
            }
        return ways

    def _length(self, uid):
        row = self.rows["segment"][uid]
        return row["end_ms"] - row["start_ms"]

    def _pairs(self):
        rows = list(self.rows["segment"].values())
        pairs = [(a, b) for a in rows for b in rows if a is not b and a["lane"] == b["lane"]]
        return [{"uid": a["uid"], "other": b["uid"]} for a, b in pairs]

    def _create(self, rng):
        text = rng.choice(TEXTS)
        start, end = span(rng)
        words = {"words": timed(rng, text, start, end)} if rng.random() < 0.5 else {}
        lane = rng.choice((*MEMBER_LANES, "note"))
        return edit("segment.create", uid=new(rng), lane=lane, start_ms=start, end_ms=end, text=text, **words)

    def _update(self, rng, uid):
        start, end = span(rng)
        wanted = {"start_ms": start, "end_ms": end} if rng.random() < 0.5 else {}
        if rng.random() < 0.5:
            wanted["text"] = rng.choice(TEXTS)
        shared = sum(uid in members(turn) for turn in self.rows["turn"].values()) > 1
        if rng.random() < 0.3 and not shared:
            wanted["lane"] = rng.choice((*MEMBER_LANES, "note"))
        if rng.random() < 0.3:
            wanted["words"] = timed(rng, "any two words", start, end)
        return edit("segment.update", uid=uid, **wanted)

    def _split(self, rng, uid):
        row = self.rows["segment"][uid]
        texts = {"text": "left", "new_text": "right"} if rng.random() < 0.3 else {}
        at = rng.randrange(row["start_ms"] + 1, row["end_ms"])
        return edit("segment.split", uid=uid, at_ms=at, new_uid=new(rng), **texts)

    def _free(self, turn):
        """The segments that a turn may have, by lane."""
        taken = {uid for row in self.rows["turn"].values() if row["uid"] != turn for uid in members(row)}
        rows = self.rows["segment"].values()
        return [row for row in rows if row["lane"] == "music" or (row["lane"] != "note" and row["uid"] not in taken)]

    def _members(self, rng, turn):
        free = self._free(turn)
        chosen = rng.sample(free, rng.randint(1, min(4, len(free))))
        texts = {name: rng.choice((None, *TEXTS)) for name in ("amateur_text", "expert_text") if rng.random() < 0.4}
        return {lane: [row["uid"] for row in chosen if row["lane"] == lane] for lane in MEMBER_LANES} | texts

    def _turn(self, rng, uid):
        return edit("turn.update", uid=uid, **self._members(rng, uid))

    def _talk(self, rng, turns):
        chosen = rng.sample(turns, rng.randint(1, len(turns)))
        return {"topic": rng.choice(("bass", "keys", "drums")), "turns": chosen}

    def _regroup(self, rng, uid, turns):
        wanted = self._talk(rng, turns)
        return edit("conversation.update", uid=uid, **{name: wanted[name] for name in wanted if rng.random() < 0.7})

    def _flag(self, rng, turn):
        note = {"note": rng.choice(TEXTS)} if rng.random() < 0.5 else {}
        flag, value = rng.choice(("has_content", "unsure")), rng.choice(("yes", "no", None))
        return edit("flag.set", turn=turn, flag=flag, value=value, **note)


def new(rng):
    return str(uuid.UUID(int=rng.getrandbits(128)))


def span(rng):
    start = rng.randrange(LENGTH_MS - 1)
    return start, rng.randint(start + 1, min(LENGTH_MS, start + 9000))


def timed(rng, text, start, end):
    """A time for some of the words of a text."""
    pieces = text.split()
    step = (end - start) // (len(pieces) or 1)
    found = [[start + i * step, start + (i + 1) * step, piece] for i, piece in enumerate(pieces)]
    return [word for word in found if rng.random() < 0.8]


# --- undo and redo ----------------------------------------------------------------------------------------------------


@some(10)
@given(seed=seeds, steps=st.integers(1, 14))
def test_edits_undone_lead_back_through_every_state_and_redone_lead_forth(begin, seed, steps):
    layer, _ = begin()
    rng, known = random.Random(seed), Known(layer)
    states, done = [state(layer)], []
    for _ in range(steps):
        _, stored = apply_edits(layer, layer.owner, layer.revision, [known.invent(rng)])
        known.take(stored[0].changes)
        require_sound(layer)
        states.append(state(layer))
        done += stored
        assert known.told() == Known(layer).told()
    undone = []
    for one, before in zip(reversed(done), reversed(states[:-1]), strict=True):
        _, stored = apply_edits(layer, layer.owner, layer.revision, [edit("undo", of=str(one.uid))])
        undone += stored
        assert state(layer) == before
    redo = [edit("undo", of=str(one.uid)) for one in reversed(undone)]
    apply_edits(layer, layer.owner, layer.revision, redo)
    assert state(layer) == states[-1]
    back = [edit("undo", of=each["id"]) for each in reversed(redo)]
    apply_edits(layer, layer.owner, layer.revision, back)
    assert state(layer) == states[0]


# --- the short way and the long one ---


def said(changes):
    """Changes without who made them, which differs between the two layers."""
    told = []
    for each in changes:
        rows = (each["before"], each["after"])
        plain = [row and {name: value for name, value in row.items() if name not in HISTORY} for row in rows]
        told.append([each["kind"], each["uid"], *plain])
    return told


@some(10)
@given(seed=seeds, batches=st.lists(st.integers(1, 4), min_size=1, max_size=8))
def test_the_short_way_of_edits_leads_where_the_long_way_does(begin, seed, batches):
    mine, copy = begin()
    rng, known, done = random.Random(seed), Known(mine), []
    for size in batches:
        batch = []
        for _ in range(size):
            undo = done and rng.random() < 0.2
            batch.append(edit("undo", of=done.pop()) if undo else known.invent(rng))
            long = apply_edits(copy, copy.owner, copy.revision, [batch[-1]])[1][0]
            known.take(long.changes)
            done += [] if undo else [batch[-1]["id"]]
        short = apply_at_once(mine.pk, mine.owner, mine.revision, batch)
        assert short, "no edit here needs the long way"
        mine.revision = short[0]
        assert state(mine) == state(copy)
        require_sound(mine)
        assert said(short[1][-1].changes) == said(long.changes)


# --- two clients on a bad network -------------------------------------------------------------------------------------


class Bench:
    """One open workbench: draws edits, and carries them to the server as static/js/workbench/outbox.js does."""

    def __init__(self, client, layer):
        self.client, self.address = client, f"/api/v1/layers/{layer.pk}/edits/"
        self.known, self.revision = Known(layer), layer.revision
        self.pending, self.made, self.refused, self.confirmed = [], [], [], []
        self.alone = False

    def draw(self, rng):
        one = self.known.invent(rng)
        if self.confirmed and rng.random() < 0.2:
            one = edit("undo", of=rng.choice(self.confirmed))
        self.pending.append(one)
        self.made.append(one["id"])

    def body(self):
        batch = self.pending[: 1 if self.alone else BATCH]
        return {"base_revision": self.revision, "edits": batch}

    def post(self, body):
        answer = self.client.post(self.address, body, content_type="application/json")
        assert answer.status_code in (200, 400, 409), answer.content
        return answer

    def take(self, body, answer):
        told = answer.json()
        if answer.status_code == 400:
            self._refused(body, told)
            return
        news = told["applied"] if answer.status_code == 200 else told["missed"]
        assert news
        for each in news:
            self.known.take(each["changes"])
        ids = {each["id"] for each in news}
        self.confirmed += [each["id"] for each in self.pending if each["id"] in ids]
        self.pending = [each for each in self.pending if each["id"] not in ids]
        self.revision = max(self.revision, told["revision"])
        self.alone = self.alone and answer.status_code != 200

    def _refused(self, body, told):
        named = [each["id"] for each in body["edits"] if each["id"] == told["edit"]]
        if not named:
            assert not self.alone
            self.alone = True
            return
        self.refused += named
        self.pending = [each for each in self.pending if each["id"] not in named]

    def send(self):
        body = self.body()
        self.take(body, self.post(body))


def happen(rng, bench, late):
    """One thing that happens on a bad network."""
    what = rng.choice(("draw", "draw", "draw", "send", "send", "answer lost", "late", "delivered"))
    if what == "draw":
        bench.draw(rng)
    elif what == "delivered" and late:  # once more, or at last, when nobody waits for the answer any longer
        again = rng.choice(late)
        bench.post(again)
    elif bench.pending and what != "delivered":
        body = bench.body()
        late.append(body)
        if what == "answer lost":
            bench.post(body)
        elif what == "send":
            bench.take(body, bench.post(body))


def require_in_step(bench, layer, begun):
    """A bench at a revision knows all that was done until then, and nothing else."""
    for one in layer.edits.filter(revision__gt=begun.revision, revision__lte=bench.revision).order_by("revision"):
        begun.known.take(one.changes)
    assert bench.known.told() == begun.known.told()


@some(12)
@given(seed=seeds, events=st.integers(4, 30))
def test_edits_of_two_benches_count_once_whatever_is_lost_late_or_doubled(begin, client, seed, events):
    layer, control = begin()
    client.force_login(layer.owner)
    rng = random.Random(seed)
    benches = [Bench(client, layer), Bench(client, layer)]
    starts = [Bench(client, layer), Bench(client, layer)]
    late = []
    for _ in range(events):
        happen(rng, rng.choice(benches), late)
    for bench in benches:
        for _ in range(3 * len(bench.pending) + 3):
            if bench.pending:
                bench.send()
        assert not bench.pending
    for bench, begun in zip(benches, starts, strict=True):
        require_in_step(bench, layer, begun)
    accepted = list(layer.edits.filter(revision__gt=starts[0].revision).order_by("revision"))
    ids = [str(one.uid) for one in accepted]
    made = {uid for bench in benches for uid in bench.made}
    refused = {uid for bench in benches for uid in bench.refused}
    assert len(ids) == len(set(ids))
    assert made - refused <= set(ids) <= made
    for one in accepted:
        again = {"id": str(one.uid), "op": one.op, **one.arguments}
        apply_edits(control, control.owner, control.revision, [again])
    assert state(layer) == state(control)
    layer.refresh_from_db()
    assert layer.revision == starts[0].revision + len(accepted)


# --- all or none ------------------------------------------------------------------------------------------------------

NOBODY = str(uuid.UUID(int=7))
SENSELESS = [
    {"op": "segment.create", "uid": NOBODY, "lane": "note", "start_ms": 5, "end_ms": 5},
    {"op": "segment.create", "uid": NOBODY, "lane": "drums", "start_ms": 0, "end_ms": 5},
    {"op": "segment.create", "uid": NOBODY, "lane": "note", "start_ms": 0, "end_ms": LENGTH_MS + 1},
    {"op": "segment.create", "uid": NOBODY, "lane": "note", "start_ms": 0, "end_ms": 9, "words": [[9, 1, "x"]]},
    {"op": "segment.update", "uid": NOBODY, "text": "gone"},
    {"op": "segment.split", "uid": NOBODY, "at_ms": 5, "new_uid": NOBODY},
    {"op": "segment.merge", "uid": NOBODY, "other": NOBODY},
    {"op": "segment.delete", "uid": NOBODY},
    {"op": "turn.create", "uid": NOBODY},
    {"op": "turn.update", "uid": NOBODY, "amateur": []},
    {"op": "turn.delete", "uid": NOBODY},
    {"op": "conversation.create", "uid": NOBODY, "topic": "bass", "turns": []},
    {"op": "conversation.update", "uid": NOBODY, "topic": "bass"},
    {"op": "conversation.delete", "uid": NOBODY},
    {"op": "summary.write", "turn": NOBODY, "text": "Of nothing."},
    {"op": "flag.set", "turn": NOBODY, "flag": "has_content", "value": "yes"},
    {"op": "undo", "of": NOBODY},
    {"op": "layer.delete"},
]


@some(10)
@given(seed=seeds, size=st.integers(1, 6), senseless=st.sampled_from(SENSELESS))
def test_one_senseless_edit_keeps_out_all_the_others_of_its_request(begin, client, seed, size, senseless):
    layer, _ = begin()
    client.force_login(layer.owner)
    rng, known = random.Random(seed), Known(layer)
    bad = {"id": new(rng), **senseless}
    edits = [known.invent(rng), *(known._create(rng) for _ in range(size))]
    edits.insert(rng.randint(0, len(edits)), bad)
    before, revision, counts = state(layer), layer.revision, (Edit.objects.count(), Summary.objects.count())
    body = {"base_revision": revision, "edits": edits}
    answer = client.post(f"/api/v1/layers/{layer.pk}/edits/", body, content_type="application/json")
    assert (answer.status_code, answer.json()["edit"]) == (400, bad["id"]), answer.content
    layer.refresh_from_db()
    assert (state(layer), layer.revision) == (before, revision)
    assert (Edit.objects.count(), Summary.objects.count()) == counts
