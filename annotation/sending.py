"""A layer as exporters take it: its rows as they are now, and what is known of its session."""

from dataclasses import fields

from annotation.editing import document
from annotation.exporting import ExportedLayer
from annotation.importing.rows import LayerRows
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
