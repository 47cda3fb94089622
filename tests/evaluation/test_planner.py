"""Whether a plan can answer its question: printed numbers of votes, and plain words where it can't."""

import pytest

from evaluation.planning import detectable, needed_votes, plan_of
from evaluation.stats import power

# decided votes for 80 % and 90 %, two-sided 5 % (Fleiss, Levin and Paik 2003, as computed for the cores)
NEEDED = [(0.55, 783, 1047), (0.575, 347, 463), (0.60, 194, 259), (0.65, 85, 113), (0.70, 47, 62), (0.75, 29, 38)]


@pytest.mark.parametrize(("p", "eighty", "ninety"), NEEDED)
def test_votes_needed(p, eighty, ninety):
    assert (needed_votes(p, 0.8, 0.05), needed_votes(p, 0.9, 0.05)) == (eighty, ninety)
    assert power.decisive_votes(p) == eighty


@pytest.mark.parametrize(("n", "least"), [(100, 0.640), (200, 0.599), (400, 0.570), (800, 0.550)])
def test_least_difference_that_votes_show(n, least):
    assert round(detectable(n, 0.8, 0.05), 3) == least
    assert detectable(n, 0.8, 0.05) == pytest.approx(power.detectable(n), abs=1e-12)


@pytest.mark.parametrize(("rho", "effect", "needed"), [(0.05, 1.95, 379), (0.1, 2.9, 563), (0.2, 4.8, 932)])
def test_votes_of_one_rater_count_as_fewer(rho, effect, needed):
    plan = plan_of(contenders=2, raters=10, items=100, votes_per_rater=20, share=0.6, rho=rho, tie_share=0)
    assert plan.design_effect == pytest.approx(effect)
    assert plan.needed_decided == needed  # the page prints the vote above where 194 × deff is a fraction
    assert (plan.decided_per_pair, plan.can_answer) == (200, False)  # enough only if every vote stood alone


def test_only_a_raters_decided_votes_on_one_pair_hang_together():
    plan = plan_of(contenders=3, raters=30, items=60, votes_per_rater=30, share=0.6, rho=0.1, tie_share=0.25)
    assert plan.design_effect == pytest.approx(1 + (30 / 3 * 0.75 - 1) * 0.1)


def test_ties_cost_votes_and_pairs_share_them():
    plan = plan_of(contenders=3, raters=30, items=60, votes_per_rater=30, share=0.6, rho=0, tie_share=0.25)
    assert (plan.pairs, plan.votes, plan.decided_per_pair) == (3, 900, 225)
    assert plan.can_answer
    assert plan.needed_votes == 3 * 259  # 194 / 0.75, rounded up, for each of three pairs


def test_nobody_sees_an_item_twice():
    assert plan_of(contenders=2, raters=5, items=8, votes_per_rater=20, share=0.6, rho=0, tie_share=0).votes == 40


def test_twelve_raters_cannot_prove_52_against_48():
    plan = plan_of(contenders=2, raters=12, items=100, votes_per_rater=20, share=0.52, rho=0.1, tie_share=0.25)
    assert not plan.can_answer
    assert plan.verdict.startswith("This plan can't tell 52 against 48")
    assert plan.needed_raters > 300


def test_equality_and_ties_alone_are_never_shown():
    half = plan_of(contenders=2, raters=9, items=9, votes_per_rater=9, share=0.5, rho=0, tie_share=0)
    assert not half.can_answer and "No number of votes" in half.verdict.replace("no number", "No number")
    one = plan_of(contenders=2, raters=1, items=1, votes_per_rater=1, share=0.9, rho=1, tie_share=0.5)
    assert one.detectable is None and not one.can_answer


def test_the_page_says_what_a_plan_cannot_do(client, ana, project):
    client.force_login(ana)
    page = client.get(f"/projects/{project.slug}/planner/")
    assert page.status_code == 200
    asked = {"contenders": 2, "raters": 12, "items": 100, "votes_per_rater": 20, "share": 0.52, "rho": 0.1}
    asked |= {"tie_share": 0.25, "power": 0.8, "alpha": 0.05}
    text = client.get(f"/projects/{project.slug}/planner/", asked).content.decode()
    assert "This plan can&#x27;t tell 52 against 48" in text
    wrong = client.get(f"/projects/{project.slug}/planner/", asked | {"raters": 0, "share": "half"})
    assert wrong.status_code == 400
    assert "Enter a number." in wrong.content.decode()
    part = client.get(f"/projects/{project.slug}/planner/", {"share": 0.52}).content.decode()
    assert "This plan can&#x27;t tell 52 against 48" in part  # what a link leaves out is as it was
