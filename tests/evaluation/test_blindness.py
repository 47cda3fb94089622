"""No byte that a rater's link can fetch tells an expert from a model; and the test itself would notice a leak."""

import html
import os
import random
import re
from pathlib import Path

import pytest
from django.test import Client

from annotation.models import Person
from evaluation import assignment, protocol
from evaluation.models import Assignment, Contender, Response, Study
from evaluation.views import rating
from modeling.models import Adapter, BaseModel
from tests.evaluation.conftest import visitor
from tests.evaluation.studies import answers, frozen, study_of

ITEMS = int(os.environ.get("BLIND_ITEMS", "8"))  # 500 give one rater 500 pairs: the full trial
# Whole words: one random token in some thousands holds the three letters by chance.
HIDDEN = "expert adapter base snapshot clip title rater administrator renamed other"
PLANTED = re.compile(rf"zqx(?:{'|'.join(HIDDEN.split())})".encode(), re.IGNORECASE)
CSRF = re.compile(rb'(name="csrfmiddlewaretoken" value=")[^"]*')


def masked(response) -> tuple:
    """Status, headers, cookies and body, without what is random by design in every answer."""
    body = response.getvalue() if response.streaming else response.content
    headers = sorted((name, re.sub(r"nonce-[^' ]+", "nonce", value)) for name, value in response.headers.items())
    cookies = sorted(
        (name, *(str(morsel[key]) for key in ("path", "samesite"))) for name, morsel in response.cookies.items()
    )
    return response.status_code, tuple(h for h in headers if h[0] != "Date"), tuple(cookies), CSRF.sub(rb"\1", body)


def crawl(link: str) -> list:
    """Everything that a rater's link can fetch as things stand, and what lies next to it."""
    client = Client()
    page = client.get(link)
    text = page.content.decode()
    pair, audio = re.search(r'name="pair" value="([^"]+)', text), re.search(r'src="([^"]+audio/[^"]+)', text)
    found = [page, client.head(link), client.get(link)]
    if audio:
        found += [client.get(audio.group(1)), client.head(audio.group(1))]
        found += [client.get(audio.group(1), HTTP_RANGE=each) for each in ("bytes=0-9", "bytes=-5", "bytes=99999999-")]
        found += [client.get(audio.group(1), HTTP_IF_NONE_MATCH=f'"{audio.group(1).split("/")[-2]}"')]
    token = pair.group(1) if pair else "x"
    found += [client.get(f"{link}{each}/") for each in ("last", "withdrawal")]
    found += [client.post(f"{link}{each}/", {"pair": token, "guess": "x"}) for each in ("after", "quiz")]
    found += [
        client.post(f"{link}ratings/", {"pair": token}),
        client.post(f"{link}ratings/", {"pair": token, "choice": "nothing"}),
        client.post(f"{link}ratings/", {"pair": "forged", "choice": "both_good"}),
        client.get(f"{link}ratings/"),
        client.get(f"{link}audio/forged/"),
        client.get(f"{link}visit/"),
        client.get(f"{link}report/"),
        client.get("/rate/forged/"),
        Client(enforce_csrf_checks=True).post(f"{link}ratings/", {"pair": token}),
    ]
    return found


@pytest.fixture
def planted(project, settings):
    """A study in which everything that must stay hidden has a name that can be searched for."""
    by = Person.objects.create_user("zqxadministrator", password="the right words")
    snapshot = frozen(project, ITEMS, "ZQXSNAPSHOT", clip="ZQXCLIP")
    sources = [("expert", ""), ("base", "zqxbase"), ("adapter", "ZQXADAPTER")]
    generations = tuple(answers(snapshot, source, key) for source, key in sources)
    study = protocol.create(protocol.Plan(snapshot, "test", generations, raters=2, title="ZQXTITLE"), by=by)
    Contender.objects.filter(study=study, name="expert").update(name="ZQXEXPERT")
    protocol.open_study(study)
    for rater in study.raters.all():
        study.raters.filter(pk=rater.pk).update(label=f"ZQXRATER{rater.number}")
    return study


def swap_sources(study: Study) -> None:
    """Exchange who wrote what, while texts, sides and tokens stay."""
    one, two, three = study.contenders.order_by("pk")
    held = [(each.name, each.generation_id) for each in (one, two, three)]
    for each in (one, two, three):
        Contender.objects.filter(pk=each.pk).update(name=f"away {each.pk}", generation=_spare(study, each))
    for each, (name, generation) in zip((one, two, three), [held[1], held[2], held[0]], strict=True):
        Contender.objects.filter(pk=each.pk).update(name=name, generation_id=generation)
    for item in study.items.all():
        responses = list(Response.objects.filter(item=item).order_by("contender"))
        candidates = [each.candidate_id for each in responses]
        for response, candidate in zip(responses, candidates[1:] + candidates[:1], strict=True):
            Response.objects.filter(pk=response.pk).update(candidate_id=candidate)
    BaseModel.objects.filter(key="zqxbase").update(key="zqxother")
    Adapter.objects.update(name="ZQXRENAMED", sha256="b" * 64, folder="ZQX/2")


def _spare(study: Study, contender: Contender):
    return answers(study.snapshot, "base", f"spare-{contender.pk}", texts={"x": "y"})


def walk(study: Study, *, between=lambda: None) -> list:
    """A rater goes through the whole study; before each vote everything is fetched, `between` acts, all again."""
    rui = visitor(study.raters.get(number=1))
    seen = [[masked(each) for each in crawl(rui.address)]]  # the welcome
    page = rui.start()
    for n in range(study.trials_per_rater):
        before = [masked(each) for each in crawl(rui.address)]
        between()
        after = [masked(each) for each in crawl(rui.address)]
        seen.append([before, after])
        rui.vote(page, n % 4)
        page = rui.get()
    assert "Thank you" in page.content.decode()
    seen.append([masked(each) for each in crawl(rui.address)])
    study.close()
    seen.append([masked(each) for each in crawl(rui.address)])
    return seen


def leaks(study: Study) -> list[bytes]:
    """Planted names in anything that was fetched."""
    return PLANTED.findall(repr(walk(study)).encode())


def differs(study: Study) -> bool:
    """Whether any byte changes when the sources change places."""
    pairs = walk(study, between=lambda: swap_sources(study))[1:-2]
    assert len(pairs) == study.trials_per_rater
    return any(before != after for before, after in pairs)


def test_exchanging_expert_and_models_changes_no_byte(planted):
    assert not differs(planted)


def test_no_planted_name_is_anywhere(planted):
    assert leaks(planted) == []


def test_a_planted_leak_fails_both(planted, monkeypatch):
    real = rating.blind_page

    def leaking(name, context, status=200):
        response = real(name, context, status)
        if "pair" in context:
            token = context["pair"].token
            left = Assignment.objects.get(token=token).left.contender.name
            response.content = response.content.replace(b"<article", f'<article data-by="{left}"'.encode(), 1)
        return response

    monkeypatch.setattr(rating, "blind_page", leaking)
    assert differs(planted)


def test_a_planted_name_is_found(planted, monkeypatch):
    real = rating.sealed

    def leaking(response):
        response["X-Item"] = str(planted.snapshot.path)
        return real(response)

    monkeypatch.setattr(rating, "sealed", leaking)
    assert leaks(planted)


def test_one_answer_in_several_pairs_has_unrelated_names(planted):
    rui, other = (visitor(rater) for rater in planted.raters.all())
    for each in (rui, other):
        page = each.start()
        for n in range(planted.trials_per_rater):
            each.vote(page, n % 4)
            page = each.get()
    tokens = [
        token
        for row in Assignment.objects.values_list("token", "left_token", "right_token", "audio_token")
        for token in row
    ]
    assert len(set(tokens)) == len(tokens)
    assert all(len(token) >= 22 for token in tokens)


def test_the_template_never_gets_the_request_an_account_or_a_model(planted, ada, monkeypatch):
    from django.db.models import Model

    contexts = []
    real = rating.render_to_string
    monkeypatch.setattr(
        rating, "render_to_string", lambda name, context: contexts.append(context) or real(name, context)
    )
    rui = visitor(planted.raters.first())
    rui.client.force_login(ada)
    page = rui.start()
    rui.vote(page)
    assert b"ada" not in page.content
    assert contexts
    for context in contexts:
        assert not any(isinstance(value, Model) for value in context.values())
        assert set(context) <= {*WORLD, *PAIR}


WORLD = ("briefing", "token", "csrf_token", "problem", "may_change", "code", "back", "code_waits")
PAIR = ("pair", "reason", "practising", "options", "rows", "played")
QUOTED = re.compile(r'<div class="turn expert"><h3>Expert</h3><p class="text">(.*?)</p>', re.DOTALL)
ANSWERED = re.compile(r'<article.*?<p class="text">(.*?)</p>', re.DOTALL)


def given_away(study: Study, seed: int) -> int:
    """How many votes were asked of raters who had read one of the two answers as the expert's own words."""
    dice, known, count = random.Random(seed), {visitor(rater): set() for rater in study.raters.all()}, 0
    here = [each for each in known if each.start()]
    while here:
        each = dice.choice(here)
        page = each.get()
        if b'name="pair"' not in page.content:
            here.remove(each)
            continue
        text = html.unescape(page.content.decode())
        known[each].update(QUOTED.findall(text))
        count += any(answer in known[each] for answer in ANSWERED.findall(text))
        each.vote(page, dice.randrange(4))
    return count


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_no_answer_is_quoted_as_the_experts_before_it_is_judged(project, seed):
    study = study_of(project, items=12, raters=4, contenders=3, trials=9, ratings=2, seed=seed)
    assert given_away(study, seed) == 0


def test_without_the_order_of_conversations_answers_are_given_away(project, monkeypatch):
    monkeypatch.setattr(assignment, "_conversation", lambda row: row)  # every turn as if it stood alone
    study = study_of(project, items=12, raters=4, contenders=3, trials=9, ratings=2)
    assert given_away(study, 0) > 0


def test_templates_of_raters_name_no_source():
    root = Path(__file__).parents[2] / "templates" / "evaluation" / "rate"
    text = "".join(path.read_text() for path in root.glob("*.html"))
    for word in ("contender", "generation", "adapter", "candidate", "model", "user", "study."):
        assert word not in text
