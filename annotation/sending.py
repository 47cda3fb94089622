"""A layer as exporters take it, and as a file: its rows as they are now, and what is known of its session."""

import re
from dataclasses import dataclass, fields

from django.http import HttpResponse
from django.utils.http import content_disposition_header

from annotation.editing import document
from annotation.exporting import EXPORTERS, ExportedLayer
from annotation.importing.rows import LayerRows, Repair
from annotation.models import Layer


def layer_to_send(layer: Layer) -> ExportedLayer:
    """The rows and facts of a layer; people are named by their codes alone."""
    told, session = document(layer), layer.session
    seats = session.seats.select_related("participant").order_by("pk")
    facts = {seat.role: seat.participant.code for seat in seats}
    return ExportedLayer(
        LayerRows(**{each.name: told[each.name] for each in fields(LayerRows)}),
        title=session.title,
        length_ms=session.length_ms,
        media=tuple(session.recordings.order_by("pk").values_list("name", flat=True)),
        facts={**facts, "license": session.license},
    )


@dataclass(frozen=True, slots=True)
class Offer:
    """A format in which a layer can go out, and what of this layer it can't hold."""

    format: str
    suffix: str
    media_type: str
    lost: list[Repair]


def offers_for(layer: Layer) -> list[Offer]:
    """Every format, with what it loses of this layer."""
    sent = layer_to_send(layer)
    return [
        Offer(name, exporter.suffix, exporter.media_type, exporter.lost(sent)) for name, exporter in EXPORTERS.items()
    ]


def file_of(layer: Layer, format: str) -> HttpResponse:
    """The layer in one format, as a file under a name that says what it is."""
    exporter = EXPORTERS[format]
    content = exporter.write(layer_to_send(layer))
    answer = HttpResponse(content, content_type=exporter.media_type)
    answer["Content-Length"] = str(len(content))
    answer["Content-Disposition"] = content_disposition_header(True, file_name(layer, exporter.suffix)) or "attachment"
    answer["X-Content-Type-Options"] = "nosniff"
    answer["Cache-Control"] = "private, no-store"
    return answer


def file_name(layer: Layer, suffix: str) -> str:
    """Session, layer and revision, without what file systems don't take."""
    said = f"{layer.session.title} - {layer} - {layer.revision}"
    plain = re.sub(r'[\x00-\x1f\x7f<>:"/\\|?*\u202a-\u202e\u2066-\u2069]+', " ", said)
    return " ".join(plain.split()).strip(". ")[:120] + suffix
