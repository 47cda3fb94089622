"""Answers from outside: each has its place among the snapshot's rows, all of a file come in or none does."""

import json

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command
from django.db import IntegrityError, transaction

from evaluation import protocol
from mixassist_site.jobs import State
from modeling import execute, importing, launch
from modeling.models import Candidate, Generation
from tests.modeling.app.things import frozen, generation_of, run_of

pytestmark = pytest.mark.django_db
CSV = b"""row,answer,note
test/test-c0/0,"Cut the low mids, then listen.",a
test/test-c0/1,Turn it up.,b
"""
PAGE = "/projects/songs/generations/imports/"


@pytest.fixture
def snapshot(project):
    return frozen(project)


def brought(snapshot, data: bytes, name="LTU", split="test", **more) -> Generation:
    return importing.bring(snapshot, split, importing.read(data, column=more.pop("column", None)), name=name, **more)


def said(generation) -> dict:
    return {(row, index): text for row, index, text in generation.candidates.values_list("row", "index", "text")}


def refusal(act, *args, **more) -> launch.LaunchError:
    with pytest.raises(launch.LaunchError) as refused:
        act(*args, **more)
    assert refused.value.message.endswith(".") and "\n" not in refused.value.message
    assert not Generation.objects.filter(source="imported").exists()
    assert not Candidate.objects.exists()
    return refused.value


def test_answers_become_a_finished_generation_under_their_name(snapshot):
    generation = brought(snapshot, CSV, about="LTU 7B, its own prompt.", file="ltu.csv")
    assert said(generation) == {
        ("test/test-c0/0", 0): "Cut the low mids, then listen.",
        ("test/test-c0/1", 0): "Turn it up.",
    }
    assert (generation.source_name, generation.state, generation.is_over) == ("LTU", State.SUCCEEDED, True)
    told = generation.record
    assert (told["rows"], told["missing"], told["ignored"], told["column"]) == (2, 2, ["note"], "answer")
    assert (told["file"], told["about"], len(told["sha256"])) == ("ltu.csv", "LTU 7B, its own prompt.", 64)
    assert told["snapshot_hash"] == snapshot.content_hash


def test_the_same_file_twice_is_one_generation_and_another_file_another(snapshot):
    first = brought(snapshot, CSV)
    assert brought(snapshot, CSV).pk == first.pk
    assert brought(snapshot, CSV.replace(b"Turn", b"Move")).pk != first.pk
    assert Candidate.objects.count() == 4


@pytest.mark.parametrize(
    "data",
    [
        b'{"conversation_id": "test-c0", "turn_id": 1, "text": "Yes."}\n\n',
        b'\xef\xbb\xbf{"row": "test-c0/1", "response": "Yes."}',
        b"conversation_id;turn_id;answer\r\ntest-c0;1.0;Yes.\r\n",
        b"split\tconversation_id\tturn_id\tgeneration\ntest\ttest-c0\t1\tYes.\n",
        b'row,answer\n"test/test-c0/1","Yes."\n',
    ],
)
def test_rows_are_named_in_several_ways(snapshot, data):
    assert said(brought(snapshot, data)) == {("test/test-c0/1", 0): "Yes."}


def test_several_answers_to_a_row_are_numbered(snapshot):
    data = b"row,index,answer\ntest-c0/1,1,No.\ntest-c0/1,0,Yes.\n"
    generation = brought(snapshot, data)
    assert generation.answers == 2
    assert said(generation) == {("test/test-c0/1", 0): "Yes.", ("test/test-c0/1", 1): "No."}


def test_the_column_can_be_chosen_where_a_file_has_several(snapshot):
    data = b"row,ltu_generation,qwen_generation\ntest-c0/1,A.,B.\n"
    error = refusal(importing.read, data)
    assert (error.code, "ltu_generation, qwen_generation" in error.message) == ("no-column", True)
    assert said(brought(snapshot, data, column="qwen_generation")) == {("test/test-c0/1", 0): "B."}
    ltu = brought(snapshot, data, column="ltu_generation")  # the same file and name, other answers
    assert said(ltu) == {("test/test-c0/1", 0): "A."}


def test_odd_answers_are_kept_and_flagged_and_control_characters_taken_out(snapshot):
    lines = [
        {"row": "test-c0/0", "answer": ""},
        {"row": "test-c0/1", "answer": "I need more information before I can respond. Please elaborate."},
        {"row": "test-c0/2", "answer": "again " * 40},
        {"row": "test-c0/3", "answer": "Yes\x00 \ud800no \U0001f3b6 \u05e9."},
    ]
    generation = brought(snapshot, "\n".join(map(json.dumps, lines)).encode())
    flags = dict(generation.candidates.values_list("row", "guards"))
    assert [flags[f"test/test-c0/{turn}"] for turn in range(4)] == [["empty"], ["placeholder"], ["repeats"], []]
    assert said(generation)["test/test-c0/3", 0] == "Yes no \U0001f3b6 \u05e9."
    assert generation.record["cleaned"] == 1


@pytest.mark.parametrize(
    ("data", "code", "told"),
    [
        (b"row,answer\ntest/test-c0/9,Yes.\n", "unknown-row", "no row test/test-c0/9 (line 2)"),
        (b"row,answer\ntrain/train-c0/0,Yes.\n", "unknown-row", "called like test/test-c0/0"),
        (CSV + b"test-c0/1,No.,c\n", "answered-twice", "on line 3 and on line 4"),
        (b"row,answer\n", "no-answers", "holds no answers"),
        (b"", "no-answers", "holds no answers"),
        (b"row,reply\ntest-c0/1,Yes.\n", "no-column", "there are row, reply"),
        (b"answer\nYes.\n", "no-row", "Say which row is answered on line 2"),
        (b"conversation_id,turn_id,answer\ntest-c0,x,Yes.\n", "no-row", "on line 2"),
        (b"row,answer\ntest-c0/1,Yes.,more\n", "bad-table", "has 3 cells, not 2"),
        (b"row,row,answer\na,b,c\n", "bad-table", "two columns called row"),
        (b'row,answer\ntest-c0/1,"Yes', "bad-table", "no CSV table"),
        (b"row,index,answer\ntest-c0/1,16,Yes.\n", "bad-index", "from 0 to 15"),
        (b"row,answer\ntest-c0/1," + b"x" * 20_001, "too-long", "20,001 characters"),
        (b'{"row": "test-c0/1", "answer": 3}', "no-answer", "no text under answer on line 1"),
        (b'{"row": "test-c0/1", "answer": "Yes."}\n{"row":', "not-json", "Line 2"),
        (b'[{"row": "test-c0/1", "answer": "Yes."}]', "not-json", "one object a line"),
        (b"\xff\xfe\x00", "not-text", "UTF-8"),
        (b"{" * 100_000, "not-json", "Line 1"),
    ],
)
def test_what_has_no_place_is_named_and_nothing_is_kept(snapshot, data, code, told):
    error = refusal(brought, snapshot, data)
    assert (error.code, told in error.message) == (code, True), error.message


@pytest.mark.parametrize("name", ["expert", "Expert", "tiny", "a,b", "", "x" * 121, "spring", "Spring"])
def test_a_source_has_a_name_of_its_own(snapshot, name):
    run_of(snapshot, name="spring")
    assert refusal(brought, snapshot, CSV, name=name).code in ("bad-name", "name-taken")


def test_no_run_takes_the_name_of_imported_answers(snapshot):
    brought(snapshot, CSV)
    with pytest.raises(launch.LaunchError, match="the name of imported answers"):
        launch.start_run(project=snapshot.project, snapshot=snapshot, base=run_of(snapshot).base, name="ltu")


def test_changed_and_lost_snapshots_take_no_answers(snapshot):
    (snapshot.path / "manifest.json").write_text(json.dumps({"content_hash": "other"}))
    assert refusal(brought, snapshot, CSV).code == "snapshot-changed"
    (snapshot.path / "manifest.json").unlink()
    assert refusal(brought, snapshot, CSV).code == "snapshot-unreadable"
    assert refusal(brought, snapshot, CSV, split="nowhere").code == "empty-split"


@pytest.mark.parametrize(("source", "name"), [("imported", ""), ("expert", "LTU")])
def test_the_database_knows_which_source_has_a_name(snapshot, source, name):
    with pytest.raises(IntegrityError), transaction.atomic():
        generation_of(snapshot, source=source, base=None, name=name)


def test_imported_answers_stand_in_a_study(snapshot):
    brought(snapshot, CSV)
    expert = generation_of(snapshot, source="expert", base=None)
    assert execute.generate(expert)
    contenders = protocol.choose(snapshot, "test", ["expert", "LTU"])
    study = protocol.create(protocol.Plan(snapshot=snapshot, split="test", contenders=contenders, raters=2))
    assert sorted(study.contenders.values_list("name", flat=True)) == ["LTU", "expert"]
    assert study.items.count() == 2
    assert len(study.skipped) == 2  # the rows that LTU did not answer


def test_administrators_import_on_the_page_and_all_read_where_answers_come_from(ada, ana, rita, snapshot, client):
    client.force_login(ada)
    assert b"conversation_id and turn_id" in client.get(PAGE).content
    form = {"snapshot": snapshot.pk, "split": "test", "name": "LTU", "about": "LTU 7B", "column": ""}
    wrong = client.post(PAGE, {**form, "file": SimpleUploadedFile("a.csv", b"row,answer\nx,Yes.\n")})
    assert wrong.status_code == 400
    assert "The test split has no row x (line 2)" in wrong.content.decode()
    done = client.post(PAGE, {**form, "file": SimpleUploadedFile("a.csv", CSV)})
    generation = Generation.objects.get()
    assert (done.status_code, done["Location"]) == (302, generation.get_absolute_url())
    assert generation.created_by == ada
    page = client.get(generation.get_absolute_url()).content.decode()
    for words in ("Imported answers: LTU", "LTU 7B", "a.csv", "not read: note", "2 rows of the split", "Turn it up."):
        assert words in page
    assert "Decoding" not in page
    client.force_login(ana)
    assert "Turn it up." not in client.get(generation.get_absolute_url()).content.decode()
    assert client.post(PAGE, form).status_code == 403


def test_scripts_import_through_the_api(ada, snapshot, client):
    client.force_login(ada)
    body = {"snapshot": snapshot.pk, "name": "LTU", "answers": [{"row": "test-c0/1", "answer": "Yes."}]}

    def post(**more):
        return client.post("/api/v1/generations/imports/", {**body, **more}, content_type="application/json")

    made = post()
    assert made.status_code == 201
    assert (made.json()["source_name"], made.json()["state"]) == ("LTU", "succeeded")
    assert post().json()["id"] == made.json()["id"]
    bad = post(answers=[{"row": "nowhere", "answer": "Yes."}])
    assert (bad.status_code, bad.json()["error"]) == (400, "unknown-row")
    assert post(answers=[]).status_code == post(answers=[{"answer": "x", "rank": 1}]).status_code == 400
    asked = client.post(
        "/api/v1/generations/", {"snapshot": snapshot.pk, "source": "imported"}, content_type="application/json"
    )
    assert asked.status_code == 400


def test_the_shell_imports_too(snapshot, tmp_path, capsys):
    (tmp_path / "ltu.csv").write_bytes(CSV)
    call_command("import_answers", "mini", str(tmp_path / "ltu.csv"), name="LTU", json=True)
    told = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (told["candidates"], told["rows"], told["missing"], told["cleaned"]) == (2, 2, 2, 0)
    with pytest.raises(CommandError, match="can't be read"):
        call_command("import_answers", "mini", str(tmp_path / "gone.csv"), name="LTU")
    with pytest.raises(CommandError, match="is the name of another source"):
        call_command("import_answers", "mini", str(tmp_path / "ltu.csv"), name="tiny")
