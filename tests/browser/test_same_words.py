"""The browser says early what an edit makes of the rows: the same as the server, or the page would jump."""

import random
import uuid

import pytest

from annotation.desk import EditError
from annotation.editing import apply_edits, document
from tests.annotation.test_words import CASES, said
from tests.browser.sitting import LENGTH_MS

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

ROUNDS = 250
VOCABULARY = ["the", "The", "kick", "kick,", "is", "muddy", "–", "so", "é", "100"]


def test_both_keep_the_same_words_of_a_text(sit, layer):
    bench = sit(layer)
    told = [said(before) for before, _, _ in CASES]
    script = """async (cases) => {
      const { kept } = await import("workbench/words")
      return cases.map(([words, text]) => kept(words, text))
    }"""
    found = bench.page.evaluate(script, [[words, case[1]] for words, case in zip(told, CASES, strict=True)])
    assert found == [[words[number] for number in case[2]] for words, case in zip(told, CASES, strict=True)]


def test_both_make_the_same_of_any_edit_of_segments(sit, layer):
    dice = random.Random(11)
    cases = []
    for _ in range(ROUNDS):
        rows = document(layer)
        edit = {"id": str(uuid.uuid4()), **any_edit(dice, rows)}
        try:
            _, (done,) = apply_edits(layer, layer.owner, layer.revision, [edit])
            made = outcome(done.changes)
        except EditError:
            made = None
        cases.append((rows, edit, made))
    bench = sit(layer)
    script = """async ({ cases, lengthMs }) => {
      const { KINDS, RuleError, changesOf } = await import("workbench/operations")
      return cases.map(([segments, turns, edit]) => {
        const rows = Object.fromEntries(KINDS.map((kind) => [kind, new Map()]))
        for (const row of segments) rows.segment.set(row.uid, row)
        for (const row of turns) rows.turn.set(row.uid, row)
        try {
          return changesOf(rows, edit, { lengthMs })
        } catch (error) {
          if (error instanceof RuleError) return null
          throw error
        }
      })
    }"""
    asked = [[rows["segments"], rows["turns"], edit] for rows, edit, _ in cases]
    answers = bench.page.evaluate(script, {"cases": asked, "lengthMs": LENGTH_MS})
    drawn = [None if found is None else outcome(found) for found in answers]
    for found, (_, edit, made) in zip(drawn, cases, strict=True):
        # the workbench offers no turn of an utterance that is in another, so the browser need not refuse it
        assert found == made or (made is None and edit["op"] == "turn.create"), edit
    assert sum(made is not None for _, _, made in cases) > ROUNDS / 2
    assert any("words" in (row or {}) for _, _, made in cases if made for row in made.values())


def outcome(changes):
    return {(each["kind"], each["uid"]): each["after"] for each in changes if each["before"] != each["after"]}


def any_edit(dice, rows):
    """An edit that some person might make, with and without words; now and then one that is refused."""
    segments, turns = rows["segments"], rows["turns"]
    start = dice.randrange(LENGTH_MS - 3000)
    end = start + dice.randrange(1, 3000)
    text = " ".join(dice.choices(VOCABULARY, k=dice.randrange(9)))
    words = [word for word in said(text, start, dice.randrange(1, 400)) if dice.random() < 0.8]
    if len(segments) < 3 or (len(segments) < 12 and dice.random() < 0.3):
        lane = dice.choice(["amateur", "expert", "music", "note"])
        new = {"uid": str(uuid.uuid4()), "lane": lane, "start_ms": start, "end_ms": end, "text": text}
        return {"op": "segment.create", **new, **({"words": words} if dice.random() < 0.8 else {})}
    row, other = dice.choice(segments), dice.choice(segments)
    by = dice.randrange(-2000, 2000)
    mate = next((each for each in segments if each["lane"] == row["lane"] and each is not row), other)
    free = {
        lane: [each["uid"] for each in segments if each["lane"] == lane][:1] for lane in ("amateur", "expert", "music")
    }
    inside = dice.randrange(row["start_ms"], row["end_ms"] + 1)
    new, uid = {"new_uid": str(uuid.uuid4())}, {"uid": row["uid"]}
    return dice.choice(
        [
            {"op": "segment.update", **uid, "text": changed(dice, row["text"])},
            {"op": "segment.update", **uid, "words": words},
            {"op": "segment.update", **uid, "start_ms": row["start_ms"] + by, "end_ms": row["end_ms"] + by},
            {"op": "segment.update", **uid, "start_ms": start, "end_ms": end, "text": changed(dice, row["text"])},
            {"op": "segment.update", **uid, "lane": dice.choice(["amateur", "expert", "music", "note"])},
            {"op": "segment.split", **uid, "at_ms": inside, **new},
            {"op": "segment.split", **uid, "at_ms": inside, **new, "text": text, "new_text": row["text"]},
            {"op": "segment.merge", **uid, "other": mate["uid"]},
            {"op": "segment.delete", **uid},
            {"op": "turn.create", "uid": str(uuid.uuid4()), **free},
            {"op": "turn.delete", "uid": dice.choice(turns)["uid"] if turns else row["uid"]},
        ]
    )


def changed(dice, text):
    """The text with a word more, less, or other."""
    pieces = text.split()
    at = dice.randrange(len(pieces) + 1)
    return " ".join([*pieces[:at], *dice.choices(VOCABULARY, k=dice.randrange(2)), *pieces[at + dice.randrange(3) :]])
