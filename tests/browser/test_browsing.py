"""Somebody looks for a turn, reads and hears its conversation, and goes to it on the workbench."""

import re

import pytest
from playwright.sync_api import expect

from tests.annotation.releases.frozen import freeze
from tests.browser.sitting import until
from tests.factories import SnapshotFactory, conversation, turn

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def spoken(layer):
    turns = [turn(layer, at, amateur=f"Snare {at}?", expert="A little less.") for at in (0, 10_000)]
    conversation(layer, turns)
    return turns


@pytest.mark.parametrize("width", [1280, 390])
def test_a_turn_is_found_read_heard_and_opened_on_the_workbench(page, log_in, ana, layer, spoken, width):
    page.set_viewport_size({"width": width, "height": 800})
    log_in(ana)
    page.goto("/projects/songs/")
    page.get_by_role("link", name="Turns").click()
    page.get_by_label("Words").fill("snare 10000")
    page.get_by_role("button", name="Find").click()
    expect(page.locator("article mark")).to_have_text(["Snare", "10000"], use_inner_text=True)
    page.get_by_role("link", name="Read the conversation").click()
    expect(page.locator("article.turn:target")).to_have_text(re.compile("^Turn 2"), use_inner_text=True)
    music = page.locator("article:target audio")
    music.evaluate("audio => { audio.muted = true; return audio.play() }")
    until(page, "() => document.querySelector('article:target audio').currentTime > 0.2")
    assert music.evaluate("audio => audio.duration") == pytest.approx(2.0, abs=0.01)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.locator("article:target").get_by_role("link", name="Open in the workbench").click()
    until(page, "() => document.querySelector('mix-workbench')?.dataset.state === 'ready'")
    here = "document.querySelector('mix-workbench').bench"
    assert page.evaluate(f"() => {here}.selection.turn.uid") == str(spoken[1].uid)
    assert page.evaluate(f"() => {here}.player.time") == 10_000


def test_a_turn_that_is_gone_is_told(page, log_in, ana, layer, spoken):
    log_in(ana)
    page.goto(f"/layers/{layer.pk}/#turn=00000000-0000-4000-8000-000000000000")
    page.get_by_text("That turn isn’t in this layer any more.").wait_for()


def test_figures_follow_the_pages_scheme(page, log_in, ana, project):
    snapshot = SnapshotFactory(project=project)
    freeze(snapshot.path)
    log_in(ana)
    grounds = {}
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        page.goto(f"/snapshots/{snapshot.pk}/statistics/")
        until(page, "() => [...document.images].slice(0, 2).every((each) => each.complete && each.naturalWidth > 0)")
        grounds[scheme] = page.evaluate(
            """() => {
              const canvas = document.createElement("canvas")
              canvas.width = canvas.height = 4
              const pen = canvas.getContext("2d")
              pen.drawImage(document.images[0], 0, 0, 640, 300)
              return [...pen.getImageData(1, 1, 1, 1).data.slice(0, 3)]
            }"""
        )
    assert grounds["light"] == [255, 255, 255]
    assert grounds["dark"] == [0x1B, 0x1F, 0x23]
    page.get_by_text("Numbers").first.click()
    expect(page.get_by_role("table").first.get_by_role("row")).to_have_count(4)
