"""Fifty raters over HTTP, a tenth of whose connections die before the answer: no vote lost, doubled or served twice."""

import os
import random
import re
import socket
import subprocess
import sys
import threading
import time
import urllib.parse
from collections import Counter

import pytest
import requests
from django.db import connection
from django.db.models import Count, F, Q

from evaluation.models import Assignment, Comparison, Item, Rating
from tests.evaluation.studies import study_of

RATERS = int(os.environ.get("RATERS_AT_ONCE", "6"))  # 50 for the full trial
KILLED = 0.1


class Browser:
    """A rater whose line breaks now and then; what was acknowledged is remembered."""

    def __init__(self, site: str, rater, seed: int) -> None:
        self.address = f"{site}{rater.get_absolute_url()}"
        self.dice = random.Random(seed)
        self.http = requests.Session()
        self.acknowledged: dict[str, str] = {}
        self.sent = 0
        self.killed = 0
        self.served: Counter[str] = Counter()
        self.changed = 0

    def go(self) -> None:
        """Vote until nothing is left; after a dead connection the same vote is sent again, as a person would."""
        self.post("visit/", {})
        while (page := self.http.get(self.address, timeout=120).text) and 'name="choice"' in page:
            token, slots = find(page)
            self.served[token] += 1
            again = self.http.get(self.address, timeout=120).text
            self.changed += find(again) != (token, slots)
            choice = self.dice.choice(slots)
            sent = {"pair": token, "choice": choice}
            self.sent += 1
            if self.dice.random() < KILLED:
                self.die(sent)
            answer = self.post("ratings/", sent)
            assert answer.status_code in (200, 409), answer.status_code
            self.acknowledged[token] = choice

    def post(self, path: str, sent: dict[str, str]):
        """Send a form with its guard."""
        if "csrftoken" not in self.http.cookies:
            self.http.get(self.address, timeout=120)
        guard = {"csrfmiddlewaretoken": self.http.cookies["csrftoken"]}
        return self.http.post(self.address + path, {**sent, **guard}, timeout=120)

    def die(self, sent: dict[str, str]) -> None:
        """Send the vote and hang up before any answer."""
        self.killed += 1
        where = urllib.parse.urlsplit(self.address)
        guard = self.http.cookies["csrftoken"]
        body = urllib.parse.urlencode({**sent, "csrfmiddlewaretoken": guard})
        head = [
            f"POST {where.path}ratings/ HTTP/1.1", f"Host: {where.netloc}", f"Cookie: csrftoken={guard}",
            "Content-Type: application/x-www-form-urlencoded", f"Content-Length: {len(body)}", "", body,
        ]  # fmt: skip
        with socket.create_connection((where.hostname, where.port)) as line:
            line.sendall("\r\n".join(head).encode()[: self.dice.choice([40, None])])


def find(page: str) -> tuple[str, list[str]]:
    return re.search(r'name="pair" value="([^"]+)', page)[1], re.findall(r'name="choice" value="([^"]+)', page)


@pytest.fixture
def served(transactional_db, settings, tmp_path):
    """The site as it is deployed, on this test's database."""
    known = connection.settings_dict
    if connection.vendor == "sqlite":
        database = f"sqlite:///{known['NAME']}"
    else:
        database = f"postgres://{known['USER']}:{known['PASSWORD']}@{known['HOST']}:{known['PORT']}/{known['NAME']}"
    env = {**os.environ, "DATABASE_URL": database, "SECRET_KEY": settings.SECRET_KEY, "MIXASSIST_HOME": str(tmp_path)}
    env["DJANGO_SETTINGS_MODULE"] = "mixassist_site.settings"
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "gunicorn", "mixassist_site.wsgi", "--bind", f"127.0.0.1:{port}"]
    web = subprocess.Popen(
        [*command, "--threads", "8", "--workers", "2", "--log-level", "error"],
        env=env,
        cwd=settings.BASE_DIR,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    address = f"http://127.0.0.1:{port}"
    for _ in range(600):
        try:
            if requests.get(f"{address}/healthz", timeout=60).ok:
                break
        except requests.RequestException:
            time.sleep(0.1)
    yield address
    web.terminate()
    web.wait(30)


def test_no_vote_is_lost_doubled_or_served_twice_when_lines_break(served, project):
    study = study_of(project, items=8, raters=RATERS, contenders=2, ratings=RATERS, trials=8)
    browsers = [Browser(served, rater, n) for n, rater in enumerate(study.raters.all())]
    failed: list[BaseException] = []

    def run(browser: Browser) -> None:
        try:
            browser.go()
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=run, args=(browser,)) for browser in browsers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    kept = dict(Rating.objects.values_list("assignment__token", "choice"))
    rows = Assignment.objects.values_list("token", "left_token", "right_token")
    sides = {token: (left, right) for token, left, right in rows}
    for browser in browsers:
        assert len(browser.acknowledged) == 8
        for token, choice in browser.acknowledged.items():
            left, right = sides[token]
            assert kept[token] == {left: "left", right: "right"}.get(choice, choice)
        assert set(browser.served.values()) == {1}
        assert browser.changed == 0
    assert Rating.objects.count() == Assignment.objects.rated().count() == 8 * RATERS
    counted = Count("assignments", filter=~Q(assignments__state="returned"))
    assert not Comparison.objects.annotate(n=counted).exclude(placed=F("n")).exists()
    assert not Item.objects.annotate(n=counted).exclude(placed=F("n")).exists()
    print({"raters": RATERS, "votes": 8 * RATERS, "killed": sum(browser.killed for browser in browsers)})
