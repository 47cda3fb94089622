"""An annotator's hands on the workbench: by mouse, by keys, off the network, in two tabs."""

import json
import re
import uuid

import pytest
from playwright.sync_api import expect

from annotation.models import Derived, Edit, FlagValue, Layer, Segment, Summary
from tests.browser.sitting import Bench, rows
from tests.factories import SegmentFactory, conversation, turn
from tests.people import PASSWORD

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


# How many points of one of the timeline's surfaces are painted.
PAINTED = """(surface) => {
  const canvas = bench.timeline.querySelector(`[data-surface=${surface}]`)
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height)
  return data.filter((value, i) => i % 4 === 3 && value > 0).length
}"""


def test_a_layer_is_made_by_mouse_and_is_there_after_a_reload(sit, layer):
    bench = sit(layer)
    bench.wait("bench.tracks[0].peaks.tile(0, 0)")
    bench.wait(f"({PAINTED})('waves') > 5000")

    bench.drag("music", 1_000, 3_000)
    bench.drag("amateur", 3_000, 5_000)
    bench.page.fill("segment-card [data-part=text]", "The kick is muddy.")
    bench.drag("expert", 5_500, 9_000)
    bench.page.fill("segment-card [data-part=text]", "Cut at 300.")
    bench.click("music", 2_000, shift=True)
    bench.click("amateur", 4_000, shift=True)
    bench.page.click("[data-action=pair]")
    bench.page.select_option("conversation-card [data-part=topic]", "bass")
    bench.page.click("[data-action=group]")
    bench.press("Escape")
    bench.page.fill("[data-part=summary]", "They have just begun.")
    bench.page.click("turn-card .choices label:has-text('Yes')")
    bench.saved()

    assert rows(layer) == [("music", ""), ("amateur", "The kick is muddy."), ("expert", "Cut at 300.")]
    made = layer.turns.get()
    assert made.members.count() == 3
    assert made.conversation.topic == "bass"
    assert Summary.objects.get(turn_uid=made.uid).text == "They have just begun."
    assert FlagValue.objects.get(turn=made).value == "yes"
    start = layer.segments.get(lane="amateur").start_ms
    assert abs(start - 3_000) <= bench.look("return bench.viewport.msPerPx")

    bench.open()
    assert bench.look("return bench.document.segments.length") == 3
    expect(bench.page.locator(".row.turn")).to_have_text(re.compile("^Turn 1"), use_inner_text=True)
    bench.page.click(".row.turn")
    expect(bench.page.locator("[data-part=summary]")).to_have_value("They have just begun.")


def test_a_segment_is_moved_resized_split_merged_and_deleted_by_mouse(sit, layer):
    row = SegmentFactory(layer=layer, lane="expert", start_ms=4_000, end_ms=8_000, text="one two three four")
    bench = sit(layer)
    bench.drag("expert", 6_000, 7_000)
    bench.saved()
    row.refresh_from_db()
    assert (row.start_ms, row.end_ms) == pytest.approx((5_000, 9_000), abs=20)

    bench.drag("expert", row.end_ms, 11_000)
    bench.saved()
    row.refresh_from_db()
    assert (row.start_ms, row.end_ms) == pytest.approx((5_000, 11_000), abs=40)

    bench.page.mouse.click(*bench.at(8_000, "wave"))
    bench.page.click("[data-action=split]")
    bench.saved()
    assert [text for _, text in rows(layer)] == ["one two", "three four"]

    bench.page.click("[data-action=merge-previous]")
    bench.saved()
    assert rows(layer) == [("expert", "one two three four")]

    bench.page.fill("segment-card [data-part=start]", "4.5")
    bench.page.select_option("segment-card [data-part=lane]", "amateur")
    bench.saved()
    row.refresh_from_db()
    assert (row.lane, row.start_ms) == ("amateur", 4_500)

    bench.page.click("[data-action=delete]")
    bench.saved()
    assert rows(layer) == []


def test_a_layer_is_made_by_keys_alone(sit, layer):
    bench = sit(layer)
    for _ in range(2):
        bench.press("Shift+Period", "[", *["Shift+Period"] * 2, "]")  # from 1 s to 3 s, then from 4 s to 6 s
        bench.press("1" if rows_on(bench) == 0 else "2", "e")
        bench.type("It sounds muddy." if rows_on(bench) == 1 else "Cut at 300.")
        bench.press("Enter")
    bench.press("Shift+ArrowUp", "t", "g", "4", "f", "h", "c")
    bench.type("They listened once.")
    bench.press("Control+Enter", "Shift+Q")
    bench.saved()

    assert rows(layer) == [("amateur", "It sounds muddy."), ("expert", "Cut at 300.")]
    made = layer.turns.get()
    assert made.conversation.topic == "bass"
    assert made.flags.get().value == "yes"
    assert Summary.objects.get(turn_uid=made.uid).text == "They listened once."
    first, second = layer.segments.values_list("start_ms", "end_ms")
    assert first == (995, 3_000)
    assert second == (4_000, 6_000)
    bench.press("?")
    bench.page.locator("dialog[open] kbd").nth(50).wait_for()
    bench.press("Escape")


def rows_on(bench: Bench) -> int:
    return bench.look("return bench.document.segments.length")


def test_keys_are_letters_while_somebody_types(sit, layer):
    SegmentFactory(layer=layer, lane="expert", start_ms=1_000, end_ms=2_000, text="")
    bench = sit(layer)
    bench.press("ArrowDown")
    bench.press("2", "ArrowDown", "e")
    bench.type("s m 3 delete [ ] ?")
    bench.press("Enter")
    bench.saved()
    assert rows(layer) == [("expert", "s m 3 delete [ ] ?")]
    bench.press("e")
    bench.type(" and never this")
    bench.press("Escape")
    assert rows(layer) == [("expert", "s m 3 delete [ ] ?")]


def test_undo_and_redo_outlive_a_reload(sit, layer):
    made = turn(layer, 2_000)
    conversation(layer, [made])
    bench = sit(layer)
    bench.press("PageDown", "Delete")
    bench.message("3 segments deleted")
    bench.saved()
    assert not layer.turns.exists()
    bench.press("Control+z")
    bench.saved()
    assert layer.turns.get().conversation.topic == "drums"
    assert layer.segments.count() == 3

    bench.press("PageDown", "Shift+T")
    bench.saved()
    assert not layer.turns.exists()
    bench.open()
    bench.press("Control+z")
    bench.saved()
    assert layer.turns.count() == 1
    bench.press("Control+Shift+z")
    bench.saved()
    assert not layer.turns.exists()


def test_the_history_tells_who_did_what_and_leads_back_to_before_it(sit, layer):
    bench = sit(layer)
    bench.drag("amateur", 1_000, 2_000)
    bench.page.fill("segment-card [data-part=text]", "Muddy.")
    bench.press("Control+Enter", "Escape")
    bench.drag("expert", 3_000, 4_000)
    bench.saved()
    before = rows(layer)
    bench.press("Escape", "h")
    items = bench.page.locator("edit-history li")
    items.nth(2).wait_for()
    expect(items.nth(0)).to_contain_text("ana", use_inner_text=True)
    expect(items.nth(0)).to_contain_text("expert segment made", use_inner_text=True)
    expect(items.nth(1)).to_contain_text("amateur segment says “Muddy.”", use_inner_text=True)
    items.nth(1).get_by_role("button").click()
    bench.message("Back to before the last 2 edits")
    assert rows_on(bench) == 1
    bench.saved()
    assert rows(layer) == [("amateur", "")]
    bench.open()
    bench.press("Control+z")
    bench.saved()
    assert rows(layer) == before


def test_edits_made_off_the_network_are_sent_once_when_it_is_back(sit, layer):
    bench = sit(layer)
    bench.page.expected_troubles.append("ERR_INTERNET_DISCONNECTED")
    bench.page.context.set_offline(True)
    bench.chip("Offline")
    bench.drag("amateur", 1_000, 2_000)
    bench.drag("expert", 3_000, 4_000)
    bench.page.fill("segment-card [data-part=text]", "Still here.")
    bench.press("Control+Enter")
    bench.chip("Offline – 3 pending, retrying")
    assert layer.segments.count() == 0
    bench.page.context.set_offline(False)
    bench.saved()
    assert rows(layer) == [("amateur", ""), ("expert", "Still here.")]
    assert Edit.objects.filter(layer=layer).count() == 3


def test_an_edit_whose_answer_was_lost_is_applied_once(sit, layer):
    bench = sit(layer)
    bench.page.expected_troubles.append("ERR_FAILED")
    answers = []

    def lose(route):
        answers.append(route.fetch().status)
        if len(answers) == 1:
            route.abort()
        else:
            route.continue_()

    bench.page.route("**/edits/", lose)
    bench.drag("amateur", 1_000, 2_000)
    bench.page.wait_for_selector("save-status[data-state=offline]")
    bench.page.click("save-status [data-part=retry]")
    bench.saved()
    assert layer.segments.count() == 1
    assert Edit.objects.filter(layer=layer).count() == 1


def test_what_another_tab_did_is_merged_under_what_waits_here(sit, layer):
    SegmentFactory(layer=layer, lane="amateur", start_ms=1_000, end_ms=2_000, text="first")
    bench = sit(layer)
    bench.page.expected_troubles.append("409")
    other = sit(layer, page=bench.page.context.new_page())
    other.drag("expert", 5_000, 6_000)
    other.saved()
    bench.drag("music", 8_000, 9_000)
    bench.message("A change made elsewhere came in.")
    bench.saved()
    assert [lane for lane, _ in rows(layer)] == ["amateur", "expert", "music"]
    assert rows_on(bench) == 3
    other.drag("note", 10_000, 11_000)
    other.saved()
    assert rows_on(other) == 4
    assert layer.segments.count() == 4


def test_an_edit_that_the_server_refuses_is_taken_back_with_a_sentence(sit, layer):
    row = SegmentFactory(layer=layer, lane="amateur", start_ms=1_000, end_ms=2_000, text="first")
    bench = sit(layer)
    bench.page.expected_troubles.append("400")
    Segment.objects.filter(pk=row.pk).delete()  # behind everybody's back
    bench.drag("expert", 5_000, 6_000)
    bench.saved()
    bench.click("amateur", 1_500)
    bench.page.fill("segment-card [data-part=text]", "second")
    bench.press("Control+Enter")
    bench.message("Not kept: This segment isn't there any more")
    bench.saved()
    assert rows(layer) == [("expert", "")]
    assert bench.look(f"return bench.document.segment('{row.uid}').text") == "first"


def test_an_expired_login_is_renewed_in_place_and_what_waited_is_saved(sit, layer):
    bench = sit(layer)
    bench.page.expected_troubles.append("401")
    bench.page.context.clear_cookies()
    bench.drag("amateur", 1_000, 2_000)
    bench.chip("Not saved: log in again – 1 pending")
    assert layer.segments.count() == 0
    bench.page.click("save-status [data-part=door]")
    bench.page.fill("dialog [name=password]", "not the right words")
    bench.page.click("text=Log in and save")
    bench.page.get_by_text("That is not the password.").wait_for()
    bench.page.fill("dialog [name=password]", PASSWORD)
    bench.press("Enter")
    bench.saved()
    assert layer.segments.count() == 1
    bench.drag("expert", 3_000, 4_000)
    bench.saved()
    assert layer.segments.count() == 2


def test_leaving_with_unsaved_edits_asks_first(sit, layer):
    bench = sit(layer)
    bench.page.expected_troubles.append("ERR_INTERNET_DISCONNECTED")
    bench.page.context.set_offline(True)
    bench.drag("amateur", 1_000, 2_000)
    asked = []
    bench.page.on("dialog", lambda dialog: (asked.append(dialog.type), dialog.accept()))
    bench.page.close(run_before_unload=True)
    bench.page.wait_for_event("close")
    assert asked == ["beforeunload"]


def test_a_layer_is_submitted_after_its_last_edit_is_saved(sit, layer):
    bench = sit(layer)
    bench.drag("amateur", 1_000, 2_000)
    bench.page.click("text=Submit for review")
    bench.page.locator(".chip.submitted").wait_for()
    layer.refresh_from_db()
    assert layer.state == "submitted"
    assert layer.segments.count() == 1
    bench.page.wait_for_selector("mix-workbench[data-state=ready][readonly]")


def test_a_submitted_layer_can_be_read_and_heard_but_not_changed(sit, layer, rita):
    made = turn(layer, 2_000)
    layer.submit()
    bench = sit(layer, person=rita)
    bench.drag("expert", 10_000, 12_000)
    bench.press("PageDown", "Delete", "t", "g", "s")
    expect(bench.page.locator("[data-action=delete]")).to_be_hidden()
    assert bench.page.get_attribute("[data-part=summary]", "readonly") is not None
    expect(bench.page.locator(".row.segment[aria-selected=true]")).to_have_count(3)
    bench.press("Shift+Space")
    bench.wait("bench.player.playing")
    assert made.members.count() == 3
    assert layer.segments.count() == 3


def test_a_reviewer_returns_a_layer_and_its_owner_reads_why(sit, layer, ana, rita):
    layer.submit()
    bench = sit(layer, person=rita)
    bench.page.click("text=Review")
    bench.page.select_option("select[name=verdict]", "return")
    bench.page.fill("[name=note]", "Cut the music closer.")
    bench.page.click("text=Send the review")
    bench.page.locator(".chip.returned").first.wait_for()
    again = sit(layer, person=ana)
    again.page.click("text=Note by rita")
    again.page.locator("text=Cut the music closer.").wait_for()
    again.drag("music", 1_000, 2_000)
    again.saved()
    assert layer.segments.count() == 1


def test_every_control_has_a_name(sit, layer):
    conversation(layer, [turn(layer, 2_000)])
    bench = sit(layer)
    bench.press("PageDown")
    bench.page.wait_for_selector(".row[aria-selected=true]")
    session = bench.page.context.new_cdp_session(bench.page)
    tree = session.send("Accessibility.getFullAXTree")["nodes"]
    controls = {"button", "textbox", "combobox", "slider", "radio", "listbox", "option", "link", "group"}
    found = [node for node in tree if node.get("role", {}).get("value") in controls and not node["ignored"]]
    assert len(found) > 50
    nameless = [node["role"]["value"] for node in found if not node.get("name", {}).get("value", "").strip()]
    assert nameless == []


def test_a_selection_is_played_to_its_exact_end(sit, layer):
    SegmentFactory(layer=layer, lane="expert", start_ms=15_123, end_ms=15_987, text="")
    bench = sit(layer)
    bench.press("2", "ArrowDown")
    assert bench.look("return bench.player.time") == 15_123
    bench.press("Shift+Space")
    bench.wait("bench.player.playing")
    bench.wait("!bench.player.playing")
    assert bench.look("return bench.player.time") == 15_987
    assert any("/proxy/" in url for url in bench.fetched)
    bench.seek("7.25")
    assert bench.look("return bench.player.time") == 7_250


def test_a_recording_that_failed_says_why_and_one_in_work_appears_by_itself(sit, layer):
    recording = layer.session.recordings.get()
    derived = list(recording.derived.all())
    Derived.objects.all().delete()
    job = recording.ingests.create(
        project=layer.session.project, makes="peaks", state="running", created_by=layer.owner
    )
    bench = sit(layer)
    bench.press("Space")
    bench.message("Playback is being prepared")
    for each in derived:
        each.pk = None
        each.save()
    job.state = "succeeded"
    job.save()
    bench.wait("bench.tracks.length && bench.player.canPlay")
    bench.wait("bench.tracks[0].peaks.tile(0, 0)")

    bench.page.goto("about:blank")  # nothing may be fetched while it is taken away
    Derived.objects.all().delete()
    job.state, job.error_message = "failed", "The file ends before its header says."
    job.save()
    bench.open()
    bench.press("Space")
    bench.message("Playback could not be prepared. The file ends before its header says.")


def test_eight_hundred_turns_make_a_short_page(sit, layer):
    Layer.objects.filter(pk=layer.pk).update(revision=0)
    layer.session.length_ms = 5_400_000
    layer.session.save()
    for number in range(800):
        turn(layer, number * 6_000, music=False)
    bench = sit(layer)
    assert bench.look("return document.querySelectorAll('*').length") < 1_500
    bench.page.locator("[role=listbox]").focus()
    bench.press("End")
    bench.page.locator(".row[aria-selected=true]", has_text="Cut at 300.").wait_for()
    assert bench.page.get_attribute("[role=listbox]", "aria-activedescendant").startswith("row-s-")
    assert bench.look("return bench.selection.turn.number") == 800
    assert bench.look("return bench.viewport.startMs <= bench.selection.span.start_ms")
    assert bench.look("return document.querySelectorAll('*').length") < 1_500


def test_everything_that_can_be_done_has_a_control_that_names_its_key(sit, layer):
    bench = sit(layer)
    missing = bench.look("""
      const named = [...document.querySelectorAll("[data-action], [data-hint]")]
      const shown = new Set(named.flatMap((node) => (node.dataset.action ?? node.dataset.hint).split(" ")))
      return [...bench.actions.keys()].filter((name) => !shown.has(name))""")
    assert missing == []
    titles = bench.look("return [...document.querySelectorAll('[data-action]')].map((button) => button.title)")
    assert all("(" in title for title in titles), json.dumps(titles)


def test_times_of_an_edit_are_whole_milliseconds_and_its_name_a_uuid(sit, layer):
    bench = sit(layer)
    with bench.page.expect_request("**/edits/") as sent:
        bench.drag("note", 1_000, 2_000)
    body = sent.value.post_data_json
    [edit] = body["edits"]
    assert body["base_revision"] == 0
    assert uuid.UUID(edit["id"]) and uuid.UUID(edit["uid"])
    assert isinstance(edit["start_ms"], int) and isinstance(edit["end_ms"], int)
    assert edit["op"] == "segment.create"
