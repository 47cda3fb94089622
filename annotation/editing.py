"""Every change of a layer: edits in, all or none, each kept with its rows before and after.

An undo is the same list of changes with before and after exchanged.
"""

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import fields
from itertools import groupby
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import F

from annotation.desk import Desk, EditError, as_uid, change, desk_for, folded, quoted, stands
from annotation.filling import fill_layer
from annotation.importing.rows import LayerRows
from annotation.laying import lay
from annotation.models import Conversation, Edit, Layer, MixingSession, Person, Published
from annotation.operations import OPERATIONS
from annotation.order import place
from annotation.tables import (
    Change,
    Row,
    read_flags,
    read_segments,
    read_summaries,
    read_turns,
    write,
)
from mixassist_site.writers import in_turn

MAX_EDITS = 500  # in one request
HISTORY = 200  # how many edits can be undone after a reload
_NUL = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")  # as JSON writes it, and not as somebody typed it
RESTS = ("undo-blocked", "A later edit builds on what this one made; undo that one first.")
MISFIT = ("does-not-fit", "This does not fit the rest of the layer; look at its turns and conversations again.")


class Stale(Exception):
    """The layer has moved on since the client's base revision."""

    def __init__(self, missed: list[Edit], revision: int) -> None:
        super().__init__("stale")
        self.missed = missed
        self.revision = revision


def applied(edits: Iterable[Edit]) -> list[dict[str, Any]]:
    """Edits as the API tells them."""
    return [{"id": str(edit.uid), "revision": edit.revision, "op": edit.op, "changes": edit.changes} for edit in edits]


def apply_edits(
    layer: Layer, by: Person, base_revision: int, edits: Sequence[dict[str, Any]]
) -> tuple[int, list[Edit]]:
    """Apply all of these edits or none; return the new revision and the edits as stored, in their order.

    An edit whose id is known already is not applied again and answers as it did. Raises Stale when the layer holds
    edits after `base_revision` that are not among these, known or not: with all edits since, in the order in which they
    were applied, for these may lie before or after the others. Raises EditError when one can't be applied.
    """
    if len(edits) > MAX_EDITS:
        raise EditError("too-many", f"Send at most {MAX_EDITS} edits at once.")
    ids = [as_uid(edit.get("id")) for edit in edits]
    if len(set(ids)) != len(ids):
        raise EditError("double-id", "Two edits of one request have the same id.")
    with in_turn(), transaction.atomic():
        held = Layer.objects.select_for_update(of=("self",)).select_related("session__project").get(pk=layer.pk)
        known = {str(edit.uid): edit for edit in Edit.objects.filter(layer=held, uid__in=ids)}
        fresh = [edit for edit, uid in zip(edits, ids, strict=True) if uid not in known]
        if fresh and not held.is_editable_by(by):
            raise EditError("closed", "This layer is submitted; it can be changed again when it is returned.")
        if base_revision != held.revision:
            since = list(Edit.objects.filter(layer=held, revision__gt=base_revision).select_related("author"))
            if any(str(edit.uid) not in ids for edit in since) or (fresh and base_revision > held.revision):
                raise Stale(since, held.revision)
        if fresh:
            desk = desk_for(held, by)
            for edit in fresh:
                known[as_uid(edit["id"])] = _apply_one(desk, edit)
            Layer.objects.filter(pk=held.pk).update(revision=held.revision)
    layer.revision = held.revision
    return held.revision, [known[uid] for uid in ids]


def apply_at_once(
    layer_id: int, by: Person, base_revision: int, edits: Sequence[dict[str, Any]]
) -> tuple[int, list[Edit]] | None:
    """Apply edits to a layer that is as their author knows it; None, and nothing done, where anything is the matter.

    The short way, for nearly every request: one update finds the layer, checks the right and the revision, and holds
    the row; the tables themselves refuse an edit or a row that is there already. `apply_edits` takes all other
    requests, and says what is the matter.
    """
    layer = Layer.objects.editable_by(by).filter(pk=layer_id, revision=base_revision)
    try:
        with in_turn(), transaction.atomic():
            if not edits or layer.update(revision=F("revision") + len(edits)) != 1:
                return None
            desk = lay(layer_id, by, edits)
            desk.layer.revision = base_revision
            made = [_apply_one(desk, edit) for edit in edits]
            return desk.layer.revision, made
    except (EditError, IntegrityError):
        return None


def _apply_one(desk: Desk, edit: dict[str, Any]) -> Edit:
    uid = as_uid(edit.get("id"))
    op = edit.get("op")
    arguments = {key: value for key, value in edit.items() if key not in ("id", "op")}
    try:
        _require_storable(edit)
        if op == "undo":
            changes, undoes = _undo(desk, arguments)
        elif isinstance(op, str) and op in OPERATIONS:
            changes, undoes = OPERATIONS[op](desk, arguments), None
        else:
            raise EditError("unknown-op", f"There is no operation “{quoted(op)}”.")
        changes = folded(changes)
        desk.put(changes)
        if not all(stands(desk, each) for each in changes):
            raise EditError(*(RESTS if undoes else MISFIT))
    except EditError as error:
        error.edit = uid
        raise
    write(desk.layer, changes, desk.known, by=desk.by)
    desk.layer.revision += 1
    return Edit.objects.create(
        layer=desk.layer,
        uid=uid,
        revision=desk.layer.revision,
        op=op,
        arguments=arguments,
        changes=changes,
        undoes=undoes,
        author=desk.by,
    )


def _require_storable(edit: dict[str, Any]) -> None:
    """Refuse what a database can't keep: half a character, a NUL, a number without bounds."""
    try:
        told = json.dumps(edit, allow_nan=False, ensure_ascii=False)
        told.encode()
    except (ValueError, RecursionError):
        told = "\\u0000"
    if _NUL.search(told):
        raise EditError("bad-text", "This edit holds a character or a number that can't be stored.")


def _undo(desk: Desk, arguments: Row) -> tuple[list[Change], str]:
    """Exchange before and after of an edit, if its rows are still as it left them."""
    of = as_uid(arguments.get("of"))
    edit = desk.edits.get(of) or Edit.objects.filter(layer=desk.layer, uid=of).first()
    if edit is None:
        raise EditError("no-edit", "There is no such edit to undo.")
    for each in edit.changes:
        if not _same(desk.get(each["kind"], each["uid"]), each["after"]):
            raise EditError("undo-blocked", "A later edit changed the same thing; undo that one first.")
    return [change(each["kind"], each["uid"], each["after"], _copy(each["before"])) for each in edit.changes], of


def _copy(row: Row | None) -> Row | None:
    return None if row is None else dict(row)


def _same(a: Row | None, b: Row | None) -> bool:
    """Whether two rows say the same.

    The revision and author of a summary are not what it says, and the turns of a conversation stand in order of time,
    whoever moved them.
    """
    return a is b if a is None or b is None else _told(a) == _told(b)


def _told(row: Row) -> Row:
    told = {name: value for name, value in row.items() if name not in ("revision", "author", "model")}
    return {**told, "turns": sorted(told["turns"])} if "turns" in told else told


def stacks(layer: Layer) -> tuple[list[list[str]], list[list[str]]]:
    """What can be undone and what redone, oldest first, from the last edits of the layer: lists of acts.

    An act is what a person did at once: the edits that name the same `act`, or one that names none. Undoing an act
    moves it from the first list to the second, as the edits that undid it; undoing those is the redo. An act that
    restores an earlier state undoes many edits and is still an act like any other.
    """
    rows = Edit.objects.filter(layer=layer).order_by("-revision")
    latest = rows.values_list("uid", "undoes", "arguments__act", "arguments__restores")[:HISTORY]
    undoable: list[list[str]] = []
    redoable: list[list[str]] = []
    for _, edits in groupby(reversed(latest), key=lambda edit: edit[2] or edit[0]):
        act = list(edits)
        names = [str(uid) for uid, *_ in act]
        undone = {str(undoes) for _, undoes, _, restores in act if undoes and not restores}
        if not undone:
            undoable.append(names)
            redoable.clear()
        elif _taken(redoable, undone):
            undoable.append(names)
        else:
            _taken(undoable, undone)
            redoable.append(names)
    return undoable, redoable


def _taken(acts: list[list[str]], undone: set[str]) -> bool:
    """Take edits out of the acts that hold them; whether any did."""
    held = any(undone.intersection(act) for act in acts)
    acts[:] = [left for act in acts if (left := [uid for uid in act if uid not in undone])]
    return held


def document(layer: Layer) -> dict[str, Any]:
    """All rows of a layer as the workbench reads them; the number of queries does not grow with the rows."""
    undoable, redoable = stacks(layer)
    homes: dict[str, str] = {}
    turns = read_turns(layer, homes=homes)
    segments = read_segments(layer)
    topics = Conversation.objects.filter(layer=layer).values_list("uid", "topic")
    conversations: dict[str, Row] = {str(uid): {"uid": str(uid), "topic": topic, "turns": []} for uid, topic in topics}
    for uid in sorted(homes, key=lambda uid: place(turns[uid], segments)):
        conversations[homes[uid]]["turns"].append(uid)
    summaries = [row for uid, row in read_summaries(layer).items() if uid in turns]
    return {
        "segments": list(segments.values()),
        "turns": list(turns.values()),
        "conversations": list(conversations.values()),
        "summaries": summaries,
        "flags": list(read_flags(layer).values()),
        "undoable": undoable,
        "redoable": redoable,
    }


def start_layer(session: MixingSession, owner: Person, parent: Layer | None) -> Layer:
    """A person's own layer of a session: empty, or with the rows of another as they are now."""
    with transaction.atomic():
        session = MixingSession.objects.select_for_update().get(pk=session.pk)  # it may be on its way out
        layer, fresh = Layer.objects.get_or_create(
            session=session, owner=owner, kind=Layer.Kind.HUMAN, defaults={"parent": parent}
        )
        if fresh and parent is not None:
            rows = document(parent)
            fill_layer(layer, LayerRows(**{each.name: rows[each.name] for each in fields(LayerRows)}), by=owner)
            _keep_published(parent, layer)
    return layer


def _keep_published(parent: Layer, layer: Layer) -> None:
    """Let a copy of a published layer keep its names and numbers; its histories are those of its own turns."""
    if published := Published.objects.filter(layer=parent).first():
        turns = {
            uid: {name: value for name, value in fact.items() if name != "history"}
            for uid, fact in published.facts["turns"].items()
        }
        published.pk, published.layer = None, layer
        published.facts = {**published.facts, "turns": turns}
        published.save(force_insert=True)
