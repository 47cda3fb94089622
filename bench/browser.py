"""What a person at a browser waits for: upload through the page, the waveform on the screen, what is fetched for it."""

import re
import time
from pathlib import Path

from bench.measure import Figure, Recordings, peak_mb
from bench.site import Site
from bench.tab import Tab, chromium, tab


def browser_arm(suffix: str, budget: float) -> object:
    """Upload a long session as a person does, open the workbench at once, and wait for the waveform."""

    def arm(recordings: Recordings, folder: Path) -> list[Figure]:
        recording = recordings.path(suffix)
        site = Site(folder)
        try:
            with chromium() as browser, tab(browser, site) as seat:
                return _watched(seat, site, recording, suffix, budget)
        finally:
            site.close()

    return arm


def _watched(seat: Tab, site: Site, recording: Path, suffix: str, budget: float) -> list[Figure]:
    page = seat.page
    page.goto("/projects/bench/uploads/")
    page.get_by_label("Recording").set_input_files(recording)
    began = time.perf_counter()
    with page.expect_request(re.compile("completion"), timeout=600_000):
        page.get_by_role("button", name="Upload").click()
    sent = time.perf_counter()
    page.wait_for_url(re.compile(r"/sessions/\d+/"), timeout=60_000)
    seat.fetched.clear()
    page.get_by_role("button", name="Start annotating").click()
    page.wait_for_selector("mix-workbench[data-state=ready]")
    seat.until("performance.getEntriesByName('overview-drawn').length > 0")
    drawn = time.perf_counter()
    size = sum(size for _, size in seat.fetched)
    return [
        Figure(f"browser: sending the {suffix}", sent - began, "s"),
        Figure(f"browser: {suffix} sent to waveform on screen", drawn - sent, "s", budget),
        Figure(f"browser: bytes for the open workbench ({suffix})", size / 1000, "KB", 350.0),
        Figure(f"web process, peak ({suffix})", peak_mb(site.web_pid), "MB", 200.0),
        Figure(f"browser: requests for the master ({suffix})", sum("master" in url for url in seat.asked), "", 0),
    ]


ARMS = {
    "browser-wav": browser_arm("wav", 4.0),
    "browser-flac": browser_arm("flac", 4.0),
    "browser-mp3": browser_arm("mp3", 12.0),
    "browser-m4a": browser_arm("m4a", 12.0),
    "browser-opus": browser_arm("opus", 12.0),
}
