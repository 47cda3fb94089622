"""The timeline under mouse and keys: edges that come to rest or belong together, tapping, several recordings."""

import shutil
from pathlib import Path

import pytest
from django.conf import settings
from playwright.sync_api import expect

from annotation import execute
from annotation.models import Derived, Ingest
from annotation.uploading import sha256_of
from tests.browser.sitting import Bench, until
from tests.factories import RecordingFactory, SegmentFactory

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def times(layer) -> list[tuple[int, int]]:
    return list(layer.segments.order_by("start_ms").values_list("start_ms", "end_ms"))


def hold(bench: Bench, key: str, ms: int) -> None:
    bench.page.keyboard.down(key)
    bench.page.wait_for_timeout(ms)
    bench.page.keyboard.up(key)


def drag_edge(bench: Bench, lane: str, start: int, end: int, key: str = "") -> None:
    mouse = bench.page.mouse
    mouse.move(*bench.at(start, lane))
    mouse.down()
    if key:
        bench.page.keyboard.down(key)
    mouse.move(*bench.at((start + end) // 2, lane))
    mouse.move(*bench.at(end, lane))
    mouse.up()
    if key:
        bench.page.keyboard.up(key)


def test_an_edge_comes_to_rest_on_anothers_and_with_shift_goes_where_the_pointer_goes(sit, layer):
    SegmentFactory(layer=layer, lane="expert", start_ms=5_003, end_ms=8_001)
    row = SegmentFactory(layer=layer, lane="amateur", start_ms=1_000, end_ms=3_000)
    bench = sit(layer)
    px = bench.look("return bench.viewport.msPerPx")
    drag_edge(bench, "amateur", 3_000, 5_003 - int(5 * px))
    bench.saved()
    row.refresh_from_db()
    assert row.end_ms == 5_003

    drag_edge(bench, "amateur", 5_003, 8_001 - int(5 * px), key="Shift")
    bench.saved()
    row.refresh_from_db()
    assert row.end_ms != 8_001
    assert row.end_ms == pytest.approx(8_001 - 5 * px, abs=2 * px)

    bench.press("Shift+X")
    drag_edge(bench, "amateur", row.end_ms, 8_001 + int(4 * px))
    bench.saved()
    row.refresh_from_db()
    assert row.end_ms != 8_001


def test_an_edge_comes_to_rest_on_the_grid_if_that_is_wanted(sit, layer):
    row = SegmentFactory(layer=layer, lane="amateur", start_ms=1_000, end_ms=3_017)
    bench = sit(layer)
    bench.page.click("snap-menu summary")
    bench.page.get_by_label("Grid of 0.1 s").check()
    bench.page.click("snap-menu summary")
    bench.press("0")
    drag_edge(bench, "amateur", 3_017, 4_290)
    bench.saved()
    row.refresh_from_db()
    assert row.end_ms % 100 == 0
    bench.open()
    assert bench.page.locator("snap-menu input").nth(3).is_checked(), "what is set is kept"


def test_an_edge_that_two_segments_share_moves_for_both_and_is_undone_as_one(sit, layer):
    SegmentFactory(layer=layer, lane="expert", start_ms=2_000, end_ms=6_000)
    SegmentFactory(layer=layer, lane="expert", start_ms=6_000, end_ms=9_000)
    bench = sit(layer)
    drag_edge(bench, "expert", 6_000, 7_000)
    bench.saved()
    first, second = times(layer)
    assert first[1] == second[0] == pytest.approx(7_000, abs=40)
    bench.press("Control+z")
    bench.saved()
    assert times(layer) == [(2_000, 6_000), (6_000, 9_000)]

    bench.click("expert", 4_000)
    bench.press("p")
    bench.saved()
    assert times(layer) == [(2_000, 6_020), (6_020, 9_000)]

    bench.page.click("snap-menu summary")
    bench.page.get_by_label("Shared edges move together").uncheck()
    bench.page.click("snap-menu summary")
    bench.press("p")
    bench.saved()
    assert times(layer) == [(2_000, 6_040), (6_020, 9_000)]


def test_a_key_that_is_held_while_somebody_speaks_makes_a_segment_set_back_by_the_delay(sit, layer):
    bench = sit(layer)
    bench.look("bench.taps.setDelay(300)")
    bench.press("b", "Space")
    bench.wait("bench.player.time > 1000")
    bench.look("""
      const struck = (bench.struck = [])
      for (const name of ["keydown", "keyup"]) {
        document.addEventListener(name, (event) => event.repeat || struck.push(bench.player.time), { capture: true })
      }""")
    hold(bench, "2", 800)
    down, up = bench.look("return bench.struck.slice(0, 2)")
    bench.press("Space")
    bench.saved()
    row = layer.segments.get()
    assert row.lane == "expert"
    assert row.start_ms == pytest.approx(down - 300, abs=40)
    assert row.end_ms == pytest.approx(up - 300, abs=40)
    assert row.end_ms - row.start_ms > 600


def test_enter_marks_boundaries_while_tapping_and_pausing_ends_the_last(sit, layer):
    bench = sit(layer)
    bench.press("1", "b", "Space")
    bench.wait("bench.player.time > 800")
    for _ in range(3):
        bench.press("Enter")
        bench.page.wait_for_timeout(500)
    bench.press("Space")
    bench.saved()
    first, second, third = times(layer)
    assert first[1] == second[0] and second[1] == third[0]
    assert {row.lane for row in layer.segments.all()} == {"amateur"}
    bench.press("b", "Enter")
    bench.page.wait_for_timeout(200)
    assert layer.segments.count() == 3


def test_escape_drops_what_is_being_tapped(sit, layer):
    bench = sit(layer)
    bench.press("b", "Space")
    bench.wait("bench.player.time > 500")
    bench.page.keyboard.down("1")
    bench.wait("bench.taps.opened !== null")
    bench.press("Escape")
    bench.page.keyboard.up("1")
    bench.press("Space")
    bench.page.wait_for_timeout(200)
    assert layer.segments.count() == 0


def test_the_tap_delay_is_measured_and_kept(sit, layer):
    bench = sit(layer)
    bench.press("Shift+B")
    pad = bench.page.locator("tap-trainer [data-part=pad]")
    bench.page.click("tap-trainer [data-part=start]")
    for number in range(8):
        bench.page.evaluate("""async () => {
          const trainer = document.querySelector("tap-trainer")
          const { contextTime, performanceTime } = trainer.context.getOutputTimestamp()
          const heard = performanceTime + (trainer.clickAt - contextTime) * 1000
          await new Promise((resolve) => setTimeout(resolve, heard + 120 - performance.now()))
          const pad = trainer.querySelector("[data-part=pad]")
          pad.dispatchEvent(new KeyboardEvent("keydown", { key: " ", bubbles: true }))
        }""")
        if number < 7:
            bench.page.locator("tap-trainer [data-part=said]", has_text=f"{number + 1} of 8").wait_for()
    bench.page.locator("tap-trainer [data-part=said]", has_text="set back by that much").wait_for()
    assert pad.is_disabled()
    assert 100 <= bench.look("return bench.taps.delayMs") <= 200
    bench.open()
    assert 100 <= bench.look("return bench.taps.delayMs") <= 200


def test_pre_roll_begins_half_a_second_early(sit, layer):
    bench = sit(layer)
    bench.seek("8")
    bench.press("Shift+K")
    bench.look("""
      const began = (bench.began = [])
      bench.player.addEventListener("state", () => bench.player.playing && began.push(bench.player.time))""")
    bench.press("Space")
    bench.press("Space")
    bench.seek("0.2")
    bench.press("Space")
    assert bench.look("return bench.began") == [7_500, 0]


def test_who_looks_elsewhere_is_led_back_to_the_playhead(sit, layer):
    bench = sit(layer)
    chip = bench.page.locator("[data-action=resume]")
    bench.look("bench.viewport.show(0, 1000, { margin: 0 })")
    bench.press("Space")
    expect(chip).to_be_hidden()
    bench.page.mouse.move(*bench.at(500))
    bench.page.mouse.wheel(9_000, 0)
    chip.wait_for()
    chip.click()
    bench.wait("bench.player.time >= bench.viewport.startMs && bench.player.time <= bench.viewport.endMs")
    chip.wait_for(state="hidden")
    bench.press("Space")


@pytest.fixture
def two(layer, sound):
    """The session with a second recording, which begins half a second later."""
    _, facts, digest = sound
    later = RecordingFactory(
        session=layer.session, kind="daw", name="daw.wav", length_ms=18_000, frames=864_000, offset_ms=500
    )
    media = Path(settings.MEDIA_ROOT)
    shutil.copy(media / "derived" / "proxy.mp4", media / "derived" / "daw.mp4")
    Derived.objects.create(recording=later, kind="peaks", digest=digest, path="derived/peaks", facts=facts)
    proxy = sha256_of(media / "derived" / "daw.mp4")
    Derived.objects.create(recording=later, kind="proxy", digest=proxy, path="derived/daw.mp4")
    return layer


def playing(bench: Bench) -> list[bool]:
    return bench.look("return bench.player.voices.map((voice) => !voice.audio.paused)")


def test_two_recordings_are_heard_together_each_at_its_place(sit, two):
    bench = sit(two)
    assert bench.look("return bench.player.mix.loudness(bench.tracks[1].recording.id)") == 0, "a mix is heard alone"
    bench.page.get_by_role("button", name="Mute daw.wav").click()
    bench.press("Space")
    bench.wait("bench.player.time > 2500")
    assert playing(bench) == [True, True]
    apart = bench.look("""
      const [a, b] = bench.player.voices
      return Math.abs(a.audio.currentTime - b.audio.currentTime - 0.5) * 1000""")
    assert apart < 30
    bench.press("i")
    bench.message("is heard alone")
    bench.wait("bench.player.voices[1].audio.paused")
    bench.press("i")
    bench.wait("!bench.player.voices[1].audio.paused && bench.player.voices[0].gain.gain.value === 0")
    bench.press("i")
    bench.wait("bench.player.voices.every((voice) => voice.gain.gain.value === 1)")
    bench.press("Space")
    assert playing(bench) == [False, False]
    bench.open()
    assert bench.look("return bench.player.mix.loudness(bench.tracks[1].recording.id)") == 1, "what was mixed is kept"


def test_a_recording_that_begins_later_is_silent_until_then_and_the_longer_one_tells_the_time(sit, two):
    bench = sit(two)
    bench.page.get_by_role("button", name="Hear daw.wav alone").click()
    bench.press("Space")
    bench.wait("bench.player.playing && bench.player.time > 900")
    bench.wait("!bench.player.voices[1].audio.paused")
    bench.seek("19")
    bench.press("Space") if not bench.look("return bench.player.playing") else None
    bench.wait("!bench.player.playing")
    assert bench.look("return bench.player.time") >= 19_000


def test_close_up_the_samples_of_the_master_are_drawn(sit, layer):
    bench = sit(layer)
    bench.look("bench.viewport.show(3000, 3005, { margin: 0 })")
    assert bench.look("return bench.viewport.endMs - bench.viewport.startMs") == pytest.approx(5)
    bench.wait("bench.tracks[0].samples.windows(3000, 3005)?.length === 1")
    near, later, exact = bench.look("""
      const { samples } = bench.tracks[0]
      const [{ data, channels, startMs }] = samples.windows(3000, 3005)
      return [data[(3000 - startMs) * 48 * channels], data[(3004 - startMs) * 48 * channels], samples.exact]""")
    assert exact
    assert near == pytest.approx(0.9 * 32767, abs=1), "the click at 3 s"
    assert later == 0, "the tone rests from 2 s to 4 s"


def test_edges_go_to_where_the_sound_is_nearest_to_zero(sit, layer):
    # a tone of 220 Hz from 4 s on crosses zero each 2.27 ms
    row = SegmentFactory(layer=layer, lane="amateur", start_ms=4_100, end_ms=5_101)
    bench = sit(layer)
    bench.press("ArrowDown", "Shift+Z")
    bench.message("Segment at")
    bench.saved()
    row.refresh_from_db()
    assert (row.start_ms, row.end_ms) != (4_100, 5_101)
    for ms in (row.start_ms, row.end_ms):
        crossings = ms * 0.44 % 1
        assert min(crossings, 1 - crossings) < 0.06, "a whole millisecond beside a crossing"


def sweep(bench: Bench, strip: str, start: int, end: int) -> None:
    x0, x1, y = bench.look(f"""
      const frame = bench.timeline.stage.getBoundingClientRect()
      const {{ top, height }} = bench.timeline.places.{strip}
      return [frame.x + bench.viewport.x({start}), frame.x + bench.viewport.x({end}), frame.y + top + height / 2]""")
    bench.page.mouse.move(x0, y)
    bench.page.mouse.down()
    bench.page.mouse.move((x0 + x1) / 2, y)
    bench.page.mouse.move(x1, y)
    bench.page.mouse.up()


def test_a_drag_along_the_turns_pairs_and_one_along_the_topics_groups(sit, layer):
    for lane, start, end in [("amateur", 1_000, 2_000), ("music", 2_000, 4_000), ("expert", 4_000, 5_000)]:
        SegmentFactory(layer=layer, lane=lane, start_ms=start, end_ms=end)
    SegmentFactory(layer=layer, lane="note", start_ms=2_500, end_ms=3_000)
    SegmentFactory(layer=layer, lane="expert", start_ms=6_000, end_ms=7_000)
    bench = sit(layer)
    sweep(bench, "turns", 800, 5_200)
    bench.saved()
    made = layer.turns.get()
    assert sorted(made.members.values_list("segment__lane", flat=True)) == ["amateur", "expert", "music"]

    sweep(bench, "turns", 4_800, 7_200)
    bench.message("Joined to turn 1")
    bench.saved()
    assert made.members.count() == 4

    sweep(bench, "conversations", 500, 8_000)
    bench.press("2")
    bench.saved()
    made.refresh_from_db()
    assert made.conversation.topic == layer.session.project.topics[1]["key"]
    sweep(bench, "conversations", 10_000, 12_000)
    bench.message("No turn outside a conversation lies there.")


def test_what_sounds_and_is_not_cut_is_offered_and_becomes_segments_by_one_key(sit, layer):
    SegmentFactory(layer=layer, lane="expert", start_ms=0, end_ms=2_000)
    bench = sit(layer)
    bench.wait("bench.sound.found.spans.length === 5")
    bench.press("d")
    bench.message("Somebody speaks here, it seems")
    assert bench.look("return bench.selection.range") == {"start_ms": 4_000, "end_ms": 6_020}
    bench.press("2")
    bench.saved()
    assert times(layer) == [(0, 2_000), (4_000, 6_020)]

    bench.press("d")
    bench.press("Escape", "Escape")
    bench.seek("9")
    bench.press("Escape", "1", "Shift+D")
    bench.message("1 segment made.")
    bench.saved()
    assert layer.segments.get(start_ms=8_000).lane == "amateur"

    bench.seek("10.5")
    bench.press("[")
    bench.seek("20")
    bench.press("]", "Shift+D")
    bench.message("2 segments made.")
    bench.saved()
    assert times(layer) == [(0, 2_000), (4_000, 6_020), (8_000, 10_020), (12_000, 14_020), (16_000, 18_020)]
    bench.press("Control+z")
    bench.saved()
    assert layer.segments.count() == 3
    bench.press("Control+Shift+z", "d")
    bench.message("Segments cover all that sounds.")


def test_a_click_on_what_sounds_marks_all_of_it(sit, layer):
    bench = sit(layer)
    bench.wait("bench.sound.found.spans.length === 5")
    x, y = bench.look("""
      const frame = bench.timeline.stage.getBoundingClientRect()
      const { top, height } = bench.timeline.places.sound
      return [frame.x + bench.viewport.x(5000), frame.y + top + height / 2]""")
    bench.page.mouse.click(x, y)
    bench.press("3")
    bench.saved()
    assert list(layer.segments.values_list("lane", "start_ms", "end_ms")) == [("music", 4_000, 6_020)]


def test_edges_go_to_the_silence_around_them(sit, layer):
    row = SegmentFactory(layer=layer, lane="expert", start_ms=3_700, end_ms=6_300)
    bench = sit(layer)
    bench.wait("bench.sound.silences.spans.length > 0")
    bench.press("2", "ArrowDown", "z")
    bench.saved()
    row.refresh_from_db()
    assert (row.start_ms, row.end_ms) == (4_000, 6_020)
    bench.press("z")
    bench.message("The edges are there already.")


# How many pixels of a moment's waveform are drawn in its track.
HEIGHT = """(() => {
  const { top, height } = bench.timeline.places.tracks[0]
  const context = bench.timeline.waves.canvas.getContext("2d")
  const { data } = context.getImageData(Math.round(bench.viewport.x(1000)), Math.round(top), 1, Math.round(height))
  let drawn = 0
  for (let i = 3; i < data.length; i += 4) drawn += data[i] > 0
  return [drawn, Math.round(height)]
})()"""


def test_the_waveform_is_drawn_taller_when_that_is_asked_for_and_never_out_of_its_place(sit, layer):
    bench = sit(layer)
    bench.wait("bench.tracks[0].peaks.tile(bench.tracks[0].peaks.levelFor(bench.viewport.msPerPx), 0)")
    frame = "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"
    bench.page.evaluate(frame)
    flat, room = bench.look(f"return {HEIGHT}")
    bench.press("*")
    bench.message("The waveform is drawn 2 times as tall.")
    bench.page.evaluate(frame)
    taller, _ = bench.look(f"return {HEIGHT}")
    assert flat < taller <= room
    for _ in range(8):
        bench.press("*")
    assert bench.look("return bench.view.amplitude") == 32
    for _ in range(8):
        bench.press("_")
    bench.message("The waveform is drawn as it is.")
    bench.page.evaluate(frame)
    assert bench.look(f"return {HEIGHT}") == [flat, room]


# Where the spectrogram lies, its tone of 220 Hz shows as a column of many colours; a waveform has one.
COLOURED = """(() => {
  const { top, height } = bench.timeline.places.tracks[0].spectrum ?? { top: 0, height: 1 }
  const { canvas } = bench.timeline.waves
  const { data } = canvas.getContext("2d").getImageData(Math.round(bench.viewport.x(1000)), top, 1, height)
  const colours = new Set()
  for (let i = 0; i < data.length; i += 4) if (data[i + 3] > 0) colours.add(`${data[i]},${data[i + 1]},${data[i + 2]}`)
  return colours.size > 8
})()"""


def test_a_spectrogram_is_asked_for_when_it_is_first_wanted_and_drawn_when_it_is_there(sit, layer):
    bench = sit(layer)
    with bench.page.expect_response("**/spectrogram/") as answered:
        bench.press("Shift+V")
    assert answered.value.status == 202
    bench.message("The spectrogram is being made.")
    execute.ingest(Ingest.objects.get(makes="spectrogram"))
    bench.wait("bench.tracks[0].spectrogram !== null")
    bench.wait(COLOURED)

    bench.open()
    bench.press("Shift+V")
    bench.wait(COLOURED)
    assert Ingest.objects.filter(makes="spectrogram").count() == 1


def test_what_breaks_a_rule_of_the_project_is_marked_where_it_lies(sit, layer):
    SegmentFactory(layer=layer, lane="amateur", start_ms=1_000, end_ms=1_120)
    SegmentFactory(layer=layer, lane="amateur", start_ms=4_000, end_ms=6_000)
    bench = sit(layer)
    bench.look("bench.viewport.show(500, 7000, { margin: 0 })")
    warned = """(ms) => {
      const bench = document.querySelector("mix-workbench").bench
      const lane = bench.timeline.places.lanes[0]
      const { canvas } = bench.timeline.lanes
      const probe = document.createElement("canvas").getContext("2d")
      probe.fillStyle = bench.palette.warn
      probe.fillRect(0, 0, 1, 1)
      const wanted = probe.getImageData(0, 0, 1, 1).data.join()
      const x = Math.round(bench.viewport.x(ms)) + 1
      return canvas.getContext("2d").getImageData(x, lane.top + 3, 1, 1).data.join() === wanted
    }"""
    until(bench.page, f"() => ({warned})(1000)")
    assert not bench.page.evaluate(warned, 4_000)
    bench.click("amateur", 1_060)
    expect(bench.page.locator("segment-card")).to_contain_text("Shorter than 200 ms", use_inner_text=True)
