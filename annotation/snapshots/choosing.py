"""Which rows a snapshot holds, which it leaves out and why, and what there is to know of those it keeps."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from annotation.snapshots.rows import WINDOW_MS, TurnRow
from annotation.snapshots.splits import SPLITS

Finding = dict[str, str]  # {"row", "kind", "why"}
VALUES = ("yes", "no", "unset")  # of a flag
STATES = ("accepted", "submitted", "any")  # of a layer, as far as it has come; nobody's draft
SPLIT_BY = ("session", "published")
# What is only told, unless the filter's `exclude` names it.
OPTIONAL = {
    "no-clip": "No clip",
    "over-window": "Clip longer than 30 s",
    "no-consent": "No consent recorded",
    "no-expert": "The expert says nothing",
}
LABELS = {
    **OPTIONAL,
    "short-clip": "Clip under 0.1 s",
    "no-words": "Nobody says anything",
    "ungrouped": "In no conversation",
    "history-only": "In published histories alone",
    "withdrawn": "A participant has withdrawn",
    "topic": "Another topic",
    "flag": "Another flag",
    "no-split": "Without a published split",
}


@dataclass
class Chosen:
    """Rows that stay, those that don't, and what is told of those that stay."""

    rows: list[TurnRow] = field(default_factory=list)
    excluded: list[Finding] = field(default_factory=list)
    told: list[Finding] = field(default_factory=list)

    def kinds(self) -> list[dict[str, Any]]:
        """How many findings of each kind there are, those that exclude first."""
        return [
            {"kind": kind, "label": LABELS[kind], "rows": rows, "is_excluded": is_excluded}
            for is_excluded, findings in ((True, self.excluded), (False, self.told))
            for kind, rows in sorted(Counter(each["kind"] for each in findings).items())
        ]


def choose(rows: Iterable[TurnRow], wanted: Mapping[str, Any], *, consented: Collection[int]) -> Chosen:
    """Apply a filter: `has_content`, `topics`, `flags` {flag: [values]}, `split`, `exclude` [kinds of OPTIONAL].

    `consented` holds the groups whose session has a consent.
    """
    made = Chosen()
    strict = set(wanted.get("exclude") or ())
    for row in rows:
        where = f"{row.conversation_id}, turn {row.turn_id}"
        if refused := _refusal(row, wanted):
            made.excluded.append({"row": where, "kind": refused[0], "why": refused[1]})
            continue
        remarks = [{"row": where, "kind": kind, "why": why} for kind, why in _remarks(row, consented)]
        if any(remark["kind"] in strict for remark in remarks):
            made.excluded += [remark for remark in remarks if remark["kind"] in strict][:1]
        else:
            made.rows.append(row)
            made.told += remarks
    return made


def _refusal(row: TurnRow, wanted: Mapping[str, Any]) -> tuple[str, str] | None:
    """Why a row does not pass the filter."""
    topics = wanted.get("topics") or ()
    if wanted.get("has_content") and row.has_content is not True:
        return "flag", "has_content is not yes."
    values = {flag: value for flag, value, _ in row.flags}
    for flag, accepted in sorted((wanted.get("flags") or {}).items()):
        value = values.get(flag, "unset")
        if value not in accepted:
            return "flag", f"{flag} is {value}."
    if topics and row.topic not in topics:
        return "topic", f"Its topic is {row.topic}."
    if wanted.get("split") == "published" and row.published_split not in SPLITS:
        return "no-split", "It comes from no published data set."
    return None


def _remarks(row: TurnRow, consented: Collection[int]) -> Iterable[tuple[str, str]]:
    if row.clip is None:
        yield "no-clip", f"Its clip {row.named} is not here." if row.named else "It has no clip."
    elif row.clip.length_ms > WINDOW_MS:
        yield "over-window", f"Its clip has {row.clip.length_ms / 1000:.1f} s; the base model hears 30 s."
    if row.group not in consented:
        yield "no-consent", "Its session has no consent recorded."
    if row.assistant is None:
        yield "no-expert", "The expert's side is empty."


def sorted_findings(findings: Iterable[Finding]) -> list[Finding]:
    """Findings in an order that does not depend on the database."""
    return sorted(findings, key=lambda each: (each["kind"], each["row"], each["why"]))


def distinct_names(conversations: Sequence[tuple[str, int, int, str]]) -> dict[str, str]:
    """Other names for conversations that share one: {uid: name}.

    Each is given as (name, place of its split, group, uid); the first keeps its name, the next become name-2, name-3.
    """
    names = {name for name, *_ in conversations}
    count: Counter[str] = Counter()
    found = {}
    for name, _, _, uid in sorted(conversations):
        count[name] += 1
        if count[name] > 1:
            while (other := f"{name}-{count[name]}") in names:
                count[name] += 1
            names.add(other)
            found[uid] = other
    return found
