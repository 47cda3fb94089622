"""Thirty turns are cut, paired, grouped and flagged with as few keys and clicks as a practised annotator needs.

Counted is each press of a key (a chord is one), each click and each drag; words are no part of the task. A flow is a
way of working through the real page: a better one joins FLOWS with its own bound. `docs/measuring.md` derives what the
same task takes in Label Studio.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest

from annotation.models import FlagValue
from tests.browser.sitting import Bench

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

TURNS, A_CONVERSATION, TURN_MS = 30, 5, 12_000
LENGTH_MS = TURNS * TURN_MS + 6_000
SPANS = {"music": (300, 3_500), "amateur": (3_900, 6_400), "expert": (6_000, 11_200)}  # the expert cuts in


@dataclass(frozen=True)
class Cut:
    """A segment to be made."""

    lane: str
    start_ms: int
    end_ms: int


def turns_of(conversation: int) -> Iterator[list[Cut]]:
    """The cuts of each turn of a conversation, in the order of time."""
    for turn in range(conversation * A_CONVERSATION, (conversation + 1) * A_CONVERSATION):
        yield [Cut(lane, turn * TURN_MS + first, turn * TURN_MS + last) for lane, (first, last) in SPANS.items()]


class Hands:
    """Two hands at the workbench that count what they do."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self.actions = 0

    def press(self, *keys: str) -> None:
        for key in keys:
            self.bench.press(key)
            self.actions += 1

    def drag(self, cut: Cut) -> None:
        self.bench.drag(cut.lane, cut.start_ms, cut.end_ms)
        self.actions += 1

    def sweep(self, strip: str, start_ms: int, end_ms: int) -> None:
        """Drag along the strip of turns or of topics."""
        mouse = self.bench.page.mouse
        x0, x1, y = self.bench.look(f"""
          const {{ left, top }} = bench.timeline.stage.getBoundingClientRect()
          const strip = bench.timeline.places.{strip}
          const y = top + strip.top + strip.height / 2
          return [left + bench.viewport.x({start_ms}), left + bench.viewport.x({end_ms}), y]""")
        mouse.move(x0, y)
        mouse.down()
        mouse.move((x0 + x1) / 2, y)
        mouse.move(x1, y)
        mouse.up()
        self.actions += 1

    def look_at(self, ms: float) -> None:
        """Click on the overview."""
        box = self.bench.page.locator("mix-overview").bounding_box()
        self.bench.page.mouse.click(box["x"] + box["width"] * ms / LENGTH_MS, box["y"] + box["height"] / 2)
        self.actions += 1


def conversations(hands: Hands) -> Iterator[int]:
    """One conversation after the other, each in view."""
    for conversation in range(TURNS // A_CONVERSATION):
        if conversation:  # the first is in view when the layer opens; a click inside the view would not move it
            hands.look_at((conversation + 0.5) * A_CONVERSATION * TURN_MS + 5_000)
        yield conversation


def by_keys(hands: Hands) -> None:
    """Drag each segment on its lane, take the two before it along, pair; group and flag a conversation at once."""
    for conversation in conversations(hands):
        for cuts in turns_of(conversation):
            for cut in cuts:
                hands.drag(cut)
            hands.press("Shift+ArrowUp", "Shift+ArrowUp", "t")
        hands.press(*["Shift+PageUp"] * (A_CONVERSATION - 1))
        hands.press("g", str(1 + conversation % 6), "f", "h")


def by_sweeps(hands: Hands) -> None:
    """Drag each segment on its lane, sweep along the turns to pair, along the topics to group; flag what is grouped."""
    for conversation in conversations(hands):
        start = conversation * A_CONVERSATION * TURN_MS
        for number, cuts in enumerate(turns_of(conversation)):
            for cut in cuts:
                hands.drag(cut)
            hands.sweep("turns", start + number * TURN_MS + 100, start + (number + 1) * TURN_MS - 300)
        hands.sweep("conversations", start + 100, start + A_CONVERSATION * TURN_MS - 300)
        hands.press(str(1 + conversation % 6), "f", "h")


# what a flow may take at most; never to be raised, and to be lowered when the flow gets shorter
FLOWS: dict[str, tuple[Callable[[Hands], None], int]] = {"keys": (by_keys, 233), "sweeps": (by_sweeps, 149)}


@pytest.mark.parametrize("flow", FLOWS)
def test_thirty_turns_are_cut_paired_grouped_and_flagged(sit, layer, flow):
    layer.session.length_ms = LENGTH_MS
    layer.session.save(update_fields=["length_ms"])
    work, most = FLOWS[flow]
    bench = sit(layer)
    hands = Hands(bench)
    work(hands)
    bench.saved()

    pixel = bench.look("return bench.viewport.msPerPx")
    made = list(layer.segments.order_by("start_ms", "end_ms"))
    wanted = [cut for number in range(TURNS // A_CONVERSATION) for cuts in turns_of(number) for cut in cuts]
    assert [segment.lane for segment in made] == [cut.lane for cut in wanted]
    for segment, cut in zip(made, wanted, strict=True):
        # an edge comes to rest on what is at most 8 pixels away
        assert (segment.start_ms, segment.end_ms) == pytest.approx((cut.start_ms, cut.end_ms), abs=10 * pixel)
    turns = list(layer.turns.prefetch_related("members__segment"))
    assert len(turns) == TURNS
    for turn in turns:
        held = sorted((each.segment for each in turn.members.all()), key=lambda segment: segment.start_ms)
        assert [segment.lane for segment in held] == list(SPANS)
        assert len({segment.start_ms // TURN_MS for segment in held}) == 1
    groups = [sorted(turn.pk for turn in each.turns.all()) for each in layer.conversations.all()]
    assert [len(group) for group in groups] == [A_CONVERSATION] * (TURNS // A_CONVERSATION)
    assert len({each.topic for each in layer.conversations.all()}) == 6
    assert FlagValue.objects.filter(turn__in=turns, flag="has_content", value="yes").count() == TURNS

    print(f"\n{flow}: {hands.actions} actions, {hands.actions / TURNS:.2f} a turn")
    assert hands.actions <= most
