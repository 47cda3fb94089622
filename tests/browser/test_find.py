"""An annotator looks for words, and replaces them."""

import pytest

from annotation.models import Summary
from tests.browser.sitting import Bench, until
from tests.factories import LayerFactory, SegmentFactory, turn

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def spoken(layer, ana):
    made = turn(layer, 1_000, amateur="Is the Kick muddy?", expert="The kick: cut at 300.", music=False)
    Summary.objects.create(layer=layer, turn_uid=made.uid, text="They heard the kick alone.", revision=1, author=ana)
    SegmentFactory(layer=layer, lane="amateur", start_ms=8_000, end_ms=9_000, text="Kicking it, a (kick).")
    return layer


def find(bench: Bench, query: str, *options: str) -> str:
    bench.press("Escape", "/")
    bench.page.fill("[data-part=query]", query)
    for name in ("matchCase", "word", "regex"):
        bench.page.set_checked(f"[data-part={name}]", name in options)
    return bench.page.locator("find-bar [data-part=count]").inner_text()


def test_words_are_found_one_after_another(sit, spoken):
    bench = sit(spoken)
    assert find(bench, "kick") == "5 found"
    until(bench.page, "() => document.querySelectorAll('.row mark').length === 5")
    bench.page.locator("[data-part=query]").focus()
    bench.press("Enter")
    assert bench.page.locator("find-bar [data-part=count]").inner_text() == "1 of 5"
    assert bench.page.locator(".row.turn mark.present").inner_text() == "kick"
    bench.press("Enter")
    assert bench.look("return bench.selection.segment.text") == "Is the Kick muddy?"
    assert bench.page.locator(".row.primary mark.present").inner_text() == "Kick"
    bench.press("Shift+Enter", "Shift+Enter")
    assert bench.page.locator("find-bar [data-part=count]").inner_text() == "5 of 5"
    assert bench.look("return bench.viewport.startMs <= 8000 && bench.viewport.endMs >= 9000")
    bench.message("5 of 5")
    bench.press("Escape")
    assert bench.page.locator("find-bar").is_hidden()
    until(bench.page, "() => !document.querySelector('mark')")


def test_case_words_and_patterns_are_told_apart(sit, spoken):
    bench = sit(spoken)
    assert find(bench, "Kick", "matchCase") == "2 found"
    assert find(bench, "kick", "word") == "4 found"
    assert find(bench, "(kick)") == "1 found"
    assert find(bench, "c.t", "regex") == "1 found"
    assert find(bench, "c.t") == "Nothing is found"
    assert find(bench, "(kick", "regex").startswith("This is no regular expression: ")
    assert bench.page.locator("find-bar [data-part=replace-all]").is_disabled()
    assert find(bench, "x*", "regex") == "Nothing is found"


def test_all_are_replaced_as_one_act(sit, spoken):
    bench = sit(spoken)
    find(bench, "kick")
    bench.page.fill("[data-part=replacement]", "snare $&")
    bench.press("Control+Enter")
    bench.message("5 replaced in 4 texts")
    bench.saved()
    texts = list(spoken.segments.order_by("start_ms").values_list("text", flat=True))
    assert texts == ["Is the snare $& muddy?", "The snare $&: cut at 300.", "snare $&ing it, a (snare $&)."]
    assert spoken.turns.get().amateur_text is None
    assert Summary.objects.order_by("revision").last().text == "They heard the snare $& alone."
    bench.press("Escape", "Control+z")
    bench.saved()
    texts = list(spoken.segments.order_by("start_ms").values_list("text", flat=True))
    assert texts == ["Is the Kick muddy?", "The kick: cut at 300.", "Kicking it, a (kick)."]
    assert bench.look("return [...bench.document.rows.summary.values()][0].text") == "They heard the kick alone."


def test_one_is_replaced_after_another_with_what_was_caught(sit, spoken):
    bench = sit(spoken)
    find(bench, r"(k)ick\b", "regex", "matchCase")
    bench.page.fill("[data-part=replacement]", "$1ick $1ick")
    bench.press("Enter", "Enter", "Enter", "Enter")  # go to the first, replace three
    bench.saved()
    texts = list(spoken.segments.order_by("start_ms").values_list("text", flat=True))
    assert texts == ["Is the Kick muddy?", "The kick kick: cut at 300.", "Kicking it, a (kick kick)."]


def test_what_was_written_for_a_turn_is_found_and_replaced(sit, layer):
    made = turn(layer, 1_000, music=False)
    type(made).objects.filter(pk=made.pk).update(expert_text="Cut it by three decibels.")
    bench = sit(layer)
    find(bench, "three")
    assert bench.page.locator(".row.turn .found mark").inner_text() == "three"
    bench.page.fill("[data-part=replacement]", "four")
    bench.page.click("[data-part=replace-all]")
    bench.saved()
    made.refresh_from_db()
    assert made.expert_text == "Cut it by four decibels."


def test_a_layer_for_reading_is_searched_and_not_changed(sit, layer):
    other = LayerFactory(session=layer.session, state="submitted")
    SegmentFactory(layer=other, text="kick", start_ms=1_000, end_ms=2_000)
    bench = sit(other)
    assert find(bench, "kick") == "1 found"
    assert bench.page.locator("[data-part=replacement]").is_hidden()
    bench.look("bench.finder.replaceAll('snare')")
    assert other.segments.get().text == "kick"
    bench.message("can't be changed")
