"""The tables that the paper prints, from a study of one's own, beside what the paper is known to state."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from evaluation.stats import binomial

NOT_PUBLISHED = "not published"
# Of 100 comparisons of the fine-tuned Qwen and the expert, as readers of the paper report (arXiv 2507.06329).
PAIRS = 100
HUMAN = {"model": 40, "expert": 33, "both_good": 12, "both_bad": 15}
JUDGES = {
    "o3-mini": "the main judge; Qwen is ranked first, its share and mean rank are not published",
    "qwen3": "a further judge; numbers not published",
    "llama3.1": "a further judge; numbers not published",
    "gemma3": "a further judge; numbers not published",
}


@dataclass(frozen=True, slots=True)
class Outcome:
    """One outcome of the human comparison: here, and in the paper."""

    name: str
    here: Mapping[str, Any]  # k, n, share, low, high
    paper: int
    paper_low: float
    paper_high: float


@dataclass(frozen=True, slots=True)
class HumanTable:
    """One model against the expert."""

    model: str
    votes: int
    outcomes: list[Outcome]
    decided: Mapping[str, Any]  # the model's share of decided votes: wins, losses, share, low, high, p


def human_tables(result: Mapping[str, Any]) -> list[HumanTable]:
    """Every model that met the expert, by the four outcomes of the paper."""
    expert = result.get("expert")
    tables = []
    for pair in result["pairs"]:
        if expert not in (pair["one"], pair["other"]):
            continue
        model = pair["other"] if pair["one"] == expert else pair["one"]
        ours = {"model": "other" if pair["one"] == expert else "one"}
        ours |= {
            "expert": "one" if pair["one"] == expert else "other",
            "both_good": "both_good",
            "both_bad": "both_bad",
        }
        outcomes = [Outcome(name, pair["outcomes"][key], HUMAN[name], *_paper(name)) for name, key in ours.items()]
        tables.append(HumanTable(model, pair["votes"], outcomes, _decided(pair, turned=pair["one"] == expert)))
    return tables


def decided_in_paper() -> dict[str, float]:
    """The model's share of the decided pairs in the paper, with Wilson's interval and the sign test: our arithmetic."""
    won, lost = HUMAN["model"], HUMAN["expert"]
    low, high = binomial.wilson(won, won + lost)
    return {"share": won / (won + lost), "low": low, "high": high, "p": binomial.sign_test(won, lost)}


def judge_rows(result: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Each judge and contender: rank-1 share, mean rank and the published script's rank score (first 10, last 0)."""
    size = len(result["contenders"])
    rows = []
    for judge in result.get("judges") or []:
        stated = next((told for name, told in JUDGES.items() if judge["judge"].startswith(name)), NOT_PUBLISHED)
        for each in judge["standings"]:
            mean = each["mean_rank"]
            score = 10 * (size - mean) / (size - 1) if mean is not None and size > 1 else None
            counted = {"scored": judge["scored"], "attempted": judge["attempted"], "score": score, "paper": stated}
            rows.append({"judge": judge["judge"], "is_scripted": judge["is_scripted"], **each, **counted})
    return rows


def _paper(name: str) -> tuple[float, float]:
    return binomial.wilson(HUMAN[name], PAIRS)


def _decided(pair: Mapping[str, Any], *, turned: bool) -> dict[str, Any]:
    if not turned:
        return {key: pair[key] for key in ("wins", "losses", "share", "low", "high", "p")}

    def rest(value: float | None) -> float | None:
        return None if value is None else 1 - value

    found = {"wins": pair["losses"], "losses": pair["wins"], "share": rest(pair["share"]), "p": pair["p"]}
    return found | {"low": rest(pair["high"]), "high": rest(pair["low"])}
