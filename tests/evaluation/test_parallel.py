"""Many raters at once: no vote lost, none doubled, nothing served twice."""

import threading

import pytest
from django.db import connection
from django.db.models import Count, F, Q
from django.test import Client

from evaluation.models import Assignment, Comparison, Item, Rating
from tests.evaluation.conftest import visitor
from tests.evaluation.studies import study_of

pytestmark = pytest.mark.django_db(transaction=True)


def together(acts) -> list:
    """Run these at the same moment; return what they returned, and raise what they raised."""
    gate, found, failed = threading.Barrier(len(acts)), [], []

    def run(act):
        try:
            gate.wait()
            found.append(act())
        except Exception as error:
            failed.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(act,)) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failed:
        raise failed[0]
    return found


def test_ten_posts_of_one_vote_are_one_rating(project):
    rui = visitor(study_of(project).raters.first())
    page = rui.start()
    sent = {"pair": rui.pair(page), "choice": rui.choices(page)[0]}
    answers = together([lambda: Client().post(f"{rui.address}ratings/", sent).status_code for _ in range(10)])
    assert answers == [302] * 10
    assert Rating.objects.count() == 1


def test_ten_reloads_of_one_link_open_one_pair(project):
    rui = visitor(study_of(project).raters.first())
    rui.client.post(f"{rui.address}visit/")
    pages = together([lambda: rui.pair(Client().get(rui.address)) for _ in range(10)])
    assert len(set(pages)) == 1
    assert Assignment.objects.count() == 1


def test_eight_raters_at_once_keep_every_count_true(project):
    study = study_of(project, items=8, raters=8, ratings=3, trials=8)

    def go(rater):
        def act():
            rui = visitor(rater)
            page, sent = rui.start(), 0
            while b'name="pair"' in page.content:
                assert rui.vote(page, sent % 4).status_code == 302
                sent += 1
                page = rui.get()
            return sent

        return act

    sent = sum(together([go(rater) for rater in study.raters.all()]))
    assert sent == Rating.objects.count() == Assignment.objects.rated().count() == 64
    counted = Count("assignments", filter=~Q(assignments__state="returned"))
    assert not Comparison.objects.annotate(n=counted).exclude(placed=F("n")).exists()
    assert not Item.objects.annotate(n=counted).exclude(placed=F("n")).exists()
    assert not Comparison.objects.filter(placed__gt=3).exists()
    cells = Comparison.objects.values_list("placed", flat=True)
    assert max(cells) - min(cells) <= 1
