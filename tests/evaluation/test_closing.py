"""Closing a study queues its report: of all votes, once, whoever closes it and by whichever way."""

import pytest

from annotation.models import ApiToken
from evaluation import assignment, execute, launch, voting
from evaluation.models import Analysis, Study
from mixassist_site.jobs import State


def by_page(study, ada, client):
    client.force_login(ada)
    return client.post(f"/studies/{study.pk}/closing/")


def by_script(study, ada, client):
    _, secret = ApiToken.issue(ada, "script", ["read", "manage"])
    sent = {"content_type": "application/json", "headers": {"authorization": f"Bearer {secret}"}}
    return client.post(f"/api/v1/studies/{study.pk}/closing/", {}, **sent)


@pytest.mark.parametrize("close", [by_page, by_script])
def test_closing_queues_one_report(study, ada, client, close):
    for _ in range(2):
        assert close(study, ada, client).status_code < 500
    report = Analysis.objects.get()
    assert (report.study, report.number, report.state, report.created_by) == (study, 1, State.QUEUED, ada)


def test_the_report_of_a_closing_has_the_votes_that_one_under_way_missed(study, ada):
    early = launch.start_analysis(study)
    Analysis.objects.filter(pk=early.pk).update(state=State.RUNNING)  # has read its votes
    rater = study.raters.first()
    served = assignment.next_for(rater)
    voting.vote(rater, served.token, served.left_token)
    assert launch.close_study(study, ada)
    report = Analysis.objects.get(state=State.QUEUED)
    assert report.number == 2
    assert execute.analyse(report)
    report.refresh_from_db()
    assert (report.result["votes"], report.result["study"]["state"]) == (1, "closed")


def test_a_study_that_is_not_open_gets_none(study, ada):
    Study.objects.update(state="draft", opened_at=None, frozen_hash="")
    study.refresh_from_db()
    assert not launch.close_study(study, ada)
    assert not Analysis.objects.exists()


def test_a_closing_that_cannot_ask_for_its_report_is_none(study, ada, monkeypatch):
    def broken(*_):
        raise RuntimeError

    monkeypatch.setattr(launch, "_queue", broken)
    with pytest.raises(RuntimeError):
        launch.close_study(study, ada)
    study = Study.objects.get(pk=study.pk)
    assert study.is_open
    assert not study.acts.filter(kind="closing").exists()
