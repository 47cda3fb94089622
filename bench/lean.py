"""A Chromium that is told what to do over its pipe, with no inspector that keeps a copy of all that it fetches.

Playwright listens to the network of each page, and Chromium then keeps up to 200 MB of answers in the page's process
for whoever listens: a figure of memory would measure the measuring.
"""

import json
import os
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from bench.site import Site
from bench.tab import FLAGS, cookies_of, program

SIZE = {"width": 1280, "height": 800, "deviceScaleFactor": 1, "mobile": False}
SHIFT = 8
NAMED = {"Space": (" ", 32), "Escape": ("Escape", 27), "PageDown": ("PageDown", 34), "ArrowDown": ("ArrowDown", 40)}


class LeanTab:
    """One page: where it is, what it shows, a mouse and a keyboard."""

    def __init__(self, asked: int, told: int) -> None:
        self._asked, self._told = os.fdopen(asked, "wb", 0), os.fdopen(told, "rb")
        self._last = 0
        self._session = ""
        self._rest = b""

    def send(self, method: str, **arguments: Any) -> dict[str, Any]:
        """Do one thing, and return what came of it; events are passed over."""
        self._last += 1
        call: dict[str, Any] = {"id": self._last, "method": method, "params": arguments}
        if self._session:
            call["sessionId"] = self._session
        self._asked.write(json.dumps(call).encode() + b"\0")
        while True:
            while b"\0" not in self._rest:
                piece = os.read(self._told.fileno(), 2**16)
                assert piece, "Chromium has gone"
                self._rest += piece
            line, _, self._rest = self._rest.partition(b"\0")
            answer = json.loads(line)
            if answer.get("id") == self._last:
                assert "error" not in answer, answer
                result: dict[str, Any] = answer["result"]
                return result

    def open(self, site: Site, path: str) -> None:
        """Go to a page of the site as Ada, in the tab that Chromium begins with."""
        self.send("Storage.setCookies", cookies=cookies_of(site))
        (target,) = (each for each in self.send("Target.getTargets")["targetInfos"] if each["type"] == "page")
        self._session = self.send("Target.attachToTarget", targetId=target["targetId"], flatten=True)["sessionId"]
        self.send("Emulation.setDeviceMetricsOverride", **SIZE)
        self.send("Page.navigate", url=f"http://127.0.0.1:{site.port}{path}")

    def look(self, script: str) -> Any:
        """The value of an expression in the page."""
        return self.send("Runtime.evaluate", expression=script, returnByValue=True)["result"].get("value")

    def until(self, script: str, seconds: float = 60) -> None:
        """Wait for an expression of the page."""
        end = time.monotonic() + seconds
        while not self.look(script):
            assert time.monotonic() < end, f"never so: {script}"
            time.sleep(0.05)

    def click(self, x: float, y: float) -> None:
        """Press and let go."""
        self.send("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y)
        for kind in ("mousePressed", "mouseReleased"):
            self.send("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)
        self._at = x, y

    def wheel(self, dx: float, dy: float) -> None:
        """Turn the wheel where the last click was."""
        x, y = self._at
        self.send("Input.dispatchMouseEvent", type="mouseWheel", x=x, y=y, deltaX=dx, deltaY=dy)

    def press(self, key: str) -> None:
        """Press a key, with Shift where its name says so."""
        *shift, name = key.split("+") if len(key) > 1 else [key]
        sign, code = NAMED.get(name, (name, ord(name[0].upper())))
        said = {"key": sign, "windowsVirtualKeyCode": code, "modifiers": SHIFT if shift else 0}
        self.send("Input.dispatchKeyEvent", type="keyDown" if len(sign) == 1 else "rawKeyDown", text=sign[:1], **said)
        self.send("Input.dispatchKeyEvent", type="keyUp", **said)


@contextmanager
def lean_chromium() -> Iterator[LeanTab]:
    """Start Chromium with nobody listening but for answers."""
    (asked, ask), (tell, told) = os.pipe(), os.pipe()

    def ends() -> None:
        os.dup2(asked, 103)
        os.dup2(told, 104)
        os.dup2(103, 3)
        os.dup2(104, 4)

    with tempfile.TemporaryDirectory(prefix="mixassist-lean-", ignore_cleanup_errors=True) as profile:
        words = [str(program()), "--headless=new", "--remote-debugging-pipe", f"--user-data-dir={profile}", *FLAGS]
        process = subprocess.Popen(
            [*words, "--no-first-run", "--mute-audio", "about:blank"],
            close_fds=False,
            preexec_fn=ends,  # the numbers 3 and 4 are Chromium's own choice
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(asked)
        os.close(told)
        tab = LeanTab(ask, tell)
        try:
            yield tab
        finally:
            process.terminate()
            process.wait(30)
