"""Work an encoder probe: a child listens to diagnostic clips, this keeps where each property is lost."""

import shutil
from pathlib import Path
from typing import Any

from django.conf import settings

from mixassist_site.child import Event, run_child
from mixassist_site.jobs import JobError, Lease, works
from modeling import bases
from modeling.execute.files import written
from modeling.models import EncoderProbe


@works(EncoderProbe)
def probe(job: EncoderProbe, lease: Lease) -> None:
    """Let a child listen to diagnostic clips, and keep where each property is lost."""
    folder = Path(settings.RUNS_ROOT) / f"probe-{job.pk}" / str(lease.fence)
    request = {
        "base": bases.request_of(job.base),
        "adapter": str(job.adapter.path) if job.adapter else None,
        "clips": job.clips,
        "seed": job.seed,
        "asks": job.asks,
    }
    record: dict[str, Any] = {}

    def hear(event: Event) -> None:
        match event.get("event"):
            case "loaded":
                record.update({name: value for name, value in event.items() if name != "event"})
            case "progress":
                lease.report(event["done"], event["total"], event["what"])
            case "probed":
                record["properties"] = event["properties"]

    lease.report(0, 0, "Opens the base model", at_once=True)
    run_child("modeling.probing", written(folder / "request.json", request), lease, hear)
    if job.adapter and record["adapter_sha256"] != job.adapter.sha256:
        raise JobError("adapter-changed", f"The file of the adapter {job.adapter.name} changed; train it again.")
    with lease.publication(record=record, note=""):
        pass
    shutil.rmtree(folder.parent, ignore_errors=True)
