"""What the votes say, with intervals; and plain sentences where they say nothing."""

import json

import pytest

from evaluation import drawing, figures, protocol, reports, simulation, voting
from evaluation.assignment import next_for
from evaluation.models import Rating
from evaluation.templatetags.results import signed
from tests.evaluation.studies import study_of


def vote(study, likes):
    """Every rater votes on all their pairs: for the first of `likes` that stands in the pair, else both bad."""
    for rater in study.raters.filter(revoked_at=None):
        while served := next_for(rater):
            names = {served.left.contender.name: served.left_token, served.right.contender.name: served.right_token}
            slot = next((names[name] for name in likes(rater) if name in names), "both_bad")
            voting.vote(rater, served.token, slot)


def two(project, **plan):
    return study_of(project, contenders=2, **plan)


def no_nan(report):
    return "NaN" not in json.dumps(reports.to_json(report)) and "nan" not in reports.to_html(report).lower().split()


def test_wins_losses_and_both_good_are_counted_per_contender(project):
    study = two(project, items=4, raters=4, ratings=4)
    liked = {1: ["expert"], 2: ["expert"], 3: ["tiny"], 4: []}
    vote(study, lambda rater: liked[rater.number])
    report = reports.report_of(study)
    expert, tiny = report.contenders
    assert (expert.name, expert.wins, expert.losses, expert.both_bad, expert.both_good) == ("expert", 8, 4, 4, 0)
    assert (tiny.wins, tiny.losses, tiny.both_bad) == (4, 8, 4)
    assert expert.share == pytest.approx(8 / 12)
    assert (expert.low, expert.high) == pytest.approx((0.3906, 0.8619), abs=5e-4)
    assert expert.p == pytest.approx(0.3877, abs=5e-5)
    assert expert.strength == pytest.approx(0.5 * 0.6931, abs=1e-4)
    assert expert.strength_low < expert.strength < expert.strength_high
    assert report.pairs[0].outcomes["both_bad"].share == 0.25
    assert (report.votes, report.decided, report.wanted) == (16, 12, 16)


def test_votes_count_for_the_contender_on_whichever_side_it_stood(project):
    study = two(project, items=4, raters=2, ratings=2)
    vote(study, lambda rater: ["tiny"])
    report = reports.report_of(study)
    assert [each.wins for each in report.contenders] == [0, 8]
    assert report.side.left == report.side.right == 4  # balanced sides: liking one of them is no leaning


def test_a_rater_who_always_votes_left_shows_in_the_sides(project):
    study = two(project, items=12, raters=1, ratings=1)
    rater = study.raters.get()
    while served := next_for(rater):
        voting.vote(rater, served.token, served.left_token)
    side = reports.report_of(study).side
    assert (side.left, side.right, side.share) == (12, 0, 1.0)
    assert side.p < 0.001


def test_an_empty_study_says_that_nothing_can_be_said(project):
    report = reports.report_of(study_of(project))
    assert report.limits == ["Nobody has voted yet, so nothing can be said about who is preferred."]
    assert [each.share for each in report.contenders] == [None, None, None]
    assert no_nan(report)
    assert drawing.svg(report)


def test_a_contender_that_never_loses_has_no_strength_and_the_page_says_why(project):
    study = study_of(project, raters=6)
    vote(study, lambda rater: ["expert", "tiny", "evening-1"][:: 1 if rater.number % 2 else -1])
    vote_all = reports.report_of(study)
    assert vote_all.contenders[0].strength is not None
    study = study_of_again(project)
    vote(study, lambda rater: ["expert"])
    report = reports.report_of(study)
    assert all(each.strength is None for each in report.contenders)
    assert report.limits[0].startswith("Strengths can't be given")
    assert "expert" in report.limits[0]
    assert no_nan(report)


def study_of_again(project):
    from annotation.models import Snapshot

    Snapshot.objects.update(name="older")
    other = type(project).objects.create(slug="again", name="Again")
    return study_of(other, raters=3, contenders=2)


def test_votes_that_are_all_both_bad_give_no_share(project):
    study = two(project, items=3, raters=1, ratings=1)
    vote(study, lambda rater: [])
    report = reports.report_of(study)
    assert report.limits[0] == "No vote preferred one answer over the other, so strengths can't be given."
    assert "All votes come from one rater: they say what this rater prefers, and no more." in report.limits
    assert report.side.share is None
    assert no_nan(report)
    assert drawing.svg(report)


def test_a_single_item_is_said_to_be_one(project):
    study = two(project, items=1, raters=2, ratings=2)
    vote(study, lambda rater: ["expert"] if rater.number == 1 else ["tiny"])
    assert "All votes are on one item: they say nothing about others." in reports.report_of(study).limits


def test_intervals_are_never_shown_without_their_assumption(project):
    study = two(project, items=3, raters=2)
    vote(study, lambda rater: ["expert"])
    assert reports.INDEPENDENCE in reports.report_of(study).limits


def test_a_report_of_an_open_study_says_that_it_is_a_look_on_the_way(project):
    study = two(project, items=3, raters=2)
    vote(study, lambda rater: ["expert"])
    report = reports.report_of(study)
    assert report.limits[-1] == reports.INTERIM
    assert reports.INTERIM in reports.to_html(report)
    study.close()
    study.refresh_from_db()
    assert reports.INTERIM not in reports.report_of(study).limits


def test_simulated_raters_are_named_as_simulated(project):
    study = study_of(project, raters=1, ratings=2)
    protocol.invite(study, 6, prefix="Simulated", is_simulated=True)
    simulation.vote_all(study, 5)
    report = reports.report_of(study)
    assert report.simulated_votes == report.votes > 0
    text = reports.to_html(report)
    assert "Simulated votes." in text
    assert 'chip simulated">simulated' in text


def test_the_same_votes_give_the_same_bytes(project):
    study = study_of(project, raters=6)
    vote(study, lambda rater: ["expert", "tiny"][:: 1 if rater.number % 2 else -1])
    first = reports.report_of(study)
    drawn = drawing.svg(first)
    drawing._drawn.cache_clear()
    again = reports.report_of(study)
    assert again == first
    assert drawing.svg(again) == drawn
    assert b"<svg" in drawn
    assert b"dc:date" not in drawn
    assert figures.draw(first) == drawn  # here as in the child


def test_a_new_vote_changes_the_input_hash(project):
    study = study_of(project)
    before = reports.report_of(study)
    rater = study.raters.first()
    served = next_for(rater)
    voting.vote(rater, served.token, "both_good")
    after = reports.report_of(study)
    assert after.input_hash != before.input_hash
    assert after.code_version == before.code_version


def test_a_replaced_vote_counts_no_more(project):
    study = two(project, items=1, raters=1)
    vote(study, lambda rater: ["expert"])
    first = Rating.objects.get()
    right = "right" if first.choice == "left" else "left"
    Rating.objects.create(assignment=first.assignment, choice=right, ms_to_vote=1, revision=2, replaces=first)
    expert, tiny = reports.report_of(study).contenders
    assert (expert.wins, tiny.wins) == (0, 1)


def test_the_file_needs_no_other_file(project):
    study = study_of(project)
    vote(study, lambda rater: ["expert"])
    text = reports.to_html(reports.report_of(study))
    assert "data:image/svg+xml;base64," in text
    assert "<link" not in text
    assert "<script" not in text
    assert "http" not in text.replace("http-equiv", "")


@pytest.mark.parametrize(("value", "written"), [(0.346, "+0.35"), (-1.2, "−1.20"), (-0.001, "0.00"), (None, "–")])
def test_a_strength_is_written_with_its_sign(value, written):
    assert signed(value) == written


def test_names_are_escaped_in_the_file(project):
    study = study_of(project)
    study.contenders.filter(name="tiny").update(name="<img src=x>")
    vote(study, lambda rater: ["expert"])
    assert "<img src=x>" not in reports.to_html(reports.report_of(study))
