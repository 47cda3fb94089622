"""Two microphones that hear both people tell who speaks when, whatever their gains, and say so when they can't."""

import random

import numpy as np
import pytest

from annotation.audio import child, speakers
from annotation.audio.errors import AudioError
from tests.annotation.audio.sounds import write

RATE = 16_000


def voice(seconds, seed):
    """Noise in syllables, four a second, as loud as somebody who speaks."""
    rng = np.random.default_rng(seed)
    at = np.arange(round(seconds * RATE)) / RATE
    return rng.standard_normal(len(at)) * 2000 * (0.25 + np.abs(np.sin(2 * np.pi * 2 * at)))


def talk(seed, seconds=60):
    """Who speaks when: spans in ms for each of two people, one after the other, at times both at once."""
    dice = random.Random(seed)
    at, spans = 500, ([], [])
    while at < seconds * 1000 - 6000:
        length = dice.randint(800, 5000)
        spans[dice.random() < 0.6].append((at, at + length))
        at += length + dice.randint(400, 1500)
    return spans


def microphones(spans, seconds=60, *, bleed_db=-15.0, gains_db=(0.0, 0.0), late_ms=(0, 0)):
    """What each microphone records: its person, the other through the room, and a little noise."""
    people = []
    for number, mine in enumerate(spans):
        sound = np.zeros(seconds * RATE)
        for start, end in mine:
            first, last = start * RATE // 1000, end * RATE // 1000
            sound[first:last] = voice((end - start) / 1000, seed=start + number)[: last - first]
        people.append(sound)
    recorded = []
    for number in (0, 1):
        room = np.random.default_rng(number).standard_normal(seconds * RATE) * 10
        mixed = (people[number] + people[1 - number] * 10 ** (bleed_db / 20) + room) * 10 ** (gains_db[number] / 20)
        cut = mixed[late_ms[number] * RATE // 1000 :]
        recorded.append(np.clip(np.rint(cut), -32768, 32767).astype(np.int16).reshape(-1, 1))
    return recorded


def told_of(folder, recorded, late_ms=(0, 0)):
    paths = [write(folder / f"{number}.wav", sound, RATE) for number, sound in enumerate(recorded)]
    return speakers.build(paths, late_ms)


def agreement(found, true, length_ms=60_000):
    """The share of time in which found spans and true ones say the same."""
    masks = []
    for spans in (found, true):
        mask = np.zeros(length_ms // 10, bool)
        for start, end in spans:
            mask[start // 10 : end // 10] = True
        masks.append(mask)
    return float((masks[0] == masks[1]).mean())


@pytest.mark.parametrize(
    ("seed", "bleed", "gains", "late"),
    [(1, -15, (0, 0), (0, 0)), (2, -15, (9, -9), (0, 0)), (3, -9, (-6, 3), (0, 0)), (4, -20, (0, -12), (0, 1230))],
)
def test_each_is_heard_when_they_speak_and_only_then(tmp_path, seed, bleed, gains, late):
    spans = talk(seed)
    told = told_of(tmp_path, microphones(spans, bleed_db=bleed, gains_db=gains, late_ms=late), late)
    true = [[(start, end) for start, end in mine if start > max(late)] for mine in spans]
    for found, mine in zip((told.first, told.second), true, strict=True):
        assert agreement([span for span in found if span[0] > max(late)], mine) > 0.95
        assert all(0 <= start < end <= 60_000 for start, end in found)
        assert found == sorted(found)
    assert abs(told.apart_db + 2 * bleed) < 6


def test_both_are_heard_when_both_speak(tmp_path):
    spans = ([(1_000, 9_000), (20_000, 26_000)], [(11_000, 18_000), (22_000, 24_500), (40_000, 50_000)])
    told = told_of(tmp_path, microphones(spans, bleed_db=-20))
    both = [(start, end) for start, end in told.first if start < 24_000 < end]
    assert both
    assert any(start < 23_500 and end > 22_800 for start, end in told.second)


@pytest.mark.parametrize("same", [True, False])
def test_recordings_that_hear_the_same_are_refused(tmp_path, same):
    first, second = microphones(talk(5), bleed_db=0)
    with pytest.raises(AudioError, match="equally loud"):
        told_of(tmp_path, [first, first if same else second])


def test_silence_is_refused_and_a_child_does_it_too(tmp_path):
    quiet = np.zeros((RATE * 2, 1), np.int16)
    with pytest.raises(AudioError, match="equally loud"):
        told_of(tmp_path, [quiet, quiet])
    spans = talk(6)
    paths = [write(tmp_path / f"{n}.flac", sound, RATE) for n, sound in enumerate(microphones(spans))]
    shares = []
    request = {"paths": [str(path) for path in paths], "offsets_ms": [0, 0]}
    told = child.run("speakers", request, on_progress=shares.append)
    assert [tuple(span) for span in told["first"]] == speakers.build(paths, (0, 0)).first
    assert shares == sorted(shares)
    assert shares[-1] == 1.0
