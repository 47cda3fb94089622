"""The workbench in a real Chromium as its annotator has it: 90 minutes of sound, 800 turns, 2,000 segments.

`docs/measuring.md` tells how each figure is taken.
"""

import asyncio
import json
import os
import random
import re
import statistics
import threading
import time
import uuid
from pathlib import Path
from typing import Any

from playwright.async_api import async_playwright

from bench import frames, full_layer
from bench.lean import LeanTab, lean_chromium
from bench.measure import Figure, Recordings
from bench.site import PASSWORD, Site, papers
from bench.tab import FLAGS, Tab, chromium, chromium_mb, cookies_of, program, seat_at, tab

LOADS = 5
ROUNDS = 400  # of scrubbing: half an hour of somebody who looks elsewhere every 4 or 5 seconds
KIND = {"Content_Type": "application/json"}
COLLEAGUES = [f"annotator{number}" for number in range(8)]


def workbench_arm(recordings: Recordings, folder: Path) -> list[Figure]:
    """Open, listen, move, scrub and save, each in a tab that has seen nothing before."""
    site = Site(folder / "home")
    figures = [Figure("workbench: load of the machine at the start", os.getloadavg()[0], "")]
    try:
        session, layer = _prepare(site, recordings, folder)
        with chromium() as browser:
            figures += _opening(browser, site, layer)
            with tab(browser, site) as seat:
                figures += _listening(_at(seat, layer))
        figures += asyncio.run(_moving(site, layer))
        figures += _weighing(site, layer)
        with chromium() as browser, tab(browser, site) as seat:
            figures += _saving(_at(seat, layer))
        figures += _served(site, session, layer)
        figures += _queries(site, layer)
    finally:
        site.close()
    return [*figures, Figure("workbench: load of the machine at the end", os.getloadavg()[0], "")]


def _prepare(site: Site, recordings: Recordings, folder: Path) -> tuple[int, int]:
    """Make the session and Ada's full layer of it, and wait until it can be seen and heard."""
    transcript = full_layer.write(folder / "full.jsonl", recordings.minutes)
    words = ("import_session", "bench", str(recordings.path("wav")), "--transcript", str(transcript), "--json")
    told = json.loads(site.manage(*words).splitlines()[-1])
    body = json.dumps({"session": told["session"], "parent": told["layers"][0]})
    layer = site.ask("POST", "/api/v1/layers/", body, **KIND)["id"]
    while True:
        (recording,) = site.ask("GET", f"/api/v1/layers/{layer}/document/")["recordings"]
        assert recording["state"] != "failed", recording["message"]
        if recording["peaks"] and recording["proxy"]:
            return told["session"], layer
        time.sleep(0.5)


def _at(seat: Tab, layer: int) -> Tab:
    seat.page.goto(f"/layers/{layer}/")
    seat.page.wait_for_selector("mix-workbench[data-state=ready]")
    seat.until("performance.getEntriesByName('overview-drawn').length > 0")
    seat.page.wait_for_timeout(500)  # what is fetched and drawn after that
    return seat


# ------------------------------------------------------------------ opening

MARKS = """
  const [page] = performance.getEntriesByType("navigation")
  const at = (name) => performance.getEntriesByName(name)[0].startTime
  return { html: page.responseEnd, drawn: at("overview-drawn"), ready: at("workbench-ready") }"""


def _opening(browser: Any, site: Site, layer: int) -> list[Figure]:
    """Five cold loads: when the overview is drawn, when one can work, and what was fetched for it."""
    seen: list[dict[str, float]] = []
    for _ in range(LOADS):
        with tab(browser, site) as seat:
            _at(seat, layer)
            sizes = [size for url, size in seat.fetched if "/proxy/" not in url]
            seen.append({**seat.look(MARKS), "bytes": sum(sizes), "requests": len(sizes)})
            _tell_sizes(seat)
    drawn, ready = (sorted((each[name] - each["html"]) / 1000 for each in seen) for name in ("drawn", "ready"))

    def middle(name: str) -> float:
        return statistics.median(each[name] for each in seen)

    return [
        Figure("workbench: HTML to overview drawn, median of 5", statistics.median(drawn), "s", 0.3),
        Figure("workbench: HTML to overview drawn, slowest of 5", drawn[-1], "s"),
        Figure("workbench: HTML to interactive, median of 5", statistics.median(ready), "s", 1.2),
        Figure("workbench: HTML to interactive, slowest of 5", ready[-1], "s"),
        Figure("workbench: navigation to HTML, median of 5", middle("html") / 1000, "s"),
        Figure("workbench: navigation to overview drawn, median of 5", middle("drawn") / 1000, "s"),
        Figure("workbench: navigation to interactive, median of 5", middle("ready") / 1000, "s"),
        Figure(
            "workbench: bytes before first play, sound aside", max(each["bytes"] for each in seen) / 1000, "KB", 350
        ),
        Figure("workbench: requests before first play, sound aside", middle("requests"), ""),
    ]


def _tell_sizes(seat: Tab) -> None:
    """Say which kind of answer the bytes are, so that a figure over its budget names its cause."""
    kinds = {"document": "/document/", "peaks": "/peaks/", "scripts": ".js", "styles": ".css", "proxy": "/proxy/"}
    told = dict.fromkeys([*kinds, "other"], 0)
    for url, size in seat.fetched:
        told[next((kind for kind, part in kinds.items() if part in url), "other")] += size
    print("  ", ", ".join(f"{kind} {size / 1000:.0f} KB" for kind, size in told.items()), flush=True)


# ------------------------------------------------------------------ listening

PRESSED = """
  const { audio } = bench.player
  const heard = (window.heard = {})
  addEventListener("pointerdown", ({ timeStamp }) => (heard.pressed = timeStamp), { capture: true, once: true })
  audio.addEventListener("playing", () => (heard.playing = performance.now()), { once: true })
  const before = audio.currentTime
  const look = () => {
    if (heard.pressed && !audio.paused && !audio.seeking && audio.currentTime > (heard.from ??= audio.currentTime)) {
      heard.moved = performance.now()
    } else requestAnimationFrame(look)
  }
  requestAnimationFrame(look)"""


def _listening(seat: Tab) -> list[Figure]:
    """Hear ten seconds, then press play at ten other places."""
    page = seat.page
    button = page.locator("mix-transport [data-action=play]")
    times = [_pressed(seat, button)]
    seat.until("bench.player.time >= 10_000")
    button.click()
    page.wait_for_timeout(1000)
    sound = seat.bytes_of_sound()
    for minute in (44, 3, 88, 12.5, 71, 30, 59, 8, 80):
        page.fill("[data-part=time]", f"{minute * 60}")
        page.keyboard.press("Enter")
        page.wait_for_timeout(600)  # somebody looks where they are, then presses
        times.append(_pressed(seat, button))
        page.wait_for_timeout(300)
        button.click()
    playing = [each["playing"] - each["pressed"] for each in times]
    moved = [each["moved"] - each["pressed"] for each in times]
    return [
        Figure("workbench: bytes of sound to hear ten seconds", sound / 1e6, "MB", 6.0),
        Figure("workbench: first press of play to sound", playing[0], "ms", 150.0),
        Figure("workbench: press of play to sound, median of 10 places", statistics.median(playing), "ms", 150.0),
        Figure("workbench: press of play to sound, slowest of 10", max(playing), "ms", 150.0),
        Figure("workbench: press of play to clock running, slowest of 10", max(moved), "ms"),
    ]


def _pressed(seat: Tab, button: Any) -> dict[str, float]:
    seat.look(PRESSED)
    button.click()
    end = time.monotonic() + 10
    while "moved" not in (heard := seat.page.evaluate("() => window.heard")):
        assert time.monotonic() < end, heard
        seat.page.wait_for_timeout(30)
    assert "playing" in heard, heard
    return heard


# ------------------------------------------------------------------ moving


VIEWS = {"90 s": (1_800_000, 1_890_000), "10 min": (1_800_000, 2_400_000), "30 min": (600_000, 2_400_000)}
SHOW = """([start, end]) => {
  document.querySelector("mix-workbench").bench.viewport.show(start, end, { margin: 0 })
}"""
# The middle of the wave, and of the expert's segment in the middle of the view.
HELD = """() => {
  const { timeline, viewport, document: layer } = document.querySelector("mix-workbench").bench
  const { left, top } = timeline.stage.getBoundingClientRect()
  const lane = timeline.places.lanes.find(({ name }) => name === "expert")
  const { start_ms, end_ms } = layer.lane("expert").next((viewport.startMs + viewport.endMs) / 2)
  return {
    wave: [left + viewport.width / 2, top + 60],
    segment: [left + viewport.x((start_ms + end_ms) / 2), top + lane.top + lane.height / 2],
  }
}"""


async def _moving(site: Site, layer: int) -> list[Figure]:
    """Pan, zoom and drag as a hand does, and look at every frame."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=program(), args=FLAGS)
        context = await browser.new_context(**seat_at(site))
        await context.add_cookies(cookies_of(site))
        page = await context.new_page()
        protocol = await context.new_cdp_session(page)
        await page.goto(f"/layers/{layer}/")
        await page.wait_for_selector("mix-workbench[data-state=ready]")
        await page.wait_for_timeout(1500)
        figures = await _frames(page, protocol, frames.Hand(page, protocol))
        await browser.close()
    return figures


async def _frames(page: Any, protocol: Any, hand: frames.Hand) -> list[Figure]:
    async def at(view: str) -> dict[str, Any]:
        await page.evaluate(SHOW, VIEWS[view])
        await page.wait_for_timeout(700)  # tiles come
        return await page.evaluate(HELD)

    pan = [(9.0, 0.0) if n % 250 < 180 else (-20.0, 0.0) for n in range(750)]
    zoom = [(0.0, 10.0 if n % 250 < 125 else -10.0) for n in range(750)]
    swing = [*range(0, 300, 3), *range(300, -300, -3), *range(-300, 1, 3)] * 2

    still = await frames.watch(page, page.wait_for_timeout(2000))
    figures = [
        Figure("workbench: the browser's own frame, nothing moving", round(statistics.median(still.idle), 1), "ms"),
    ]
    place = await at("90 s")
    rate, share = await frames.drawn(page, protocol, hand.wheel(place["wave"], pan))
    figures += [
        Figure("workbench: pan, frames drawn by the compositor", rate, "1/s"),
        Figure("workbench: pan, frames drawn for each that painted", share, ""),
    ]
    for view in ("90 s", "30 min"):
        place = await at(view)
        seen = await frames.watch(page, hand.wheel(place["wave"], pan))
        figures += seen.figures(f"pan, {view} in view")
    place = await at("90 s")
    seen = await frames.watch(page, hand.wheel(place["wave"], zoom, control=True))
    figures += seen.figures("zoom, 90 s to 90 min")
    for view in ("90 s", "10 min"):
        x, y = (await at(view))["segment"]
        seen = await frames.watch(page, hand.drag((x, y), [x + by for by in swing]))
        figures += seen.figures(f"drag, {view} in view")
    return figures


# ------------------------------------------------------------------ scrubbing


def _weighing(site: Site, layer: int) -> list[Figure]:
    """What a browser weighs in which nothing else is open: with an empty page, with the workbench, after a while."""
    with lean_chromium() as seat:
        time.sleep(2)
        empty = sum(chromium_mb().values())
        seat.open(site, f"/layers/{layer}/")
        seat.until(READY)
        return [*_scrubbing(seat), Figure("workbench: … with an empty page instead", empty, "MB")]


BOXES = """["mix-overview", "mix-timeline .stage"].map((name) => {
  const { x, y, width, height } = document.querySelector(name).getBoundingClientRect()
  return [x, y, width, height]
})"""
READY = "document.querySelector('mix-workbench[data-state=ready]') !== null"


def _scrubbing(seat: LeanTab) -> list[Figure]:
    """Look about for half an hour's worth, then weigh what is left."""
    rng = random.Random(7)
    time.sleep(2)  # what is fetched and drawn after it is ready
    fresh = sum(chromium_mb().values())
    (ox, oy, ow, oh), (sx, sy, sw, _) = seat.look(BOXES)
    looks = [["+", "+"], ["-", "-"], ["0", "V"], ["PageDown"], ["PageDown", "V"], ["ArrowDown"], ["Shift+ArrowDown"]]
    looks += [["Shift+PageDown"], ["n"], ["+", "+", "+", "+", "+"], ["-", "-", "-"], ["Shift+Space", "Escape"]]
    before = seat.send("Runtime.getHeapUsage")
    for number in range(ROUNDS):
        seat.click(ox + rng.uniform(2, ow - 2), oy + oh / 2)
        seat.click(sx + rng.uniform(2, sw - 2), sy + 60)
        for key in rng.choice(looks):
            seat.press(key)
        if number % 2:
            seat.press("Space")
            time.sleep(0.12)
            seat.press("Escape")
        for _ in range(6):
            seat.wheel(rng.choice((-200, 200)), 0)
        seat.wheel(0, rng.choice((-100, 100)))
    seat.press("Escape")
    seat.press("Escape")
    time.sleep(1)
    memory = chromium_mb()
    seat.send("HeapProfiler.collectGarbage")
    heap = seat.send("Runtime.getHeapUsage")
    seat.send("Performance.enable")
    metrics = {row["name"]: row["value"] for row in seat.send("Performance.getMetrics")["metrics"]}

    def weight(usage: dict[str, float]) -> float:
        return sum(usage.get(part, 0) for part in ("usedSize", "embedderHeapUsedSize", "backingStorageSize")) / 1e6

    return [
        Figure("workbench: JS heap after 30 min of scrubbing", heap["usedSize"] / 1e6, "MB", 80.0),
        Figure("workbench: … with what is kept outside it (DOM, tiles)", weight(heap), "MB"),
        Figure("workbench: … at first", weight(before), "MB"),
        Figure("workbench: DOM nodes", metrics["Nodes"], "", 1500),
        Figure("workbench: elements", seat.look("document.querySelectorAll('*').length"), ""),
        Figure("workbench: memory of the whole browser, after scrubbing", sum(memory.values()), "MB", 400.0),
        *(Figure(f"workbench: … of it, {kind}", size, "MB") for kind, size in sorted(memory.items())),
        Figure("workbench: … with the workbench just opened", fresh, "MB"),
    ]


# ------------------------------------------------------------------ saving

ACKNOWLEDGED = """
  const { document, outbox } = bench
  const told = (window.acknowledged = { times: [], waiting: [] })
  let began = null
  document.addEventListener("queued", () => (began ??= performance.now()))
  outbox.addEventListener("state", () => {
    if (outbox.state !== "saved" || began === null) return
    told.times.push(performance.now() - began)
    began = null
    for (const wake of told.waiting.splice(0)) wake()
  })"""
AFTER = """(count) => new Promise((resolve) => {
  const { times, waiting } = window.acknowledged
  if (times.length >= count) resolve()
  else waiting.push(resolve)
})"""


def _saving(seat: Tab) -> list[Figure]:
    """Flag, move, delete and bring back: how long until the page says that it is saved."""
    page = seat.page
    page.keyboard.press("PageDown")
    seat.look(ACKNOWLEDGED)
    keys = [["f", "h"], ["2"], ["Control+z"], ["Delete"], ["Control+z"]]
    for number in range(150):
        for key in keys[number % len(keys)]:
            page.keyboard.press(key)
        page.evaluate(AFTER, number + 1)
        if number % len(keys) == len(keys) - 1:
            page.keyboard.press("PageDown")
    times = page.evaluate("() => window.acknowledged.times")
    assert len(times) == 150, len(times)
    return [
        Figure("workbench: edit to “Saved” in the page, median", statistics.median(times), "ms"),
        Figure("workbench: edit to “Saved” in the page, p95", statistics.quantiles(times, n=20)[-1], "ms", 150.0),
    ]


def _served(site: Site, session: int, layer: int) -> list[Figure]:
    """The server alone: one person saving, then eight at once, each in a layer of the same size."""
    site.manage("shell", "-v0", "-c", _COLLEAGUES)
    cookies = [site.log_in(name) for name in COLLEAGUES]
    site.ask("POST", f"/api/v1/layers/{layer}/submission/", "{}", **KIND)  # others may see and copy it then
    body = json.dumps({"session": session, "parent": layer})
    layers = [site.ask("POST", "/api/v1/layers/", body, cookie=cookie, **KIND)["id"] for cookie in cookies]
    alone = edits(site, cookies[0], layers[0], 300)
    told: list[list[float]] = []

    def person(number: int) -> None:
        told.append(edits(site, cookies[number], layers[number], 100))

    threads = [threading.Thread(target=person, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(told) == 8, "somebody's edits failed"
    at_once = [each for one in told for each in one]
    return [
        Figure("workbench: edit at the server, one person, median", statistics.median(alone), "ms"),
        Figure("workbench: edit at the server, one person, p95", statistics.quantiles(alone, n=20)[-1], "ms", 15.0),
        Figure("workbench: edit at the server, 8 at once, median", statistics.median(at_once), "ms"),
        Figure("workbench: edit at the server, 8 at once, p95", statistics.quantiles(at_once, n=20)[-1], "ms", 60.0),
    ]


_COLLEAGUES = f"""
from annotation.models import Person, Project
for name in {COLLEAGUES}:
    Project.objects.get(slug="bench").admit(Person.objects.create_user(name, password="{PASSWORD}"), "reviewer")
"""


def edits(site: Site, cookie: str, layer: int, count: int) -> list[float]:
    """Make edits one after the other on one connection; milliseconds of each."""
    revision = site.ask("GET", f"/api/v1/layers/{layer}/", cookie=cookie)["revision"]
    connection = site.connect()
    headers = {**papers(cookie), "Content-Type": "application/json"}
    times = []
    for number in range(count + 10):  # the first few find nothing warm
        edit = {"id": str(uuid.uuid4()), "op": "segment.create", "uid": str(uuid.uuid4()), "lane": "music"}
        edit |= {"start_ms": number * 10, "end_ms": number * 10 + 500}
        body = json.dumps({"base_revision": revision + number, "edits": [edit]})
        began = time.perf_counter()
        connection.request("POST", f"/api/v1/layers/{layer}/edits/", body, headers)
        answer = connection.getresponse()
        answer.read()
        times.append(1000 * (time.perf_counter() - began))
        assert answer.status == 200, answer.status
    connection.close()
    return times[10:]


def _queries(site: Site, layer: int) -> list[Figure]:
    """What each asks of the database, counted inside the site."""
    own = re.search(r"\d+", site.manage("shell", "-v0", "-c", _OWN))
    assert own
    told = json.loads(
        site.manage("shell", "-v0", "-c", f"from bench.queries import tell; tell({own[0]})").splitlines()[-1]
    )
    budgets = {"the page": 12, "its document": 12}
    return [Figure(f"workbench: queries of {name}", count, "", budgets.get(name, 6)) for name, count in told.items()]


_OWN = f"""
from annotation.models import Layer
print(Layer.objects.get(owner__username="{COLLEAGUES[0]}").pk)
"""

ARMS = {"workbench": workbench_arm}
