"""The paper's tables: one's own numbers beside what is stated, and nothing where nothing is."""

import pytest

from evaluation import execute, paper
from tests.evaluation.studies import study_of
from tests.evaluation.test_report import vote


def test_the_papers_own_pairs_decide_nothing():
    told = paper.decided_in_paper()
    assert told["share"] == pytest.approx(0.548, abs=5e-4)
    assert (round(told["low"], 2), round(told["high"], 2)) == (0.43, 0.66)
    assert round(told["p"], 2) == 0.48


def test_a_model_stands_against_the_expert_whichever_was_entered_first():
    part = {"k": 1, "n": 4, "share": 0.25, "low": None, "high": None}
    outcomes = {name: part | {"k": n} for n, name in enumerate(("one", "other", "both_good", "both_bad"))}
    pair = {"one": "expert", "other": "qwen", "votes": 4, "wins": 1, "losses": 3, "share": 0.25, "p": 0.5}
    pair |= {"low": 0.1, "high": 0.4, "outcomes": outcomes}
    (table,) = paper.human_tables({"expert": "expert", "pairs": [pair, pair | {"one": "a", "other": "b"}]})
    assert (table.model, [each.here["k"] for each in table.outcomes]) == ("qwen", [1, 0, 2, 3])
    assert table.decided == {"wins": 3, "losses": 1, "share": 0.75, "low": 0.6, "high": 0.9, "p": 0.5}
    turned = pair | {"one": "qwen", "other": "expert"}
    (table,) = paper.human_tables({"expert": "expert", "pairs": [turned]})
    assert [each.here["k"] for each in table.outcomes] == [0, 1, 2, 3]
    assert table.decided["share"] == 0.25


def test_ranks_become_the_scripts_score_and_failures_stay_out():
    standing = {"name": "qwen", "verdicts": 9, "best": 0.5, "mean_rank": 1.5}
    nobody = {"name": "ltu", "verdicts": 0, "best": None, "mean_rank": None}
    judge = {
        "judge": "o3-mini-high",
        "is_scripted": False,
        "scored": 9,
        "attempted": 12,
        "standings": [standing, nobody],
    }
    rows = paper.judge_rows({"contenders": [1, 2, 3], "judges": [judge]})
    assert [row["score"] for row in rows] == [7.5, None]
    assert rows[0]["paper"].startswith("the main judge")
    assert (rows[0]["scored"], rows[0]["attempted"]) == (9, 12)


def test_the_page_fills_nothing_in(client, rita, project):
    study = study_of(project, contenders=2, raters=4, ratings=4)
    client.force_login(rita)
    assert "No report yet" in client.get(f"/studies/{study.pk}/paper/").content.decode()
    vote(study, lambda rater: ["expert"] if rater.number == 1 else ["tiny"])
    execute.report_of(study)
    text = client.get(f"/studies/{study.pk}/paper/").content.decode()
    assert "model preferred" in text
    assert "75.0\N{NO-BREAK SPACE}%" in text and "40 %" in text
    assert "No judge has finished" in text
    assert "numbers are not published outside it" in text
