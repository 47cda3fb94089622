"""Which rows train, validate and test: whole units alone cross no border, so that no history leaks a target."""

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

SPLITS = ("train", "validation", "test")
SHARES = {"train": 0.7, "validation": 0.1, "test": 0.2}


@dataclass(frozen=True, slots=True)
class Unit:
    """What stays together: a session, or a conversation where there are too few sessions."""

    key: str
    topics: Mapping[str, int] = field(default_factory=dict)  # rows by topic

    @property
    def rows(self) -> int:
        """How many rows it has."""
        return sum(self.topics.values())


def draw(seed: int, key: str) -> str:
    """A random-looking place for a key that depends on the seed and the key alone."""
    return hashlib.sha256(f"{seed}:{key}".encode()).hexdigest()


def assign(units: Sequence[Unit], *, seed: int, shares: Mapping[str, float] = SHARES) -> dict[str, str]:
    """Give each unit a split: {unit key: split}.

    The largest units go first (equal ones in seeded order), each to the split that leaves rows and topics closest to
    their shares. With at least as many units as splits, no split stays empty.
    """
    order = sorted(units, key=lambda unit: (-unit.rows, draw(seed, unit.key)))
    total: Counter[str] = Counter()
    for unit in units:
        total.update(unit.topics)
    held: dict[str, Counter[str]] = {split: Counter() for split in shares}
    chosen: dict[str, str] = {}
    for unit in order:
        split = min(shares, key=lambda name: (_distance(held, total, shares, unit, name), -shares[name]))
        chosen[unit.key] = split
        held[split].update(unit.topics)
    _fill_empty(order, chosen, shares)
    return chosen


def _distance(
    held: Mapping[str, Counter[str]],
    total: Counter[str],
    shares: Mapping[str, float],
    unit: Unit,
    candidate: str,
) -> float:
    """Squared distance of all splits from their shares if the unit went to the candidate, rows and topics alike."""
    everything = sum(total.values())
    distance = 0.0
    for split, share in shares.items():
        now = held[split] + Counter(unit.topics) if split == candidate else held[split]
        distance += (sum(now.values()) - share * everything) ** 2
        distance += sum((now[topic] - share * count) ** 2 for topic, count in total.items())
    return distance


def _fill_empty(order: Sequence[Unit], chosen: dict[str, str], shares: Mapping[str, float]) -> None:
    """Give an empty split the smallest unit of the split that has most units."""
    for split in shares:
        if split in chosen.values() or len(order) < len(shares):
            continue
        counts = Counter(chosen.values())
        largest = max(counts, key=lambda name: (counts[name], name))
        smallest = next(unit for unit in reversed(order) if chosen[unit.key] == largest)
        chosen[smallest.key] = split


def nested(keys: Sequence[str], fraction: float, *, seed: int, within: Mapping[str, str]) -> set[str]:
    """A share of the keys, taken alike from every group of `within`; a smaller fraction is a subset of a larger."""
    groups: dict[str, list[str]] = {}
    for key in keys:
        groups.setdefault(within[key], []).append(key)
    kept: set[str] = set()
    for group in groups.values():
        ranked = sorted(group, key=lambda key: draw(seed, key))
        kept.update(ranked[: max(1, round(len(ranked) * fraction))])
    return kept
