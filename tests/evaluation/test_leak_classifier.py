"""Whether a classifier can tell from anything but the texts which side holds the expert's answer."""

import os
import random
import re

import numpy as np

from evaluation import voting
from evaluation.models import Assignment
from evaluation.views import rating
from tests.evaluation.conftest import visitor
from tests.evaluation.studies import study_of

PAGES = int(os.environ.get("LEAK_PAGES", "120"))  # 2,000 for the full trial
TEXTS = re.compile(r'(<article.*?<p class="text">).*?(</p>)', re.DOTALL)


def features(page: bytes, headers: dict[str, str], extra: float) -> list[float]:
    """All that a page has but the two texts: lengths, token statistics, header lengths, order of marks."""
    text = TEXTS.sub(r"\1\2", page.decode())
    choices = re.findall(r'name="choice" value="([^"]+)', text)
    first, second = (sum(map(ord, token)) / len(token) for token in choices[:2])
    articles = re.findall(r"<article[^>]*>", text)
    marks = [float(len(re.sub(r'id="answer-.*?"|answer-[AB]', "", each))) for each in articles]
    return [first - second, first, second, *marks, *(float(len(value)) for value in headers.values()), extra]


def auc(seen: list[list[float]], truth: list[int]) -> float:
    """Five-fold AUC of a ridge-regularised linear classifier."""
    x, y = np.array(seen), np.array(truth, dtype=float)
    x = (x - x.mean(0)) / np.where(x.std(0) > 0, x.std(0), 1)
    scores = np.zeros(len(y))
    for fold in range(5):
        test = np.arange(len(y)) % 5 == fold
        a = x[~test]
        weights = np.linalg.solve(a.T @ a + 10 * np.eye(a.shape[1]), a.T @ (y[~test] - y[~test].mean()))
        scores[test] = x[test] @ weights
    above, below = scores[y == 1][:, None], scores[y == 0][None, :]
    return float(((above > below) + 0.5 * (above == below)).mean())


def collected(project) -> float:
    study = study_of(project, items=PAGES // 10, raters=10, contenders=2, ratings=10, trials=PAGES // 10)
    seen, truth, dice = [], [], random.Random(1)
    for rater in study.raters.all():
        rui = visitor(rater)
        page = rui.start()
        while served := Assignment.objects.open().filter(rater=rater).select_related("left__contender").first():
            is_left = served.left.contender.name == "expert"
            seen.append(features(page.content, dict(page.headers), served.number))
            truth.append(int(is_left))
            voting.vote(rater, served.token, dice.choice([served.left_token, "both_good"]))
            page = rui.get()
    return auc(seen, truth)


def test_nothing_but_the_texts_tells_which_side_is_the_experts(project):
    margin = 0.03 if PAGES >= 2000 else 0.2
    assert abs(collected(project) - 0.5) <= margin


def test_a_planted_leak_is_learnt(project, monkeypatch):
    real = rating.blind_page

    def leaking(name, context, status=200):
        response = real(name, context, status)
        if "pair" in context:
            left = Assignment.objects.get(token=context["pair"].token).left.contender.name
            response.content = response.content.replace(b"<article", f'<article data-by="{left}"'.encode(), 1)
        return response

    monkeypatch.setattr(rating, "blind_page", leaking)
    assert collected(project) > 0.9
