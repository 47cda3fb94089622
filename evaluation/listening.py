"""How much of a clip a rater has heard: what the page claims, as far as the clock and the bytes allow it."""

import re
import wave
from datetime import datetime
from pathlib import Path

MOST_RANGES = 200
GRACE_MS = 1500  # the first sound may come before the first byte is counted, and clocks differ
LEAST_MS = 5000
LEAST_SHARE = 0.6
_RANGES = re.compile(r"(?:\d{1,8}-\d{1,8})(?:,\d{1,8}-\d{1,8})*")


def duration_ms(path: Path) -> int:
    """The length of a clip in ms; 0 where it is no WAV that can be read."""
    try:
        with wave.open(str(path), "rb") as file:
            return round(1000 * file.getnframes() / file.getframerate())
    except (OSError, EOFError, wave.Error, ZeroDivisionError):
        return 0


def required_ms(duration: int) -> int:
    """What must be heard of a clip before a vote on it is taken: 60 per cent, five seconds at least, or all of it."""
    return min(duration, max(LEAST_MS, round(LEAST_SHARE * duration)))


def claimed_ms(ranges: str, duration: int) -> int:
    """The different milliseconds of a clip in "0-3200,4000-5000"; 0 for a claim that is none."""
    if not _RANGES.fullmatch(ranges):
        return 0
    pairs = [tuple(map(int, each.split("-"))) for each in ranges.split(",")[:MOST_RANGES]]
    heard = reached = 0
    for start, end in sorted(pairs):
        start, end = max(start, reached), min(end, duration)
        if end > start:
            heard += end - start
            reached = end
    return heard


def allowed_ms(first_byte: datetime | None, sent: int, size: int, duration: int, now: datetime) -> int:
    """The most that can have been heard: of what was sent, in the time since its first byte."""
    if first_byte is None or not size:
        return 0
    passed = (now - first_byte).total_seconds() * 1000 + GRACE_MS
    return max(0, round(min(passed, duration * min(1.0, sent / size))))
