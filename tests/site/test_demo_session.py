"""The bundled session and the bench's long ones say exactly what is in their sound."""

import json
import re
from collections import Counter, defaultdict
from itertools import pairwise

import numpy as np
import pytest
import soundfile

from bench import make_session
from mixassist_site.demo_session import RECORDING, TRANSCRIPT

LANES = {"amateur", "expert", "music", "note"}
TOPICS = {"drums", "overall_mix", "guitars", "bass", "vocals", "keys"}
KEYS = {
    "session": ["type", "title", "length_ms", "expert", "amateur", "license", "song"],
    "segment": ["type", "uid", "lane", "start_ms", "end_ms", "text"],
    "turn": ["type", "uid", "amateur", "expert", "music", "amateur_text", "expert_text"],
    "conversation": ["type", "uid", "topic", "turns"],
    "summary": ["type", "turn", "text", "author", "model"],
    "flag": ["type", "turn", "flag", "value", "note"],
}


class Layer:
    """A transcript, read and indexed."""

    def __init__(self, lines):
        self.rows = defaultdict(list)
        for line in lines:
            row = json.loads(line)
            self.rows[row["type"]].append(row)
        (self.session,) = self.rows["session"]
        self.segments = {row["uid"]: row for row in self.rows["segment"]}
        self.turns = {row["uid"]: row for row in self.rows["turn"]}

    def music(self, label):
        (segment,) = (row for row in self.segments.values() if row["lane"] == "music" and row["text"] == label)
        return segment

    def answer(self, turn_uid):
        turn = self.turns[turn_uid]
        return turn["expert_text"] or " ".join(self.segments[uid]["text"] for uid in turn["expert"])


@pytest.fixture(scope="module")
def layer():
    return Layer(TRANSCRIPT.read_text(encoding="utf-8").splitlines())


@pytest.fixture(scope="module")
def sound():
    samples, rate = soundfile.read(RECORDING, dtype="float32")
    assert rate == 48_000
    assert samples.shape[1] == 2
    return samples


def check_consistency(layer):
    """Hold a layer against what is always true of one."""
    for kind, rows in layer.rows.items():
        assert all(list(row) == KEYS[kind] for row in rows), kind
    assert len(layer.segments) == len(layer.rows["segment"])
    assert len(layer.turns) == len(layer.rows["turn"])
    by_lane = defaultdict(list)
    for segment in layer.segments.values():
        assert segment["lane"] in LANES
        assert 0 <= segment["start_ms"] < segment["end_ms"] <= layer.session["length_ms"]
        assert segment["start_ms"] % 10 == segment["end_ms"] % 10 == 0
        assert segment["text"].strip()
        by_lane[segment["lane"]].append((segment["start_ms"], segment["end_ms"]))
    for spans in by_lane.values():
        assert all(before[1] <= after[0] for before, after in pairwise(sorted(spans))), "a lane overlaps itself"
    for turn in layer.turns.values():
        assert turn["amateur"] or turn["expert"]
        for lane in ("amateur", "expert", "music"):
            assert all(layer.segments[uid]["lane"] == lane for uid in turn[lane])
    seated = [uid for conversation in layer.rows["conversation"] for uid in conversation["turns"]]
    assert sorted(seated) == sorted(layer.turns), "each turn is in one conversation"
    assert {conversation["topic"] for conversation in layer.rows["conversation"]} <= TOPICS
    assert {summary["turn"] for summary in layer.rows["summary"]} <= set(layer.turns)
    assert sorted(flag["turn"] for flag in layer.rows["flag"]) == sorted(layer.turns)


def words(text):
    return re.findall(r"[a-z0-9']+", text.lower())


def runs(text, length=6):
    said = words(text)
    return {tuple(said[at : at + length]) for at in range(len(said) - length + 1)}


def frames(sound, segment):
    return sound[segment["start_ms"] * 48 : segment["end_ms"] * 48]


def alone(sound, layer, segment):
    """The part of a clip that nobody talks over."""
    silent = np.ones(len(sound), dtype=bool)
    for other in layer.segments.values():
        if other["lane"] in ("amateur", "expert"):
            silent[max(0, other["start_ms"] - 100) * 48 : (other["end_ms"] + 280) * 48] = False
    span = slice(segment["start_ms"] * 48, segment["end_ms"] * 48)
    return sound[span][silent[span]]


def level_db(samples):
    return 10 * np.log10(np.mean(np.square(samples, dtype=np.float64)) + 1e-12)


def band_db(samples, low_hz, high_hz):
    """Level of a band, against the whole."""
    power = np.abs(np.fft.rfft(samples.mean(axis=1))) ** 2
    hertz = np.fft.rfftfreq(len(samples), 1 / 48_000)
    return 10 * np.log10(power[(hertz >= low_hz) & (hertz < high_hz)].sum() / power.sum() + 1e-12)


def test_the_transcript_is_consistent(layer):
    check_consistency(layer)


def test_the_session_is_rich_enough_to_show_the_whole_flow(layer):
    assert 240_000 <= layer.session["length_ms"] <= 300_000
    assert len(layer.turns) >= 28
    assert len(layer.rows["conversation"]) >= 6
    assert {conversation["topic"] for conversation in layer.rows["conversation"]} == TOPICS
    values = Counter(flag["value"] for flag in layer.rows["flag"])
    assert values["yes"] >= 20
    assert values["no"] >= 6
    assert any(not turn["amateur"] for turn in layer.turns.values())
    assert any(len(turn["music"]) > 1 for turn in layer.turns.values())
    clips = Counter(uid for turn in layer.turns.values() for uid in turn["music"])
    assert max(clips.values()) > 1
    content = {flag["turn"] for flag in layer.rows["flag"] if flag["value"] == "yes"}
    assert all(layer.turns[uid]["music"] for uid in content), "what is worth training on has a clip"


def test_every_conversation_opens_with_a_summary_that_keeps_the_answer_to_itself(layer):
    summaries = {summary["turn"]: summary for summary in layer.rows["summary"]}
    for conversation in layer.rows["conversation"]:
        assert conversation["turns"][0] in summaries
        answers = set().union(*(runs(layer.answer(uid)) for uid in conversation["turns"]))
        for uid in conversation["turns"]:
            if uid in summaries:
                text = summaries[uid]["text"]
                assert 30 <= len(words(text)) <= 50
                assert {"i", "my", "me", "we"} & set(words(text)), "the amateur speaks"
                assert not runs(text) & answers
    for summary in summaries.values():
        assert (summary["author"] == "model") == (summary["model"] is not None)


def test_the_recording_is_small_unclipped_and_as_long_as_it_says(layer, sound):
    assert RECORDING.stat().st_size <= 3_000_000
    assert abs(len(sound) / 48 - layer.session["length_ms"]) <= 10
    assert np.abs(sound).max() <= 10 ** (-1 / 20)


def test_every_segment_is_heard(layer, sound):
    busy = np.zeros(len(sound), dtype=bool)
    for segment in layer.segments.values():
        busy[max(0, segment["start_ms"] - 20) * 48 : (segment["end_ms"] + 250) * 48] = True
    silence = level_db(sound[~busy])
    assert silence < -65
    for segment in layer.segments.values():
        if segment["lane"] == "note":
            continue
        assert level_db(frames(sound, segment)) > silence + 25, segment["text"]
        if segment["lane"] != "music":
            start = frames(sound, segment | {"end_ms": segment["start_ms"] + 150})
            assert level_db(start) > silence + 12, f"{segment['text']} starts late"


def test_the_two_voices_sit_on_two_sides(layer, sound):
    music = [row for row in layer.segments.values() if row["lane"] == "music"]

    def lean(lane):
        spans = [
            frames(sound, row)
            for row in layer.segments.values()
            if row["lane"] == lane
            and not any(row["start_ms"] < clip["end_ms"] and clip["start_ms"] < row["end_ms"] for clip in music)
        ]
        voice = np.concatenate(spans)
        return level_db(voice[:, 1]) - level_db(voice[:, 0])

    assert lean("expert") < -2
    assert lean("amateur") > 2


def test_each_clip_is_what_they_speak_of(layer, sound):
    def clip(label):
        return alone(sound, layer, layer.music(label))

    def side_db(samples):
        return level_db(samples[:, 0] - samples[:, 1]) - level_db(samples.sum(axis=1))

    low_kick, loud_kick = clip("drums soloed, kick low"), clip("drums soloed, kick 5 dB up")
    assert band_db(loud_kick, 30, 120) > band_db(low_kick, 30, 120) + 0.5

    ringing, ring_cut = clip("snare soloed, ringing"), clip("drums soloed, ring cut at 800 Hz")
    assert band_db(ringing, 780, 830) > band_db(ring_cut, 780, 830) + 6

    fast = clip("drum bus compressed, fast attack")
    slow = clip("drum bus compressed, slow attack, release in time")
    crest = [20 * np.log10(np.abs(samples).max()) - level_db(samples) for samples in (fast, slow)]
    assert crest[0] < crest[1]

    muddy, bell = clip("bass and kick, bass muddy"), clip("bass high-passed at 35 Hz, bell cut at 250 Hz")
    thin = clip("bass high-passed at 120 Hz, thin")
    assert band_db(muddy, 200, 320) > band_db(bell, 200, 320) + 4
    assert band_db(thin, 40, 75) < band_db(muddy, 40, 75)

    centre, wide = clip("both guitars in the centre"), clip("guitars panned hard")
    assert side_db(centre) < -25
    assert side_db(wide) > -4
    assert band_db(clip("guitars panned hard, darker"), 7000, 20000) < band_db(wide, 7000, 20000) - 3

    assert side_db(clip("keys soloed, full range")) < -25
    assert side_db(clip("keys high-passed, wide with a stereo tremolo")) > -15
    assert side_db(clip("band with wide keys, folded to mono")) < -25

    quiet, final = clip("full mix, very quiet"), clip("full mix, final")
    assert level_db(quiet) < level_db(final) - 8
    assert level_db(clip("full mix, limiter pushed")) > level_db(clip("full mix, no limiter")) + 1


def test_a_bench_session_is_what_its_truth_says(tmp_path):
    wav = make_session.make(tmp_path, minutes=0.4, seed=3, rate=16_000, formats=("wav", "flac", "opus"))
    truth = json.loads(wav.with_suffix(".truth.json").read_text(encoding="utf-8"))
    layer = Layer(wav.with_suffix(".jsonl").read_text(encoding="utf-8").splitlines())
    check_consistency(layer)
    assert truth["length_ms"] == layer.session["length_ms"] == 24_000
    assert truth["turns"] == len(layer.turns) >= 1

    sound, rate = soundfile.read(wav)
    assert (rate, sound.shape) == (16_000, (truth["frames"], 2))
    busy = np.zeros(len(sound), dtype=bool)
    for segment in truth["segments"]:
        assert segment["start_frame"] == segment["start_ms"] * 16
        assert layer.segments[segment["uid"]]["end_ms"] == segment["end_ms"]
        if segment["lane"] != "note":
            busy[segment["start_frame"] : segment["end_frame"]] = True
            assert level_db(sound[segment["start_frame"] : segment["end_frame"]]) > -45
    assert np.abs(sound[~busy]).max() <= make_session.FLOOR_PEAK / 32_768
    assert np.array_equal(soundfile.read(wav.with_suffix(".flac"))[0], sound)
    opus, opus_rate = soundfile.read(wav.with_suffix(".opus"))
    assert abs(len(opus) / opus_rate - 24) < 0.03
    assert wav.with_suffix(".TextGrid").read_text(encoding="utf-8").count('class = "IntervalTier"') == 4


def test_a_bench_session_is_the_same_each_time_and_another_with_another_seed(tmp_path):
    def digest(name, seed):
        wav = make_session.make(tmp_path, minutes=0.1, seed=seed, rate=8000, channels=1, name=name)
        return json.loads(wav.with_suffix(".truth.json").read_text(encoding="utf-8"))["pcm_sha256"]

    assert digest("once", 3) == digest("again", 3) != digest("other", 4)
