"""What a snapshot's rows ask, for pages that show an answer beside it."""

import threading
from collections import OrderedDict

from annotation.models import Snapshot
from modeling.backbones.errors import CoreError
from modeling.backbones.example import Example
from modeling.training.examples import read_split

_kept: OrderedDict[tuple[str, str], dict[str, Example]] = OrderedDict()  # the last few: a frozen file never changes
_lock = threading.Lock()
KEEP = 4


def of(snapshot: Snapshot, split: str) -> dict[str, Example]:
    """Each row of a split by its name; empty when the files are gone or damaged."""
    key = (f"{snapshot.pk}/{snapshot.content_hash}", split)
    rows = _kept.get(key)
    if rows is None:
        try:
            rows = {example.row: example for example in read_split(snapshot.path, split)}
        except CoreError:
            return {}
        with _lock:
            _kept[key] = rows
            while len(_kept) > KEEP:
                _kept.popitem(last=False)
    return rows
