"""Milliseconds to frames and back: the one place that rounds."""


def frames_at(ms: int, rate: int) -> int:
    """Return the frame that stands at a time in milliseconds; halves go up (44.1 kHz has 44.1 frames a millisecond)."""
    return (ms * rate + 500) // 1000


def ms_at(frame: int, rate: int) -> int:
    """Return the last whole millisecond that has begun at a frame, so that `frames_at(ms_at(n)) <= n`."""
    return frame * 1000 // rate
