"""A person sits down at the workbench: a session with sound, a layer, and hands on mouse and keys."""

import re
import shutil
import time
from pathlib import Path

import numpy as np
import pytest
import soundfile
from django.test import Client

from annotation.audio import child
from annotation.models import Derived, Layer
from annotation.uploading import sha256_of
from tests.factories import LayerFactory, RecordingFactory, SessionFactory

LENGTH_MS = 20_000


@pytest.fixture(scope="session")
def sound(tmp_path_factory):
    """Twenty seconds of a click each second over a tone, drawn and encoded once for all tests."""
    folder: Path = tmp_path_factory.mktemp("sound")
    rate = 48_000
    at = np.arange(LENGTH_MS * rate // 1000) / rate
    tone = 0.2 * np.sin(2 * np.pi * 220 * at) * (at % 4 < 2)
    tone[::rate] = 0.9
    soundfile.write(folder / "master.wav", np.stack([tone, tone * 0.7], 1), rate, subtype="PCM_16")
    request = {"path": str(folder / "master.wav")}
    peaks = child.run("peaks", {**request, "folder": str(folder / "peaks")})
    child.run("proxy", {**request, "out": str(folder / "proxy.mp4")})
    child.run("levels", {**request, "out": str(folder / "levels.json.gz")})
    levels = [level["points"] if isinstance(level, dict) else level for level in peaks["levels"]]
    drawn = {name: peaks[name] for name in ("base", "factor", "tile_points", "channels", "rate")}
    return folder, {**drawn, "levels": levels}, peaks["hash"]


@pytest.fixture
def layer(project, ana, sound, settings) -> Layer:
    """Ana's empty layer of a session with sound."""
    folder, facts, digest = sound
    session = SessionFactory(project=project, title="Slow Harbour", length_ms=LENGTH_MS)
    recording = RecordingFactory(session=session, length_ms=LENGTH_MS, frames=960_000, master="masters/one.wav")
    media = Path(settings.MEDIA_ROOT)
    (media / "masters").mkdir(parents=True)
    shutil.copy(folder / "master.wav", media / "masters" / "one.wav")
    shutil.copytree(folder / "peaks", media / "derived" / "peaks")
    shutil.copy(folder / "proxy.mp4", media / "derived" / "proxy.mp4")
    shutil.copy(folder / "levels.json.gz", media / "derived" / "levels.json.gz")
    proxy = sha256_of(media / "derived" / "proxy.mp4")
    Derived.objects.create(recording=recording, kind="peaks", digest=digest, path="derived/peaks", facts=facts)
    Derived.objects.create(recording=recording, kind="proxy", digest=proxy, path="derived/proxy.mp4")
    Derived.objects.create(recording=recording, kind="levels", digest="f" * 64, path="derived/levels.json.gz")
    return LayerFactory(session=session, owner=ana)


def until(page, script: str, seconds: float = 20) -> None:
    """Wait until a script of the page says yes; its policy forbids the browser's own way of polling."""
    end = time.monotonic() + seconds
    while not page.evaluate(script):
        assert time.monotonic() < end, f"never so: {script}"
        page.wait_for_timeout(50)


class Bench:
    """A person at the workbench in one tab."""

    def __init__(self, page, address: str, layer: Layer, person) -> None:
        self.page = page
        self.layer = layer
        self.address = address
        self.fetched: list[str] = []
        page.on("request", lambda request: self.fetched.append(request.url))
        self.log_in(person)
        self.open()

    def log_in(self, person) -> None:
        client = Client()
        client.force_login(person)
        cookie = {"name": "sessionid", "value": client.cookies["sessionid"].value, "url": self.address}
        self.page.context.add_cookies([cookie])

    def open(self) -> None:
        self.page.goto(f"{self.address}/layers/{self.layer.pk}/")
        self.page.wait_for_selector("mix-workbench[data-state=ready]")

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)

    def type(self, text: str) -> None:
        self.page.keyboard.type(text)

    def look(self, script: str):
        return self.page.evaluate(f"() => {{ const bench = document.querySelector('mix-workbench').bench; {script} }}")

    def at(self, ms: int, lane: str = "amateur") -> tuple[float, float]:
        """Where a time of a lane lies on the screen."""
        x, y = self.look(f"""
          const frame = bench.timeline.stage.getBoundingClientRect()
          const place = bench.timeline.places.lanes.find(({{ name }}) => name === "{lane}")
          const y = place ? place.top + place.height / 2 : bench.timeline.places.wave.top + 20
          return [frame.x + bench.viewport.x({ms}), frame.y + y]""")
        return x, y

    def drag(self, lane: str, start: int, end: int) -> None:
        mouse = self.page.mouse
        mouse.move(*self.at(start, lane))
        mouse.down()
        mouse.move(*self.at((start + end) // 2, lane))
        mouse.move(*self.at(end, lane))
        mouse.up()

    def click(self, lane: str, ms: int, shift: bool = False) -> None:
        if shift:
            self.page.keyboard.down("Shift")
        self.page.mouse.click(*self.at(ms, lane))
        if shift:
            self.page.keyboard.up("Shift")

    def seek(self, text: str) -> None:
        self.page.fill("[data-part=time]", text)
        self.page.keyboard.press("Enter")

    def chip(self, text: str) -> None:
        self.page.locator("save-status output", has_text=re.compile(text)).wait_for()

    def saved(self) -> None:
        self.page.wait_for_selector("save-status[data-state=saved]")

    def message(self, text: str) -> None:
        self.page.locator("[data-part=message]", has_text=text).wait_for()

    def wait(self, script: str) -> None:
        """Wait for something on the bench."""
        until(self.page, f"() => {{ const bench = document.querySelector('mix-workbench').bench; return {script} }}")


@pytest.fixture
def sit(page, live_server, ana):
    """`sit(layer)` opens a layer for Ana; `sit(layer, page=…, person=…)` for somebody else, or in another tab."""

    benches: list[Bench] = []

    def open_bench(layer: Layer, page=page, person=ana) -> Bench:
        benches.append(Bench(page, live_server.url, layer, person))
        return benches[-1]

    yield open_bench
    fetched = [url for bench in benches for url in bench.fetched]
    assert fetched
    assert not [url for url in fetched if "master" in url], "the browser never fetches the master"


def rows(layer: Layer) -> list[tuple]:
    return list(layer.segments.order_by("start_ms").values_list("lane", "text"))
