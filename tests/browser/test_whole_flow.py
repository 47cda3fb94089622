"""The whole flow through the page: a recording goes in, a blind report comes out, with a worker beside the site."""

import json
import re
import uuid

import numpy as np
import pytest
import soundfile
from playwright.sync_api import expect

from annotation.models import Layer, MixingSession, Snapshot
from evaluation.models import Rating, Study
from modeling.models import Adapter, Candidate
from tests.browser.sitting import until
from tests.modeling.app.things import kill, python

pytestmark = [pytest.mark.browser, pytest.mark.torch, pytest.mark.django_db(transaction=True)]

SECONDS = 60
TOPICS = ("drums", "bass", "keys", "guitars", "vocals")


def recording(folder):
    """A minute of stereo: a tone that changes with each conversation."""
    rate = 44_100
    at = np.arange(SECONDS * rate) / rate
    left = 0.3 * np.sin(2 * np.pi * (110 + 40 * (at // 12)) * at)
    soundfile.write(folder / "evening.flac", np.stack([left, left * 0.5], 1), rate, subtype="PCM_16")
    return folder / "evening.flac"


def transcript(folder):
    """Five conversations of two turns: enough for three splits."""
    rows = [{"type": "session", "title": "Evening", "length_ms": SECONDS * 1000, "expert": "E1", "amateur": "A1"}]
    for number, topic in enumerate(TOPICS):
        turns = []
        for half in range(2):
            at = number * 12_000 + half * 6_000
            uids = {lane: str(uuid.uuid4()) for lane in ("music", "amateur", "expert")}
            said = {
                "music": f"{topic} alone",
                "amateur": f"What is wrong with the {topic}?",
                "expert": f"Cut {topic} at {200 + at}.",
            }
            for place, lane in enumerate(uids):
                span = {"start_ms": at + place * 1500, "end_ms": at + place * 1500 + 1400}
                rows.append({"type": "segment", "uid": uids[lane], "lane": lane, **span, "text": said[lane]})
            turns.append(str(uuid.uuid4()))
            rows.append({"type": "turn", "uid": turns[-1], **{lane: [uid] for lane, uid in uids.items()}})
            rows.append({"type": "flag", "turn": turns[-1], "flag": "has_content", "value": "yes"})
        rows.append({"type": "conversation", "uid": str(uuid.uuid4()), "topic": topic, "turns": turns})
    path = folder / "evening.jsonl"
    path.write_text("\n".join(json.dumps(row) for row in rows))
    return path


@pytest.fixture
def worker(live_server):
    process = python("manage.py", "worker")
    yield process
    kill(process)


def over(page, seconds=150):
    """Wait until every job on the page says that it is done; it says so by itself."""
    until(
        page,
        """() => {
          const all = [...document.querySelectorAll('.job .chip')]
          return all.length && all.every((chip) => chip.textContent.trim() === 'succeeded')
        }""",
        seconds,
    )


def log_out(page):
    page.get_by_role("button", name="Log out").click()
    page.get_by_label("Username").wait_for()


def test_a_recording_goes_in_and_a_blind_report_comes_out(page, log_in, ada, ana, rita, project, worker, tmp_path):
    # Ada uploads the session, and brings a transcript.
    log_in(ada)
    fetched = []
    page.on("request", lambda request: fetched.append(request.url))
    page.get_by_role("link", name="Songs", exact=True).click()
    page.get_by_role("link", name="Upload a session").click()
    page.get_by_label("Title").fill("Evening session")
    page.get_by_label("Recording").set_input_files(recording(tmp_path))
    page.get_by_role("button", name="Upload").click()
    page.wait_for_url(re.compile(r"/sessions/\d+/"))
    over(page)
    page.get_by_label("Transcript").set_input_files(transcript(tmp_path))
    page.get_by_role("button", name="Bring it in").click()
    page.get_by_role("button", name="Make the layer").click()
    page.get_by_text("The transcript is here as a layer").wait_for()
    session = MixingSession.objects.get()
    log_out(page)

    # Ana starts from it: cuts a clip and two utterances more, pairs, groups, flags, summarises, submits.
    log_in(ana)
    page.goto(session.get_absolute_url())
    page.get_by_label("Your layer starts from").select_option(label="evening.jsonl")
    page.get_by_role("button", name="Start annotating").click()
    page.wait_for_selector("mix-workbench[data-state=ready]")
    page.keyboard.press("Escape")
    for lane, words in (("1", "Is it the snare?"), ("2", "It is the room mic.")):
        page.evaluate(
            f"() => document.querySelector('mix-workbench').bench.player.seek({5_000 if lane == '1' else 5_500})"
        )
        page.keyboard.press("[")
        page.keyboard.press("Period")
        page.keyboard.press("Period")
        page.keyboard.press("]")
        page.keyboard.press(lane)
        page.keyboard.press("e")
        page.keyboard.type(words)
        page.keyboard.press("Enter")
    page.keyboard.press("Shift+ArrowUp")
    page.keyboard.press("t")
    page.wait_for_selector("mix-workbench .chip:has-text('Saved')")
    layer = Layer.objects.get(owner=ana)
    assert layer.turns.count() == 11
    page.click("[data-action=group]")
    page.keyboard.press("1")
    page.fill("[data-part=summary]", "They have looked for the noise in the snare.")
    page.click("turn-card .choices label:has-text('Yes')")
    page.wait_for_selector("mix-workbench .chip:has-text('Saved')")
    page.get_by_role("button", name="Submit for review").click()
    page.get_by_text("The layer is with the reviewers now").wait_for()
    page.goto("/")
    log_out(page)

    # Rita accepts it.
    log_in(rita)
    page.locator("section", has_text="To review").get_by_role("link", name="Evening session").first.click()
    expect(page).to_have_url(re.compile(rf"/layers/{layer.pk}/"))
    page.get_by_text("Review", exact=True).click()
    page.get_by_label("Verdict").select_option(label="Accept")
    page.get_by_role("button", name="Send the review").click()
    page.get_by_text("Accepted.").wait_for()
    page.goto("/")
    log_out(page)

    # Ada freezes a snapshot, trains on it, and lets three sources answer.
    log_in(ada)
    page.goto(f"/projects/{project.slug}/snapshots/new/")
    page.get_by_label("Name").fill("first")
    page.get_by_role("button", name="See what it would hold").click()
    page.get_by_text("11 rows").wait_for()
    page.get_by_role("button", name="Build and freeze").click()
    over(page)
    snapshot = Snapshot.objects.get()
    assert snapshot.rows == 11
    page.reload()
    page.get_by_role("link", name="Train on it").click()
    page.get_by_label("Name").fill("adapter one")
    page.get_by_label("Steps").fill("30")
    page.get_by_role("button", name="Train", exact=True).click()
    page.wait_for_selector("svg polyline, svg path", timeout=120_000)  # the curve grows while it trains
    over(page)
    adapter = Adapter.objects.get()
    for source in ("expert", "tiny", adapter.name):
        page.goto(f"/projects/{project.slug}/generations/new/")
        options = page.get_by_label("Who answers").locator("option")
        wanted = next(option for option in options.all() if source in option.inner_text().lower())
        page.get_by_label("Who answers").select_option(wanted.get_attribute("value"))
        page.get_by_role("button", name="Generate").click()
        over(page)
    assert Candidate.objects.count() == 3 * snapshot.counts["test"]

    # She opens a study of all three, and gives out a link.
    page.goto(f"/projects/{project.slug}/studies/new/")
    for box in page.get_by_role("group", name="Contenders").get_by_role("checkbox").all():
        box.check()
    page.get_by_label("Raters", exact=True).fill("1")
    page.get_by_role("button", name="Make a draft").click()
    page.get_by_role("button", name=re.compile("open", re.IGNORECASE)).first.click()
    page.locator("h1 .chip.open").wait_for()
    study = Study.objects.get()
    assert study.state == "open"
    link = study.raters.get().get_absolute_url()
    expect(page.locator("body")).to_contain_text(link)
    log_out(page)

    # Rui rates through the link, without an account, by keys.
    page.goto(link)
    page.get_by_role("button", name="Start").click()
    trials = study.protocol["trials_per_rater"]
    for number in range(1, trials + 1):
        page.get_by_text(f"Pair {number}", exact=True).wait_for()
        page.locator("rating-form:defined").wait_for()
        page.keyboard.press("1" if number % 2 else "2")
        page.keyboard.press("Enter")
    page.get_by_text(re.compile("thank", re.IGNORECASE)).first.wait_for()
    assert Rating.objects.count() == trials

    # Ada reads the report.
    log_in(ada)
    page.goto(f"/studies/{study.pk}/report/")
    page.get_by_role("button", name="Compute").click()
    for name in ("expert", "tiny", adapter.name):  # the page shows them by itself; figures come when they are drawn
        page.get_by_role("cell", name=name, exact=True).first.wait_for(timeout=60_000)
    figure = page.locator("img[src*=figure]").first
    figure.scroll_into_view_if_needed()
    until(page, "() => [...document.images].every((image) => image.complete && image.naturalWidth > 0)", 120)
    assert not any("master" in url for url in fetched)
