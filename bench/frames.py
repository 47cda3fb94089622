"""How long frames of a page take while a hand is on it: only those that painted something count."""

import asyncio
import statistics
import time
from collections.abc import Awaitable, Iterable
from dataclasses import dataclass
from typing import Any

from bench.measure import Figure

EVENT_S = 1 / 125  # a mouse and a wheel tell of themselves this often

# The clock runs from one animation frame to the next, so a frame's own work, the compositor's and the input's are all
# in it. A callback that was asked for in the frame before runs first: what was painted since then is that frame's.
WATCH = """() => {
  const watched = (window.watched = { frames: [], painted: 0, long: [], on: true })
  if (!window.clearAsItWas) {
    const { prototype } = CanvasRenderingContext2D
    window.clearAsItWas = prototype.clearRect
    prototype.clearRect = function (...box) {
      window.watched.painted += 1
      return window.clearAsItWas.apply(this, box)
    }
    new PerformanceObserver((list) => window.watched.long.push(...list.getEntries().map(({ duration }) => duration)))
      .observe({ type: "longtask" })
  }
  let last = null
  const step = (now) => {
    if (last !== null) watched.frames.push([now - last, watched.painted])
    watched.painted = 0
    last = now
    if (watched.on) requestAnimationFrame(step)
  }
  requestAnimationFrame(step)
}"""
STOP = """() => {
  window.watched.on = false
  return { frames: window.watched.frames, long: window.watched.long }
}"""


@dataclass(frozen=True)
class Seen:
    """Milliseconds from each frame that painted to the next, of those that did not, and of long tasks."""

    painted: list[float]
    idle: list[float]
    long: list[float]

    def figures(self, name: str) -> list[Figure]:
        """Median, 95th percentile, longest; how many frames, and how many of all painted nothing."""
        p95 = statistics.quantiles(self.painted, n=20)[-1]
        return [
            Figure(f"workbench: {name}, frame, median", round(statistics.median(self.painted), 1), "ms", 16.7),
            Figure(f"workbench: {name}, frame, p95", round(p95, 1), "ms"),
            Figure(f"workbench: {name}, frame, longest", round(max(self.painted), 1), "ms", 50.0),
            Figure(f"workbench: {name}, frames that painted", len(self.painted), ""),
            Figure(f"workbench: {name}, frames that did not", len(self.idle), ""),
            Figure(f"workbench: {name}, longest task", max(self.long, default=0.0), "ms", 50.0),
        ]


class Hand:
    """A mouse that tells of itself at its own pace, whether or not the page keeps up."""

    def __init__(self, page: Any, protocol: Any) -> None:
        self.page = page
        self.protocol = protocol

    async def events(self, events: Iterable[dict[str, Any]]) -> None:
        """Send mouse events 8 ms apart; nobody waits for the page between them, as no hand does."""
        sent = []
        due = time.perf_counter()
        for event in events:
            sent.append(asyncio.ensure_future(self.protocol.send("Input.dispatchMouseEvent", event)))
            due = max(due + EVENT_S, time.perf_counter())
            await asyncio.sleep(due - time.perf_counter())
        await asyncio.gather(*sent)

    async def wheel(
        self, at: tuple[float, float], turns: Iterable[tuple[float, float]], *, control: bool = False
    ) -> None:
        """Turn the wheel by these many pixels along x and y."""
        x, y = at
        event = {"type": "mouseWheel", "x": x, "y": y, "modifiers": 2 if control else 0}
        await self.events({**event, "deltaX": dx, "deltaY": dy} for dx, dy in turns)

    async def drag(self, at: tuple[float, float], xs: Iterable[float]) -> None:
        """Press, pass through these places, let go."""
        x, y = at
        held = {"y": y, "button": "left", "buttons": 1, "clickCount": 1}
        await self.events([{**held, "type": "mousePressed", "x": x}])
        await self.events({**held, "type": "mouseMoved", "x": each} for each in xs)
        await self.events([{**held, "type": "mouseReleased", "x": x, "buttons": 0}])


async def watch(page: Any, hand: Awaitable[None]) -> Seen:
    """Let a hand move, and look at the frames meanwhile."""
    await page.evaluate(WATCH)
    await hand
    told = await page.evaluate(STOP)
    painted, idle = ([ms for ms, count in told["frames"] if bool(count) is did] for did in (True, False))
    return Seen(painted, idle, told["long"])


async def drawn(page: Any, protocol: Any, hand: Awaitable[None]) -> tuple[float, float]:
    """Frames a second that the compositor drew while a hand moved, and how many for each frame that painted.

    Read from Chromium's own trace: an animation frame that never reaches the screen is not one.
    """
    stamps: list[float] = []
    done = asyncio.Event()

    def gather(told: dict[str, list[dict[str, Any]]]) -> None:
        stamps.extend(float(event["ts"]) for event in told["value"] if event.get("name") == "DrawFrame")

    protocol.on("Tracing.dataCollected", gather)
    protocol.on("Tracing.tracingComplete", lambda event: done.set())
    await protocol.send(
        "Tracing.start", {"categories": "disabled-by-default-devtools.timeline.frame,devtools.timeline.frame"}
    )
    seen = await watch(page, hand)
    await protocol.send("Tracing.end")
    await done.wait()
    seconds = (max(stamps) - min(stamps)) / 1e6 if len(stamps) > 1 else 0
    return (len(stamps) / seconds if seconds else 0.0), len(stamps) / max(1, len(seen.painted))
