"""Moments of a recording, cut in a limited child while somebody waits for them."""

import tempfile
from pathlib import Path
from threading import BoundedSemaphore
from typing import Any

from annotation.audio import child
from annotation.audio.errors import AudioError
from annotation.audio.limits import MIB, ChildLimits
from annotation.models import Derived, Recording

MOST_MS = 30_000
AT_ONCE = 2  # children of one web process
PATIENCE_S = 3  # how long a request waits for its turn
LIMITS = ChildLimits(cpu_s=20, wall_s=20.0, file_bytes=64 * MIB)  # 30 s of stereo at 192 kHz are 23 MB
NOT_HERE = {"missing-file", "no-proxy"}

_turns = BoundedSemaphore(AT_ONCE)


class Busy(Exception):
    """So many moments are being cut that this one would have to wait too long."""


def cut(recording: Recording, start: int, stop: int) -> bytes:
    """The frames [start, stop) of a recording as a WAV file of 16 bits; Busy when it is nobody's turn for too long.

    They come from the master where it can be sought, else from the proxy. Raises AudioError for one that is damaged,
    and "no-proxy" while neither can serve.
    """
    proxy = Derived.objects.filter(recording=recording, kind=Derived.Kind.PROXY).first()
    if proxy is None and not recording.is_sought:
        raise AudioError("no-proxy", "The playback audio of this recording is still being made. Wait for its job.")
    request: dict[str, Any] = {"path": str(recording.path), "start": start, "stop": stop}
    request |= {"rate": recording.sample_rate, "channels": recording.channels}
    request |= {"proxy": str(proxy.full_path)} if proxy else {}
    if not _turns.acquire(timeout=PATIENCE_S):
        raise Busy
    try:
        with tempfile.TemporaryDirectory(prefix="excerpt-") as folder:
            out = Path(folder) / "excerpt.wav"
            child.run("excerpt", {**request, "out": str(out)}, limits=LIMITS)
            return out.read_bytes()
    finally:
        _turns.release()
