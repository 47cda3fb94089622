"""Runs, adapters and candidates in the browser: who sees them, who starts them, and what a form says."""

import hashlib
import io
import uuid
import zipfile
from pathlib import Path

import pytest
from django.conf import settings

from mixassist_site.jobs import State
from modeling import launch
from modeling.models import Adapter, Candidate, Generation, Metric, TrainingRun
from tests.modeling.app.things import frozen, generation_of, run_of

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}


@pytest.fixture
def snapshot(project):
    return frozen(project)


@pytest.fixture
def adapter(snapshot):
    """An adapter with a file, as a run leaves it."""
    versions = {"torch": "2.13.0"}
    run = run_of(
        snapshot, name="spring", state=State.SUCCEEDED, done=2, total=2,
        record={"config": {"seed": 7}, "first_loss": 6.0, "last_loss": 1.5, "eval_loss": None, "steps": 2,
                "config_hash": "c" * 64, "versions": versions, "base_revision": "b" * 64},
    )  # fmt: skip
    for step, loss in ((1, 6.0), (2, 1.5)):
        Metric.objects.create(run=run, step=step, key="loss", value=loss)
    folder = Path(settings.ADAPTERS_ROOT) / f"{run.pk}-1"
    folder.mkdir(parents=True)
    (folder / "adapter_model.safetensors").write_bytes(b"weights")
    facts = {"bytes": 7, "steps": 2, "rank": 16, "alpha": 32, "scope": "decoder"}
    sha256 = hashlib.sha256(b"weights").hexdigest()
    return Adapter.objects.create(run=run, name=run.name, sha256=sha256, folder=folder.name, facts=facts)


def form_of(snapshot, **fields) -> dict:
    return {"snapshot": snapshot.pk, "base": "tiny", "key": str(uuid.uuid4()), **fields}


def test_members_see_and_administrators_start(ada, ana, rita, sam, snapshot, adapter, client):
    generation = generation_of(snapshot, source="expert", base=None)
    pages = [f"/runs/{adapter.run.pk}/", f"/adapters/{adapter.pk}/", f"/adapters/{adapter.pk}/file/",
             f"/generations/{generation.pk}/", "/projects/songs/runs/", "/projects/songs/generations/"]  # fmt: skip
    doors = ["/projects/songs/runs/new/", "/projects/songs/generations/new/"]
    for person, sees, starts in ((ada, 200, 200), (rita, 200, 403), (ana, 200, 403), (sam, 404, 404)):
        client.force_login(person)
        assert [client.get(page).status_code for page in pages] == [sees] * len(pages)
        assert [client.get(door).status_code for door in doors] == [starts] * 2
        if starts != 200:
            assert [client.post(door, form_of(snapshot)).status_code for door in doors] == [starts] * 2
    assert TrainingRun.objects.count() == 1


def test_an_empty_list_says_what_to_do_next(ada, ana, project, client):
    client.force_login(ada)
    for name in ("runs", "generations"):
        assert (
            'href="/projects/songs/snapshots/">build one first'
            in client.get(f"/projects/songs/{name}/").content.decode()
        )
        assert "Build a snapshot first" in client.get(f"/projects/songs/{name}/new/").content.decode()
    frozen(project)
    assert "Start the first run" in client.get("/projects/songs/runs/").content.decode()
    client.force_login(ana)
    assert "An administrator of the project can start one" in client.get("/projects/songs/runs/").content.decode()


def test_what_is_left_empty_is_the_bases_default(ada, snapshot, client):
    client.force_login(ada)
    answer = client.post("/projects/songs/runs/new/", form_of(snapshot, learning_rate="0.01", summaries="false"))
    run = TrainingRun.objects.get()
    assert answer.url == f"/runs/{run.pk}/"
    assert run.config == {"learning_rate": 0.01, "summaries": False}
    assert (run.name, run.created_by, run.state) == ("mini on tiny", ada, State.QUEUED)


def test_the_same_form_sent_twice_is_one_run(ada, snapshot, client):
    client.force_login(ada)
    form = form_of(snapshot)
    assert client.post("/projects/songs/runs/new/", form).url == client.post("/projects/songs/runs/new/", form).url
    assert TrainingRun.objects.count() == 1


def test_epochs_take_the_place_of_a_toys_steps(ada, snapshot, client):
    client.force_login(ada)
    client.post("/projects/songs/runs/new/", form_of(snapshot, epochs="2"))
    assert TrainingRun.objects.get().config == {"epochs": 2, "max_steps": None}


def test_a_wrong_form_keeps_what_was_typed_and_says_why(ada, snapshot, client):
    client.force_login(ada)
    run_of(snapshot, name="spring")
    answer = client.post("/projects/songs/runs/new/", form_of(snapshot, name="spring", rank="8"))
    assert answer.status_code == 400
    page = answer.content.decode()
    assert "This project has a run called spring already; choose another name." in page
    assert 'name="rank" value="8"' in page
    answer = client.post("/projects/songs/runs/new/", form_of(snapshot, rank="0"))
    assert "greater than or equal to 1" in answer.content.decode()
    other = client.post("/projects/songs/runs/new/", form_of(snapshot, base="/etc/passwd"))
    assert other.status_code == 400
    assert TrainingRun.objects.count() == 1


def test_the_defaults_follow_the_base(ada, snapshot, client):
    from modeling import bases

    bases.add("qwen", "Qwen/Qwen2-Audio-7B-Instruct")
    client.force_login(ada)
    assert 'placeholder="0.005"' in client.get("/projects/songs/runs/new/").content.decode()
    assert 'placeholder="0.0001"' in client.get("/projects/songs/runs/new/?base=qwen").content.decode()
    assert client.get("/projects/songs/runs/new/?base=nonsense").status_code == 200


def test_a_snapshot_of_another_project_is_no_choice(ada, sam, snapshot, client):
    foreign = frozen(sam.memberships.get().project, name="theirs")
    client.force_login(ada)
    assert client.post("/projects/songs/runs/new/", form_of(foreign)).status_code == 400
    assert not TrainingRun.objects.exists()


def test_the_curve_follows_the_run(ana, snapshot, client):
    run = run_of(snapshot, state=State.RUNNING, done=1, total=4)
    client.force_login(ana)
    address = f"/runs/{run.pk}/curve/"
    assert client.get(address).url == f"/runs/{run.pk}/"
    assert "The curve begins with the first optimizer step" in client.get(address, headers=HTMX).content.decode()
    Metric.objects.create(run=run, step=1, key="loss", value=5.5)
    Metric.objects.create(run=run, step=2, key="loss", value=2.25)
    Metric.objects.create(run=run, step=2, key="eval_loss", value=3.0)
    piece = client.get(address, headers=HTMX).content.decode()
    assert 'hx-trigger="every 2s"' in piece
    assert 'class="line loss"' in piece and 'class="line eval_loss"' in piece
    assert "Training loss from 5.5 at step 1 to 2.25 at 2" in piece
    assert "2.2500" in client.get(f"/runs/{run.pk}/?as=table").content.decode()
    TrainingRun.objects.update(state=State.SUCCEEDED)
    assert "every 2s" not in client.get(address, headers=HTMX).content.decode()


def test_an_adapter_tells_where_it_comes_from_and_gives_its_file(ana, adapter, client):
    client.force_login(ana)
    page = client.get(f"/adapters/{adapter.pk}/").content.decode()
    assert adapter.sha256 in page
    assert f'href="/runs/{adapter.run.pk}/"' in page
    assert "<dd>7</dd>" in page  # the seed
    answer = client.get(f"/adapters/{adapter.pk}/file/")
    assert b"".join(answer) == b"weights"
    assert answer["Content-Disposition"] == "attachment; filename*=UTF-8''spring.safetensors"


def test_a_run_tells_the_code_that_trained_it(ana, adapter, client):
    client.force_login(ana)
    address = f"/runs/{adapter.run.pk}/"
    assert "<dt>Code</dt>" not in client.get(address).content.decode()  # a record from before it was kept
    code = {"sha256": "d" * 64, "commit": "e" * 40, "dirty": True}
    TrainingRun.objects.update(record={**adapter.run.record, "code": code})
    page = client.get(address).content.decode()
    assert "commit <code>eeee" in page and ", changed since, sha256 <code>dddd" in page
    TrainingRun.objects.update(record={**adapter.run.record, "code": {**code, "commit": None, "dirty": None}})
    assert "commit" not in client.get(address).content.decode().partition("<dt>Code</dt>")[2].partition("</dd>")[0]


def test_a_generation_is_started_from_a_form_that_says_why_not(ada, snapshot, adapter, client):
    client.force_login(ada)
    door = "/projects/songs/generations/new/"
    form = {"snapshot": snapshot.pk, "split": "test", "answers": "2", "seed": "3", "key": str(uuid.uuid4())}
    client.post(door, {**form, "source": f"adapter:{adapter.pk}", "temperature": "0.5"})
    made = Generation.objects.get()
    assert (made.adapter, made.base, made.answers, made.seed) == (adapter, adapter.base, 2, 3)
    assert made.decoding == {"temperature": 0.5}
    form["key"] = str(uuid.uuid4())
    answer = client.post(door, {**form, "source": "base:tiny", "temperature": "0"})
    assert "At temperature 0 all answers to a row are the same" in answer.content.decode()
    assert client.post(door, {**form, "source": "adapter:999"}).status_code == 400
    client.post(door, {**form, "source": "expert"})
    assert Generation.objects.get(source="expert").answers == 1


def test_answers_stand_beside_what_they_answer(rita, snapshot, client):
    generation = generation_of(snapshot, state=State.SUCCEEDED, record={"candidates": 2})
    Candidate.objects.create(generation=generation, row="test/test-c0/0", text="<b>Cut</b> it.", guards=["repeats"])
    Candidate.objects.create(generation=generation, row="test/test-c0/1", text="Leave it.")
    client.force_login(rita)
    page = client.get(f"/generations/{generation.pk}/").content.decode()
    assert "Is the mix muddy?" in page
    assert "&lt;b&gt;Cut&lt;/b&gt; it." in page
    assert "repeats" in page
    flagged = client.get(f"/generations/{generation.pk}/?only=flagged").content.decode()
    assert "Leave it." not in flagged
    assert f'src="/snapshots/{snapshot.pk}/rows/test/test-c0/0/clip/"' in page


def test_answers_are_shown_even_when_the_snapshots_files_are_gone(rita, snapshot, client):
    generation = generation_of(snapshot, state=State.SUCCEEDED)
    Candidate.objects.create(generation=generation, row="test/test-c0/0", text="Cut it.")
    type(snapshot).objects.update(folder="gone/1", content_hash="gone")
    client.force_login(rita)
    page = client.get(f"/generations/{generation.pk}/").content.decode()
    assert "Cut it." in page
    assert "files are not here" in page


def test_lists_ask_the_database_as_often_whatever_their_length(ana, snapshot, client, django_assert_max_num_queries):
    for number in range(12):
        run_of(snapshot, name=f"run {number}")
        generation_of(snapshot)
    client.force_login(ana)
    for page in ("/projects/songs/runs/", "/projects/songs/generations/"):
        with django_assert_max_num_queries(10):
            client.get(page)


def test_an_adapter_is_approved_and_retired_by_administrators_alone(ada, ana, adapter, client):
    client.force_login(ana)
    assert client.post(f"/adapters/{adapter.pk}/approval/").status_code == 403
    client.force_login(ada)
    client.post(f"/adapters/{adapter.pk}/approval/")
    adapter.refresh_from_db()
    assert (adapter.state, adapter.judged_by) == ("approved", ada)
    client.post(f"/adapters/{adapter.pk}/retirement/")
    assert "answers nothing new" in client.get(f"/adapters/{adapter.pk}/").content.decode()
    door = "/projects/songs/generations/new/"
    form = {"snapshot": adapter.run.snapshot_id, "split": "test", "answers": "1", "seed": "0", "key": str(uuid.uuid4())}
    assert client.post(door, {**form, "source": f"adapter:{adapter.pk}"}).status_code == 400
    adapter.refresh_from_db()
    with pytest.raises(launch.LaunchError, match="is retired; approve it again"):
        launch.start_generation(
            project=adapter.project, snapshot=adapter.run.snapshot, source="adapter", adapter=adapter
        )
    assert not Generation.objects.exists()


def test_an_adapters_folder_comes_as_one_zip(ana, adapter, client):
    (adapter.path / "adapter_config.json").write_text("{}")
    (adapter.path / "README.md").write_text("card")
    client.force_login(ana)
    answer = client.get(f"/adapters/{adapter.pk}/folder/")
    with zipfile.ZipFile(io.BytesIO(b"".join(answer))) as packed:
        assert packed.namelist() == [
            "spring/adapter_model.safetensors", "spring/adapter_config.json", "spring/README.md"
        ]  # fmt: skip
        assert packed.read("spring/adapter_model.safetensors") == b"weights"


def test_runs_stand_side_by_side_where_they_differ(ana, sam, snapshot, client, django_assert_max_num_queries):
    runs = [run_of(snapshot, f"=run {rank}", config={"rank": rank, "seed": 5}) for rank in (4, 8, 16)]
    for run in runs:
        for step in (1, 2):
            Metric.objects.create(run=run, step=step, key="loss", value=6.0 / step)
    address = "/projects/songs/runs/comparison/"
    query = f"?run={runs[0].pk}&run={runs[2].pk}&run=x&run={10**30}"
    client.force_login(ana)
    with django_assert_max_num_queries(12):
        page = client.get(address + query).content.decode()
    assert "<td>4</td><td>16</td>" in page
    assert "<code>seed</code>" not in page
    assert page.count("<polyline") == 2
    lines = client.get(f"{address}table/{query}").content.decode().splitlines()
    assert len(lines) == 5
    assert "'=run 4" in lines[1]  # no formula for a spreadsheet
    assert client.get(address).status_code == 200
    client.force_login(sam)
    assert client.get(address + query).status_code == 404
