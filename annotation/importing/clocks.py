"""Times as files write them: 1.25, 1,25, 2:03.5, 01:02:03,456."""

import re

# Hours and minutes are optional; a fraction stands after a point or a comma.
CLOCK = r"(?:(?:\d{1,4}:)?\d{1,4}:)?\d{1,9}(?:[.,]\d{1,12})?"
_CLOCK = re.compile(r"([-+]?)(?:(?:(\d{1,4}):)?(\d{1,4}):)?(\d{1,9})(?:[.,](\d{1,12}))?", re.ASCII)


def ms_of(clock: str) -> float:
    """Milliseconds of a time in seconds, minutes and seconds, or hours too; ValueError for anything else."""
    found = _CLOCK.fullmatch(clock.strip())
    if found is None:
        raise ValueError(clock)
    sign, hours, minutes, seconds, fraction = found.groups()
    whole = (int(hours or 0) * 60 + int(minutes or 0)) * 60 + int(seconds)
    length = whole * 1000 + int((fraction or "0").ljust(12, "0")) / 1_000_000_000
    return -length if sign == "-" else length
