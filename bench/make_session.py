"""Make a long mixing session whose every boundary is known, for benchmarks and imports.

    python bench/make_session.py --out DIR --minutes 90 --seed 7 --formats wav,flac,mp3,opus,m4a

Writes NAME.wav, NAME.truth.json (boundaries in frames and the hash of the samples), NAME.jsonl (the whole layer:
segments, turns, conversations, summaries, flags), NAME.TextGrid, and the compressed forms asked for. The same
arguments give the same samples. Speech is babble with the rhythm and the formants of two voices; `--speech espeak` lets
espeak-ng say the words instead. Sound is streamed to disk from a cache of loops and utterances, so a session of
any length fits in memory.
"""

import argparse
import hashlib
import io
import json
import random
import re
import subprocess
import sys
import time
import wave
from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from uuid import NAMESPACE_URL, UUID, uuid5

import av
import numpy as np
import numpy.typing as npt
import soundfile
from scipy import signal

Floats = npt.NDArray[np.float64]
Pcm = npt.NDArray[np.int16]
Row = dict[str, object]

BLOCK_SECONDS = 4
RIFF_LIMIT = 2**32 - 4096
SPEECH_RATE = 16_000  # the bandwidth of a call
SPEECH_PEAK, MUSIC_PEAK, FLOOR_PEAK = 12_000, 13_000, 40  # two voices and the music stay below 32,767
CODECS = {  # container, codec, bits per second, and the encoder's quickest settings: what is measured is decoding
    "flac": ("flac", "flac", None, {"compression_level": "5"}),
    "mp3": ("mp3", "libmp3lame", 128_000, {"compression_level": "8"}),
    "opus": ("ogg", "libopus", 64_000, {"compression_level": "2"}),
    "m4a": ("ipod", "aac", 128_000, {"aac_coder": "fast"}),
}


@dataclass(frozen=True, slots=True)
class Speaker:
    """A voice: its pitch, its formants against a man's, its pace and place, and a voice of espeak's that is like it."""

    pitch_hz: float
    tract: float
    syllables_per_second: float
    left: float
    right: float
    espeak: tuple[str, int, int]
    vocabulary: int


SPEAKERS = {
    "expert": Speaker(108, 1.00, 4.6, 0.95, 0.55, ("en-us+m3", 172, 36), 100),
    "amateur": Speaker(196, 1.17, 5.1, 0.55, 0.95, ("en-gb+f2", 180, 58), 60),
}
VOWELS = (
    (730, 1090, 2440),
    (530, 1840, 2480),
    (270, 2290, 3010),
    (570, 840, 2410),
    (300, 870, 2240),
    (640, 1190, 2390),
)

TOPICS = {
    "drums": ("kick", "snare", "overheads", "toms", "room mics", "drum bus"),
    "overall_mix": ("whole mix", "master", "low end", "chorus", "balance"),
    "guitars": ("rhythm guitars", "lead guitar", "acoustic guitar", "doubles"),
    "bass": ("bass", "bass DI", "sub"),
    "vocals": ("lead vocal", "harmonies", "vocal reverb"),
    "keys": ("piano", "organ", "synth pad"),
}
TOPIC_WEIGHTS = (138, 93, 58, 18, 18, 15)  # about as often as in published sessions of this kind
ASK = (
    "Is the {source} {fault}, or am I imagining it?",
    "I keep turning the {source} up and it still feels {fault}.",
    "What would you do about the {source}?",
    "Can I show you the {source} with {tool} on it?",
    "I tried {tool} on the {source}. Too much?",
    "Why does the {source} get {fault} when everything plays?",
)
TELL = (
    "The {source} is {fault}. I would try {tool} and listen again.",
    "Turn the {source} down before you reach for {tool}.",
    "I disagree. The {source} is fine; what covers it is {fault}.",
    "Use {tool}, but only on the {source}, and only until you notice it.",
    "Where does the {source} live in this part? Answer that, then use {tool}.",
    "Good. Leave the {source} alone now. It was {fault}, and it no longer is.",
    "Try {tool} there. If the {source} still sounds {fault}, take it off again.",
)
SMALL_TALK = ("Mm hm.", "One second.", "Okay, saved.", "Right.", "Sorry, the phone.", "Cool, thanks.")
FAULTS = (
    "boxy",
    "too wide",
    "a bit sharp",
    "late",
    "hollow",
    "buried",
    "too dry",
    "boomy",
    "dull",
    "smaller than before",
)
TOOLS = (
    "a high-pass filter at 80 Hz",
    "a slower attack",
    "parallel compression",
    "a narrow cut around 400 Hz",
    "a short room",
    "2 dB less of it",
    "tape saturation",
    "a fader ride into the chorus",
    "a delay on one side",
    "a mono check",
)


@dataclass(slots=True)
class Segment:
    """One stretch of one lane, and the loop that plays, when it is music."""

    uid: UUID
    lane: str
    start_ms: int
    end_ms: int
    text: str
    loop: str | None = None


@dataclass(slots=True)
class Turn:
    """Who says what about which clip."""

    uid: UUID
    amateur: list[Segment] = field(default_factory=list)
    expert: list[Segment] = field(default_factory=list)
    music: list[Segment] = field(default_factory=list)
    has_content: bool = True
    summary: str | None = None


@dataclass(slots=True)
class Plan:
    """The whole time line before a sample is written."""

    name: str
    length_ms: int
    segments: list[Segment]
    conversations: list[tuple[UUID, str, list[Turn]]]

    @property
    def turns(self) -> list[Turn]:
        return [turn for _, _, turns in self.conversations for turn in turns]


class Cast:
    """The two speakers with all they may say; a line is spoken when it is first needed, and kept."""

    def __init__(self, seed: int, rate: int, speech: str) -> None:
        self.seed, self.rate, self.speech = seed, rate, speech
        rng = random.Random(f"words/{seed}")
        self.sentences: dict[tuple[str, str], list[str]] = {}
        for who, speaker in SPEAKERS.items():
            self.sentences[who, "small"] = list(SMALL_TALK)
            for topic in TOPICS:
                lengths = (1, 1, 1, 2) if who == "amateur" else (1, 1, 2)
                self.sentences[who, topic] = [
                    " ".join(sentence(rng, who, topic) for _ in range(rng.choice(lengths)))
                    for _ in range(speaker.vocabulary // len(TOPICS))
                ]
        self.lines: dict[tuple[str, str], Pcm] = {}

    def line(self, who: str, text: str) -> Pcm:
        """Say a line: mono, a whole number of 10 ms."""
        if (who, text) not in self.lines:
            speak = espeak if self.speech == "espeak" else babble
            line = signal.resample_poly(speak(text, SPEAKERS[who], self.seed), self.rate // 100, SPEECH_RATE // 100)
            line = np.pad(line, (0, -len(line) % (self.rate // 100)))
            self.lines[who, text] = np.round(line * (SPEECH_PEAK / np.abs(line).max())).astype(np.int16)
        return self.lines[who, text]


def make(
    out: Path,
    *,
    minutes: float = 90,
    seed: int = 7,
    rate: int = 48_000,
    channels: int = 2,
    formats: tuple[str, ...] = ("wav",),
    name: str | None = None,
    speech: str = "babble",
) -> Path:
    """Make one session in a folder and return the path of its WAV."""
    if rate % 100:
        raise ValueError(f"the rate must be a multiple of 100, so that 10 ms is a whole number of frames; got {rate}")
    if unknown := set(formats) - {"wav", *CODECS}:
        raise ValueError(f"unknown formats: {', '.join(sorted(unknown))}")
    name = name or f"session_{minutes:g}min"
    out.mkdir(parents=True, exist_ok=True)
    cast = Cast(seed, rate, speech)
    plan = lay_out(name, round(minutes * 6000) * 10, seed, cast)
    loops = playback(seed, rate, {segment.loop.split("|")[0] for segment in plan.segments if segment.loop})
    wav = out / f"{name}.wav"
    digest = write_wav(wav, plan, cast, loops, rate, channels, seed)
    write_truth(out / f"{name}.truth.json", plan, seed, rate, channels, speech, digest)
    write_whole(out / f"{name}.jsonl", "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows(plan)))
    write_whole(out / f"{name}.TextGrid", textgrid(plan))
    for form in formats:
        if form != "wav":
            encode(wav, out / f"{name}.{form}", *CODECS[form])
    return wav


def lay_out(name: str, length_ms: int, seed: int, cast: Cast) -> Plan:
    """Let the two talk and play until the time is used up, about one turn every 13 seconds of it."""
    rng = random.Random(seed)
    namespace = uuid5(NAMESPACE_URL, f"mixassist-site/bench-session/{seed}/{length_ms}")
    plan = Plan(name, length_ms, [], [])
    now_ms = rng.randrange(30, 80) * 10
    is_full = False

    def add(lane: str, text: str, start_ms: int, duration_ms: int, loop: str | None) -> Segment | None:
        nonlocal is_full
        if start_ms + duration_ms > length_ms:
            is_full = True
            return None
        uid = uuid5(namespace, f"segment/{len(plan.segments)}")
        segment = Segment(uid, lane, start_ms, start_ms + duration_ms, text, loop)
        plan.segments.append(segment)
        return segment

    def say(who: str, start_ms: int, topic: str, *, is_filler: bool = False) -> Segment | None:
        text = rng.choice(cast.sentences[who, "small" if is_filler else topic])
        if start_ms + len(cast.line(who, text)) * 1000 // cast.rate > length_ms:
            text = rng.choice(SMALL_TALK)  # the last words of a session that runs out of time
        return add(who, text, start_ms, len(cast.line(who, text)) * 1000 // cast.rate, None)

    while not is_full:
        topic = rng.choices(list(TOPICS), TOPIC_WEIGHTS)[0]
        turns: list[Turn] = []
        for position in range(rng.randint(3, 8)):
            turn = Turn(uuid5(namespace, f"turn/{len(plan.conversations)}/{position}"), has_content=rng.random() > 0.15)
            is_filler = not turn.has_content
            if position == 0 or rng.random() < 0.2:
                source = rng.choice(TOPICS[topic])
                turn.summary = (
                    f"I have been working on the {source} for a while and have tried two things that did not "
                    f"convince me. It sounds {rng.choice(FAULTS)} to me at the moment, and I would like to hear what "
                    "comes first before I change anything else."
                )
            if (is_filler or rng.random() > 0.12) and (asked := say("amateur", now_ms, topic, is_filler=is_filler)):
                turn.amateur.append(asked)
                now_ms = asked.end_ms + rng.randrange(10, 60) * 10
            answer_ms = now_ms
            if not is_filler and rng.random() < 0.15 and turns and turns[-1].music:
                turn.music = turns[-1].music
            elif not is_filler:
                label = rng.choice(("soloed", "in the mix", "before", "after"))
                text = f"{rng.choice(TOPICS[topic])} {label}"
                clip = add("music", text, now_ms, rng.randrange(200, 1000) * 10, f"{topic}|{label}")
                if clip:
                    turn.music.append(clip)
                    duration_ms = clip.end_ms - clip.start_ms
                    over_ms = round(duration_ms * rng.uniform(0.2, 0.7), -1) if rng.random() < 0.45 else 0
                    answer_ms = clip.end_ms - int(over_ms) + 100
                    now_ms = clip.end_ms
            if told := say("expert", answer_ms, topic, is_filler=is_filler):
                turn.expert.append(told)
                now_ms = max(now_ms, told.end_ms)
                if rng.random() < 0.06:
                    aside_ms = told.start_ms + (told.end_ms - told.start_ms) // 20 * 10
                    say("amateur", aside_ms, topic, is_filler=True)  # heard, but part of no turn
                    now_ms = max(now_ms, plan.segments[-1].end_ms)
                if rng.random() < 0.03:
                    add("note", "check this one again", told.start_ms, told.end_ms - told.start_ms, None)
            now_ms += rng.randrange(15, 140) * 10
            if turn.amateur or turn.expert:
                turns.append(turn)
            if is_full:
                break
        if turns:
            plan.conversations.append((uuid5(namespace, f"conversation/{len(plan.conversations)}"), topic, turns))
    plan.segments.sort(key=lambda segment: (segment.start_ms, segment.end_ms, segment.lane))
    return plan


def sentence(rng: random.Random, who: str, topic: str) -> str:
    """Fill one sentence of a speaker about a topic."""
    template = rng.choice(ASK if who == "amateur" else TELL)
    return template.format(source=rng.choice(TOPICS[topic]), fault=rng.choice(FAULTS), tool=rng.choice(TOOLS))


def babble(text: str, speaker: Speaker, seed: int) -> Floats:
    """Make a line with the syllables, pauses and melody of a sentence, and formants instead of words.

    Cascaded resonators on a glottal pulse train, after Klatt (1980); consonants are bursts of shaped noise.
    """
    rng = np.random.default_rng([seed, *hashlib.sha256(f"{speaker.pitch_hz}{text}".encode()).digest()[:8]])
    parts: list[Floats] = []
    for clause in re.findall(r"[^,.;?]+[,.;?]?", text):
        syllables = max(1, len(re.findall(r"[aeiouy]+|\d", clause.lower())))
        for at in range(syllables):
            length = int(SPEECH_RATE / speaker.syllables_per_second * rng.uniform(0.75, 1.25))
            fall = 1.12 - 0.22 * at / syllables + (0.25 if clause.endswith("?") and at >= syllables - 2 else 0)
            pitch = speaker.pitch_hz * fall * (1 + 0.03 * np.cumsum(rng.standard_normal(length)) / np.sqrt(length))
            phase = np.cumsum(pitch) / SPEECH_RATE
            sound = (phase % 1) ** 2 - 1 / 3 + 0.03 * rng.standard_normal(length)
            for formant in VOWELS[rng.integers(len(VOWELS))]:
                b, a = resonator(formant * speaker.tract, 60 + formant * 0.04)
                sound = signal.lfilter(b, a, sound)
            sound /= np.abs(sound).max()
            sound *= np.minimum(1, np.minimum(np.arange(length), np.arange(length)[::-1]) / (0.03 * SPEECH_RATE))
            onset = int(rng.uniform(0.02, 0.07) * SPEECH_RATE)
            hiss = signal.lfilter([1, -0.9], 1, rng.standard_normal(onset)) * np.hanning(onset)
            sound[:onset] = np.linspace(0.2, 1, onset) * sound[:onset] + rng.uniform(0.05, 0.2) * hiss
            parts.append(sound * rng.uniform(0.6, 1.0))
        parts.append(np.zeros(int(rng.uniform(0.08, 0.28) * SPEECH_RATE)))
    return np.concatenate(parts[:-1])


def resonator(hz: float, width_hz: float) -> tuple[list[float], list[float]]:
    """Build Klatt's digital resonator with unit gain at 0 Hz."""
    r = float(np.exp(-np.pi * width_hz / SPEECH_RATE))
    middle = 2 * r * float(np.cos(2 * np.pi * hz / SPEECH_RATE))
    return [1 - middle + r * r], [1, -middle, r * r]


def espeak(text: str, speaker: Speaker, seed: int) -> Floats:
    """Let espeak-ng say a line, trimmed of silence."""
    del seed
    voice, pace, pitch = speaker.espeak
    command = ["espeak-ng", "-v", voice, "-s", str(pace), "-p", str(pitch), "--stdout", text]
    with wave.open(io.BytesIO(subprocess.run(command, check=True, capture_output=True).stdout)) as said:
        own_rate = said.getframerate()
        line = np.frombuffer(said.readframes(said.getnframes()), "<i2").astype(np.float64)
    heard = np.flatnonzero(np.abs(line) > 0.01 * np.abs(line).max())
    return signal.resample_poly(line[heard[0] : heard[-1] + 1], SPEECH_RATE // 50, own_rate // 50)


def playback(seed: int, rate: int, topics: set[str]) -> dict[str, Pcm]:
    """Play one stereo loop of eight beats per topic and state; keys are `topic|label`."""
    loops: dict[str, Pcm] = {}
    for at, topic in enumerate(TOPICS):
        if topic not in topics:
            continue
        rng = np.random.default_rng([seed, at])
        beat = rate * 60 // int(rng.integers(80, 131) // 5 * 5)
        parts = {
            "drums": drums(rng, beat, rate),
            "bass": tones(rng, beat, rate, (55.0,), 2.0),
            "keys": tones(rng, beat, rate, (220.0, 261.6, 329.6), 1.0),
            "guitars": tones(rng, beat, rate, (110.0, 164.8, 220.0), 6.0),
            "vocals": tones(rng, beat, rate, (440.0,), 3.0),
        }
        everything = sum(parts.values()) / 2
        alone = parts.get(topic, everything)
        states = {
            "soloed": alone,
            "in the mix": np.asarray(everything) + 0.5 * alone,
            "before": np.asarray(everything) + 0.2 * alone,
            "after": np.asarray(everything) + 0.2 * np.tanh(3 * alone),
        }
        for label, state in states.items():
            level = MUSIC_PEAK * (0.6 if label == "before" else 0.9)
            loops[f"{topic}|{label}"] = np.round(state * (level / np.abs(state).max())).astype(np.int16)
    return loops


def drums(rng: np.random.Generator, beat: int, rate: int) -> Floats:
    """Kick, snare and hats; shape (frames, 2)."""
    loop = np.zeros((8 * beat, 2))
    t = np.arange(int(0.2 * rate)) / rate
    kick = np.sin(2 * np.pi * (50 * t + 2.6 * (1 - np.exp(-35 * t)))) * np.exp(-12 * t)
    snare = (0.6 * rng.standard_normal(len(t)) + np.sin(2 * np.pi * 185 * t)) * np.exp(-18 * t)
    hat = np.diff(rng.standard_normal(len(t) + 1)) * np.exp(-70 * t)
    for half in range(16):
        for sound, level, pan in (
            (kick, 0.9 * (half % 4 == 0 or half == 11), 0.5),
            (snare, 0.7 * (half % 4 == 2), 0.45),
            (hat, 0.15 * rng.uniform(0.7, 1), 0.7),
        ):
            strike(loop, sound * level, half * beat // 2, pan)
    return loop


def tones(rng: np.random.Generator, beat: int, rate: int, chord: tuple[float, ...], drive: float) -> Floats:
    """Pluck a chord on a rhythm of its own, and drive it; shape (frames, 2)."""
    loop = np.zeros((8 * beat, 2))
    t = np.arange(int(0.9 * beat)) / rate
    for half in np.flatnonzero(rng.random(16) < 0.6):
        step = 2 ** (rng.choice((0, -4, 3, -2)) / 12)
        for at, pitch in enumerate(chord):
            note = sum(np.sin(2 * np.pi * pitch * step * n * t) / n**1.3 * np.exp(-t * n) for n in range(1, 7))
            note = np.asarray(note) * np.minimum(1, np.minimum(t, t[::-1]) / 0.005)
            strike(loop, note, int(half) * beat // 2, 0.5 + 0.3 * (at - (len(chord) - 1) / 2))
    return np.tanh(drive * loop / max(1e-9, float(np.abs(loop).max())))


def strike(loop: Floats, sound: Floats, at: int, pan: float) -> None:
    """Add a mono sound to a stereo loop; what hangs over the end comes back in at its start."""
    frames = (at + np.arange(len(sound))) % len(loop)
    loop[frames] += sound[:, None] * np.array((1 - pan, pan))


def write_wav(path: Path, plan: Plan, cast: Cast, loops: dict[str, Pcm], rate: int, channels: int, seed: int) -> str:
    """Stream the session to disk, as RF64 when it outgrows WAV, and return the SHA-256 of its samples."""
    frames = plan.length_ms * rate // 1000
    form = "RF64" if frames * channels * 2 > RIFF_LIMIT else "WAV"
    digest = hashlib.sha256()
    beside = path.with_suffix(".part.wav")
    with soundfile.SoundFile(beside, "w", rate, channels, "PCM_16", format=form) as file:
        for block in blocks(plan, cast, loops, rate, channels, seed):
            digest.update(block.astype("<i2", copy=False).tobytes())
            file.write(block)
    beside.replace(path)
    return digest.hexdigest()


def blocks(plan: Plan, cast: Cast, loops: dict[str, Pcm], rate: int, channels: int, seed: int) -> Iterator[Pcm]:
    """Mix the session block by block, in whole numbers; each block has shape (frames, channels)."""
    size = BLOCK_SECONDS * rate
    total = plan.length_ms * rate // 1000
    floor = np.random.default_rng(seed).integers(-FLOOR_PEAK, FLOOR_PEAK + 1, (size, channels), dtype=np.int16)
    waiting = [segment for segment in plan.segments if segment.lane != "note"][::-1]
    playing: list[Segment] = []
    for start in range(0, total, size):
        end = min(total, start + size)
        block = floor[: end - start].copy()
        while waiting and waiting[-1].start_ms * rate // 1000 < end:
            playing.append(waiting.pop())
        playing = [segment for segment in playing if segment.end_ms * rate // 1000 > start]
        for segment in playing:
            first, last = segment.start_ms * rate // 1000, segment.end_ms * rate // 1000
            here = slice(max(first, start) - start, min(last, end) - start)
            inside = np.arange(max(first, start) - first, min(last, end) - first)
            block[here] += sound_of(segment, inside, cast, loops, channels)
        yield block


def sound_of(segment: Segment, inside: npt.NDArray[np.intp], cast: Cast, loops: dict[str, Pcm], channels: int) -> Pcm:
    """Fetch some frames of a segment's sound, spread over the channels; shape (frames, channels)."""
    if segment.lane == "music":
        assert segment.loop is not None
        loop = loops[segment.loop]
        stereo = np.take(loop, inside, axis=0, mode="wrap")
    else:
        speaker = SPEAKERS[segment.lane]
        line = cast.line(segment.lane, segment.text)[inside[0] : inside[-1] + 1]
        stereo = (line[:, None] * np.array((speaker.left, speaker.right), dtype=np.float32)).astype(np.int16)
    if channels == 2:
        return stereo
    middle = (stereo[:, 0] // 2 + stereo[:, 1] // 2)[:, None]
    return np.repeat(middle, channels, axis=1)


def rows(plan: Plan) -> Iterator[Row]:
    """Tell the whole layer, one row per thing."""
    yield {
        "type": "session",
        "title": plan.name,
        "length_ms": plan.length_ms,
        "expert": "E1",
        "amateur": "A1",
        "license": "CC0-1.0",
        "song": "made by a program",
    }
    for segment in plan.segments:
        yield {
            "type": "segment",
            "uid": str(segment.uid),
            "lane": segment.lane,
            "start_ms": segment.start_ms,
            "end_ms": segment.end_ms,
            "text": segment.text,
        }
    for turn in plan.turns:
        yield {
            "type": "turn",
            "uid": str(turn.uid),
            "amateur": [str(segment.uid) for segment in turn.amateur],
            "expert": [str(segment.uid) for segment in turn.expert],
            "music": [str(segment.uid) for segment in turn.music],
            "amateur_text": None,
            "expert_text": None,
        }
    for uid, topic, turns in plan.conversations:
        yield {"type": "conversation", "uid": str(uid), "topic": topic, "turns": [str(turn.uid) for turn in turns]}
    for turn in plan.turns:
        if turn.summary:
            yield {"type": "summary", "turn": str(turn.uid), "text": turn.summary, "author": "person", "model": None}
    for turn in plan.turns:
        value = "yes" if turn.has_content else "no"
        yield {"type": "flag", "turn": str(turn.uid), "flag": "has_content", "value": value, "note": ""}


def write_truth(path: Path, plan: Plan, seed: int, rate: int, channels: int, speech: str, digest: str) -> None:
    """Write what is true of the recording, to the frame."""
    truth = {
        "name": plan.name,
        "seed": seed,
        "speech": speech,
        "rate": rate,
        "channels": channels,
        "frames": plan.length_ms * rate // 1000,
        "length_ms": plan.length_ms,
        "pcm_sha256": digest,
        "turns": len(plan.turns),
        "conversations": len(plan.conversations),
        "segments": [
            {
                "uid": str(segment.uid),
                "lane": segment.lane,
                "start_ms": segment.start_ms,
                "end_ms": segment.end_ms,
                "start_frame": segment.start_ms * rate // 1000,
                "end_frame": segment.end_ms * rate // 1000,
                "text": segment.text,
            }
            for segment in plan.segments
        ],
    }
    write_whole(path, json.dumps(truth, ensure_ascii=False, indent=1) + "\n")


def textgrid(plan: Plan) -> str:
    """Write Praat's long text format, one interval tier per lane."""
    lanes = ("amateur", "expert", "music", "note")
    end = plan.length_ms / 1000
    text = [
        'File type = "ooTextFile"\nObject class = "TextGrid"\n',
        f"xmin = 0\nxmax = {end}\ntiers? <exists>\nsize = {len(lanes)}\nitem []:",
    ]
    for number, lane in enumerate(lanes, 1):
        intervals: list[tuple[int, int, str]] = []
        now_ms = 0
        for segment in plan.segments:
            if segment.lane != lane:
                continue
            if segment.start_ms > now_ms:
                intervals.append((now_ms, segment.start_ms, ""))
            intervals.append((segment.start_ms, segment.end_ms, segment.text))
            now_ms = segment.end_ms
        if now_ms < plan.length_ms:
            intervals.append((now_ms, plan.length_ms, ""))
        text.append(f'    item [{number}]:\n        class = "IntervalTier"\n        name = "{lane}"')
        text.append(f"        xmin = 0\n        xmax = {end}\n        intervals: size = {len(intervals)}")
        for at, (start_ms, end_ms, label) in enumerate(intervals, 1):
            quoted = label.replace('"', '""')
            text.append(f"        intervals [{at}]:\n            xmin = {start_ms / 1000}")
            text.append(f'            xmax = {end_ms / 1000}\n            text = "{quoted}"')
    return "\n".join(text) + "\n"


def encode(wav: Path, path: Path, container: str, codec: str, bit_rate: int | None, settings: dict[str, str]) -> None:
    """Encode a WAV by PyAV, block by block."""
    beside = path.with_suffix(f".part{path.suffix}")
    with soundfile.SoundFile(wav) as source, av.open(str(beside), "w", format=container) as target:
        layout = "mono" if source.channels == 1 else "stereo"
        stream = target.add_stream(
            codec, rate=48_000 if codec == "libopus" else source.samplerate, layout=layout, options=settings
        )
        if bit_rate:
            stream.bit_rate = bit_rate
        context = stream.codec_context
        fit = av.AudioResampler(format=context.format or "s16", layout=layout, rate=context.sample_rate)
        at = 0
        for block in source.blocks(blocksize=source.samplerate, dtype="int16", always_2d=True):
            packed = np.ascontiguousarray(block[:, : 1 if layout == "mono" else 2]).reshape(1, -1)
            frame = av.AudioFrame.from_ndarray(packed, format="s16", layout=layout)
            frame.sample_rate, frame.pts, frame.time_base = source.samplerate, at, Fraction(1, source.samplerate)
            at += len(block)
            for fitted in fit.resample(frame):
                target.mux(stream.encode(fitted))
        for fitted in fit.resample(None):
            target.mux(stream.encode(fitted))
        target.mux(stream.encode(None))
    beside.replace(path)


def write_whole(path: Path, text: str) -> None:
    """Let a file appear whole: write beside, then rename."""
    beside = path.with_name(f"{path.name}.part")
    beside.write_text(text, encoding="utf-8")
    beside.replace(path)


def main(arguments: list[str] | None = None) -> int:
    """Make one session and say what was made."""
    parser = argparse.ArgumentParser(description="Make a long mixing session whose every boundary is known.")
    parser.add_argument("--minutes", type=float, default=90)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--rate", type=int, default=48_000)
    parser.add_argument("--channels", type=int, default=2)
    parser.add_argument("--out", type=Path, required=True, help="folder to write to")
    parser.add_argument("--name", help="stem of the files (default session_<minutes>min)")
    parser.add_argument("--formats", default="wav", help=f"comma-separated: wav, {', '.join(CODECS)}")
    parser.add_argument("--speech", choices=("babble", "espeak"), default="babble")
    options = parser.parse_args(arguments)
    began = time.perf_counter()
    formats = tuple(form for form in options.formats.split(",") if form)
    try:
        wav = make(
            options.out,
            minutes=options.minutes,
            seed=options.seed,
            rate=options.rate,
            channels=options.channels,
            formats=formats,
            name=options.name,
            speech=options.speech,
        )
    except ValueError as error:
        parser.error(str(error))
    truth = json.loads(wav.with_suffix(".truth.json").read_text(encoding="utf-8"))
    print(
        f"{wav}: {truth['length_ms'] / 1000:.2f} s, {truth['turns']} turns, {truth['conversations']} conversations, "
        f"{wav.stat().st_size / 1e6:.1f} MB, made in {time.perf_counter() - began:.1f} s"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
