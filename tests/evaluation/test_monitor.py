"""Watching a study: flags, logged decisions, identity scan, new versions, and the votes for other programs."""

import csv
import io
import json

import pytest

from evaluation import assignment, protocol, voting
from evaluation.errors import StudyError
from evaluation.models import Response, Study, StudyAct
from evaluation.rules import RuleError, Rules, read
from evaluation.votes import votes_of
from tests.evaluation.studies import study_of


def voted(study, choice="left", reason=""):
    rater = study.raters.first()
    served = assignment.next_for(rater)
    slot = {"left": served.left_token, "right": served.right_token}.get(choice, choice)
    voting.vote(rater, served.token, slot, reason)
    return served


def exported(client, study, form):
    answer = client.get(f"{study.get_absolute_url()}export/{form}/")
    assert answer.status_code == 200
    return b"".join(answer.streaming_content).decode()


def test_the_monitor_shows_people_flags_and_the_log(rita, client, study):
    voted(study)
    client.force_login(rita)
    page = client.get(f"{study.get_absolute_url()}monitor/").content.decode()
    assert "speed" in page
    assert "excluded:" not in page
    assert "opening" in page
    assert "<select" not in page  # a reviewer decides nothing


def test_an_exclusion_on_the_page_needs_a_rule_and_a_reason(ada, client, study):
    voted(study)
    client.force_login(ada)
    address = f"{study.get_absolute_url()}raters/1/exclusion/"
    assert "Say why" in client.post(address, {"rule": "gold"}, follow=True).content.decode()
    assert "Name the rule" in client.post(address, {"rule": "x", "reason": "y"}, follow=True).content.decode()
    assert len(votes_of(study)) == 1
    page = client.post(address, {"rule": "gold", "reason": "Failed."}, follow=True).content.decode()
    assert "excluded: gold" in page
    assert votes_of(study) == []
    client.post(address, {"reason": "A mistake."})
    assert len(votes_of(study)) == 1


def test_exports_tell_the_presented_order_and_are_logged_as_unblinding(rita, client, study):
    served = voted(study, "right", "=1+1 is clear.")
    voted(study, "both_bad")
    client.force_login(rita)
    rows = [json.loads(line) for line in exported(client, study, "jsonl").splitlines()]
    first = next(row for row in rows if row["choice"] == "right")
    assert (first["left"], first["right"]) == (served.left.contender.name, served.right.contender.name)
    assert first["winner"] == first["right"]
    table = list(csv.DictReader(io.StringIO(exported(client, study, "csv"))))
    assert sorted(row["choice"] for row in table) == ["both_bad", "right"]
    assert "'=1+1 is clear." in [row["reason"] for row in table]  # no formula for a spreadsheet
    battles = [json.loads(line) for line in exported(client, study, "arena").splitlines()]
    assert {battle["winner"] for battle in battles} == {"model_b", "both_bad"}
    acts = StudyAct.objects.filter(kind="unblinding", by=rita, detail__through="export")
    assert [act.detail["form"] for act in acts] == ["arena", "csv", "jsonl"]
    assert client.get(f"{study.get_absolute_url()}export/xlsx/").status_code == 404


@pytest.mark.parametrize("address", ["{}report/", "{}report/quotes/", "{}paper/", "/api/v1{}ratings/"])
def test_the_first_look_at_the_results_is_logged(rita, ada, ana, client, study, address):
    voted(study, "right")
    for person, times in ((rita, 3), (ada, 1), (ana, 1)):
        client.force_login(person)
        for _ in range(times):
            answer = client.get(address.format(study.get_absolute_url()))
            assert answer.status_code == (403 if person == ana else 200)
    acts = StudyAct.objects.filter(kind="unblinding").order_by("pk")
    assert [(act.by, act.detail) for act in acts] == [(rita, {"through": "results"}), (ada, {"through": "results"})]


def test_answers_that_name_their_source_keep_a_study_shut_until_a_person_decides(ada, client, project):
    study = study_of(project, opened=False)
    told = Response.objects.filter(item__study=study).first()
    row = told.item.row
    Response.objects.filter(pk=told.pk).update(shown="As an AI I can't hear, but cut it.")
    client.force_login(ada)
    page = client.post(f"{study.get_absolute_url()}opening/", follow=True).content.decode()
    assert "Leave their rows out, or accept them" in page
    study.refresh_from_db()
    assert study.is_draft
    client.post(f"{study.get_absolute_url()}leaving-out/")
    study.refresh_from_db()
    assert study.items.count() == 5
    assert study.skipped == [{"row": row, "why": "an answer names its source"}]
    client.post(f"{study.get_absolute_url()}opening/")
    study.refresh_from_db()
    assert study.is_open
    assert StudyAct.objects.get(kind="opening").by == ada


def test_names_are_found_as_words_and_common_words_are_not(project):
    study = study_of(project, opened=False)
    pk, other = Response.objects.filter(item__study=study).values_list("pk", flat=True)[:2]
    Response.objects.filter(pk=pk).update(shown="evening-1 would cut it; an expert too.")
    Response.objects.filter(pk=other).update(shown="A claudetta and a basement.")
    assert [word for _, word in protocol.identities(study)] == ["evening-1"]


def test_what_an_opened_study_compares_never_changes(study):
    with pytest.raises(StudyError, match="make a new version"):
        protocol.leave_out(study, ["test/c0/0"], "no reason")
    assert study.items.count() == 6


def test_a_change_is_a_new_version_and_the_first_stays(ada, client, project):
    study = study_of(project, rules=Rules(scale="five", quiz=True))
    client.force_login(ada)
    rows = f"{study.snapshot_id}/{study.split}"
    page = client.get(f"/projects/songs/studies/new/?rows={rows}&replaces={study.pk}")
    form = page.context["form"]
    assert (form["scale"].value(), form["quiz"].value()) == ("five", True)
    sent = {
        "rows": rows, "replaces": study.pk, "contenders": ["expert", "tiny"], "question": "Which?", "raters": 2,
        "seed": 1, "scale": "four", "consent": "Agreed.", "criteria": ["fluency"], "criteria_when": "after",
        "source_share": "0.5", "key": str(form["key"].value()),
    }  # fmt: skip
    assert client.post("/projects/songs/studies/new/", sent).status_code == 302
    new = Study.objects.get(version=2)
    assert (new.replaces, new.state, new.protocol["scale"]) == (study, "draft", "four")
    assert (new.protocol["criteria"], new.protocol["consent"], new.protocol["source_share"]) == (
        ["fluency"],
        "Agreed.",
        0.5,
    )
    study.refresh_from_db()
    assert (study.is_open, study.protocol["scale"]) == (True, "five")


def test_the_panel_s_codes_are_kept_and_its_address_is_shown(ada, client, study):
    client.force_login(ada)
    address = f"{study.get_absolute_url()}panel/"
    page = client.post(address, {"return_url": "http://plain.example/"}, follow=True).content.decode()
    assert "begins with https" in page
    page = client.post(address, {"places": 5, "complete": "CX", "return_url": "https://panel.example/"}, follow=True)
    study.refresh_from_db()
    assert study.panel == {"places": 5, "return_url": "https://panel.example/", "codes": {"complete": "CX"}}
    assert f"/join/{study.join_key}/?PROLIFIC_PID=" in page.content.decode()


@pytest.mark.parametrize(
    "told",
    [
        {"scale": "six"}, {"colour": "blue"}, {"repeats": "3"}, {"source_share": 2}, {"criteria": ["mood"]},
        {"quiz": 1}, {"gold": -1}, {"criteria": "fluency"},
    ],
)  # fmt: skip
def test_a_rule_that_cannot_be_is_told_in_words(told):
    with pytest.raises(RuleError) as error:
        read(told)
    assert error.value.message.endswith(".")


def test_repeats_need_room(project):
    with pytest.raises(StudyError, match="more than 8 pairs"):
        study_of(project, items=6, rules=Rules(repeats=1))


def test_rows_are_chosen_by_topic_clip_and_a_seeded_draw(project):
    from evaluation.pairing import Choice

    study = study_of(project, items=12, choice=Choice(with_clip=True, sample=4), seed=5)
    assert study.items.count() == 4
    assert not study.items.filter(clip="").exists()
    whys = [left_out["why"] for left_out in study.skipped]
    assert (whys.count("no clip"), whys.count("not drawn")) == (3, 5)


def test_a_topic_that_no_row_has_is_told(project):
    from evaluation.pairing import Choice

    with pytest.raises(StudyError, match="another topic"):
        study_of(project, items=5, choice=Choice(topics=("vocals",)))
