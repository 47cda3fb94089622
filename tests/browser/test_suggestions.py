"""What an annotator still has to do: turns that are suggested, what is unfinished, what is not grouped."""

import pytest
from playwright.sync_api import expect

from annotation.models import TurnMember
from tests.browser.sitting import Bench, until
from tests.factories import LayerFactory, SegmentFactory, conversation, turn

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

SIDES = {"a": "amateur", "e": "expert", "m": "music", "n": "note"}


def suggest(bench: Bench, *spans: tuple, held: str = "") -> list[str]:
    """The suggestions over spans like ("a", 0, 2), in seconds, as "a0 e1 m2": side and place in the list."""
    rows = [
        {"uid": f"{side}{place}", "lane": SIDES[side], "start_ms": start * 1000, "end_ms": end * 1000, "text": "x"}
        for place, (side, start, end) in enumerate(spans)
    ]
    return bench.page.evaluate(
        """async ([rows, held]) => {
          const { suggestTurns } = await import("workbench/suggest")
          const found = suggestTurns(rows, (uid) => held.split(" ").includes(uid))
          return found.map(({ amateur, expert, music }) => [...amateur, ...expert, ...music].join(" "))
        }""",
        [rows, held],
    )


def test_turns_are_suggested_where_people_take_turns(sit, layer):
    bench = sit(layer)
    asked = [("a", 0, 2), ("a", 3, 4), ("e", 5, 9), ("e", 10, 12)]
    assert suggest(bench, *asked) == ["a0 a1 e2 e3"]
    assert suggest(bench, *asked, ("a", 13, 14), ("e", 15, 16)) == ["a0 a1 e2 e3", "a4 e5"]
    assert suggest(bench, ("e", 0, 2), ("a", 3, 4)) == []  # nobody asked, nobody answered
    assert suggest(bench, ("a", 0, 2), ("e", 40, 44)) == []  # too late to be an answer
    assert suggest(bench, ("a", 0, 2), ("a", 30, 31), ("e", 32, 33)) == ["a1 e2"]  # a long silence begins anew
    assert suggest(bench, ("a", 0, 2), ("e", 3, 4), ("e", 30, 31)) == ["a0 e1"]
    assert suggest(bench, ("a", 0, 2), ("a", 3, 4), ("e", 5, 6), held="a1") == []  # never across a turn that exists
    assert suggest(bench, ("n", 0, 1), ("a", 1, 2), ("n", 2, 3), ("e", 3, 4)) == ["a1 e3"]


def test_a_suggested_turn_has_the_music_that_it_is_about(sit, layer):
    bench = sit(layer)
    assert suggest(bench, ("m", 0, 5), ("m", 6, 9), ("a", 10, 12), ("e", 13, 15)) == ["a2 e3 m1"]
    assert suggest(bench, ("a", 10, 12), ("m", 11, 20), ("e", 13, 15)) == ["a0 e2 m1"]  # sounds while they ask
    assert suggest(bench, ("a", 10, 12), ("m", 12, 14), ("e", 15, 17)) == ["a0 e2 m1"]  # is played before the answer
    assert suggest(bench, ("a", 10, 12), ("m", 12, 20), ("e", 15, 17)) == ["a0 e2"]  # is still playing at the answer
    assert suggest(bench, ("a", 10, 12), ("e", 13, 15), ("m", 14, 16)) == ["a0 e1"]
    assert suggest(bench, ("m", 0, 5), ("a", 70, 72), ("e", 73, 75)) == ["a1 e2"]  # a minute ago is long ago
    two = [("m", 0, 5), ("a", 6, 7), ("e", 8, 9), ("a", 10, 11), ("e", 12, 13)]
    assert suggest(bench, *two) == ["a1 e2 m0", "a3 e4 m0"]  # a clip may serve several
    assert suggest(bench, *two[:3], held="m0") == ["a1 e2 m0"]


@pytest.fixture
def talk(layer):
    spans = [("music", 500, 1_500), ("amateur", 2_000, 3_000), ("expert", 3_500, 5_000)]
    spans += [
        ("amateur", 6_000, 7_000),
        ("expert", 7_500, 8_500),
        ("amateur", 10_000, 11_000),
        ("expert", 11_500, 13_000),
    ]
    for place, (lane, start, end) in enumerate(spans):
        SegmentFactory(
            layer=layer, lane=lane, start_ms=start, end_ms=end, text=f"words {place}" if lane != "music" else ""
        )
    return layer


def test_suggestions_are_accepted_one_by_one_by_key_and_nothing_is_stored_before(sit, talk):
    bench = sit(talk)
    expect(bench.page.locator(".row.suggestion")).to_have_count(3)
    expect(bench.page.locator(".row.loose")).to_have_count(0)
    assert talk.turns.count() == 0
    bench.press("Shift+S")  # none is at the playhead: goes to the first
    assert bench.look("return bench.document.turns.length") == 0
    bench.press("Shift+S", "Control+Enter")
    bench.saved()
    made = list(talk.turns.all())
    assert len(made) == 2
    assert all(one.amateur_text is None and one.expert_text is None for one in made)
    assert sorted(one.members.count() for one in made) == [3, 3]
    assert bench.look("return bench.suggestions.here.start_ms") == 10_000
    expect(bench.page.locator(".row.suggestion")).to_have_count(1)
    bench.press("Control+z")
    bench.saved()
    assert talk.turns.count() == 1
    expect(bench.page.locator(".row.suggestion")).to_have_count(2)


# Whether anything is drawn in the strip of turns between two moments.
DRAWN = """((from, to) => {
  const { top, height } = bench.timeline.places.turns
  const [x, end] = [bench.viewport.x(from), bench.viewport.x(to)].map(Math.round)
  const context = bench.timeline.lanes.canvas.getContext("2d")
  const { data } = context.getImageData(x, Math.round(top), end - x, Math.round(height))
  return data.some((value, i) => i % 4 === 3 && value > 0)
})"""


def test_what_is_suggested_is_drawn_on_the_timeline_until_it_is_dismissed(sit, talk):
    bench = sit(talk)
    assert bench.look(f"return {DRAWN}(2000, 5000)")
    assert not bench.look(f"return {DRAWN}(9100, 9900)")
    bench.press("Shift+S", "Shift+R", "Shift+R", "Shift+R")
    bench.wait(f"!{DRAWN}(0, 14000)")
    assert talk.turns.count() == 0


def test_all_in_view_or_in_a_range_are_accepted_as_one_act(sit, talk):
    bench = sit(talk)
    bench.look("bench.selection.mark({ start_ms: 1500, end_ms: 9000 })")
    bench.press("Control+Shift+Enter")
    bench.saved()
    assert talk.turns.count() == 2
    bench.press("Control+z")
    bench.saved()
    assert talk.turns.count() == 0
    bench.press("Escape")
    bench.page.click("[data-action=accept-suggestions]")
    bench.saved()
    assert talk.turns.count() == 3
    bench.message("3 turns made")
    expect(bench.page.locator("[data-part=suggested]")).to_be_hidden()


def test_a_suggestion_is_changed_or_dismissed_by_mouse(sit, talk):
    bench = sit(talk)
    first = bench.page.locator(".row.suggestion").first
    first.get_by_role("button", name="Change").click()
    assert bench.look("return bench.selection.segments.map(({ start_ms }) => start_ms)") == [500, 2_000, 3_500]
    bench.press("Escape")
    first.get_by_role("button", name="Dismiss").click()
    bench.wait("bench.suggestions.all.length === 2")
    bench.open()
    expect(bench.page.locator(".row.suggestion")).to_have_count(2)
    expect(bench.page.locator(".row.loose")).to_have_count(2)
    bench.page.locator(".row.suggestion").first.get_by_role("button", name="Accept").click()
    bench.saved()
    assert talk.turns.count() == 1


def test_nothing_is_suggested_to_who_only_reads(sit, layer):
    other = LayerFactory(session=layer.session, state="submitted")
    SegmentFactory(layer=other, lane="amateur", start_ms=1_000, end_ms=2_000)
    SegmentFactory(layer=other, lane="expert", start_ms=3_000, end_ms=4_000)
    bench = sit(other)
    expect(bench.page.locator(".row.suggestion")).to_have_count(0)
    expect(bench.page.locator(".row.loose")).to_have_count(2)


def test_one_goes_from_what_is_unfinished_to_the_next(sit, layer):
    first = turn(layer, 0, music=False, flag="yes")
    turn(layer, 6_000, amateur=None, music=False, flag="no")
    third = turn(layer, 9_000, music=False)
    conversation(layer, [first, third])
    SegmentFactory(layer=layer, lane="expert", start_ms=15_000, end_ms=16_000, text="")
    bench = sit(layer)
    expect(bench.page.locator("[data-action=only-unfinished]")).to_have_text("Unfinished 3", use_inner_text=True)
    told = ["Turn 2 has no words of the amateur and no topic yet.", "Turn 3 has no context summary and no answer to"]
    told += ["The expert segment at 0:15.0 has no words and no turn yet.", told[0]]
    for sentence in told:
        bench.press("u")
        bench.message(sentence)
    bench.press("u", "c")
    bench.type("They have heard it.")
    bench.press("Control+Enter", "f", "h")
    bench.message("yes")
    bench.press("u")
    bench.message("The expert segment")
    expect(bench.page.locator("[data-action=only-unfinished]")).to_have_text("Unfinished 2", use_inner_text=True)


def test_only_what_is_unfinished_is_shown_and_stays_so(sit, layer):
    first = turn(layer, 0, music=False, flag="yes")
    conversation(layer, [first])
    SegmentFactory(layer=layer, lane="note", start_ms=7_000, end_ms=8_000, text="a note")
    wordless = SegmentFactory(layer=layer, lane="expert", start_ms=9_000, end_ms=10_000, text="")
    TurnMember.objects.create(turn=first, segment=wordless, position=3)
    bench = sit(layer)
    bench.press("PageDown", "Shift+L")  # the turn is finished: selected or not, it goes
    until(bench.page, "() => document.querySelectorAll('.row').length === 2")  # below its topic
    expect(bench.page.locator(".row.segment")).to_have_text(["0:09.0\nexpert\nno words yet"], use_inner_text=True)
    bench.open()
    expect(bench.page.locator(".row")).to_have_count(2)
    bench.page.click(".row.segment")
    bench.press("e")
    bench.type("Cut")
    bench.page.wait_for_timeout(2_300)  # what is typed is kept after a pause
    bench.type(" at 300.")
    bench.press("Enter")
    bench.saved()
    assert layer.segments.get(start_ms=9_000).text == "Cut at 300."
    bench.press("Escape", "Escape")
    bench.page.get_by_text("Nothing is unfinished.").first.wait_for()
    bench.press("/")
    bench.page.fill("[data-part=query]", "muddy")
    bench.press("Enter")
    bench.page.locator(".row.primary mark").wait_for()  # what is found is shown, finished or not
    expect(bench.page.locator("[data-action=only-unfinished]")).to_have_attribute("aria-pressed", "false")


def test_a_range_is_grouped_and_asked_for_its_topic(sit, layer):
    made = [turn(layer, at, music=False) for at in (0, 6_000, 12_000)]
    bench = sit(layer)
    expect(bench.page.locator("[data-action=next-ungrouped]")).to_have_text("3 turns ungrouped", use_inner_text=True)
    for at, key in ((2_000, "["), (11_000, "]")):
        bench.look(f"bench.player.seek({at})")
        bench.press(key)
    bench.press("g")
    bench.page.locator(".legend:not([hidden])", has_text="Topic").wait_for()
    bench.press("4")
    bench.saved()
    for one in made:
        one.refresh_from_db()
    assert [one.conversation_id is not None for one in made] == [True, True, False]
    assert made[0].conversation.topic == "bass"
    expect(bench.page.locator("[data-action=next-ungrouped]")).to_have_text("1 turn ungrouped", use_inner_text=True)
    bench.press("Shift+U")
    assert bench.look("return bench.selection.turn.number") == 3
    bench.message("Turn 3 has no topic yet.")
    bench.look("bench.selection.mark({ start_ms: 18000, end_ms: 19000 })")
    bench.press("g")
    bench.message("No turn lies in the marked range.")
