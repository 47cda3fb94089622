"""Fill an empty layer with rows in bulk: what an import brings, or a copy of another layer."""

import uuid

from django.db import transaction

from annotation.importing.rows import LayerRows
from annotation.models import Conversation, FlagValue, Layer, Person, Segment, Summary, Turn, TurnMember
from annotation.tables import is_a_persons


@transaction.atomic
def fill_layer(layer: Layer, rows: LayerRows, *, by: Person | None) -> None:
    """Write all rows of a layer that has none; a dozen queries whatever their number."""
    segments = Segment.objects.bulk_create((Segment(layer=layer, **row) for row in rows.segments), batch_size=500)
    conversations = Conversation.objects.bulk_create(
        (Conversation(layer=layer, uid=row["uid"], topic=row["topic"]) for row in rows.conversations), batch_size=500
    )
    home = {
        turn: conversation
        for conversation, row in zip(conversations, rows.conversations, strict=True)
        for turn in row["turns"]
    }
    turns = Turn.objects.bulk_create(
        (
            Turn(
                layer=layer,
                uid=row["uid"],
                conversation=home.get(row["uid"]),
                amateur_text=row["amateur_text"],
                expert_text=row["expert_text"],
            )
            for row in rows.turns
        ),
        batch_size=500,
    )
    segment_of = {str(segment.uid): segment for segment in segments}
    TurnMember.objects.bulk_create(
        (
            TurnMember(turn=turn, segment=segment_of[uid], position=position)
            for turn, row in zip(turns, rows.turns, strict=True)
            for position, uid in enumerate([*row["amateur"], *row["expert"], *row["music"]])
        ),
        batch_size=500,
    )
    turn_of = {str(turn.uid): turn for turn in turns}
    FlagValue.objects.bulk_create(
        (
            FlagValue(turn=turn_of[row["turn"]], flag=row["flag"], value=row["value"], note=row["note"])
            for row in rows.flags
        ),
        batch_size=500,
    )
    Summary.objects.bulk_create(
        (
            Summary(
                layer=layer,
                turn_uid=uuid.UUID(row["turn"]),
                revision=1,
                text=row["text"],
                author=by if is_a_persons(row) else None,
                model=row.get("model", ""),
            )
            for row in rows.summaries
        ),
        batch_size=500,
    )
