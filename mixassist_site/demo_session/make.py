"""Make the bundled session: `python -m mixassist_site.demo_session.make [--out DIR] [--seed 7] [--wav]`.

The dialogue is laid out on a time line, spoken, and mixed with what the desk plays; the transcript is written from the
same time line, so its cut points are exact. Needs FFmpeg with flite on the path; using the session needs neither.
"""

import argparse
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path
from uuid import NAMESPACE_URL, UUID, uuid5

import av
import numpy as np
import soundfile
from scipy import signal

from . import HERE, RECORDING, TRANSCRIPT
from .desk import Desk, play
from .dialogue import LICENSE, SONG, TITLE, TOPICS, Exchange, Note, Play, Say, Topic
from .instruments import BEAT, LOOP
from .voices import RATE, VOICES, Samples, place, speak

NAMESPACE = uuid5(NAMESPACE_URL, "mixassist-site/demo-session")
FRAMES_PER_MS = RATE // 1000
HEAD_MS, TAIL_MS = 500, 700
DIM_DB = -8.5  # the monitors dim while someone speaks
LOUDNESS, PEAK, MOST = 0.082, 0.95, 5.0  # what the monitors are set to when other tracks are heard than before
CEILING = 0.74  # -2.6 dBFS, because Opus overshoots by more than a decibel
BIT_RATE = 64_000

Row = dict[str, object]


@dataclass(slots=True)
class Event:
    """One thing on the time line: who or what, from when to when, and how it sounds."""

    uid: UUID
    lane: str
    start_ms: int
    end_ms: int
    text: str
    sound: Samples | None = None


@dataclass(slots=True)
class PlacedTurn:
    """A turn whose steps have their places."""

    exchange: Exchange
    amateur: list[Event] = field(default_factory=list)
    expert: list[Event] = field(default_factory=list)
    music: list[Event] = field(default_factory=list)


@dataclass(slots=True)
class Session:
    """The whole time line."""

    events: list[Event]
    conversations: list[tuple[Topic, list[PlacedTurn]]]
    length_ms: int


def lay_out(seed: int) -> Session:
    """Give every step of the dialogue its place and its sound."""
    events: list[Event] = []
    conversations: list[tuple[Topic, list[PlacedTurn]]] = []
    desk, now_ms, free_from = Desk(), HEAD_MS, {"expert": 0, "amateur": 0, "music": 0}
    monitors: dict[tuple[str, ...], float] = {}
    for topic in TOPICS:
        turns: list[PlacedTurn] = []
        for exchange in topic.turns:
            turn = PlacedTurn(exchange)
            for step in exchange.steps:
                if isinstance(step, Note):
                    last = events[-1]
                    events.append(Event(uid("segment", len(events)), "note", last.start_ms, last.end_ms, step.text))
                    continue
                if isinstance(step, Play):
                    lane, text = "music", step.label
                    desk = replace(desk, **dict(step.desk))  # type: ignore[arg-type]
                    sound = cut(play(desk, step.hear, seed), step.at_beat, step.beats)
                    sound *= monitors.setdefault(step.hear, comfortable(sound))
                else:
                    lane, text = step.who, step.text
                    sound = speak(text, VOICES[lane])
                start_ms = now_ms + step.gap_ms
                assert start_ms >= free_from[lane], f"{text!r} starts {free_from[lane] - start_ms} ms too early"
                event = Event(uid("segment", len(events)), lane, start_ms, start_ms + len(sound) // FRAMES_PER_MS, text)
                event.sound = sound
                events.append(event)
                free_from[lane] = event.end_ms
                now_ms = max(now_ms, event.end_ms)
                if not (isinstance(step, Say) and step.aside):
                    {"amateur": turn.amateur, "expert": turn.expert, "music": turn.music}[lane].append(event)
            if exchange.same_clip:
                turn.music = turns[-1].music
            turns.append(turn)
        now_ms += 350
        conversations.append((topic, turns))
    return Session(events, conversations, now_ms + TAIL_MS)


def cut(loop: Samples, at_beat: int, beats: int) -> Samples:
    """Cut a run of beats out of the loop, with fades short enough to leave the first hit whole."""
    frames = np.arange(at_beat * BEAT, (at_beat + beats) * BEAT) % LOOP
    clip: Samples = loop[frames].copy()
    clip[:96] *= np.linspace(0, 1, 96)[:, None]
    clip[-960:] *= np.linspace(1, 0, 960)[:, None]
    return clip


def comfortable(sound: Samples) -> float:
    """Set the monitors for a group of tracks. They stay there, so that before and after can be compared."""
    return float(min(LOUDNESS / np.sqrt((sound**2).mean()), PEAK / np.abs(sound).max(), MOST))


def uid(kind: str, position: int | str) -> UUID:
    """Name the thing at a position, the same in every build."""
    return uuid5(NAMESPACE, f"{kind}/{position}")


def mix_down(session: Session) -> tuple[Samples, Samples]:
    """Add up speech and playback, dimmed under the speech; two arrays of shape (frames, 2)."""
    frames = session.length_ms * FRAMES_PER_MS
    speech, music = np.zeros((frames, 2)), np.zeros((frames, 2))
    talking = np.zeros(frames)
    for event in session.events:
        if event.sound is None:
            continue
        start, end = event.start_ms * FRAMES_PER_MS, event.end_ms * FRAMES_PER_MS
        if event.lane == "music":
            music[start:end] += event.sound
        else:
            line = place(event.sound, VOICES[event.lane])[: frames - start]
            speech[start : start + len(line)] += line
            talking[start:end] = 1
    glide = signal.windows.hann(int(0.16 * RATE))
    talking = np.clip(signal.fftconvolve(talking, glide / glide.sum(), mode="same"), 0, 1)
    music *= (10 ** (DIM_DB * talking / 20))[:, None]
    hiss = np.random.default_rng(3).standard_normal((frames, 2)) * 1e-4  # a room is never digital silence
    return speech + hiss, music


def tame(mix: Samples) -> Samples:
    """Keep the peaks under the ceiling, 5 ms ahead of each."""
    peak = np.abs(mix).max(axis=1)
    window = int(0.005 * RATE)
    padded = np.pad(peak, (0, -len(peak) % window)).reshape(-1, window).max(axis=1)
    near = np.maximum(np.maximum(padded, np.roll(padded, 1)), np.roll(padded, -1))
    gain = np.minimum(1.0, CEILING / np.maximum(near, 1e-9))
    smooth = np.interp(np.arange(len(peak)), (np.arange(len(gain)) + 0.5) * window, gain)
    tamed: Samples = np.clip(mix * smooth[:, None], -CEILING, CEILING)
    return tamed


def write_opus(mix: Samples, path: Path) -> None:
    """Encode to Ogg Opus; the same samples give the same bytes."""
    beside = path.with_suffix(".part.opus")
    with av.open(str(beside), "w", format="ogg", options={"fflags": "+bitexact"}) as container:
        stream = container.add_stream("libopus", rate=RATE, layout="stereo")
        stream.bit_rate = BIT_RATE
        stream.options = {"application": "audio", "flags": "+bitexact"}
        pcm = np.round(mix * 32767).astype("<i2")
        block = 960
        for start in range(0, len(pcm), block):
            piece = np.ascontiguousarray(pcm[start : start + block]).reshape(1, -1)
            frame = av.AudioFrame.from_ndarray(piece, format="s16", layout="stereo")
            frame.sample_rate, frame.pts, frame.time_base = RATE, start, Fraction(1, RATE)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    beside.replace(path)


def transcript(session: Session) -> Iterator[Row]:
    """Tell the whole layer, one row per thing, in the order a reader needs them."""
    yield {
        "type": "session",
        "title": TITLE,
        "length_ms": session.length_ms,
        "expert": "E1",
        "amateur": "A1",
        "license": LICENSE,
        "song": SONG,
    }
    for event in sorted(session.events, key=lambda event: (event.start_ms, event.end_ms, event.lane)):
        yield {
            "type": "segment",
            "uid": str(event.uid),
            "lane": event.lane,
            "start_ms": event.start_ms,
            "end_ms": event.end_ms,
            "text": event.text,
        }
    numbered = [
        (str(uid("turn", f"{at}/{position}")), turn)
        for at, (_, turns) in enumerate(session.conversations)
        for position, turn in enumerate(turns)
    ]
    for name, turn in numbered:
        yield {
            "type": "turn",
            "uid": name,
            "amateur": [str(event.uid) for event in turn.amateur],
            "expert": [str(event.uid) for event in turn.expert],
            "music": [str(event.uid) for event in turn.music],
            "amateur_text": None,
            "expert_text": turn.exchange.expert_text,
        }
    for at, (topic, turns) in enumerate(session.conversations):
        names = [str(uid("turn", f"{at}/{position}")) for position in range(len(turns))]
        yield {"type": "conversation", "uid": str(uid("conversation", at)), "topic": topic.key, "turns": names}
    for name, turn in numbered:
        if turn.exchange.summary:
            model = turn.exchange.summary_model
            yield {
                "type": "summary",
                "turn": name,
                "text": turn.exchange.summary,
                "author": "model" if model else "person",
                "model": model,
            }
    for name, turn in numbered:
        value = "yes" if turn.exchange.has_content else "no"
        yield {"type": "flag", "turn": name, "flag": "has_content", "value": value, "note": turn.exchange.flag_note}


def main(arguments: list[str] | None = None) -> int:
    """Make the session and say what was made."""
    parser = argparse.ArgumentParser(description="Make the bundled mixing session.")
    parser.add_argument("--out", type=Path, default=HERE, help="folder for session.opus and transcript.jsonl")
    parser.add_argument("--seed", type=int, default=7, help="seed of the musicians")
    parser.add_argument("--wav", action="store_true", help="also write the mix, the speech and the playback as WAV")
    options = parser.parse_args(arguments)
    options.out.mkdir(parents=True, exist_ok=True)
    session = lay_out(options.seed)
    speech, music = mix_down(session)
    mix = tame(speech + music)
    write_opus(mix, options.out / RECORDING.name)
    if options.wav:
        for name, sound in (("session", mix), ("speech", speech), ("music", music)):
            soundfile.write(options.out / f"{name}.wav", sound, RATE, subtype="PCM_16")
    lines = [json.dumps(row, ensure_ascii=False) + "\n" for row in transcript(session)]
    beside = options.out / (TRANSCRIPT.name + ".part")
    beside.write_text("".join(lines), encoding="utf-8")
    beside.replace(options.out / TRANSCRIPT.name)
    turns = sum(len(turns) for _, turns in session.conversations)
    size = (options.out / RECORDING.name).stat().st_size
    print(
        f"{session.length_ms / 1000:.2f} s, {turns} turns, {len(session.conversations)} conversations, {size:,} bytes"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
