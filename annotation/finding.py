"""Finding turns by what is said and how they are marked, in the layers that a person may read.

One mechanism on every database: texts are kept folded beside their turns, and searched as they lie. Ten thousand turns
are some two megabytes, which SQLite and PostgreSQL read through in a few milliseconds; nothing needs an extension.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.db.models import Q, QuerySet

from annotation.folding import fold, terms
from annotation.models import IndexedLayer, Layer, Person, Project, TurnText
from annotation.order import place
from annotation.tables import MEMBER_LANES, Row, read_conversations, read_flags, read_segments, read_turns
from mixassist_site.writers import in_turn

SIDES = ("amateur", "expert")
VALUES = ("yes", "no", "unset")
KEPT = [
    "turn_uid", "conversation_uid", "topic", "place", "start_ms", "end_ms", "amateur", "expert", "amateur_folded",
    "expert_folded", "flags",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is looked for; what is empty doesn't matter."""

    q: str = ""
    side: str = ""
    topic: str = ""
    flag: str = ""
    value: str = ""  # of the flag; yes unless it is said
    session: int | None = None
    layer: int | None = None
    state: str = ""


def find(person: Person, wanted: Wanted, *, project: Project | None = None) -> QuerySet[TurnText]:
    """The turns that match, layer by layer in order of time; layers that have changed are read first."""
    layers = Layer.objects.visible_to(person)
    layers = layers.filter(session__project=project) if project else layers
    narrowed = {"session": wanted.session, "pk": wanted.layer, "state": wanted.state or None}
    layers = layers.filter(**{name: value for name, value in narrowed.items() if value is not None})
    known = list(layers.order_by().values_list("pk", "revision", "indexed__revision").distinct())
    for pk, revision, indexed in known:
        if revision != indexed:
            index(pk)
    rows = TurnText.objects.filter(layer__in=[pk for pk, *_ in known])
    for term in terms(wanted.q):
        sides = [wanted.side] if wanted.side in SIDES else SIDES
        said = Q()
        for side in sides:
            said |= Q(**{f"{side}_folded__contains": term})
        rows = rows.filter(said)
    if wanted.topic:
        rows = rows.filter(topic=wanted.topic)
    if wanted.flag and wanted.value == "unset":
        rows = rows.exclude(flags__contains=f"|{wanted.flag}=")
    elif wanted.flag:
        rows = rows.filter(flags__contains=f"|{wanted.flag}={wanted.value or 'yes'}|")
    # Prefetched and not joined, in the order of the index: a late page is not paid for with ten thousand joins.
    rows = rows.defer(*(f"{side}_folded" for side in SIDES))  # nobody reads them
    return rows.prefetch_related("layer__session__project", "layer__owner").order_by("layer", "place")


def index(layer_id: int) -> None:
    """Read a layer's texts again, and write those that differ; nothing where the layer is gone."""
    with in_turn(), transaction.atomic():
        layer = Layer.objects.select_for_update().filter(pk=layer_id).first()
        if layer is None:
            return
        fresh = {row["turn_uid"]: row for row in _texts(layer)}
        kept = {str(row["turn_uid"]): row for row in TurnText.objects.filter(layer=layer).values(*KEPT)}
        stale = [uid for uid, row in kept.items() if uid not in fresh or _told(row) != fresh[uid]]
        missing = [row for uid, row in fresh.items() if uid not in kept or uid in set(stale)]
        for part in _parts(stale):
            TurnText.objects.filter(layer=layer, turn_uid__in=part).delete()
        TurnText.objects.bulk_create((TurnText(layer=layer, **row) for row in missing), batch_size=500)
        IndexedLayer.objects.update_or_create(layer=layer, defaults={"revision": layer.revision})


def _parts(uids: Sequence[str], size: int = 500) -> Iterable[Sequence[str]]:
    return (uids[at : at + size] for at in range(0, len(uids), size))


def _told(row: dict[str, Any]) -> dict[str, Any]:
    names = ("turn_uid", "conversation_uid")
    return row | {name: str(row[name]) if row[name] else None for name in names}


def _texts(layer: Layer) -> list[dict[str, Any]]:
    """Every turn of a layer as it is found, in order of time."""
    segments, turns = read_segments(layer), read_turns(layer)
    homes = {uid: row for row in read_conversations(layer).values() for uid in row["turns"]}
    flags: dict[str, list[str]] = {}
    for row in read_flags(layer).values():
        flags.setdefault(row["turn"], []).append(f"{row['flag']}={row['value']}")
    made = []
    for number, turn in enumerate(sorted(turns.values(), key=lambda turn: place(turn, segments))):
        uid = turn["uid"]
        spans = [segments[each] for lane in MEMBER_LANES for each in turn[lane]]
        home = homes.get(uid)
        said = {side: said_by(turn, side, segments) for side in SIDES}
        made.append(
            {
                "turn_uid": uid,
                "conversation_uid": home["uid"] if home else None,
                "topic": home["topic"] if home else "",
                "place": number,
                "start_ms": min((span["start_ms"] for span in spans), default=0),
                "end_ms": max((span["end_ms"] for span in spans), default=0),
                **said,
                **{f"{side}_folded": fold(text) for side, text in said.items()},
                "flags": f"|{'|'.join(sorted(flags[uid]))}|" if uid in flags else "",
            }
        )
    return made


def said_by(turn: Row, side: str, segments: dict[str, Row]) -> str:
    """What a side says: as it was written, or as its segments have it in order of time."""
    if turn[f"{side}_text"] is not None:
        return str(turn[f"{side}_text"]).strip()
    spoken = sorted((segments[uid] for uid in turn[side]), key=lambda row: (row["start_ms"], row["end_ms"]))
    return " ".join(text for row in spoken if (text := row["text"].strip()))
