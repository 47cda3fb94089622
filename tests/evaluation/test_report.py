"""What the votes say, through the page: with intervals, and plain sentences where they say nothing."""

import json
from types import SimpleNamespace

import pytest

from evaluation import analysis, drawing, execute, figures, flow, launch, protocol, reports, simulation, tables, voting
from evaluation.assignment import next_for
from evaluation.models import Analysis, Rating
from evaluation.templatetags.results import signed
from mixassist_site.jobs import State
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


def result_of(study):
    return execute.report_of(study).result


@pytest.fixture
def shown(client, rita):
    """The report as a reviewer's page shows it; no NaN, no None, no infinity on it."""

    def page(study):
        execute.report_of(study)
        client.force_login(rita)
        answer = client.get(f"/studies/{study.pk}/report/")
        assert answer.status_code == 200
        text = answer.content.decode()
        words = text.lower().replace("<", " ").replace(">", " ").split()
        assert not {"nan", "none", "inf", "-inf"} & set(words)
        return text

    return page


def test_wins_losses_and_ties_are_counted_per_contender(project):
    study = two(project, items=4, raters=4, ratings=4)
    liked = {1: ["expert"], 2: ["expert"], 3: ["tiny"], 4: []}
    vote(study, lambda rater: liked[rater.number])
    report = result_of(study)
    expert, tiny = report["contenders"]
    counted = ("name", "wins", "losses", "both_bad", "both_good")
    assert [expert[key] for key in counted] == ["expert", 8, 4, 4, 0]
    assert [tiny[key] for key in counted] == ["tiny", 4, 8, 4, 0]
    assert expert["share"] == pytest.approx(8 / 12)
    assert (expert["independent_low"], expert["independent_high"]) == pytest.approx((0.3906, 0.8619), abs=5e-4)
    assert expert["strength"] == pytest.approx(0.5 * 0.6931, abs=1e-4)
    assert report["pairs"][0]["outcomes"]["both_bad"]["share"] == 0.25
    assert (report["votes"], report["decided"], report["study"]["wanted"]) == (16, 12, 16)


def test_raters_are_listed_by_number(project):
    study = two(project, items=1, raters=11, ratings=11)
    vote(study, lambda rater: ["expert"])
    assert [row["label"] for row in result_of(study)["rater_rows"]] == [f"Rater {n}" for n in range(1, 12)]


def test_votes_of_raters_who_each_like_one_source_count_as_few(project):
    study = two(project, items=12, raters=4, ratings=4)
    vote(study, lambda rater: ["expert"] if rater.number < 4 else ["tiny"])
    expert = result_of(study)["contenders"][0]
    assert expert["design_effect"] == pytest.approx(16, rel=0.02)  # 48 votes are four raters' minds, t apart
    assert expert["low"] < expert["independent_low"] - 0.2
    assert expert["p"] > 0.3  # a sign test would say 0.0005


def test_votes_count_for_the_contender_on_whichever_side_it_stood(project):
    study = two(project, items=4, raters=2, ratings=2)
    vote(study, lambda rater: ["tiny"])
    report = result_of(study)
    assert [each["wins"] for each in report["contenders"]] == [0, 8]
    assert report["side"]["left"] == report["side"]["right"] == 4  # sides in balance: liking one source is no leaning


def test_an_empty_study_says_that_nothing_can_be_said(project, shown):
    text = shown(study_of(project))
    assert "Nobody has voted yet, so nothing can be said about who is preferred." in text


def test_one_rater_gets_shares_without_intervals_and_a_sentence(project, shown):
    study = study_of(project, items=12, raters=1, ratings=1, contenders=3)
    vote(study, lambda rater: ["expert", "tiny"])
    text = shown(study)
    assert "All votes come from one rater: they say what this rater prefers, and no more." in text
    report = result_of(study)
    assert all(each["low"] is None for each in report["contenders"])
    assert report["agreement"]["percent"] is None


def test_one_item_is_said_to_be_one(project, shown):
    study = two(project, items=1, raters=2, ratings=2)
    vote(study, lambda rater: ["expert"] if rater.number == 1 else ["tiny"])
    assert "All votes are on one item: they say nothing about others." in shown(study)


@pytest.mark.parametrize("outcome", ["both_good", "both_bad", "cannot_judge"])
def test_votes_that_all_decide_nothing_give_no_share(project, shown, outcome):
    study = two(project, items=3, raters=3, ratings=3)
    vote(study, lambda rater: [])
    Rating.objects.all()._raw_delete("default")
    for assignment in study.raters.get(number=1).assignments.model.objects.filter(rater__study=study):
        Rating.objects.create(assignment=assignment, choice=outcome, ms_to_vote=9000)
    text = shown(study)
    assert "No vote preferred one answer over the other, so strengths can&#x27;t be given." in text
    assert "shares of decided votes don&#x27;t exist" in text


def test_a_contender_that_never_wins_has_no_strength_and_the_page_says_why(project, shown):
    study = study_of(project, raters=3)
    vote(study, lambda rater: ["expert", "evening-1"] if rater.number % 2 else ["evening-1", "expert"])
    text = shown(study)
    assert "tiny never won: how much weaker it is can&#x27;t be told from these votes." in text
    assert "Strengths can&#x27;t be given" in text
    report = result_of(study)
    assert report["contenders"][1]["strength"] is None
    assert report["strengths"]["groups"][-1] == ["tiny"]
    assert report["strengths"]["pulled"]["tiny"] < 0


def test_raters_who_always_vote_left_are_said_to_say_nothing(project, shown):
    study = two(project, items=12, raters=2, ratings=2)
    for rater in study.raters.all():
        while served := next_for(rater):
            voting.vote(rater, served.token, served.left_token)
    assert "Every decided vote is for the left side: it says nothing about the contenders." in shown(study)
    side = result_of(study)["side"]
    assert (side["left"], side["right"], side["share"]) == (24, 0, 1.0)
    assert side["low"] < 0.5  # two raters who do the same are two observations, not 24


def test_a_report_of_an_open_study_says_that_it_is_a_look_on_the_way(project, shown):
    study = two(project, items=3, raters=2)
    vote(study, lambda rater: ["expert"])
    assert "a look on the way" in shown(study)
    study.close()
    study.refresh_from_db()
    assert "a look on the way" not in shown(study)


def test_simulated_raters_are_named_as_simulated(project, shown):
    study = study_of(project, raters=1, ratings=2)
    protocol.invite(study, 6, prefix="Simulated", is_simulated=True)
    simulation.vote_all(study, 5)
    text = shown(study)
    assert "Simulated votes." in text
    assert 'chip simulated">simulated' in text
    assert "of the votes are simulated" in text


def test_excluded_raters_count_beside_and_never_in_the_headline(project, shown, ada):
    study = two(project, items=6, raters=3, ratings=3)
    vote(study, lambda rater: ["tiny"] if rater.number == 3 else ["expert"])
    before = result_of(study)
    assert before["everyone"] is None
    flow.exclude(study.raters.get(number=3), by=ada, rule="speed", reason="Two seconds a vote.")
    text = shown(study)
    after = result_of(study)
    assert (after["votes"], after["everyone"]["votes"]) == (12, 18)
    assert after["contenders"][1]["wins"] == 0
    assert after["everyone"]["contenders"] == before["contenders"]
    assert "With everyone" in text
    assert "1 by the rule “speed”" in text
    assert 'chip bad">excluded' in text


def test_the_same_votes_give_the_same_bytes_and_the_same_report_is_not_made_twice(project):
    study = study_of(project, raters=1, ratings=6, contenders=2)
    protocol.invite(study, 6, prefix="Simulated", is_simulated=True)
    simulation.vote_all(study, 5)
    first = execute.report_of(study)
    assert first.result["contenders"][0]["strength_low"] is not None
    assert execute.report_of(study) == first
    again = launch.start_analysis(study)
    assert execute.analyse(again)
    again.refresh_from_db()
    assert again.number == first.number + 1
    assert (again.sha256, again.input_hash, again.result) == (first.sha256, first.input_hash, first.result)
    other = execute.report_of(study, seed=1)
    assert other.sha256 != first.sha256
    assert other.input_hash == first.input_hash


def test_a_new_vote_is_news_and_shows_what_moved(project, client, rita):
    study = two(project, items=4, raters=2, ratings=2)
    first = study.raters.get(number=1)
    while served := next_for(first):
        voting.vote(first, served.token, served.left_token)
    before = execute.report_of(study)
    client.force_login(rita)
    assert "Something has changed" not in client.get(f"/studies/{study.pk}/report/").content.decode()
    other = study.raters.get(number=2)
    served = next_for(other)
    voting.vote(other, served.token, "both_good", "Both name the same cut.")
    assert "Something has changed" in client.get(f"/studies/{study.pk}/report/").content.decode()
    after = execute.report_of(study)
    assert after.input_hash != before.input_hash
    text = client.get(f"/studies/{study.pk}/report/changes/").content.decode()
    assert "contenders › expert › both_good" in text
    assert client.get(f"/studies/{study.pk}/report/{before.number}/").status_code == 200
    assert client.get(f"/studies/{study.pk}/report/99/").status_code == 404
    quotes = client.get(f"/studies/{study.pk}/report/quotes/", {"q": "SAME cut"}).content.decode()
    assert "Both name the same cut." in quotes
    assert "No reason with these words" in client.get(f"/studies/{study.pk}/report/quotes/?q=zebra").content.decode()


def test_a_replaced_vote_counts_no_more(project):
    study = two(project, items=1, raters=1)
    vote(study, lambda rater: ["expert"])
    first = Rating.objects.get()
    right = "right" if first.choice == "left" else "left"
    Rating.objects.create(assignment=first.assignment, choice=right, ms_to_vote=1, revision=2, replaces=first)
    expert, tiny = result_of(study)["contenders"]
    assert (expert["wins"], tiny["wins"]) == (0, 1)


def test_a_job_computes_and_can_be_cancelled(project, client, rita):
    study = study_of(project)
    client.force_login(rita)
    assert "Not computed yet" in client.get(f"/studies/{study.pk}/report/").content.decode()
    for _ in range(2):
        assert client.post(f"/studies/{study.pk}/analyses/").status_code == 302
    job = Analysis.objects.get()
    assert job.request_cancel()
    job.refresh_from_db()
    assert job.state == State.CANCELLED
    assert not execute.analyse(job)


def test_the_page_asks_few_questions_of_the_database(project, shown, client, django_assert_max_num_queries):
    study = study_of(project, raters=6)
    vote(study, lambda rater: ["expert", "tiny"][:: 1 if rater.number % 2 else -1])
    shown(study)
    with django_assert_max_num_queries(14):
        client.get(f"/studies/{study.pk}/report/")


@pytest.mark.drawn
def test_the_files_need_no_other_file_and_figures_come_in_three_formats(project, client, rita):
    study = study_of(project, raters=4)
    study.contenders.filter(name="tiny").update(name="<img src=x> $x$")
    vote(study, lambda rater: ["expert"])
    made = execute.report_of(study)
    assert {path.name for path in made.folder.iterdir()} == {
        *(f"{name}.{kind}" for name in figures.NAMES for kind in figures.FORMATS),
        "report.pdf",
    }
    text = reports.to_html(made)
    assert text.count("data:image/svg+xml;base64,") == 2 * len(figures.NAMES)  # for light pages and for dark ones
    assert "<link" not in text
    assert "<script" not in text
    assert "http" not in text.replace("http-equiv", "")
    assert "<img src=x>" not in text
    assert reports.to_pdf(made).startswith(b"%PDF")
    drawn = {path.name: path.read_bytes() for path in made.folder.iterdir()}
    client.force_login(rita)
    answer = client.get(f"/studies/{study.pk}/report/{made.number}/figures/pairs.png")
    assert (answer.status_code, answer["Content-Type"]) == (200, "image/png")
    assert client.get(f"/studies/{study.pk}/report/{made.number}/figures/nothing.svg").status_code == 404
    dark = client.get(f"/studies/{study.pk}/report/{made.number}/figures/pairs-dark.svg").content.decode()
    light = (made.folder / "pairs.svg").read_text()
    assert (dark.count(figures.INK), dark.count(figures.DARK[figures.INK])) == (
        light.count(figures.GROUND),
        light.count(figures.INK),
    )
    assert not [colour for colour in figures.DARK if colour != figures.INK and colour in dark]
    assert client.get(f"/studies/{study.pk}/report/{made.number}/figures/pairs-dark.png").status_code == 404
    for path in made.folder.iterdir():
        path.unlink()
    made.folder.rmdir()
    again = drawing.folder_of(made)  # figures are derived: what is lost is drawn again, to the byte
    assert {path.name: path.read_bytes() for path in again.iterdir()} == drawn


def test_tables_come_as_csv_that_no_spreadsheet_runs(project):
    study = study_of(project, raters=4)
    study.contenders.filter(name="tiny").update(name="=1+1")
    vote(study, lambda rater: ["expert"])
    result = result_of(study)
    text = tables.as_csv(result, "contenders")
    assert text.splitlines()[0].startswith("name,votes,wins,losses")
    assert "\n'=1+1," in text
    for name in tables.NAMES:
        assert tables.as_csv(result, name)


def test_a_number_that_is_not_finite_never_leaves():
    from evaluation.findings.whole import as_bytes, rounded

    told = rounded({"a": float("nan"), "b": [float("inf"), 1 / 3, -0.0], "c": SimpleNamespace})
    assert (told["a"], told["b"]) == (None, [None, 0.333333333, 0.0])
    assert json.loads(as_bytes({"b": told["b"]})) == {"b": [None, 0.333333333, 0.0]}


@pytest.mark.parametrize(("value", "written"), [(0.346, "+0.35"), (-1.2, "−1.20"), (-0.001, "0.00"), (None, "–")])
def test_a_strength_is_written_with_its_sign(value, written):
    assert signed(value) == written


def test_repeats_are_compared_with_the_same_raters_first_vote():
    def said(rater, kind, outcome, item="i"):
        return SimpleNamespace(rater=rater, kind=kind, outcome=outcome, item=item, one="a", other="b")

    votes = [said(1, "main", "one"), said(2, "main", "other"), said(1, "repeat", "one"), said(2, "repeat", "one")]
    votes += [said(3, "repeat", "one"), said(1, "main", "other", "j"), said(1, "gold", "one")]
    assert analysis.repeats_of(votes) == (1, 2)  # the third never saw it before
