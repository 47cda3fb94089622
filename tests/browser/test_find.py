"""An annotator looks for words, and replaces them."""

import re

import pytest
from playwright.sync_api import Locator, expect

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


def find(bench: Bench, query: str, *options: str) -> Locator:
    bench.press("Escape", "/")
    bench.page.fill("[data-part=query]", query)
    for name in ("matchCase", "word", "regex"):
        bench.page.set_checked(f"[data-part={name}]", name in options)
    return bench.page.locator("find-bar [data-part=count]")


def test_words_are_found_one_after_another(sit, spoken):
    bench = sit(spoken)
    expect(find(bench, "kick")).to_have_text("5 found")
    until(bench.page, "() => document.querySelectorAll('.row mark').length === 5")
    bench.page.locator("[data-part=query]").focus()
    bench.press("Enter")
    expect(bench.page.locator("find-bar [data-part=count]")).to_have_text("1 of 5", use_inner_text=True)
    expect(bench.page.locator(".row.turn mark.present")).to_have_text("kick", use_inner_text=True)
    bench.press("Enter")
    assert bench.look("return bench.selection.segment.text") == "Is the Kick muddy?"
    expect(bench.page.locator(".row.primary mark.present")).to_have_text("Kick", use_inner_text=True)
    bench.press("Shift+Enter", "Shift+Enter")
    expect(bench.page.locator("find-bar [data-part=count]")).to_have_text("5 of 5", use_inner_text=True)
    assert bench.look("return bench.viewport.startMs <= 8000 && bench.viewport.endMs >= 9000")
    bench.message("5 of 5")
    bench.press("Escape")
    expect(bench.page.locator("find-bar")).to_be_hidden()
    until(bench.page, "() => !document.querySelector('mark')")


def test_case_words_and_patterns_are_told_apart(sit, spoken):
    bench = sit(spoken)
    expect(find(bench, "Kick", "matchCase")).to_have_text("2 found")
    expect(find(bench, "kick", "word")).to_have_text("4 found")
    expect(find(bench, "(kick)")).to_have_text("1 found")
    expect(find(bench, "c.t", "regex")).to_have_text("1 found")
    expect(find(bench, "c.t")).to_have_text("Nothing is found")
    expect(find(bench, "(kick", "regex")).to_have_text(re.compile("^This is no regular expression: "))
    expect(bench.page.locator("find-bar [data-part=replace-all]")).to_be_disabled()
    expect(find(bench, "x*", "regex")).to_have_text("Nothing is found")


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
    expect(bench.page.locator(".row.turn .found mark")).to_have_text("three", use_inner_text=True)
    bench.page.fill("[data-part=replacement]", "four")
    bench.page.click("[data-part=replace-all]")
    bench.saved()
    made.refresh_from_db()
    assert made.expert_text == "Cut it by four decibels."


def test_a_layer_for_reading_is_searched_and_not_changed(sit, layer):
    other = LayerFactory(session=layer.session, state="submitted")
    SegmentFactory(layer=other, text="kick", start_ms=1_000, end_ms=2_000)
    bench = sit(other)
    expect(find(bench, "kick")).to_have_text("1 found")
    expect(bench.page.locator("[data-part=replacement]")).to_be_hidden()
    bench.look("bench.finder.replaceAll('snare')")
    assert other.segments.get().text == "kick"
    bench.message("can't be changed")
