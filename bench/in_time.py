"""What is drawn against what is heard, at ten places of a recording, in the real workbench of a real browser."""

import base64
import json
import time
from pathlib import Path
from typing import Any

import numpy as np

from bench import clicks
from bench.measure import Figure, Recordings
from bench.site import Site
from bench.tab import chromium, tab

FORMATS = ("wav", "flac", "mp3", "m4a")
WORST_MS = 10.0
LISTEN_MS = 1100  # long enough for a click and its number, wherever it begins
# Shares of the recording, forwards and back; the last two seconds before its end among them.
PLACES = (0.0, 0.111, 0.457, 0.667, 0.991, 0.3, 0.833, 0.055, 0.9993, 0.55)

TAP = """class Tap extends AudioWorkletProcessor {
  constructor() {
    super()
    this.blocks = null
    this.port.onmessage = ({ data }) => {
      if (data === "start") this.blocks = []
      else this.#hand()
    }
  }
  #hand() {
    const sound = new Float32Array(this.blocks.length * 128)
    this.blocks.forEach((block, i) => sound.set(block, i * 128))
    this.blocks = null
    this.port.postMessage({ first: this.first, sound }, [sound.buffer])
  }
  process([[left]]) {
    if (!this.blocks) return true
    if (!this.blocks.length) this.first = currentFrame
    this.blocks.push(left ? left.slice() : new Float32Array(128))
    return true
  }
}
registerProcessor("tap", Tap)"""

BENCH = "const bench = document.querySelector('mix-workbench').bench;"
ATTACH = f"""async (source) => {{
  {BENCH}
  const {{ context, output }} = bench.player
  await context.audioWorklet.addModule(URL.createObjectURL(new Blob([source], {{ type: "text/javascript" }})))
  window.tap = new AudioWorkletNode(context, "tap")
  output.connect(window.tap).connect(context.destination)  // it gives silence; unconnected, it would not be run
}}"""
START = f"""() => {{
  {BENCH}
  const {{ context }} = bench.player
  const rows = (window.tapRows = [])
  const look = () => {{
    if (rows !== window.tapRows) return
    const {{ contextTime, performanceTime }} = context.getOutputTimestamp()
    const playing = bench.player.playing && !bench.player.audio.paused && !bench.player.audio.seeking
    if (playing) rows.push([contextTime + (performance.now() - performanceTime) / 1000, bench.player.time])
    requestAnimationFrame(look)
  }}
  window.tap.port.postMessage("start")
  look()
}}"""
STOP = f"""async () => {{
  {BENCH}
  const rows = window.tapRows
  window.tapRows = null
  const {{ first, sound }} = await new Promise((resolve) => {{
    window.tap.port.onmessage = ({{ data }}) => resolve(data)
    window.tap.port.postMessage("stop")
  }})
  const bytes = new Uint8Array(sound.buffer)
  let text = ""
  for (let i = 0; i < bytes.length; i += 32768) text += String.fromCharCode(...bytes.subarray(i, i + 32768))
  return {{ first, rows, rate: bench.player.context.sampleRate, sound: btoa(text) }}
}}"""
# What the waveform's painter is given for these columns, one a millisecond.
PICTURE = f"""([from, columns]) => {{
  {BENCH}
  const {{ peaks }} = bench.tracks[0]
  const out = new Int8Array(2 * columns)
  peaks.columns(0, from, 1, columns, out)
  const sizes = Array.from({{ length: columns }}, (_, x) => (
    out[2 * x] > out[2 * x + 1] ? -1 : Math.max(-out[2 * x], out[2 * x + 1])
  ))
  const fine = Math.floor((from - peaks.offsetMs) / peaks.msPerPoint(0) / peaks.tile_points)
  return {{ from_ms: from, ms: 1, columns: sizes, known: Boolean(peaks.tile(0, Math.max(0, fine))) }}
}}"""


class Ear:
    """Listens to a workbench that is open in a page."""

    def __init__(self, page: Any) -> None:
        self.page = page
        self.again = 0  # how often nothing could be compared
        # the page's policy wants worklets from its own site, and a browser lets nobody else answer for them
        page.context.new_cdp_session(page).send("Page.setBypassCSP", {"enabled": True})
        page.reload()
        page.wait_for_selector("mix-workbench[data-state=ready]")
        self.length_ms: int = page.evaluate(f"() => {{ {BENCH} return bench.document.session.length_ms }}")
        self._play()  # the first press makes the sound's graph
        page.wait_for_timeout(300)
        self._play()
        page.evaluate(ATTACH, TAP)

    def _play(self) -> None:
        self.page.locator("mix-transport [data-action=play]").click()

    def at(self, ms: int, length_ms: int = LISTEN_MS) -> list[clicks.Match]:
        """Play a little from a time on, and compare."""
        self.page.fill("[data-part=time]", f"{ms / 1000:.3f}")
        self.page.keyboard.press("Enter")
        # near enough for the finest peaks, not so near that single samples of the master are fetched
        self.page.evaluate(f"() => {{ {BENCH} bench.viewport.show({ms}, {ms + 8000}, {{ margin: 0 }}) }}")
        self.page.evaluate(START)
        self._play()
        self.page.wait_for_timeout(length_ms)
        self._play()
        heard = self.page.evaluate(STOP)
        heard["rows"] = [row for row in heard["rows"] if row[1] > ms + 50]  # at first the playhead waits for the sound
        heard["sound"] = np.frombuffer(base64.b64decode(heard["sound"]), "<f4")
        return clicks.matches(heard, self._picture(max(0, ms - 200), length_ms + 600))

    def _picture(self, from_ms: int, columns: int) -> dict[str, Any]:
        end = time.monotonic() + 10
        while True:
            told: dict[str, Any] = self.page.evaluate(PICTURE, [from_ms, columns])
            if told["known"]:
                return told
            assert time.monotonic() < end, "the finest tile never came"
            self.page.wait_for_timeout(30)

    def all_places(self) -> list[clicks.Match]:
        """At least one click at each of the ten places."""
        found = []
        for share in PLACES:
            found += self.some(min(round(share * self.length_ms), self.length_ms - LISTEN_MS - 700))
        return found

    def some(self, ms: int) -> list[clicks.Match]:
        """At least one click from a time on; where the machine let the sound begin late or break off, once more."""
        for length_ms in (LISTEN_MS, LISTEN_MS, 3 * LISTEN_MS):
            if here := self.at(ms, length_ms):
                return here
            self.again += 1
        raise AssertionError(f"no click was heard and drawn at {ms} ms")


def in_time_arm(recordings: Recordings, folder: Path) -> list[Figure]:
    """The worst distance for each format, uploads of the whole length."""
    wav = clicks.write(folder / "clicks.wav", round(recordings.minutes * 60))
    site = Site(folder / "home")
    figures = []
    try:
        with chromium() as browser:
            for form in FORMATS:
                path = wav if form == "wav" else clicks.encode(wav, folder / f"clicks.{form}")
                layer = _layer(site, path)
                with tab(browser, site) as seat:
                    seat.page.goto(f"/layers/{layer}/")
                    seat.page.wait_for_selector("mix-workbench[data-state=ready]")
                    seat.until("bench.player.canPlay && bench.tracks.length > 0")
                    ear = Ear(seat.page)
                    found = ear.all_places()
                worst = max((each.apart_ms for each in found), key=abs)
                last = max(each.true_ms for each in found) / 60_000
                figures.append(Figure(f"in time: {form}, drawn against heard, worst", abs(worst), "ms", WORST_MS))
                figures.append(Figure(f"in time: {form}, clicks compared", len(found), ""))
                figures.append(Figure(f"in time: {form}, the last of them", last, "min"))
                figures.append(Figure(f"in time: {form}, listened again, nothing to compare", ear.again, ""))
    finally:
        site.close()
    return figures


def _layer(site: Site, path: Path) -> int:
    told = json.loads(site.manage("import_session", "bench", str(path), "--json").splitlines()[-1])
    body = json.dumps({"session": told["session"]})
    layer: int = site.ask("POST", "/api/v1/layers/", body, Content_Type="application/json")["id"]
    while True:
        (recording,) = site.ask("GET", f"/api/v1/layers/{layer}/document/")["recordings"]
        assert recording["state"] != "failed", recording["message"]
        if recording["peaks"] and recording["proxy"]:
            return layer
        time.sleep(0.5)


ARMS = {"in-time": in_time_arm}
