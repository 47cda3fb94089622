"""How often the workbench asks its database: the page, its document, and one edit of each kind.

Runs inside the site: `manage.py shell -c "from bench.queries import tell; tell(7)"` prints one JSON object. Counted is
what Django sends, the login's own queries among it; BEGIN, COMMIT and savepoints, which read nothing, are not.
"""

import json
import uuid
from typing import Any

from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from annotation.models import Layer

BRACKETS = ("BEGIN", "COMMIT", "SAVEPOINT", "RELEASE", "ROLLBACK")
JSON = "application/json"


def tell(layer_id: int) -> None:
    """Print how many queries each takes, of a layer that is there to be changed."""
    layer = Layer.objects.get(pk=layer_id)
    client = Client(headers={"host": "127.0.0.1"})
    client.force_login(layer.owner)
    counts = {
        "the page": _counted(client, f"/layers/{layer.pk}/"),
        "its document": _counted(client, f"/api/v1/layers/{layer.pk}/document/"),
    }
    for op in _ops(layer):
        layer.refresh_from_db()
        body = {"base_revision": layer.revision, "edits": [{"id": str(uuid.uuid4()), **op}]}
        if op["op"] == "undo":
            body["edits"][0]["of"] = str(layer.edits.latest("revision").uid)
        counts[op["op"]] = _counted(client, f"/api/v1/layers/{layer.pk}/edits/", body)
    print(json.dumps(counts))


def _counted(client: Client, address: str, body: dict[str, Any] | None = None) -> int:
    with CaptureQueriesContext(connection) as asked:
        answer = client.get(address) if body is None else client.post(address, body, content_type=JSON)
        b"".join(answer) if answer.streaming else answer.content
    assert answer.status_code == 200, answer.content[:300]
    return len([query for query in asked if not query["sql"].startswith(BRACKETS)])


def _ops(layer: Layer) -> list[dict[str, Any]]:
    """One edit of each kind, in an order in which all can be made."""
    new, half, other, turn, group = (str(uuid.uuid4()) for _ in range(5))
    return [
        {"op": "segment.create", "uid": new, "lane": "expert", "start_ms": 1000, "end_ms": 3000, "text": "one two"},
        {"op": "segment.update", "uid": new, "text": "one two three"},
        {"op": "segment.split", "uid": new, "at_ms": 2000, "new_uid": half},
        {"op": "segment.merge", "uid": new, "other": half},
        {"op": "turn.create", "uid": turn, "amateur": [], "expert": [new], "music": []},
        {"op": "turn.update", "uid": turn, "expert_text": "Other words."},
        {"op": "conversation.create", "uid": group, "topic": "drums", "turns": [turn]},
        {"op": "conversation.update", "uid": group, "topic": "bass"},
        {"op": "summary.write", "turn": turn, "uid": other, "text": "They have just begun."},
        {"op": "flag.set", "turn": turn, "flag": "has_content", "value": "yes", "note": ""},
        {"op": "undo"},
        {"op": "conversation.delete", "uid": group},
        {"op": "turn.delete", "uid": turn},
        {"op": "segment.delete", "uid": new},
    ]
