"""What a person at a browser waits for: upload through the page, the waveform on the screen, what is fetched for it."""

import re
import shutil
import time
from pathlib import Path

from bench.measure import Figure, Recordings, peak_mb
from bench.site import Site

FLAGS = ["--no-sandbox", "--disable-background-networking", "--disable-component-update", "--disable-sync"]
DRAWN = """() => performance.getEntriesByName('overview-drawn').length
  && document.querySelector('mix-workbench').bench.tracks[0]?.peaks"""


def browser_arm(recordings: Recordings, folder: Path) -> list[Figure]:
    """Upload a long session as a person does, open the workbench at once, and wait for the waveform."""
    from playwright.sync_api import sync_playwright

    site = Site(folder)
    path = shutil.which("chromium") or shutil.which("google-chrome")
    figures: list[Figure] = []
    try:
        with sync_playwright() as playwright:
            chromium = playwright.chromium.launch(executable_path=path, args=FLAGS)
            context = chromium.new_context(
                base_url=f"http://127.0.0.1:{site.port}", viewport={"width": 1280, "height": 800}
            )
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
            page.get_by_label("Recording").set_input_files(recordings.path("wav"))
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
            figures.append(Figure("browser: sending the wav", sent - began, "s"))
            figures.append(Figure("browser: sent to waveform on screen", drawn - sent, "s", 4.0))
            figures.append(Figure("browser: bytes for the open workbench", size / 1000, "KB", 350.0))
            figures.append(Figure("web process, peak", peak_mb(site.web_pid), "MB", 200.0))
            masters = sum("master" in url for url, _ in fetched)
            figures.append(Figure("browser: requests for the master", masters, "", 0))
            chromium.close()
    finally:
        site.close()
    return figures


ARMS = {"browser": browser_arm}
