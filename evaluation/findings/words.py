"""What a report says in sentences: what can't be said, and exactly what was done."""

from collections.abc import Mapping
from typing import Any

INTERIM = (
    "This study is still open: votes are missing, and who stops a study because of what a look on the way shows finds "
    "differences where there are none."
)
FEW = 10  # raters or items below which an interval rests on little


def limits(told: Mapping[str, Any]) -> list[str]:
    """What these votes can't say, in full sentences."""
    study, found = told["study"], told["strengths"]
    if not told["votes"]:
        if told["everyone"]:
            return ["Every rater who voted is excluded, so nothing can be said about who is preferred."]
        return ["Nobody has voted yet, so nothing can be said about who is preferred."]
    sentences = [found["why_not"]] if found["why_not"] else []
    missing = study["comparisons"] - study["compared"]
    if missing:
        sentences.append(f"{missing} of {study['comparisons']} comparisons have no vote yet.")
    if told["raters"] == 1:
        sentences.append("All votes come from one rater: they say what this rater prefers, and no more.")
    elif told["raters"] < FEW:
        sentences.append(f"There are {told['raters']} raters: intervals allow for that, and are wide or missing.")
    if told["items"] == 1:
        sentences.append("All votes are on one item: they say nothing about others.")
    elif told["items"] < FEW:
        sentences.append(f"There are {told['items']} items: others may well come out differently.")
    share = told["side"]["share"]
    if share in (0.0, 1.0) and told["decided"] > 1:
        side = "left" if share else "right"
        sentences.append(f"Every decided vote is for the {side} side: it says nothing about the contenders.")
    if told["votes"] and not told["decided"]:
        sentences.append("Every vote is a tie, both bad or can't judge: shares of decided votes don't exist.")
    for row in told["contenders"]:
        if row["losses"] and not row["wins"]:
            sentences.append(f"{row['name']} never won: how much weaker it is can't be told from these votes.")
    if any(each["moved"] for each in told["length"]["pairs"]):
        sentences.append("At equal length some pair comes out more than 10 points differently: see the length view.")
    return [*sentences, INTERIM] if study["state"] == "open" else sentences


def methods(told: Mapping[str, Any], *, draws: int, seed: int) -> str:
    """State what was done, so that another can do it again; only what was done is said."""
    study, flow = told["study"], told["flow"]
    said = [
        f"{told['raters']} raters gave {told['votes']} votes ({told['decided']} decided) on {told['items']} items of "
        f"the {study['split']} split of the snapshot {study['snapshot']}, in {study['compared']} of "
        f"{study['comparisons']} comparisons of {len(told['contenders'])} sources. The question was: "
        f"“{study['question']}” Sides were balanced by the assignment, and raters were not told the sources."
    ]
    excluded = sum(flow.get("excluded", {}).values())
    said.append(
        f"{excluded} raters were excluded by a person under the rules listed; results with them are given beside."
        if excluded
        else "No rater was excluded."
    )
    if told["simulated_votes"]:
        said.append(f"{told['simulated_votes']} of the votes are simulated.")
    said.append(
        "Shares are of decided votes; both bad, both good and can't judge count for nobody. Their 95 % intervals are "
        "Wilson's with the effective number of votes under two-way clustering by rater and item, and Student's "
        "quantile for the fewer of both (Wilson 1927; Korn and Graubard 1998; Cameron, Gelbach and Miller 2011); p "
        "values use the same variance, and those of pairs are adjusted by Holm's method."
    )
    if told["strengths"].get("differences") is not None:
        said.append(
            f"Strengths are Bradley and Terry's (1952) by maximum likelihood, with a bootstrap of raters and items "
            f"({draws} draws, seed {seed}); places are those compatible with all differences at once (Mogstad and "
            "others 2024)."
        )
    elif told["strengths"]["why_not"]:
        said.append("Bradley and Terry's strengths, or their intervals, are not given, for the reason stated.")
    if told["davidson"]["nu"] is not None:
        said.append("Davidson's model (1970) takes both good as a tie; its errors are clustered in the same two ways.")
    if told["side"]["effect"] is not None:
        said.append(
            "The order effect is the log odds of the left beside the strengths, with errors clustered likewise."
        )
    if told["length"]["coefficient"] is not None:
        said.append("The length view adds (a − b) / (a + b) of the answers' characters, and predicts at equal length.")
    if told["agreement"]["percent"]:
        said.append(
            "Agreement is on the outcome of comparisons with two ratings or more, sides un-swapped: per cent, Gwet's "
            "AC1 and Krippendorff's nominal α, with intervals of 1,000 draws of items."
        )
    if told["agreement"]["ordinal"]:
        said.append(
            "Ordinal α is over clearly and slightly one, both good, slightly and clearly the other, which alone are in "
            "an order."
        )
    if any(row["asked"] < row["votes"] for row in told["criteria"]):
        said.append("Votes that say nothing by a criterion are left out of it, not counted as alike.")
    if told["blinding"]["asked"]:
        said.append("Blinding is Bang's index (2004) of guesses after the vote, with the same clustered variance.")
    if told["leak"]["auc"] is not None:
        said.append(
            "The leak is the area under the curve of a ridge logistic model of six surface features, on items that "
            "it never saw."
        )
    if told["metrics"]:
        said.append("Automatic metrics are against the expert's answers, under the signatures given with them.")
    return " ".join(said)
