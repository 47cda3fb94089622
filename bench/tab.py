"""A tab of a real Chromium at the site: who sits there, what it fetches, what it weighs."""

import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench.measure import below, pss_mb
from bench.site import Site

FLAGS = ["--no-sandbox", "--disable-background-networking", "--disable-component-update", "--disable-sync"]


class Tab:
    """A page with a cache of its own, and everything that it fetches as (address, bytes)."""

    def __init__(self, context: Any) -> None:
        self.page = context.new_page()
        self.protocol = context.new_cdp_session(self.page)
        self.fetched: list[tuple[str, int]] = []
        self._addresses: dict[str, str] = {}
        self._received: dict[str, int] = {}
        self.protocol.send("Network.enable")
        self.protocol.on("Network.requestWillBeSent", self._asked)
        self.protocol.on("Network.dataReceived", self._came)
        self.protocol.on("Network.loadingFinished", self._whole)

    def _asked(self, event: dict[str, Any]) -> None:
        self._addresses[event["requestId"]] = event["request"]["url"]

    def _came(self, event: dict[str, Any]) -> None:
        self._received[event["requestId"]] = self._received.get(event["requestId"], 0) + event["dataLength"]

    def _whole(self, event: dict[str, Any]) -> None:
        self.fetched.append((self._addresses.get(event["requestId"], ""), event["encodedDataLength"]))

    @property
    def asked(self) -> list[str]:
        """Every address that was asked for."""
        return list(self._addresses.values())

    def bytes_of_sound(self) -> int:
        """What came of the proxy, also of answers that the player has not read to their end."""
        return sum(size for request, size in self._received.items() if "/proxy/" in self._addresses.get(request, ""))

    def look(self, script: str) -> Any:
        """Run a few lines of script that have the workbench's `bench`."""
        bench = "document.querySelector('mix-workbench').bench"
        return self.page.evaluate(f"() => {{ const work = (bench) => {{ {script} }}; return work({bench}) }}")

    def until(self, script: str, seconds: float = 60) -> None:
        """Wait for an expression of `bench`; the page's policy forbids the browser's own way of polling."""
        end = time.monotonic() + seconds
        while not self.look(f"return {script}"):
            assert time.monotonic() < end, f"never so: {script}"
            self.page.wait_for_timeout(20)


def program() -> str | None:
    """Chromium as it is installed here."""
    return shutil.which("chromium") or shutil.which("google-chrome")


def seat_at(site: Site) -> dict[str, Any]:
    """How a browser's context looks at the site."""
    return {"base_url": f"http://127.0.0.1:{site.port}", "viewport": {"width": 1280, "height": 800}}


def cookies_of(site: Site) -> list[dict[str, str]]:
    """Ada's papers."""
    pairs = [pair.partition("=") for pair in site.cookie.split("; ")]
    return [{"name": name, "value": value, "domain": "127.0.0.1", "path": "/"} for name, _, value in pairs]


@contextmanager
def chromium() -> Iterator[Any]:
    """Start Chromium."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program(), args=FLAGS)
        yield browser
        browser.close()


@contextmanager
def tab(browser: Any, site: Site) -> Iterator[Tab]:
    """Sit Ada down at a tab that has seen nothing yet."""
    context = browser.new_context(**seat_at(site))
    context.add_cookies(cookies_of(site))
    yield Tab(context)
    context.close()


def chromium_mb() -> dict[str, float]:
    """Memory of Chromium's processes that this one has started, by what they do, shared pages divided (PSS)."""
    weights: dict[str, float] = {}
    for pid in below(os.getpid()):
        words = _words(pid)
        if "chrom" not in words[0]:
            continue
        kind = next((word.removeprefix("--type=") for word in words if word.startswith("--type=")), "browser")
        weights[kind] = weights.get(kind, 0) + pss_mb(pid)
    return weights


def _words(pid: int) -> list[str]:
    try:
        # a process of Chromium's writes its own command line, with spaces
        return Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ").split() or [""]
    except OSError:
        return [""]
