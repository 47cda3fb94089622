"""What a release says of its snapshot that the snapshot's files don't."""

from annotation.models import Snapshot


def about(snapshot: Snapshot) -> dict[str, str]:
    """Who made the data set, and on which day it was frozen; the same for ever."""
    day = snapshot.finished_at or snapshot.created_at
    return {"creator": snapshot.project.name, "date": day.date().isoformat()}
