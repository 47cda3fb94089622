"""What windows heard becomes one text: nothing twice, nothing lost; and a real Whisper's output is words with times."""

import json
import random
import subprocess
import sys
from itertools import pairwise

import numpy as np
import pytest
import soundfile

from modeling.backbones.errors import CoreError
from modeling.transcribing.__main__ import work
from modeling.transcribing.windows import OVERLAP_MS, WINDOW_MS, Word, lines_of, merged, says_it_over, windows_of


@pytest.mark.parametrize("length", [0, 1, 400, 5_000, 29_999, 30_000, 30_001, 55_000, 55_001, 5_400_000])
def test_windows_cover_a_recording_and_overlap(length):
    windows = windows_of(length)
    assert bool(windows) == bool(length)
    if windows:
        assert (windows[0][0], windows[-1][1]) == (0, length)
    assert all(0 < end - start <= WINDOW_MS for start, end in windows)
    for (_, end), (start, after) in pairwise(windows):
        assert end - start == OVERLAP_MS
        assert after > end  # a window that hears nothing new is not made


def speech(dice, length):
    """Words one after the other, with a pause now and then; a word is not said twice within a few seconds."""
    words, at, number = [], 0, 0
    while at < length - 1000:
        end = at + dice.randint(80, 700)
        words.append((at, end, f" w{number % 97}{'.' if dice.random() < 0.1 else ''}"))
        at, number = end + (dice.randint(300, 4000) if dice.random() < 0.1 else dice.randint(0, 60)), number + 1
    return words


def hear(dice, words, window, jitter):
    """What a window hears of it: words that it cuts are garbled, times are a little off."""
    start, end = window
    heard = []
    for line, (a, b, text) in enumerate(words):
        if b <= start or a >= end:
            continue
        if a < start or b > end:
            text = " " + text.strip()[:1] + "?"
        moved = dice.randint(-jitter, jitter)
        heard.append(Word(max(start, a + moved), min(end, max(a + moved, b + moved)), text, line // 8))
    return heard


@pytest.mark.parametrize("seed", range(40))
def test_what_windows_heard_is_said_once_and_in_order(seed):
    dice = random.Random(seed)
    length = dice.randint(1_000, 200_000)
    said, windows = speech(dice, length), windows_of(length)
    told = merged(windows, [hear(dice, said, window, jitter=200) for window in windows])
    assert [word.text for word in told] == [text for _, _, text in said]
    assert "".join(line.text for line in lines_of(told)).replace(" ", "") == "".join(t for *_, t in said).replace(
        " ", ""
    )


def test_windows_that_disagree_are_parted_in_the_middle():
    windows = windows_of(50_000)
    first = [Word(24_000, 24_900, " a", 0), Word(26_000, 26_900, " b", 0), Word(28_900, 29_900, " c", 0)]
    second = [Word(25_500, 26_200, " x", 0), Word(27_600, 28_300, " y", 0), Word(31_000, 31_500, " z", 0)]
    assert [word.text for word in merged(windows, [first, second])] == [" a", " b", " y", " z"]
    said = [[word.text for word in merged(windows, heard)] for heard in ([[], second], [first, []])]
    assert said == [[" x", " y", " z"], [" a", " b", " c"]]  # a window that stopped early takes nothing from the other
    assert merged(windows, [[], []]) == merged([], []) == []


def test_a_sentence_that_a_seam_had_cut_is_whole_again():
    windows = windows_of(50_000)
    a = [Word(26_000, 26_400, " Cut", 0), Word(26_400, 26_900, " a", 0), Word(26_900, 27_400, " little", 0)]
    b = [Word(26_450, 26_950, " a", 0), Word(26_900, 27_400, " little", 0), Word(27_400, 28_000, " bass.", 0)]
    b += [Word(28_100, 28_500, " Good.", 1)]
    lines = lines_of(merged(windows, [a, b]))
    assert [(line.text, line.start_ms, line.end_ms) for line in lines] == [
        ("Cut a little bass.", 26_000, 28_000), ("Good.", 28_100, 28_500)
    ]  # fmt: skip


def test_a_text_that_repeats_itself_is_doubted():
    assert says_it_over("Thank you. " * 20)
    assert not says_it_over(
        "The kick and the bass are fighting around eighty hertz, so cut a little of the bass there."
    )
    assert not says_it_over("No, no, no.")


@pytest.fixture(scope="module")
def ears(tmp_path_factory):
    """A tiny Whisper with alignment heads, and one without."""
    import torch

    from modeling.transcribing import tiny
    from modeling.transcribing.whisper import Ear

    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("whispers")
    made = [tiny.make(folder / str(alignment), alignment=alignment) for alignment in (True, False)]
    return [Ear.open(str(each), device="cpu") for each in made]


def noise(seconds, seed=0):
    return (np.random.default_rng(seed).standard_normal(round(seconds * 16_000)) * 3000).astype(np.int16)


@pytest.mark.torch
def test_a_real_whisper_says_words_within_its_window_in_order(ears):
    for ear in ears:
        for seconds in (12, 30):
            words = ear.hear(noise(seconds), "en")
            assert words
            assert all(0 <= word.start_ms <= word.end_ms <= seconds * 1000 for word in words)
            assert [word.line for word in words] == sorted(word.line for word in words)
            assert ear.hear(noise(seconds), "en") == words
    assert [ear.is_aligned for ear in ears] == [True, False]
    assert ears[0].language_of(noise(5)) in ("en", "de", "zh")


@pytest.mark.torch
def test_tokens_become_words_with_the_times_of_their_own(ears):
    ear = ears[0]
    tokenizer, first = ear.processor.tokenizer, ear.first_timestamp
    texts = [" Cut", " a little", " of the “bass”", " – 🎚️ שלום."]
    tokens, times = [first + 50], [0.0]
    for number, text in enumerate(texts):
        ids = tokenizer(text, add_special_tokens=False)["input_ids"]
        tokens += ids
        times += [1.0 + number + (place + 1) / len(ids) for place in range(len(ids))]
    tokens, times = [*tokens, first + 300], [*times, 5.0]
    words = list(ear._words(tokens, times, 30_000, False))
    assert "".join(word.text for word in words) == "".join(texts)
    assert [word.text.strip() for word in words] == ["Cut", "a", "little", "of", "the", "“bass”", "–", "🎚️", "שלום."]
    assert words[0].end_ms == words[1].start_ms == 2000
    assert words[-1].end_ms == 5000
    shares = list(ear._words(tokens, None, 30_000, False))
    assert (shares[0].start_ms, shares[-1].end_ms) == (1000, 6000)
    assert [word.text for word in shares] == [word.text for word in words]


@pytest.mark.torch
def test_silence_is_not_heard_and_a_language_without_spaces_is_cut_by_characters(ears):
    assert ears[0].hear(np.zeros(160_000, np.int16), "en") == []
    ids = ears[0].processor.tokenizer("低音太多", add_special_tokens=False)["input_ids"]
    words = list(ears[0]._words([ears[0].first_timestamp, *ids], None, 4_000, True))
    assert [word.text for word in words] == list("低音太多")


@pytest.fixture
def request_for(ears, tmp_path):
    soundfile.write(tmp_path / "talk.wav", noise(70).reshape(-1, 1), 16_000, subtype="PCM_16")

    def requester(name, **changes):
        request = {"audio": str(tmp_path / "talk.wav"), "model": str(ears[0].folder), "language": "en"}
        return {**request, "out": str(tmp_path / name / "transcript.json"), **changes}

    return requester


@pytest.mark.torch
def test_stopped_and_killed_it_goes_on_where_it_was_and_says_the_same(request_for, tmp_path):
    events = []
    heard = lambda: sum(event["event"] == "window" for event in events)  # noqa: E731
    assert work(request_for("one"), events.append, lambda: heard() == 2) == 3
    kept = tmp_path / "one" / "windows.jsonl"
    assert [path.name for path in (tmp_path / "one").iterdir()] == [kept.name]
    kept.write_text(kept.read_text()[:-20])  # killed, it may break off within a line
    events.clear()
    last = request_for("two", resume_from=[str(tmp_path / "one")])
    assert work(last, events.append, lambda: False) == 0
    assert [event["resumed"] for event in events if event["event"] == "window"] == [True, False, False]
    assert [path.name for path in (tmp_path / "two").iterdir()] == ["transcript.json"]
    events.clear()
    other = request_for("three", language="de", resume_from=[str(tmp_path / "two"), str(tmp_path / "one")])
    assert work(other, events.append, lambda: False) == 0  # what was asked otherwise is not taken over
    assert not any(event["resumed"] for event in events if event["event"] == "window")

    audio, out = tmp_path / "talk.wav", tmp_path / "cli.json"
    command = [sys.executable, "-m", "modeling.transcribing", audio, out, "--model", last["model"], "--language", "en"]
    subprocess.run(command, check=True, capture_output=True, input=b"")  # from a pipe that ends at once
    whole, pieced = (json.loads(path.read_text()) for path in (out, tmp_path / "two" / "transcript.json"))
    assert whole == pieced


@pytest.mark.torch
@pytest.mark.parametrize(
    ("changes", "code"),
    [({"audio": None}, "bad-request"), ({"model": "/nowhere"}, "base-missing"), ({"model": "x/y"}, "hub-offline"),
     ({"language": "xx"}, "unknown-language"), ({"audio": __file__}, "text-file")],
)  # fmt: skip
def test_what_cant_be_is_a_sentence(request_for, tmp_path, changes, code):
    with pytest.raises(CoreError) as refused:
        work(request_for("one", **changes), lambda event: None, lambda: False)
    assert refused.value.code == code
    assert refused.value.sentence.endswith(".")
    assert not list(tmp_path.glob("one/*"))
