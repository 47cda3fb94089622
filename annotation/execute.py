"""The work behind each job of this room, under a lease."""

import shutil
from contextlib import suppress
from typing import Any

from annotation.audio import child
from annotation.audio.errors import AudioError
from annotation.models import Derived, Ingest, Snapshot
from annotation.snapshots.build import build
from annotation.uploading import sha256_of
from mixassist_site.jobs import JobError, JobStopped, Lease, State, ring, works


@works(Ingest)
def ingest(job: Ingest, lease: Lease) -> None:
    """Make peaks or the proxy of a recording in a limited child, then publish it in one write."""
    recording = job.recording
    folder = recording.derived_folder()
    folder.mkdir(parents=True, exist_ok=True)
    peaks = job.makes == Derived.Kind.PEAKS
    target = folder / (f"peaks-{lease.fence}" if peaks else f"proxy-{lease.fence}.mp4")
    request: dict[str, Any] = {"path": str(recording.path)}
    request |= {"folder": str(target)} if peaks else {"out": str(target)}
    note = "draws the waveform" if peaks else "makes the playback audio"

    def report(share: float) -> None:
        lease.report(round(share * 1000), 1000, note)

    try:
        facts = child.run(job.makes, request, on_progress=report, should_stop=lease.should_stop)
        digest = facts["hash"] if peaks else sha256_of(target)
        made = {"digest": digest, "path": str(target.relative_to(folder.parent.parent))}
        with lease.publication():
            Derived.objects.update_or_create(
                recording=recording, kind=job.makes, defaults={**made, "facts": _drawn(facts) if peaks else facts}
            )
    except AudioError as error:
        _remove(target)
        if lease.should_stop():
            raise JobStopped from error
        raise JobError(error.code, error.message) from error
    except BaseException:  # the lease is lost, or the recording gone: what was made belongs to nobody
        _remove(target)
        with suppress(OSError):
            folder.rmdir()  # only when it is empty
        raise
    for waiting in recording.ingests.filter(state=State.QUEUED):  # what waited for this
        ring(waiting)
    for other in folder.glob(f"{job.makes}-*"):  # of the last time, or of an attempt that was killed
        if other != target:
            _remove(other)


def _drawn(facts: dict[str, Any]) -> dict[str, Any]:
    """What the timeline needs to know of a pyramid."""
    return {
        "base": facts["base"],
        "factor": facts["factor"],
        "tile_points": facts["tile_points"],
        "channels": facts["channels"],
        "rate": facts["rate"],
        "levels": [level["points"] if isinstance(level, dict) else level for level in facts["levels"]],
    }


def _remove(path: Any) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


@works(Snapshot)
def snapshot(job: Snapshot, lease: Lease) -> None:
    """Build and freeze a snapshot."""
    build(job, lease)
