"""Beside the turn: what a summary gives away, what it was before, which rules are broken, what can be chosen."""

import json

import pytest
from playwright.sync_api import expect

from annotation import execute
from annotation.models import Summary, SummaryDraft
from tests.browser.sitting import until
from tests.factories import SegmentFactory, conversation, turn

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

RULES = {"lanes": {"music": {"min_ms": 100, "max_ms": 30_000, "overlap": "warn"}}}
RULES["lanes"]["expert"] = {"min_ms": 200, "max_ms": None, "overlap": "allow"}


def ask(page, module: str, call: str):
    """What a function of a module says."""
    return page.evaluate(f'async () => {{ const it = await import("workbench/{module}"); return {call} }}')


def given_away(page, summary, answer, before=(), counts="() => 0", turns=10):
    told = json.dumps({"summary": summary, "answer": answer, "before": list(before), "turns": turns})
    return ask(page, "lint", f"it.givesAway({{ ...{told}, turnsWith: {counts} }})")


def test_rules_and_lint_are_told_in_sentences(sit, layer):
    page = sit(layer).page

    def broken(lane, start, end, *others):
        segment = {"uid": "a", "lane": lane, "start_ms": start, "end_ms": end}
        near = [
            segment,
            *({"uid": str(n), "lane": lane, "start_ms": s, "end_ms": e} for n, (s, e) in enumerate(others)),
        ]
        told = ", ".join(json.dumps(each) for each in (segment, near, RULES))
        return [tuple(each.values()) for each in ask(page, "rules", f"it.brokenRules({told})")]

    assert broken("music", 0, 30_000, (30_000, 40_000)) == []
    assert broken("music", 0, 30_001) == [("too-long", "Longer than 30 s: a model hears at most 30 s of it.")]
    assert broken("music", 0, 99) == [("too-short", "Shorter than 100 ms: too short to be heard as music.")]
    assert broken("music", 5_000, 9_000, (8_999, 12_000)) == [
        ("overlap", "Overlaps the music segment that starts at 0:08.999.")
    ]
    assert broken("expert", 0, 900_000, (0, 5)) == []
    assert broken("unknown", 0, 1) == []

    answer = "I would cut at 300 Hz, and take the chorus pedal off."
    assert given_away(page, "They will go to 300 Hz soon.", answer) == ["300 Hz"]
    assert given_away(page, "They would cut at 300 Hz.", answer) == ["would cut at 300 Hz"]
    assert given_away(page, "They take the chorus pedal away.", answer) == ["take the chorus pedal"]
    assert given_away(page, "The pedals were loud.", answer) == []
    assert given_away(page, "The pedal was loud.", answer, ["Is it my pedals?"]) == []
    assert given_away(page, "It is at 300 Hz.", answer, ["I hear it at 300 Hz."]) == []
    assert given_away(page, "They took 3 takes.", "Try 3 dB.") == []
    assert given_away(page, "It was 3 dB.", "Try 3dB.") == ["3 dB"]
    assert given_away(page, "Er nimmt jetzt weniger.", "Nimmt weniger davon.", counts="() => 8") == []
    assert given_away(page, "Er nimmt weniger Hall.", "Weniger Hall.") == ["weniger Hall"]
    assert given_away(page, "", "") == []


def test_a_summary_that_gives_its_answer_away_is_told_while_it_is_typed(sit, layer):
    first = turn(layer, 0, amateur="Is the kick muddy?", expert="Cut at 300 Hz.")
    second = turn(layer, 6_000, amateur="And now?", expert="Take 3 dB off with a shelf.")
    conversation(layer, [first, second])
    bench = sit(layer)
    page = bench.page
    bench.press("PageDown", "c")
    bench.type("They cut at 300 Hz, then used a shelf")
    if page.locator("turn-card h2").inner_text() != "Turn 2":
        page.locator("[data-part=leak]", has_text="Gives away the answer: “cut at 300 Hz”.").wait_for()
        bench.press("Control+a")
        bench.type("They listened to the kick.")
        page.locator("[data-part=leak]").wait_for(state="hidden")
        bench.press("Control+Enter", "PageDown", "c")
        bench.type("They cut at 300 Hz, then used a shelf")
    page.locator("[data-part=leak]", has_text="Gives away the answer: “shelf”.").wait_for()
    bench.press("Control+Enter")
    bench.saved()
    assert Summary.objects.filter(turn_uid=second.uid).latest("revision").text.endswith("a shelf")


def test_an_earlier_version_is_read_and_used_again(sit, layer, ana):
    made = turn(layer, 0)
    for revision, text in enumerate(("The first words.", "The second words."), 1):
        Summary.objects.create(layer=layer, turn_uid=made.uid, revision=revision, text=text, author=ana)
    bench = sit(layer)
    page = bench.page
    bench.press("PageDown", "Shift+C")
    page.locator(".versions li", has_text="The first words.").wait_for()
    expect(page.locator(".versions li")).to_have_count(2)
    page.get_by_role("button", name="Use version 1 again").click()
    bench.saved()
    page.locator(".versions li", has_text="Version 3 by ana").wait_for()
    expect(page.locator("[data-part=summary]")).to_have_value("The first words.")
    assert Summary.objects.get(turn_uid=made.uid, revision=3).text == "The first words."
    expect(page.locator(".versions li")).to_have_count(3)


def test_the_length_hint_and_the_broken_rules_are_the_projects(sit, layer, project, ada):
    rules = {**project.rules, "summary_words": {"min": 2, "max": 3}}
    rules["lanes"] = {**rules["lanes"], "music": {"min_ms": 100, "max_ms": 1_000, "overlap": "warn"}}
    project.revise(seen=1, topics=project.topics, flags=project.flags, rules=rules, by=ada)
    turn(layer, 0)
    SegmentFactory(layer=layer, lane="note", start_ms=9_000, end_ms=9_500)
    bench = sit(layer)
    page = bench.page
    bench.click("music", 1_000)
    page.locator("[data-part=broken]", has_text="Longer than 1 s: a model hears at most 1 s of it.").wait_for()
    page.fill("[data-part=summary]", "one two three four")
    page.locator("[data-part=words]", has_text="at most 3").wait_for()
    bench.click("note", 9_200)
    page.locator("[data-part=broken]").wait_for(state="hidden")


def test_what_is_retired_is_not_offered_and_stays_where_it_is(sit, layer, project, ada):
    conversation(layer, [turn(layer, 0, flag="yes")], topic="bass")
    conversation(layer, [turn(layer, 6_000)], topic="drums")
    topics = [{**topic, "retired": True} if topic["key"] == "bass" else topic for topic in project.topics]
    flags = [{**flag, "retired": True} for flag in project.flags]
    flags.append({"key": "vague", "label": "Vague", "letter": "v"})
    project.revise(seen=1, topics=topics, flags=flags, rules=project.rules, by=ada)
    bench = sit(layer)
    page = bench.page
    topic = page.locator("conversation-card [data-part=topic]")
    page.locator(".row.turn").first.click()
    expect(topic).to_have_value("bass")
    expect(topic).to_contain_text("Bass (retired)", use_inner_text=True)
    expect(page.get_by_role("group", name="Has content")).to_be_visible()
    page.locator(".row.turn").last.click()
    until(page, "() => document.querySelector('conversation-card [data-part=topic]').value === 'drums'")
    expect(topic).not_to_contain_text("Bass", use_inner_text=True)
    expect(page.get_by_role("group", name="Has content")).to_be_hidden()
    bench.press("f")
    assert page.locator("[data-part=legend]").inner_text().split("\n")[:1] == ["Flag"]
    expect(page.locator("[data-part=legend]")).not_to_contain_text("Has content", use_inner_text=True)
    bench.press("Escape", "y")
    expect(page.locator("[data-part=legend]")).not_to_contain_text("Bass", use_inner_text=True)


def test_a_models_draft_is_marked_and_is_the_summary_once_it_is_accepted(sit, layer, pretend_model):
    first = turn(layer, 0, amateur="Is the kick muddy?", expert="Cut at 300 Hz.")
    second = turn(layer, 6_000, amateur="And now?", expert="Take 3 dB off.")
    conversation(layer, [first, second])
    bench = sit(layer)
    page = bench.page
    page.expected_troubles.append("400")
    bench.press("PageDown", "PageDown")
    page.locator("turn-card h2", has_text="Turn 2").wait_for()

    def write_draft(said):
        pretend_model.said = said
        with page.expect_response(lambda answer: "/drafts/" in answer.url and answer.request.method == "POST"):
            bench.press("Shift+J")
        page.locator("[data-part=draft-said]", has_text="being written").wait_for()
        execute.draft_summary(SummaryDraft.objects.latest("pk"))
        page.locator("[data-part=draft-text]", has_text=said).wait_for()

    write_draft("They spoke.")
    expect(page.locator("[data-part=draft-by]")).to_have_text(
        "Draft by pretend-1, not yet accepted", use_inner_text=True
    )
    expect(page.locator("[data-part=summary]")).to_have_value("")
    page.get_by_role("button", name="Discard").click()
    page.locator("[data-part=draft-box]").wait_for(state="hidden")
    write_draft("They cut the kick at 300 Hz.")
    assert not Summary.objects.exists()
    bench.open()
    bench.press("PageDown", "PageDown")
    page.locator("[data-part=draft-text]", has_text="They cut the kick").wait_for()
    page.get_by_role("button", name="Accept", exact=True).and_(page.locator("[data-action=accept-draft]")).click()
    page.locator("[data-part=draft-box]").wait_for(state="hidden")
    bench.saved()
    expect(page.locator("[data-part=summary]")).to_have_value("They cut the kick at 300 Hz.")
    bench.press("Shift+C")
    page.locator(".versions li", has_text="Version 1 by ana, accepted from pretend-1").wait_for()
    row = Summary.objects.get()
    assert (row.author.username, row.model) == ("ana", "pretend-1")
    bench.press("Control+z")
    bench.saved()
    expect(page.locator("[data-part=summary]")).to_have_value("")
    bench.press("Control+Shift+z")
    bench.saved()
    assert Summary.objects.latest("revision").model == "pretend-1"

    bench.press("PageUp")
    page.locator("turn-card h2", has_text="Turn 1").wait_for()
    page.locator("turn-card [data-action=draft]").click()
    bench.message("Nothing was said before this turn")
    actions = bench.look("return [...bench.actions.keys()].filter((name) => name.includes('draft'))")
    assert actions == ["draft", "accept-draft", "discard-draft"]
    titles = bench.look("return [...document.querySelectorAll('[data-action*=draft]')].map(({ title }) => title)")
    assert len(titles) == 3
    assert all("(" in title for title in titles)
