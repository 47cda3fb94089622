"""What a person at a browser waits for: upload through the page, the waveform on the screen, what is fetched for it."""

import re
import shutil
import time
from pathlib import Path
from typing import Any

from bench.measure import Figure, Recordings, peak_mb
from bench.site import Site

FLAGS = ["--no-sandbox", "--disable-background-networking", "--disable-component-update", "--disable-sync"]
DRAWN = """() => performance.getEntriesByName('overview-drawn').length
  && document.querySelector('mix-workbench').bench.tracks[0]?.peaks"""


def browser_arm(suffix: str, budget: float) -> object:
    """Upload a long session as a person does, open the workbench at once, and wait for the waveform."""

    def arm(recordings: Recordings, folder: Path) -> list[Figure]:
        from playwright.sync_api import sync_playwright

        recording = recordings.path(suffix)
        site = Site(folder)
        try:
            with sync_playwright() as playwright:
                path = shutil.which("chromium") or shutil.which("google-chrome")
                chromium = playwright.chromium.launch(executable_path=path, args=FLAGS)
                figures = _watched(chromium, site, recording, suffix, budget)
                chromium.close()
                return figures
        finally:
            site.close()

    return arm


def _watched(chromium: Any, site: Site, recording: Path, suffix: str, budget: float) -> list[Figure]:
    context = chromium.new_context(base_url=f"http://127.0.0.1:{site.port}", viewport={"width": 1280, "height": 800})
    pairs = [pair.partition("=") for pair in site.cookie.split("; ")]
    context.add_cookies(
        [{"name": name, "value": value, "domain": "127.0.0.1", "path": "/"} for name, _, value in pairs]
    )
    page = context.new_page()
    fetched: list[tuple[str, int]] = []
    protocol = context.new_cdp_session(page)
    protocol.send("Network.enable")
    protocol.on("Network.loadingFinished", lambda event: fetched.append(("", event["encodedDataLength"])))
    page.on("request", lambda request: fetched.append((request.url, 0)))
    page.goto("/projects/bench/uploads/")
    page.get_by_label("Recording").set_input_files(recording)
    began = time.perf_counter()
    with page.expect_request(re.compile("completion"), timeout=600_000):
        page.get_by_role("button", name="Upload").click()
    sent = time.perf_counter()
    page.wait_for_url(re.compile(r"/sessions/\d+/"), timeout=60_000)
    fetched.clear()
    page.get_by_role("button", name="Start annotating").click()
    page.wait_for_selector("mix-workbench[data-state=ready]")
    page.wait_for_function(DRAWN, polling=50, timeout=60_000)
    drawn = time.perf_counter()
    size = sum(size for _, size in fetched)
    return [
        Figure(f"browser: sending the {suffix}", sent - began, "s"),
        Figure(f"browser: {suffix} sent to waveform on screen", drawn - sent, "s", budget),
        Figure(f"browser: bytes for the open workbench ({suffix})", size / 1000, "KB", 350.0),
        Figure(f"web process, peak ({suffix})", peak_mb(site.web_pid), "MB", 200.0),
        Figure(f"browser: requests for the master ({suffix})", sum("master" in url for url, _ in fetched), "", 0),
    ]


ARMS = {
    "browser-wav": browser_arm("wav", 4.0),
    "browser-flac": browser_arm("flac", 4.0),
    "browser-mp3": browser_arm("mp3", 12.0),
    "browser-m4a": browser_arm("m4a", 12.0),
    "browser-opus": browser_arm("opus", 12.0),
}
