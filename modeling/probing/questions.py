"""The same put to the whole model in words, and its answers read; what can't be read is no answer."""

import re

from modeling.probing.clips import INSTRUMENTS, KEYS

QUESTIONS = {
    "tempo": "What is the tempo of this clip in beats per minute? Answer with one number.",
    "key": "In which major key is this clip? Answer with the key alone, such as F# major.",
    "instrument": f"Which instrument plays in this clip: {', '.join(INSTRUMENTS)}? Answer with one word.",
    "level": "How loud is this clip in dBFS (RMS)? Answer with one negative number.",
    "pan": "Where does the sound stand: left, center or right? Answer with one word.",
    "tilt": "Is the sound of this clip dark, neutral or bright? Answer with one word.",
}
FLATS = {"DB": "C#", "EB": "D#", "FB": "E", "GB": "F#", "AB": "G#", "BB": "A#", "CB": "B", "E#": "F", "B#": "C"}
NUMBER = re.compile(r"[-−–]?\d+(?:[.,]\d+)?")
NOTE = r"([A-G])\s*(#|♯|b(?![a-z])|♭|[ -]?sharp|[ -]?flat)?"
WORDS = {
    "pan": {"left": -1.0, "center": 0.0, "centre": 0.0, "middle": 0.0, "right": 1.0},
    "tilt": {"dark": -1.0, "neutral": 0.0, "balanced": 0.0, "bright": 1.0},
    "instrument": {name: float(at) for at, name in enumerate(INSTRUMENTS)},
}


def read(name: str, answer: str) -> float | None:
    """What an answer says of a property: a number, the place of a class, or None."""
    if name in ("tempo", "level"):
        return _number(answer, *((20.0, 400.0) if name == "tempo" else (-100.0, 0.0)))
    if name == "key":
        return _key(answer)
    found = {value for word, value in WORDS[name].items() if re.search(rf"\b{word}s?\b", answer.lower())}
    return found.pop() if len(found) == 1 else None


def _number(answer: str, least: float, most: float) -> float | None:
    for said in NUMBER.findall(answer):
        value = float(said.replace("−", "-").replace("–", "-").replace(",", "."))
        if least <= value <= most:
            return value
    return None


def _key(answer: str) -> float | None:
    found = re.search(NOTE + r"[\s-]*maj", answer) or re.search(r"[Kk]ey (?:of|is)\s+" + NOTE, answer)
    found = found or re.fullmatch(r"\W*" + NOTE + r"\W*", answer)
    if not found:
        return None
    sign = (found[2] or "").strip(" -").lower()
    note = found[1] + {"#": "#", "♯": "#", "sharp": "#", "b": "B", "♭": "B", "flat": "B"}.get(sign, "")
    note = FLATS.get(note, note)
    return float(KEYS.index(note)) if note in KEYS else None
