"""A release is a job: asked for on the snapshot's page or through the API, written once, fetched as one archive."""

import hashlib
import io
import json
import zipfile

import pytest
from django.core.management import CommandError, call_command

from annotation import execute
from annotation.launch import start_release
from annotation.models import ApiToken, Release
from annotation.releases.options import Options
from mixassist_site import jobs
from mixassist_site.jobs import JobError, State
from tests.annotation.releases.frozen import clip_file, freeze
from tests.factories import SnapshotFactory

FORM = {"format": "jsonl", "summary": "joined", "clips": "normalised", "audio": "flac", "placeholders": "on"}


@pytest.fixture
def snapshot(project):
    made = SnapshotFactory(project=project, name="Spring & songs")
    manifest = json.loads((freeze(made.path) / "manifest.json").read_text())
    made.content_hash = manifest["content_hash"]
    made.save()
    return made


def built(snapshot, **options):
    release = start_release(snapshot, Options(**options), by=None)
    execute.release(release)
    release.refresh_from_db()
    return release


def archive(release):
    return zipfile.ZipFile(io.BytesIO(release.path.read_bytes()))


def test_an_administrator_asks_for_a_release_and_members_fetch_it(client, ada, ana, project, snapshot):
    client.force_login(ada)
    answer = client.post(f"/snapshots/{snapshot.pk}/releases/", FORM)
    release = Release.objects.get()
    assert (answer.status_code, answer["Location"]) == (302, release.get_absolute_url())
    assert client.get(f"/releases/{release.pk}/file/").status_code == 404  # not yet
    execute.release(release)
    client.force_login(ana)
    page = client.get(release.get_absolute_url()).content.decode()
    release.refresh_from_db()
    for told in ("train 9, validation 3, test 6", release.sha256, "--format jsonl --placeholders --summary joined"):
        assert told in page, told
    fetched = client.get(f"/releases/{release.pk}/file/")
    content = b"".join(fetched)
    assert hashlib.sha256(content).hexdigest() == release.sha256
    assert "spring-songs-jsonl.zip" in fetched["Content-Disposition"]
    assert client.get(f"/releases/{release.pk}/file/", headers={"Range": "bytes=0-1"}).status_code == 206
    names = zipfile.ZipFile(io.BytesIO(content)).namelist()
    assert "spring-songs-jsonl/README.md" in names
    assert f"spring-songs-jsonl/{clip_file(1, 1)}".replace("wav", "flac") in names
    assert client.post(f"/snapshots/{snapshot.pk}/releases/", FORM).status_code == 403


def test_the_command_writes_the_files_that_the_archive_holds(project, snapshot, tmp_path):
    release = built(snapshot, format="csv", content_only=True)
    out = tmp_path / "out"
    call_command("export_snapshot", str(snapshot.pk), str(out), "--format", "csv", "--content-only")
    packed = archive(release)
    files = {str(path.relative_to(out)): path.read_bytes() for path in out.rglob("*") if path.is_file()}
    assert files == {name.partition("/")[2]: packed.read(name) for name in packed.namelist()}
    with pytest.raises(CommandError, match="name a folder that isn't"):
        call_command("export_snapshot", str(snapshot.pk), str(out))


def test_the_same_release_asked_for_twice_is_one_and_its_bytes_are_the_same(project, snapshot):
    one = built(snapshot)
    assert start_release(snapshot, Options(), by=None) == one
    assert start_release(snapshot, Options(format="csv"), by=None) != one
    assert {entry.date_time for entry in archive(one).infolist()} == {(1980, 1, 1, 0, 0, 0)}
    one.path.unlink()
    two = built(snapshot)
    assert two.pk != one.pk
    assert two.sha256 == one.sha256


def test_a_release_that_is_cancelled_leaves_no_file(project, snapshot, settings, monkeypatch):
    release = start_release(snapshot, Options(), by=None)
    monkeypatch.setattr(jobs.Lease, "should_stop", lambda lease: True)
    Release.objects.update(cancel_requested=False)
    execute.release(release)
    release.refresh_from_db()
    assert (release.state, release.file) == (State.QUEUED, "")  # a worker that is shut down puts it back
    assert list(settings.RELEASES_ROOT.rglob("*")) == []


def test_files_that_are_not_as_they_were_frozen_fail_with_a_sentence(project, snapshot, settings):
    (snapshot.path / clip_file(1, 1)).write_bytes(b"RIFF")
    release = built(snapshot)
    assert (release.state, release.error_code) == (State.FAILED, "not-as-frozen")
    assert "not what was frozen" in release.error_message
    assert list(settings.RELEASES_ROOT.rglob("*")) == []


def test_a_snapshot_that_is_not_built_is_not_released(client, ada, project):
    waiting = SnapshotFactory(project=project, state=State.QUEUED)
    with pytest.raises(JobError, match="not built yet"):
        start_release(waiting, Options(), by=None)
    client.force_login(ada)
    assert client.post(f"/snapshots/{waiting.pk}/releases/", FORM).status_code == 400
    assert b"not built yet" in client.get(f"/snapshots/{waiting.pk}/statistics/").content


def test_what_can_not_be_chosen_is_refused(client, ada, project, snapshot):
    client.force_login(ada)
    assert client.post(f"/snapshots/{snapshot.pk}/releases/", {**FORM, "audio": "mp3"}).status_code == 400
    assert not Release.objects.exists()


def test_a_script_asks_waits_and_fetches(client, ada, project, snapshot):
    bearer = {"Authorization": f"Bearer {ApiToken.issue(ada, 'script', ['manage', 'read'])[1]}"}
    body = {"snapshot": snapshot.pk, "format": "jsonl", "content_only": True}
    told = client.post("/api/v1/releases/", body, content_type="application/json", headers=bearer)
    assert told.status_code == 201
    execute.release(Release.objects.get())
    one = client.get(f"/api/v1/releases/{told.json()['id']}/", headers=bearer).json()
    assert (one["state"], one["facts"]["rows"]) == ("succeeded", {"train": 3, "validation": 1, "test": 2})
    fetched = client.get(f"/api/v1/releases/{one['id']}/file/", headers=bearer)
    assert hashlib.sha256(b"".join(fetched)).hexdigest() == one["sha256"]
    assert client.get(f"/api/v1/releases/?snapshot={snapshot.pk}", headers=bearer).json()["count"] == 1
    for bad in ({"snapshot": snapshot.pk, "audio": "mp3"}, {"snapshot": snapshot.pk, "odd": 1}, {}):
        answer = client.post("/api/v1/releases/", bad, content_type="application/json", headers=bearer)
        assert answer.status_code == 400


def test_statistics_are_figures_with_tables(client, ana, project, snapshot):
    client.force_login(ana)
    page = client.get(f"/snapshots/{snapshot.pk}/statistics/").content.decode()
    assert "18 turns of 3 sessions; 6 with a context summary." in page
    assert '<th scope="row">drums</th><td class="num">3</td><td class="num">3</td><td class="num">0</td>' in page
    assert "12 clips: from 1.0 to 3.0 s, median 2.0 s; 0 longer than the 30 s" in page
    assert '<th scope="row">has_content</th><td class="num">6</td><td class="num">6</td><td class="num">6</td>' in page
    assert '<th scope="row">silent</th><td class="num">6</td><td class="num">6</td>' in page
    svg = client.get(f"/snapshots/{snapshot.pk}/statistics/topics.svg")
    drawing = b"".join(svg).decode()
    assert svg["Content-Type"] == "image/svg+xml"
    assert "prefers-color-scheme: dark" in drawing
    assert "fill: #1f5fbf; fill: var(--c1f5fbf)" in drawing
    numbers = b"".join(client.get(f"/snapshots/{snapshot.pk}/statistics/topics.csv")).decode()
    assert numbers.splitlines()[:2] == ["Topic,train,validation,test", "bass,3,0,3"]
    for bad in ("odd.svg", "topics.png"):
        assert client.get(f"/snapshots/{snapshot.pk}/statistics/{bad}").status_code == 404


def test_a_snapshot_whose_files_are_lost_says_so(client, ana, project):
    lost = SnapshotFactory(project=project)
    client.force_login(ana)
    assert b"backup" in client.get(f"/snapshots/{lost.pk}/statistics/").content
    assert client.get(f"/snapshots/{lost.pk}/statistics/topics.svg").status_code == 404
