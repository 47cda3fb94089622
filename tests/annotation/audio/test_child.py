"""Uploaded audio is opened in a child process, whose limits hold and whose trouble stays its own."""

import json
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest

from annotation.audio import __main__ as door
from annotation.audio import child, peaks, proxy
from annotation.audio.clip import Span, cut
from annotation.audio.errors import AudioError
from annotation.audio.limits import ChildLimits
from annotation.audio.probe import probe
from tests.annotation.audio.sounds import chunk, music, riff, wav_fmt, write

MIB = 1 << 20


def left_in(folder):
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


@pytest.fixture(scope="module")
def long_take(tmp_path_factory):
    """Ten minutes: long enough to be stopped on the way."""
    return write(tmp_path_factory.mktemp("long") / "take.wav", np.tile(music(10), (60, 1)))


@pytest.fixture
def mischief(monkeypatch, tmp_path):
    """Run Python lines in the child in place of an act, as a decoder gone wrong would."""

    def run(lines, **given):
        script = tmp_path / "mischief.py"
        script.write_text(
            "import sys, time\n"
            "from annotation.audio import __main__ as door\n"
            "def mischief(request, report):\n"
            + "".join(f"    {line}\n" for line in lines.splitlines())
            + "door.ACTS['mischief'] = mischief\n"
            "sys.exit(door.main())\n"
        )
        popen = subprocess.Popen
        monkeypatch.setattr(child.subprocess, "Popen", lambda args, **how: popen([sys.executable, script], **how))
        return child.run("mischief", {}, **given)

    return run


def test_it_gives_what_the_functions_give(recordings, tmp_path):
    path = recordings["mp3"]
    assert child.run("probe", {"path": path}) == probe(path).as_dict()
    drawn = child.run("peaks", {"path": path, "folder": tmp_path / "a"})
    assert drawn == json.loads(json.dumps(peaks.build(path, tmp_path / "b").as_dict()))
    assert (
        child.run("proxy", {"path": path, "out": tmp_path / "a.mp4"}) == proxy.build(path, tmp_path / "b.mp4").as_dict()
    )
    span = {"start_ms": 100, "end_ms": 900, "name": "1.wav"}
    clips = child.run("clips", {"path": path, "folder": tmp_path, "spans": [span]})
    assert clips == {"clips": [clip.as_dict() for clip in cut(path, [Span(**span)], tmp_path)]}
    digest = child.run("sha256", {"path": tmp_path / "1.wav"})
    assert digest == {"sha256": clips["clips"][0]["sha256"], "size_bytes": clips["clips"][0]["size_bytes"]}


def test_it_works_from_any_folder_with_relative_paths(recordings, tmp_path, monkeypatch):
    monkeypatch.chdir(recordings["wav"].parent)
    assert child.run("probe", {"path": "take.wav"})["frames"] == 350_400
    child.run("peaks", {"path": "take.wav", "folder": os.path.relpath(tmp_path / "peaks")})
    assert (tmp_path / "peaks" / "peaks.json").exists()


def test_an_error_keeps_its_code_and_sentence(tmp_path):
    path = tmp_path / "take.wav"
    path.write_text("The vocal is too loud.\n")
    with pytest.raises(AudioError) as wrong:
        child.run("probe", {"path": path})
    assert wrong.value.code == "text-file"
    assert wrong.value.message == "This is a text file, whatever its name says. Choose the recording itself."


def test_limits_on_recordings_go_along(recordings):
    with pytest.raises(AudioError) as wrong:
        child.run("probe", {"path": recordings["wav"], "limits": {"max_duration_ms": 5000}})
    assert wrong.value.code == "too-long"


def test_progress_is_heard(tmp_path):
    path = write(tmp_path / "take.wav", np.tile(music(10), (12, 1)))
    heard = []
    child.run("proxy", {"path": path, "out": tmp_path / "proxy.mp4"}, on_progress=heard.append)
    assert len(heard) > 3
    assert heard == sorted(heard)
    assert heard[-1] == 1.0


@pytest.mark.parametrize(
    "lines",
    [
        "return {'length': len(bytes(1 << 30))}",
        "import numpy\nreturn {'sum': float(numpy.ones(1 << 27).sum())}",
        "import av\nkept = [av.AudioFrame('dbl', 'stereo', samples=1 << 24) for _ in range(4)]\nreturn {}",
        "import ctypes\nlibc = ctypes.CDLL(None)\nlibc.malloc.restype = ctypes.c_void_p\n"
        "if not libc.malloc(ctypes.c_size_t(1 << 30)): raise MemoryError\nreturn {}",
    ],
    ids=["python", "numpy", "ffmpeg", "malloc"],
)
def test_a_child_that_wants_too_much_memory_ends_with_a_clear_error(lines, mischief):
    with pytest.raises(AudioError) as wrong:
        mischief(lines, limits=ChildLimits(memory_bytes=600 * MIB))
    assert wrong.value.code == "too-hungry"
    assert "memory" in wrong.value.message


def test_a_child_that_cannot_even_start_in_its_memory_ends_with_a_clear_error(recordings):
    with pytest.raises(AudioError) as wrong:
        child.run("probe", {"path": recordings["mp3"]}, limits=ChildLimits(memory_bytes=40 * MIB))
    assert wrong.value.code in {"too-hungry", "audio-failed"}


def test_a_child_that_computes_for_ever_is_ended(mischief):
    with pytest.raises(AudioError) as wrong:
        mischief("while True: pass", limits=ChildLimits(cpu_s=1))
    assert wrong.value.code == "too-slow"


def test_a_child_that_hangs_is_ended(mischief):
    started = time.monotonic()
    with pytest.raises(AudioError) as wrong:
        mischief("time.sleep(60)", limits=ChildLimits(wall_s=0.5))
    assert wrong.value.code == "too-slow"
    assert time.monotonic() - started < 5


def test_a_child_that_writes_too_much_is_ended_and_leaves_nothing(long_take, tmp_path):
    with pytest.raises(AudioError) as wrong:
        child.run(
            "proxy", {"path": long_take, "out": tmp_path / "out" / "proxy.mp4"}, limits=ChildLimits(file_bytes=MIB)
        )
    assert wrong.value.code == "too-big"
    assert left_in(tmp_path) == []


def test_a_child_that_opens_too_many_files_is_ended(mischief):
    with pytest.raises(AudioError) as wrong:
        mischief("kept = [open('/dev/null') for _ in range(1000)]\nreturn {}")
    assert wrong.value.code == "audio-failed"


@pytest.mark.parametrize("name", ["SIGSEGV", "SIGABRT", "SIGBUS"])
def test_a_decoder_that_crashes_is_told_as_such(name, mischief):
    with pytest.raises(AudioError) as wrong:
        mischief(f"import os, signal\nos.kill(os.getpid(), signal.{name})\ntime.sleep(5)")
    assert wrong.value.code == "decoder-died"


def test_what_goes_wrong_inside_is_for_the_log_and_not_for_people(mischief, caplog):
    with caplog.at_level(logging.DEBUG, logger="annotation.audio.child"), pytest.raises(AudioError) as wrong:
        mischief("raise RuntimeError('/srv/secret/path is broken')")
    assert wrong.value.code == "audio-failed"
    assert "secret" not in wrong.value.message
    assert "/srv/secret/path" in caplog.text


def test_a_library_that_prints_does_not_garble_the_answer(mischief):
    assert mischief("import os\nos.write(1, b'hello\\n')\nprint('and hello')\nreturn {'fine': True}") == {"fine": True}


def test_it_stops_when_asked_and_leaves_nothing(long_take, tmp_path):
    asked = []
    started = time.monotonic()

    def should_stop():
        asked.append(left_in(tmp_path))
        return bool(asked[-1])  # as soon as something has been written

    with pytest.raises(AudioError) as wrong:
        child.run("proxy", {"path": long_take, "out": tmp_path / "proxy.mp4"}, should_stop=should_stop)
    assert wrong.value.code == "stopped"
    assert asked[-1] != []
    assert left_in(tmp_path) == []
    assert time.monotonic() - started < 10


def test_clips_half_written_in_folders_of_their_own_are_gone_too(long_take, tmp_path):
    spans = [{"start_ms": 0, "end_ms": 590_000, "name": f"Group1/cut_{at}.wav"} for at in range(20)]
    request = {"path": long_take, "folder": tmp_path, "spans": spans}
    with pytest.raises(AudioError):
        child.run("clips", request, should_stop=lambda: any(".part" in name for name in left_in(tmp_path)))
    assert not [name for name in left_in(tmp_path) if name.endswith(".part")]


def test_the_whole_group_is_gone_when_stopped(mischief, tmp_path):
    mark = tmp_path / "grandchild"
    lines = (
        "import subprocess\n"
        f"other = subprocess.Popen(['sleep', '60'])\nopen({str(mark)!r}, 'w').write(str(other.pid))\ntime.sleep(60)"
    )
    with pytest.raises(AudioError):
        mischief(lines, should_stop=lambda: mark.exists() and bool(mark.read_text()))
    assert ends(int(mark.read_text()))


def ends(pid: int) -> bool:
    for _ in range(100):
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except (FileNotFoundError, ProcessLookupError):
            return True
        if state == "Z":
            return True
        time.sleep(0.05)
    return False


def test_it_ends_and_leaves_nothing_when_its_parent_is_killed(long_take, tmp_path):
    parent = subprocess.Popen(
        [
            sys.executable,
            "-c",
            f"from annotation.audio import child; child.run('proxy', {{'path': {str(long_take)!r}, "
            f"'out': {str(tmp_path / 'proxy.mp4')!r}}})",
        ],
        cwd=child.ROOT,
    )
    part = None
    for _ in range(200):
        if part := next(tmp_path.glob(".*.part"), None):
            break
        time.sleep(0.05)
    assert part is not None
    pid = int(part.name.split(".")[-2].split("-")[0])
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    assert ends(pid)
    assert left_in(tmp_path) == []


def test_no_secret_of_the_site_reaches_the_child(mischief, monkeypatch):
    monkeypatch.setenv("SECRET_KEY", "hush")
    monkeypatch.setenv("DATABASE_URL", "postgres://hush")
    names = mischief("import os\nreturn {'names': sorted(os.environ)}")["names"]
    assert "PATH" in names
    assert not {"SECRET_KEY", "DATABASE_URL"} & set(names)


def test_several_children_at_once_do_not_hinder_one_another(recordings, tmp_path):
    found = {}

    def work(number):
        found[number] = child.run("peaks", {"path": recordings["wav"], "folder": tmp_path / "peaks"})["hash"]

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 4
    assert len(set(found.values())) == 1
    assert [name for name in left_in(tmp_path) if name.startswith(".")] == []


def test_a_survey_tells_good_from_bad(recordings, tmp_path):
    bad = tmp_path / "bad.wav"
    bad.write_bytes(riff(chunk(b"fmt ", wav_fmt(channels=0)) + chunk(b"data", bytes(9000))))
    found = child.run("survey", {"paths": [str(recordings["flac"]), str(bad)], "decode": True})["files"]
    assert (found[0]["facts"]["frames"], found[0]["decoded_frames"]) == (350_400, 350_400)
    assert found[1]["error"]["code"] == "no-channels"


def test_the_web_process_loads_no_decoder():
    modules = "annotation.audio.child, annotation.audio.tiles, annotation.audio.facts, annotation.audio.timing"
    lines = f"import sys, {modules}\nprint(sorted({{'av', 'numpy', 'soundfile', 'soxr', 'django'}} & set(sys.modules)))"
    assert subprocess.check_output([sys.executable, "-c", lines], cwd=child.ROOT, text=True).strip() == "[]"


def test_every_act_of_the_door_is_known():
    assert set(door.ACTS) == {
        "clips",
        "excerpt",
        "lay",
        "levels",
        "peaks",
        "probe",
        "proxy",
        "sha256",
        "speakers",
        "spectrogram",
        "survey",
    }
    assert asdict(ChildLimits())["memory_bytes"] == 2048 * MIB
