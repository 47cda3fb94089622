"""The rows that a few edits name, and those around them, laid on the desk in a query for each kind of name.

What is not laid here is still read when it is needed: this saves asking row by row, and decides nothing.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Case, F, JSONField, OuterRef, Q, QuerySet, Subquery, When
from django.db.models.functions import JSONObject

from annotation.desk import Desk, EditError, as_uid, desk_for
from annotation.models import Conversation, Edit, Layer, Person, Segment, Summary, TurnMember
from annotation.order import SPOKEN, place
from annotation.tables import MEMBER_LANES, Change, Row, latest_row, row_of

MOST = 2_000  # names in one query
AROUND = ("conversation.create", "conversation.update", "conversation.delete", "turn.delete", "undo")
HUNG = ("turn.delete", "segment.merge", "segment.delete", "summary.write", "flag.set")  # these ask what hangs on a turn
IN_TURNS = ("segment.split", "segment.merge", "segment.delete")  # these change the turns that hold the segment


@dataclass
class Names:
    """What edits name, by kind; `around` when they reach into the rest of a conversation."""

    segment: set[str] = field(default_factory=set)
    turn: set[str] = field(default_factory=set)
    conversation: set[str] = field(default_factory=set)
    in_turns: set[str] = field(default_factory=set)  # segments whose turns change with them
    undone: set[str] = field(default_factory=set)
    around: bool = False
    hung: bool = False  # whether the flags and summaries of the turns matter

    def take(self, edit: dict[str, Any]) -> None:
        """Add what an edit names; EditError for what is no name."""
        op = str(edit.get("op"))
        kind, _, act = op.partition(".")
        self.around |= op in AROUND
        self.hung |= op in HUNG
        if op == "undo":
            self.undone.add(as_uid(edit.get("of")))
        if kind in ("summary", "flag"):
            self.turn.add(as_uid(edit.get("turn")))
        if kind in ("segment", "turn", "conversation") and act != "create":
            getattr(self, kind).add(as_uid(edit.get("uid")))
        if op == "segment.merge":
            self.segment.add(as_uid(edit.get("other")))
        if op in IN_TURNS or (op == "segment.update" and "lane" in edit):
            self.in_turns |= {as_uid(edit[name]) for name in ("uid", "other") if name in edit}
        if kind == "turn":
            self.segment |= {as_uid(uid) for lane in MEMBER_LANES for uid in _listed(edit.get(lane))}
        if kind == "conversation":
            self.turn |= {as_uid(uid) for uid in _listed(edit.get("turns"))}
        if sum(map(len, (self.segment, self.turn, self.conversation, self.undone))) > MOST:
            raise EditError("too-many", f"Name at most {MOST:,} rows at once.")

    def take_changes(self, changes: Iterable[Change]) -> None:
        """Add what is changed back when these changes are undone."""
        for change in changes:
            kind, uid = change["kind"], change["uid"]
            self.hung |= kind in ("turn", "flag", "summary")
            if kind == "segment":
                self.segment.add(uid)
                self.in_turns.add(uid)
            elif kind == "conversation":
                self.conversation.add(uid)
            else:
                self.turn.add(uid.partition(":")[0])
            for row in (change["before"], change["after"]):
                if row and kind == "turn":
                    self.segment |= {member for lane in MEMBER_LANES for member in row[lane]}
                if row and kind == "conversation":
                    self.turn |= set(row["turns"])


def lay(layer_id: int, by: Person, edits: Sequence[dict[str, Any]]) -> Desk:
    """A desk with what the edits need of a layer that is known to be there."""
    names = Names()
    for edit in edits:
        names.take(edit)
    layer: Layer | None = None
    undone: list[Edit] = []
    if names.undone:
        undone = list(_with_layer(Edit.objects.filter(layer=layer_id, uid__in=names.undone), None))
        layer = undone[0].layer if undone else None
        for each in undone:
            names.take_changes(each.changes)
    segments: list[Any] = []
    if names.segment:
        found = Segment.objects.filter(layer=layer_id, uid__in=names.segment)
        segments = list(_with_layer(found.annotate(in_turn=F("memberships__turn__uid")), layer))
        layer = layer or (segments[0].layer if segments else None)
        names.turn |= {str(each.in_turn) for each in segments if each.in_turn and str(each.uid) in names.in_turns}
        names.around |= any(op in ("segment.merge", "segment.delete") for op in (edit.get("op") for edit in edits))
    members: list[TurnMember] = []
    if names.turn or names.conversation:
        members = list(_with_layer(_members(layer_id, names), layer, "turn__"))
        layer = layer or (members[0].turn.layer if members else None)
    if layer is None:
        layer = Layer.objects.select_related("session__project").get(pk=layer_id)
    desk = desk_for(layer, by, bold=True)
    desk.edits = {str(each.uid): each for each in undone}
    _lay_segments(desk, names, segments)
    _lay_turns(desk, names, members)
    if names.hung:
        _lay_hung(desk, names, members)
    return desk


def _with_layer(rows: QuerySet[Any], layer: Layer | None, path: str = "") -> QuerySet[Any]:
    """Rows, with the layer and what is known of its session and project, where that has not been read yet."""
    return rows if layer else rows.select_related(f"{path}layer__session__project")


def _members(layer_id: int, names: Names) -> QuerySet[TurnMember]:
    """The places of all segments in the turns that are named, and in those of the same conversations."""
    near = Q(turn__uid__in=names.turn)
    if names.around:
        homes = Conversation.objects.filter(layer=layer_id)
        homes = homes.filter(Q(uid__in=names.conversation) | Q(turns__uid__in=names.turn))
        near |= Q(turn__conversation__in=homes.values("pk"))
    rows = TurnMember.objects.filter(near, turn__layer=layer_id).order_by("position", "pk")
    rows = rows.select_related("turn__conversation", "segment")
    if not names.hung:
        return rows
    said = JSONObject(text="text", revision="revision", author="author__username", model="model")
    written = Summary.objects.filter(layer=layer_id, turn_uid=OuterRef("turn__uid")).order_by("-revision")
    latest = When(turn__uid__in=names.turn, then=Subquery(written.values(said=said)[:1]))
    flag = {f"flag_{name}": F(f"turn__flags__{name}") for name in ("flag", "value", "note")}
    return rows.annotate(said=Case(latest, output_field=JSONField()), **flag)


def _lay_segments(desk: Desk, names: Names, segments: Iterable[Any]) -> None:
    for uid in names.segment:
        desk.rows["segment", uid] = None
        desk.turns_of[uid] = set()
    for segment in segments:  # once for each turn that it is in
        uid = str(segment.uid)
        desk.rows["segment", uid] = row_of(segment)
        desk.known.pks["segment", uid] = segment.pk
        if segment.in_turn:
            desk.turns_of[uid].add(str(segment.in_turn))


def _lay_turns(desk: Desk, names: Names, members: Iterable[TurnMember]) -> None:
    for kind in ("turn", "conversation"):
        desk.rows.update({(kind, uid): None for uid in getattr(names, kind)})
    desk.homes_of.update({uid: set() for uid in names.turn})
    turns: dict[str, Row] = {}
    homes: dict[str, tuple[Conversation, list[str]]] = {}
    for member in {member.pk: member for member in members}.values():  # once for each flag
        turn, segment = member.turn, member.segment
        uid, name = str(turn.uid), str(segment.uid)
        if uid not in turns:
            texts = {"amateur_text": turn.amateur_text, "expert_text": turn.expert_text}
            turns[uid] = {"uid": uid, **{lane: [] for lane in MEMBER_LANES}, **texts}
            desk.known.pks["turn", uid] = turn.pk
            home = turn.conversation
            desk.homes_of[uid] = {str(home.uid)} if home else set()
            if home:
                homes.setdefault(str(home.uid), (home, []))[1].append(uid)
        desk.rows["segment", name] = row_of(segment)
        desk.known.pks["segment", name] = segment.pk
        if segment.lane in MEMBER_LANES:
            turns[uid][segment.lane].append(name)
        if segment.lane in SPOKEN:
            desk.turns_of.setdefault(name, {uid})  # an utterance is in one turn
    desk.rows.update({("turn", uid): row for uid, row in turns.items()})
    if not names.around:
        return
    segments: dict[str, Row] = {uid: row for (kind, uid), row in desk.rows.items() if kind == "segment" and row}
    for uid, (home, held) in homes.items():
        in_order = sorted(held, key=lambda each: place(turns[each], segments))
        desk.rows["conversation", uid] = {"uid": uid, "topic": home.topic, "turns": in_order}
        desk.known.pks["conversation", uid] = home.pk


def _lay_hung(desk: Desk, names: Names, members: Iterable[Any]) -> None:
    """The flags of all these turns, and what was last written as a summary of those that are named."""
    desk.flags_of.update({uid: set() for uid in names.turn})
    for member in members:
        turn = str(member.turn.uid)
        flags, uid = desk.flags_of.setdefault(turn, set()), f"{turn}:{member.flag_flag}"
        if member.flag_flag:
            flags.add(uid)
            said = {"flag": member.flag_flag, "value": member.flag_value, "note": member.flag_note}
            desk.rows["flag", uid] = {"turn": turn, **said}
        if turn in names.turn:
            desk.lay_summary(turn, member.said and latest_row(turn, **member.said))


def _listed(value: Any) -> list[Any]:
    """A list that somebody sent; whoever needs one says so when it is none."""
    return value if isinstance(value, list) else []
