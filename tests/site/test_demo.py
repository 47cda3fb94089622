"""The whole flow headless, twice in two fresh folders: the same data, the same adapter."""

import json
import os
import subprocess
import sys
import wave
from pathlib import Path

import pyarrow.parquet as pq
import pytest

ROOT = Path(__file__).parents[2]


def start(home: Path) -> subprocess.Popen[str]:
    away = ("DATABASE_URL", "CELERY_BROKER_URL", "DJANGO_SETTINGS_MODULE", "MIXASSIST_HOME", "MEDIA_ROOT")
    env = {name: value for name, value in os.environ.items() if name not in away}
    command = [sys.executable, "manage.py", "demo", "--headless", "--workdir", str(home), "--json"]
    return subprocess.Popen(command, cwd=ROOT, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    runs = [start(tmp_path_factory.mktemp("demo")) for _ in range(2)]
    results = []
    for run in runs:
        out, err = run.communicate(timeout=400)
        assert run.returncode == 0, err[-2000:]
        results.append(json.loads(out.splitlines()[-1]))
    return results


pytestmark = pytest.mark.torch


def test_two_fresh_folders_give_the_same_data_and_the_same_adapter(told):
    one, two = told
    assert one["snapshot"]["content_hash"] == two["snapshot"]["content_hash"]
    assert one["training"]["adapter_sha256"] == two["training"]["adapter_sha256"]
    assert one["snapshot"]["path"] != two["snapshot"]["path"]


def test_every_step_did_its_work(told):
    one, _ = told
    assert one["turns"] >= 20
    assert one["conversations"] >= 3
    assert one["segments"] > one["turns"]
    assert one["training"]["last_loss"] < one["training"]["first_loss"] / 2
    assert one["candidates"]["count"] == sum(one["candidates"]["by_source"].values())
    assert len(set(one["candidates"]["by_source"].values())) == 1
    assert one["study"]["ratings"] > one["study"]["comparisons"] > 0
    names = {row["name"] for row in one["report"]["contenders"]}
    assert len(names) == 3
    for row in one["report"]["contenders"]:
        assert row["low"] <= row["share"] <= row["high"]
        assert row["strength"] is not None
    decided = sum(row["wins"] for row in one["report"]["contenders"])
    assert decided == sum(row["losses"] for row in one["report"]["contenders"])
    page = Path(one["report"]["path"]).read_text()
    assert "imulated" in page
    assert all(name in page for name in names)


def test_scripted_judges_have_judged_and_are_called_what_they_are(told):
    one, _ = told
    assert one["judges"]["note"] == "scripted judge, no language model"
    assert [run["judge"] for run in one["judges"]["runs"]] == ["scripted-good", "scripted-longest", "scripted-first"]
    assert all(run["scored"] == run["attempted"] > 0 for run in one["judges"]["runs"])
    assert len(one["judges"]["panel_hash"]) == 64


def test_the_snapshot_has_the_published_columns_and_all_its_clips(told):
    folder = Path(told[0]["snapshot"]["path"])
    rows = 0
    for path in sorted((folder / "data").glob("*.parquet")):
        table = pq.read_table(path)
        assert table.column_names == [
            "conversation_id", "topic", "turn_id", "has_content", "input_history", "audio_file", "user", "assistant",
        ]  # fmt: skip
        for row in table.to_pylist():
            rows += 1
            for name in [row["audio_file"], *(said["audio_file"] for said in row["input_history"])]:
                if name:
                    with wave.open(str(folder / name)) as clip:
                        assert (clip.getframerate(), clip.getnchannels()) == (16_000, 1)
    assert rows == told[0]["snapshot"]["rows"]
