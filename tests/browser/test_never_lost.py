"""No edit is lost and none is applied twice: off the network, in a crash, logged out, in two tabs, without a server."""

import os
import random
import signal
import socket
from contextlib import suppress

import pytest
from django.conf import settings
from playwright.sync_api import Error

from annotation.editing import document
from annotation.models import Edit, Layer, Login
from tests.browser.sitting import Bench, rows
from tests.factories import SegmentFactory
from tests.modeling.app.things import eventually, kill, python
from tests.people import PASSWORD

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

EDITS = int(os.environ.get("MIXASSIST_EDITS", "60"))  # 300 for the whole trial
SEED = int(os.environ.get("MIXASSIST_SEED", "7"))


def cut_off(page):
    """The server can't be told anything, though pages and sound still come."""
    page.expected_troubles.append("ERR_FAILED")
    page.route("**/edits/", lambda route: route.abort())


def waiting(bench: Bench) -> int:
    return bench.look("return bench.outbox.count")


def test_what_was_not_sent_before_a_reload_is_saved_after_it(sit, layer):
    bench = sit(layer)
    cut_off(bench.page)
    bench.drag("amateur", 1_000, 2_000)
    bench.page.fill("segment-card [data-part=text]", "Still here.")
    bench.press("Control+Enter")
    bench.chip("2 pending")
    bench.open()
    bench.message("2 edits from before came back")
    assert rows_drawn(bench) == [["amateur", "Still here."]]
    assert not layer.segments.exists()
    bench.page.unroute("**/edits/")
    bench.look("bench.outbox.retry()")  # or it comes by itself, a moment later
    bench.saved()
    assert rows(layer) == [("amateur", "Still here.")]
    assert Edit.objects.filter(layer=layer).count() == 2
    bench.press("Control+z", "Control+z")
    bench.saved()
    assert rows(layer) == []
    bench.open()
    assert waiting(bench) == 0


def rows_drawn(bench: Bench) -> list:
    return bench.look("return bench.document.segments.map(({lane, text}) => [lane, text])")


def test_a_tab_that_crashed_leaves_its_edits_to_the_next(sit, layer):
    bench = sit(layer)
    cut_off(bench.page)
    bench.drag("expert", 3_000, 4_000)
    bench.chip("1 pending")
    bench.page.wait_for_timeout(200)
    again = bench.page.context.new_page()
    crash(bench.page)
    next_one = sit(layer, page=again)
    next_one.saved()
    eventually(lambda: layer.segments.count() == 1)


def crash(page):
    """Let the renderer die, as it does when memory runs out."""
    with page.expect_event("crash"), suppress(Error):
        page.goto("chrome://crash")


def test_a_tab_leaves_alone_what_another_living_tab_still_has_to_send(sit, layer):
    row = SegmentFactory(layer=layer, lane="amateur", start_ms=5_000, end_ms=9_000, text="")
    bench = sit(layer)
    cut_off(bench.page)
    bench.click("amateur", 7_000)
    bench.press("Shift+W")
    bench.chip("1 pending")
    bench.page.wait_for_timeout(200)
    other = sit(layer, page=bench.page.context.new_page())
    assert waiting(other) == 0
    bench.page.unroute("**/edits/")
    bench.look("bench.outbox.retry()")  # or it comes by itself, a moment later
    bench.saved()
    row.refresh_from_db()
    assert row.start_ms == 5_005
    assert Edit.objects.count() == 1


def test_edits_of_a_layer_that_was_submitted_meanwhile_wait_until_it_is_returned(sit, layer, rita):
    bench = sit(layer)
    bench.page.expected_troubles.append("400")
    Layer.objects.get(pk=layer.pk).submit()
    bench.drag("amateur", 1_000, 2_000)
    bench.chip("Submitted meanwhile – 1 kept here")
    bench.open()
    bench.chip("Submitted meanwhile – 1 kept here")
    assert not layer.segments.exists()
    Layer.objects.get(pk=layer.pk).review(rita, "return", "More, please.")
    bench.look("bench.outbox.retry()")  # or it comes by itself, a moment later
    bench.page.wait_for_selector("save-status[data-state=saved]", state="attached")
    assert layer.segments.count() == 1


def test_what_was_done_at_once_is_undone_at_once_after_a_reload(sit, layer):
    for number in range(3):
        SegmentFactory(layer=layer, lane="music", start_ms=number * 2_000, end_ms=number * 2_000 + 1_000, text="")
    bench = sit(layer)
    bench.press("3", "ArrowDown", *["Shift+ArrowDown"] * 2, "Delete")
    bench.saved()
    assert layer.segments.count() == 0
    bench.open()
    bench.press("Control+z")
    bench.saved()
    assert layer.segments.count() == 3
    bench.open()
    bench.press("Control+Shift+z")
    bench.saved()
    assert layer.segments.count() == 0


class Server:
    """The site as gunicorn serves it, on this test's database; it can be killed, and comes back on the same port."""

    def __init__(self) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.start()

    def start(self) -> None:
        words = ("-m", "gunicorn", "mixassist_site.wsgi", "--bind", f"127.0.0.1:{self.port}", "--threads", "4")
        self.process = python(*words, LOG_LEVEL="ERROR", SECRET_KEY=settings.SECRET_KEY)
        eventually(lambda: self.answers(), 30)

    def answers(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def kill(self) -> None:
        os.killpg(self.process.pid, signal.SIGKILL)
        kill(self.process)


@pytest.fixture
def server():
    server = Server()
    yield server
    server.kill()


def test_a_long_day_with_cuts_reloads_expired_logins_and_killed_servers(browser, server, layer, ana):
    """The database ends as the model: what the person did, in order, once each."""
    dice = random.Random(SEED)
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    page = context.new_page()
    bench = Bench(page, server.url, layer, ana)
    model: dict[str, list] = {}
    troubles = [
        *["cut"] * (EDITS // 6),
        *["reload"] * (EDITS // 12),
        *["expired"] * (EDITS // 15),
        *["killed"] * (EDITS // 30),
    ]
    when = sorted(dice.sample(range(1, EDITS), len(troubles)))
    dice.shuffle(troubles)
    cuts = dict(zip(when, troubles, strict=True))
    for number in range(EDITS):
        trouble = cuts.get(number)
        if trouble == "cut":
            context.set_offline(True)
        elif trouble == "expired":
            Login.objects.all().delete()
        elif trouble == "killed":
            server.kill()
        act(bench, dice, model)
        if trouble == "cut":
            page.wait_for_timeout(dice.randrange(300))
            context.set_offline(False)
        elif trouble == "expired":
            if bench.page.locator("save-status [data-part=door]").is_visible() or dice.random() < 0.5:
                log_in_again(bench)
        elif trouble == "killed":
            server.start()
        elif trouble == "reload":
            page.wait_for_timeout(dice.randrange(60))
            reload(bench, ana)
    until_saved([bench], ana)
    told = document(Layer.objects.get(pk=layer.pk))
    assert {row["uid"]: [row["lane"], row["start_ms"], row["text"]] for row in told["segments"]} == model
    uids = list(Edit.objects.filter(layer=layer).values_list("uid", flat=True))
    assert len(uids) == len(set(uids)) == EDITS
    context.close()


def test_a_long_day_in_two_tabs_on_one_layer(browser, server, layer, ana):
    """Each tab's own segments end as that tab has them; what both write to keeps every writing, each once."""
    dice = random.Random(SEED + 1)
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    shared = {
        str(SegmentFactory(layer=layer, lane="note", start_ms=start, end_ms=start + 900, text="").uid): []
        for start in (1_000, 2_000, 3_000)
    }
    tabs = [Bench(context.new_page(), server.url, layer, ana) for _ in range(2)]
    models: list[dict[str, list]] = [{}, {}]
    count = max(2, EDITS // 30)
    troubles = ["cut"] * (count * 5) + ["reload"] * (count * 2) + ["expired"] * (count * 2) + ["killed"] * count
    dice.shuffle(troubles)
    cuts = dict(zip(sorted(dice.sample(range(1, EDITS), len(troubles))), troubles, strict=True))
    for number in range(EDITS):
        trouble, one = cuts.get(number), dice.randrange(2)
        if trouble == "cut":
            context.set_offline(True)
        elif trouble == "expired":
            Login.objects.all().delete()
        elif trouble == "killed":
            server.kill()
        if dice.random() < 0.3:
            uid = dice.choice(sorted(shared))
            text = f"tab {one} wrote {number}"
            tabs[one].look(f"bench.acts.write('{uid}', '{text}')")
            shared[uid].append(text)
        else:
            act(tabs[one], dice, models[one])
        if trouble == "cut":
            tabs[one].page.wait_for_timeout(dice.randrange(300))
            context.set_offline(False)
        elif trouble == "expired":
            for bench in tabs:
                bench.log_in(ana)
        elif trouble == "killed":
            server.start()
        elif trouble == "reload":
            reload(tabs[one], ana)
    until_saved(tabs, ana)

    told = document(Layer.objects.get(pk=layer.pk))
    own = {row["uid"]: [row["lane"], row["start_ms"], row["text"]] for row in told["segments"] if row["lane"] != "note"}
    assert own == models[0] | models[1]
    edits = list(Edit.objects.filter(layer=layer).order_by("revision"))
    assert len({edit.uid for edit in edits}) == len(edits) == EDITS, "none is lost, none applied twice"
    for row in told["segments"]:
        if row["lane"] == "note":
            written = [edit.arguments["text"] for edit in edits if edit.arguments.get("uid") == row["uid"]]
            assert sorted(written) == sorted(shared[row["uid"]])
            assert row["text"] == (written[-1] if written else "")
    for bench in tabs:
        reload(bench, ana)
        drawn = bench.look("return bench.document.segments.map(({ uid, text }) => [uid, text])")
        assert dict(drawn) == {row["uid"]: row["text"] for row in told["segments"]}
    context.close()


def until_saved(benches: list[Bench], person) -> None:
    """Log in and let each tab send, until none has anything left."""
    for _ in range(30):
        for bench in benches:
            bench.log_in(person)
            bench.look("bench.outbox.retry()")
        benches[0].page.wait_for_timeout(1000)
        if all(bench.look("return bench.outbox.state === 'saved' && !bench.outbox.count") for bench in benches):
            return


def reload(bench: Bench, person) -> None:
    """Open the page anew, logged in; a late answer to the page before may end that login, and then again."""
    for _ in range(6):
        bench.log_in(person)
        bench.page.goto(f"{bench.address}/layers/{bench.layer.pk}/")
        with suppress(Error):
            bench.page.wait_for_selector("mix-workbench[data-state=ready]", timeout=10_000)
            bench.page.evaluate("() => document.querySelector('mix-workbench').kept")
            return
    raise AssertionError("the workbench did not open")


def log_in_again(bench: Bench) -> None:
    if not bench.page.locator("save-status [data-part=door]").is_visible():
        return
    bench.page.click("save-status [data-part=door]")
    bench.page.fill("dialog [name=password]", PASSWORD)
    bench.page.click("text=Log in and save")
    bench.page.wait_for_selector("dialog[data-part=login]", state="hidden")


def act(bench: Bench, dice: random.Random, model: dict[str, list]) -> None:
    """One edit through the workbench's own acts, and the same in the model."""
    uids = sorted(model)
    kind = dice.choice(["make", "write", "move", "remove"]) if uids else "make"
    if kind == "make":
        lane, start = dice.choice(["amateur", "expert", "music"]), dice.randrange(0, 19_000)
        row = f"{{ lane: '{lane}', start_ms: {start}, end_ms: {start + 500} }}"
        uid = bench.look(f"bench.acts.make({row}); return bench.selection.primary")
        model[uid] = [lane, start, ""]
        return
    uid = dice.choice(uids)
    if kind == "write":
        text = f"word {dice.randrange(10**9)}"
        bench.look(f"bench.acts.write('{uid}', '{text}')")
        model[uid][2] = text
    elif kind == "move":
        start = (model[uid][1] + 1 + dice.randrange(18_000)) % 19_000
        start += start == model[uid][1]
        bench.look(f"bench.acts.place([{{ uid: '{uid}', start_ms: {start}, end_ms: {start + 500} }}])")
        model[uid][1] = start
    else:
        bench.look(f"bench.selection.select(['{uid}']); bench.acts.remove()")
        del model[uid]
