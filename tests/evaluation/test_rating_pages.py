"""A rater's world: one pair after another, at a link, without an account and without scripts."""

import gzip
import html
import re
from datetime import timedelta
from pathlib import Path

import pytest
from django.contrib.staticfiles import finders
from django.db import OperationalError
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from evaluation import assignment, voting
from evaluation.models import Assignment, Rating
from evaluation.rules import CRITERIA, Rules
from tests.evaluation.conftest import visitor
from tests.evaluation.studies import study_of


def test_a_rater_goes_from_the_welcome_through_every_pair_to_the_thanks(study, rui):
    welcome = rui.get()
    assert "Start" in welcome.content.decode()
    assert not Assignment.objects.exists()  # looking at a link takes nothing
    page = rui.start()
    for number in range(1, 7):
        assert f"<strong>Pair {number}</strong> of 6" in page.content.decode()
        assert rui.vote(page, number % 4, reason="Clearer.").status_code == 302
        page = rui.get()
    assert "Thank you" in page.content.decode()
    assert Rating.objects.filter(assignment__rater__number=1).count() == 6


def test_all_four_votes_are_saved_as_what_they_are(study, rui):
    page = rui.start()
    for n in range(4):
        rui.vote(page, n)
        page = rui.get()
    assert list(Rating.objects.values_list("choice", flat=True)) == ["left", "right", "both_good", "both_bad"]


def test_a_reload_gives_the_same_bytes(rui):
    from tests.evaluation.test_blindness import masked

    first, again = rui.start(), rui.get()
    assert masked(first) == masked(again)


def test_a_double_click_a_reload_and_the_back_button_change_nothing(study, rui):
    page = rui.start()
    rui.vote(page, 0)
    assert rui.vote(page, 0).status_code == 302
    again = rui.vote(page, 1)
    assert again.status_code == 409
    assert "your first vote stands" in again.content.decode()
    assert Rating.objects.get().choice == "left"


def test_without_a_choice_the_pair_stays_with_a_sentence_and_the_reason(rui):
    page = rui.start()
    answer = rui.client.post(f"{rui.address}ratings/", {"pair": rui.pair(page), "reason": "Hmm, hard."})
    assert answer.status_code == 400
    assert "Choose one of these first." in answer.content.decode()
    assert "Hmm, hard." in answer.content.decode()
    assert rui.pair(answer) == rui.pair(page)
    assert not Rating.objects.exists()


def test_a_reason_never_wanders_to_another_pair(rui):
    page = rui.start()
    rui.vote(page)
    answer = rui.client.post(f"{rui.address}ratings/", {"pair": rui.pair(page), "reason": "Hmm, hard."})
    assert answer.status_code == 400
    assert rui.pair(answer) != rui.pair(page)
    assert "Hmm, hard." not in answer.content.decode()


def test_while_others_hold_what_is_left_a_rater_is_asked_back_and_not_thanked(project):
    study = study_of(project, items=2, raters=3, ratings=1, trials=2, contenders=2)
    first, second, third = (visitor(rater) for rater in study.raters.order_by("number"))
    held = first.start()
    second.start()
    page = third.start()
    assert "Nothing is free just now" in page.content.decode()
    assert "in 20 minutes" in page.content.decode()
    assert "Thank you" not in page.content.decode()
    first.vote(held)
    assignment.take_back(study, timezone.now() + timedelta(hours=1))
    assert third.pair(third.get())


def test_a_database_that_is_busy_keeps_what_was_chosen(rui, monkeypatch):
    page = rui.start()

    def busy(*_):
        raise OperationalError("database is locked")

    with monkeypatch.context() as patch:
        patch.setattr(voting, "cast", busy)
        answer = rui.vote(page, 1, reason="Clearer & <louder>.")
    assert answer.status_code == 503
    text = answer.content.decode()
    assert rui.pair(answer) == rui.pair(page)
    assert "Clearer &amp; &lt;louder&gt;." in text
    sent = {name: html.unescape(value) for name, value in re.findall(r'name="(\w+)" value="([^"]*)"', text)}
    assert rui.client.post(f"{rui.address}ratings/", sent).status_code == 302
    rating = Rating.objects.get()
    assert (rating.choice, rating.reason) == ("right", "Clearer & <louder>.")


def test_a_busy_database_is_told_on_every_page(rui, monkeypatch):
    def busy(*_, **__):
        raise OperationalError("database is locked")

    rui.start()
    monkeypatch.setattr(assignment, "next_for", busy)
    answer = rui.get()
    assert answer.status_code == 503
    assert "Look again" in answer.content.decode()
    assert "Cache-Control" in answer


@pytest.mark.parametrize("name", ["%00", "a%00b", "x" * 500])
def test_a_clip_of_no_name_is_nowhere(rui, name):
    rui.start()
    assert rui.get(f"audio/{name}/").status_code == 404


def test_a_vote_on_a_pair_that_went_back_is_told_and_the_next_pair_shown(study, rui):
    page = rui.start()
    assignment.take_back(study, timezone.now() + timedelta(hours=1))
    answer = rui.vote(page)
    assert answer.status_code == 409
    assert "went to somebody else" in answer.content.decode()
    assert rui.pair(answer) != rui.pair(page)
    assert not Rating.objects.exists()


def test_another_raters_pair_and_a_forged_one_get_the_same_answer_as_no_link(study, rui):
    other = visitor(study.raters.get(number=2))
    theirs = other.start()
    rui.start()
    nothing = Client().get("/rate/nobody/")
    sent = {"pair": other.pair(theirs), "choice": other.choices(theirs)[0]}
    for forged in (sent, {"pair": "x", "choice": "y"}, {}):
        answer = rui.client.post(f"{rui.address}ratings/", forged)
        assert (answer.status_code, answer.content) == (404, nothing.content)
    assert not Rating.objects.exists()


def test_every_link_that_does_not_work_gets_one_identical_answer(project):
    draft = study_of(project, opened=False)
    rater = draft.raters.first()
    reference = Client().get("/rate/unknown/")
    assert reference.status_code == 404

    def answers(address):
        client = Client()
        yield client.get(address)
        yield client.get(f"{address}audio/whatever/")
        yield client.get(f"{address}report/")
        yield client.post(f"{address}visit/")
        yield client.post(f"{address}ratings/", {"pair": "x", "choice": "both_good"})

    def same(address):
        return all(
            (each.status_code, each.content, dict(each.headers)) == (404, reference.content, dict(reference.headers))
            for each in answers(address)
        )

    assert same("/rate/unknown/")
    assert same(rater.get_absolute_url())  # not open yet
    draft.open("0" * 64)
    revoked = draft.raters.last()
    assignment.revoke(revoked)
    assert same(revoked.get_absolute_url())
    assert not same(rater.get_absolute_url())
    draft.close()
    assert same(rater.get_absolute_url())


def test_a_link_without_its_last_stroke_still_arrives(rui):
    assert rui.client.get(rui.address.rstrip("/"))["Location"] == rui.address


def test_the_clip_is_played_by_ranges_under_constant_headers(study, rui):
    page = rui.start()
    served = Assignment.objects.get()
    address = reverse("rate-audio", args=[rui.address.split("/")[2], served.audio_token])
    assert address in page.content.decode()
    whole = rui.client.get(address)
    body = whole.getvalue()
    assert (whole.status_code, whole["Content-Type"], body[:4]) == (200, "audio/wav", b"RIFF")
    part = rui.client.get(address, HTTP_RANGE="bytes=10-19")
    assert (part.status_code, part.getvalue()) == (206, body[10:20])
    assert rui.client.get(address, HTTP_RANGE=f"bytes={len(body)}-").status_code == 416
    head = rui.client.head(address)
    assert (head.status_code, head["Content-Length"], head.content) == (200, str(len(body)), b"")
    assert whole["ETag"] == f'"{served.audio_token}"'
    assert "Last-Modified" not in whole
    assert "Content-Disposition" not in whole
    assert "cut_1" not in str(whole.headers)


def test_the_clip_of_anothers_pair_is_not_there(study, rui):
    other = visitor(study.raters.get(number=2))
    other.start()
    rui.start()
    theirs = Assignment.objects.get(rater__number=2).audio_token
    assert rui.get(f"audio/{theirs}/").status_code == 404


def test_an_item_without_a_clip_has_no_player(study, rui):
    study.items.update(clip="")
    assert "<audio" not in rui.start().content.decode()
    token = Assignment.objects.get().audio_token
    assert rui.get(f"audio/{token}/").status_code == 404


def test_pages_stay_out_of_caches_and_keep_the_forms_guard(rui, study):
    page = rui.start()
    assert page["Cache-Control"] == "no-store"
    assert page["Referrer-Policy"] == "same-origin"
    assert "noindex" in page["X-Robots-Tag"]
    assert set(page.cookies) | set(rui.client.cookies) == {"csrftoken"}
    strict = Client(enforce_csrf_checks=True)
    sent = {"pair": rui.pair(page), "choice": rui.choices(page)[0]}
    assert strict.post(f"{rui.address}ratings/", sent).status_code == 403
    assert not Rating.objects.exists()


@pytest.mark.parametrize(("path", "method"), [("", "post"), ("visit/", "get"), ("ratings/", "get"), ("", "delete")])
def test_other_methods_are_refused_alike_for_every_link(rui, path, method):
    mine = getattr(rui.client, method)(rui.address + path)
    unknown = getattr(Client(), method)("/rate/unknown/" + path)
    assert (mine.status_code, mine.content) == (unknown.status_code, unknown.content) == (405, b"")


def test_text_of_answers_and_context_is_escaped(project):
    study = study_of(project, items=2)
    from evaluation.models import Response

    Response.objects.update(shown="<script>alert(1)</script>")
    study.items.update(context={"summary": "<b>x</b>", "turns": [], "asked": "<i>y</i>"})
    text = visitor(study.raters.first()).start().content.decode()
    assert "<script>alert" not in text
    assert "&lt;script&gt;" in text
    assert "<b>x" not in text
    assert "<i>y" not in text


def test_the_page_with_all_that_it_loads_but_the_music_stays_under_sixty_kilobytes(project):
    rules = Rules(scale="five", criteria=tuple(CRITERIA), criteria_optional=True, consent="Agreed.")
    rui = visitor(study_of(project, items=8, raters=1, contenders=2, ratings=1, rules=rules).raters.get())
    rui.client.post(f"{rui.address}visit/", {"consent": "on"})
    page = rui.get().content
    for _ in range(4):  # a later turn, with what was said before
        rui.client.post(f"{rui.address}ratings/", {"pair": rui.pair(rui.get()), "choice": "both_bad"})
        page = max(page, rui.get().content, key=len)
    files = re.findall(r'(?:href|src)="/static/([^"]+)"', page.decode())
    assert {Path(name).suffix for name in files} == {".css", ".js", ".svg"}
    loaded = [Path(finders.find(name)).read_bytes() for name in files]
    assert sum(len(gzip.compress(each)) for each in (page, *loaded)) < 60_000


def test_the_page_is_small_and_asks_no_other_host(rui):
    text = rui.start().content.decode()
    assert len(text) < 20_000
    assert "http://" not in text
    assert "https://" not in text
