"""A person gives the workbench their own keys, and the keys of the program that they come from."""

import re
import time

import pytest
from playwright.sync_api import Locator, expect

from annotation.models import Person
from tests.browser.sitting import Bench, rows, until
from tests.factories import SegmentFactory

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def change(bench: Bench, name: str, *keys: str, button: str = "change") -> Locator:
    """By keyboard: the button of an action, then the key; what the sheet says to it."""
    bench.page.locator(f"key-sheet [data-name={name}] [data-{button}]").focus()
    bench.press("Enter", *keys)
    return bench.page.locator("key-sheet [data-part=said]")


def kept(person, script) -> None:
    """Wait until the server holds what a function of the keys says."""
    for _ in range(100):
        if script(Person.objects.get(pk=person.pk).keys):
            return
        time.sleep(0.05)
    raise AssertionError(Person.objects.get(pk=person.pk).keys)


def test_a_key_is_changed_by_keyboard_and_goes_where_the_person_goes(sit, layer, ana, browser, live_server):
    SegmentFactory(layer=layer, lane="expert", start_ms=1_000, end_ms=5_000, text="one two three four")
    bench = sit(layer)
    expect(bench.page.locator("segment-card [data-action=split]")).to_have_attribute("title", "Split (S)")
    bench.press("?")
    expect(change(bench, "split", "8")).to_have_text("“Split”: 8.")
    expect(bench.page.locator("[data-name=split].changed kbd")).to_have_text(["8"], use_inner_text=True)
    expect(change(bench, "split", "9", button="add")).to_have_text("“Split”: 8 or 9.")
    expect(change(bench, "split", "m")).to_contain_text("does “Merge” already; clear that first")
    bench.press("Escape")  # leaves the taking of a key, not the sheet
    expect(bench.page.locator("dialog[open]")).to_have_count(1)
    expect(change(bench, "merge-next", "Backspace")).to_have_text("“Merge” has no key now.")
    expect(change(bench, "split", "m")).to_have_text("“Split”: M.")
    expect(change(bench, "split", "8", button="add")).to_have_text("“Split”: M or 8.")
    bench.press("Escape")
    expect(bench.page.locator("dialog[open]")).to_have_count(0)
    expect(bench.page.locator("segment-card [data-action=split]")).to_have_attribute("title", "Split (M)")
    expect(bench.page.locator("segment-card [data-action=merge-next]")).to_have_attribute("title", "Merge")
    kept(ana, lambda keys: keys.get("keys") == {"split": ["M", "8"], "merge-next": []})

    elsewhere = browser.new_context(base_url=live_server.url, viewport={"width": 1280, "height": 800}).new_page()
    other = sit(layer, page=elsewhere)
    other.seek("3")
    other.press("Escape", "s")
    other.press("8")
    other.saved()
    assert [text for _, text in rows(layer)] == ["one two", "three four"]
    elsewhere.context.close()

    bench.press("?")
    bench.page.click("[data-name=merge-next] [data-reset]")
    said = bench.page.locator("key-sheet [data-part=said]")
    expect(said).to_have_text("Merge: no key again.")  # M is Split's now
    bench.page.click("[data-part=reset-all]")
    assert bench.look("return [bench.keymap.label('split'), bench.keymap.label('merge-next')]") == ["S", "M"]
    expect(bench.page.locator("[data-name].changed")).to_have_count(0)
    kept(ana, lambda keys: keys == {"profile": "default", "keys": {}})


@pytest.mark.parametrize(
    "key",
    [
        "Control+t",
        "Control+n",
        "Control+r",
        "Control+l",
        "Control+1",
        "F1",
        "F5",
        "F11",
        "Alt+x",
        "Alt+ArrowLeft",
        "Control+Tab",
        "Tab",
        "Control+Equal",
        "Control+Shift+t",
        "Control+c",
    ],
)
def test_the_browsers_own_keys_are_refused(sit, layer, key):
    bench = sit(layer)
    bench.press("?")
    # the event alone: a test browser would act on the key as every browser does
    *modifiers, name = key.split("+")
    sign = {"Equal": "="}.get(name, name)
    bench.page.locator("key-sheet [data-name=split] [data-change]").click()
    pressed = bench.page.evaluate(f"""() => document.activeElement.dispatchEvent(new KeyboardEvent("keydown", {{
      key: "{sign}", code: "any", bubbles: true, cancelable: true,
      ctrlKey: {str("Control" in modifiers).lower()}, shiftKey: {str("Shift" in modifiers).lower()},
      altKey: {str("Alt" in modifiers).lower()} }}))""")
    assert pressed is False, "the browser does not act on it meanwhile"
    expect(bench.page.locator("key-sheet [data-part=said]")).to_have_text(re.compile("belongs? to the browser"))
    assert bench.look("return bench.keymap.label('split')") == "S"


def test_no_profile_has_a_conflict_or_a_key_of_the_browser(sit, layer):
    bench = sit(layer)
    wrong = bench.page.evaluate("""async () => {
      const { PROFILES } = await import("workbench/profiles")
      const { refusal } = await import("workbench/keymap")
      const { bench } = document.querySelector("mix-workbench")
      const wrong = []
      for (const { name, keys } of PROFILES) {
        const told = Object.values(keys).flat()
        for (const key of told) if (refusal(key)) wrong.push(`${name}: ${key} can't be had`)
        for (const key of told) if (told.filter((each) => each === key).length > 1) wrong.push(`${name}: ${key} twice`)
        for (const action of Object.keys(keys)) if (!bench.actions.has(action)) wrong.push(`${name}: no ${action}`)
        bench.keymap.useProfile(name)
        const held = [...bench.actions.values()].flatMap(({ keys }) => keys)
        if (new Set(held).size < held.length) wrong.push(`${name}: a key is held twice`)
        for (const [action, wanted] of Object.entries(keys)) {
          if (String(bench.actions.get(action).keys) !== String(wanted)) wrong.push(`${name}: ${action} lost a key`)
        }
        for (const action of bench.actions.values()) {
          if (!action.keys.length) wrong.push(`${name}: ${action.name} has no key`)
          for (const key of action.keys) if (key !== "Escape" && refusal(key)) wrong.push(`${name}: ${key}`)
        }
      }
      return [PROFILES.map(({ name }) => name), wrong]
    }""")
    assert wrong == [["default", "elan", "praat", "audacity"], []]


def test_a_profile_is_chosen_and_stays(sit, layer, ana):
    bench = sit(layer)
    bench.press("?")
    bench.page.select_option("key-sheet [data-part=profile]", "elan")
    expect(bench.page.locator("[data-name=back-1] kbd")).to_have_text(["Shift+←"], use_inner_text=True)
    kept(ana, lambda keys: keys.get("profile") == "elan")
    bench.open()
    bench.seek("5")
    bench.press("Escape", "Shift+ArrowLeft")
    assert bench.look("return bench.player.time") == 4_000
    bench.press("Control+Space")
    bench.wait("bench.player.playing")


def test_keys_chosen_without_a_network_are_kept_here_and_sent_later(sit, layer, ana):
    bench = sit(layer)
    bench.page.expected_troubles.append("Failed to load resource")
    bench.press("?")
    bench.page.locator("dialog[open] kbd").nth(50).wait_for()
    bench.page.context.set_offline(True)
    change(bench, "split", "8")
    bench.page.wait_for_timeout(800)
    assert Person.objects.get(pk=ana.pk).keys == {}
    bench.page.context.set_offline(False)
    bench.open()
    assert bench.look("return bench.keymap.label('split')") == "8"
    kept(ana, lambda keys: keys.get("keys") == {"split": ["8"]})
    until(bench.page, "() => localStorage.getItem('workbench keys ana') === null")


def test_brackets_that_need_alt_graph_mark_a_range(sit, layer):
    bench = sit(layer)
    for key, at in (("[", 1_000), ("]", 3_000)):
        bench.look(f"bench.player.seek({at})")
        bench.page.evaluate(f"""() => document.dispatchEvent(new KeyboardEvent("keydown", {{
          key: "{key}", ctrlKey: true, altKey: true, modifierAltGraph: true, bubbles: true, cancelable: true }}))""")
    assert bench.look("return bench.selection.range") == {"start_ms": 1_000, "end_ms": 3_000}
