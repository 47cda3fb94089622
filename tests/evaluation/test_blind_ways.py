"""Every page of a protocol that asks for everything: none of its bytes tells a source, from the door to the code."""

import re

import pytest
from django.test import Client

from annotation.models import Person
from evaluation import joining, protocol
from evaluation.models import Contender, Study
from evaluation.rules import Rules
from evaluation.views import rating
from tests.evaluation.studies import answers, frozen
from tests.evaluation.test_blindness import PLANTED, masked, swap_sources

VISIT = {"PROLIFIC_PID": "p1", "STUDY_ID": "s1", "SESSION_ID": "v1"}
CRITERIA = ("technical_accuracy", "helpfulness", "fluency")
ASKED = {
    "scale": "five", "tie": "same", "criteria": CRITERIA, "practice": 1, "attention": 1, "gold": 1, "quiz": True,
    "block": 2, "source_share": 1.0, "consent": "You agree to be a rater.", "listening": "none",
}  # fmt: skip
STEPS = {"criteria", "source", "feedback", "break", "pair", "welcome", "quiz", "thanks", "code", "door", "full", "left"}


@pytest.fixture(params=["same", "after"])
def planted(project, request):
    """A study whose every hidden thing has a name that can be searched for, behind a panel's door with one place."""
    by = Person.objects.create_user("zqxadministrator", password="the right words")
    snapshot = frozen(project, 12, "ZQXSNAPSHOT", clip="ZQXCLIP")
    sources = [("expert", ""), ("base", "zqxbase"), ("adapter", "ZQXADAPTER")]
    generations = tuple(answers(snapshot, source, key) for source, key in sources)
    rules = Rules(**ASKED, criteria_when=request.param, criteria_optional=request.param == "after")
    study = protocol.create(
        protocol.Plan(snapshot, "test", generations, raters=1, trials=3, title="ZQXTITLE", rules=rules), by=by
    )
    Contender.objects.filter(study=study, name="expert").update(name="ZQXEXPERT")
    protocol.open_study(study)
    codes = {"complete": "CDONE", "failed_checks": "CFAILED", "full": "CFULL", "withdrawn": "CLEFT"}
    Study.objects.filter(pk=study.pk).update(
        panel={"places": 1, "codes": codes, "return_url": "https://panel.example/"}
    )
    study.refresh_from_db()
    joining.open_door(study)
    return study


def around(link: str) -> list:
    """All that can be fetched here without going on."""
    client = Client()
    text = client.get(link).content.decode()
    pair = (re.search(r'name="pair" value="([^"]+)', text) or [None, "x"])[1]
    seen = [client.get(link), client.head(link), *(client.get(f"{link}{name}/") for name in ("last", "withdrawal"))]
    if audio := re.search(r'src="([^"]+audio/[^"]+)', text):
        seen += [client.get(audio[1]), client.head(audio[1]), client.get(audio[1], HTTP_RANGE="bytes=0-9")]
    seen += [client.get(f"{link}{name}/") for name in ("code", "after", "quiz", "rest", "visit", "report")]
    seen += [client.post(f"{link}ratings/", {"pair": pair, "choice": choice}) for choice in ("", "nothing")]
    seen += [client.post(f"{link}after/", {"pair": "forged", "guess": "unsure"})]
    if 'name="guess"' in text:
        seen.append(client.post(f"{link}after/", {"pair": pair, "guess": "nothing"}))
    return [masked(each) for each in seen]


def way(study: Study, between=lambda: None) -> tuple[list, set[str]]:
    """Walk from the door to the code; at each stop everything is fetched, `between` acts, and all again."""
    door, seen, met = f"/join/{study.join_key}/", [], set()
    client = Client()

    def stop(name: str, fetch) -> None:
        met.add(name)
        before = fetch()
        between()
        seen.append((before, fetch()))

    stop("door", lambda: [masked(Client().get(door, VISIT)), masked(Client().get(door))])
    link = client.post(door, VISIT)["Location"]
    stop("full", lambda: [masked(Client().post(door, {**VISIT, "PROLIFIC_PID": "p2", "SESSION_ID": "v2"}))])
    for _ in range(60):
        page = client.get(link).content.decode()
        token = (re.search(r'name="pair" value="([^"]+)', page) or [None, ""])[1]
        if "Time for a break" in page:
            stop("break", lambda: around(link))
            client.post(f"{link}rest/")
        elif "One more question" in page:
            stop("source" if 'name="guess"' in page else "criteria", lambda: around(link))
            rows = {f"criterion-{name}": "both_good" for name in CRITERIA if f"criterion-{name}" in page}
            met |= {"criteria"} if rows else set()
            client.post(f"{link}after/", {"pair": token, "guess": "unsure", **rows})
        elif "/after/" in page:
            stop("feedback", lambda: around(link))
            client.post(f"{link}after/", {"pair": token})
        elif 'name="choice"' in page:
            stop("pair", lambda: around(link))
            rows = {f"criterion-{name}": "both_good" for name in CRITERIA if f"criterion-{name}" in page}
            met |= {"criteria"} if rows else set()
            assert client.post(f"{link}ratings/", {"pair": token, "choice": "both_bad", **rows}).status_code == 302
        elif "/quiz/" in page:
            stop("quiz", lambda: around(link))
            client.post(f"{link}quiz/", {"q0": "0", "q1": "1"})
        elif 'name="consent"' in page:
            stop("welcome", lambda: around(link))
            client.post(f"{link}visit/", {"consent": "on"})
        else:
            break
    stop("thanks", lambda: around(link))
    client.post(f"{link}code/")
    assert re.search(r"CDONE|CFAILED", client.get(link).content.decode())
    stop("code", lambda: around(link))
    client.post(f"{link}withdrawal/")
    stop("left", lambda: around(link))
    return seen, met


def test_exchanging_the_sources_changes_no_byte_of_any_page(planted):
    seen, met = way(planted, lambda: swap_sources(planted))
    assert met == STEPS
    assert [n for n, (before, after) in enumerate(seen) if before != after] == []


def test_no_planted_name_is_on_any_page(planted):
    seen, met = way(planted)
    assert met == STEPS
    assert PLANTED.findall(repr(seen).encode()) == []


@pytest.mark.parametrize("planted", ["same"], indirect=True)
@pytest.mark.parametrize("page", ["feedback", "done"])
def test_a_leak_that_is_planted_on_one_kind_of_page_is_seen_by_both(planted, monkeypatch, page):
    real = rating.blind_page

    def leaking(name, context, status=200):
        response = real(name, context, status)
        if name == page:
            said = Contender.objects.order_by("pk").first().name
            response.content = response.content.replace(b"</main>", f"<!--{said}--></main>".encode(), 1)
        return response

    monkeypatch.setattr(rating, "blind_page", leaking)
    seen, _ = way(planted, lambda: swap_sources(planted))
    assert any(before != after for before, after in seen)
    assert PLANTED.findall(repr(seen).encode())
