"""Whisper hears one window: words with their times, from the model's own alignment where it has one."""

import hashlib
import logging
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import torch
import transformers
from numpy.typing import NDArray

from modeling.backbones.audio_lm import resolve_device
from modeling.backbones.errors import CoreError
from modeling.backbones.weights import folder_of
from modeling.transcribing.windows import Word

RATE = 16_000
STEP_MS = 20  # between two timestamps
SILENT = 33  # of 32,768: below -60 dBFS there is nothing to hear, and a model would make something up
LONGEST_MS = 700, 2000  # a word is no longer than twice the usual, within these
UNSPACED = ("zh", "ja", "th", "lo", "my", "yue")  # languages that put no spaces between words


class Ear:
    """A loaded Whisper."""

    def __init__(self, model: Any, processor: Any, folder: Path, device: torch.device) -> None:
        self.model, self.processor, self.folder, self.device = model, processor, folder, device
        settings = model.generation_config
        self.is_aligned = bool(getattr(settings, "alignment_heads", None))
        self.is_multilingual = bool(getattr(settings, "is_multilingual", False))
        self.languages = {token.strip("<|>"): id for token, id in (getattr(settings, "lang_to_id", None) or {}).items()}
        self.first_timestamp = int(settings.no_timestamps_token_id) + 1
        self.end = int(processor.tokenizer.eos_token_id)

    @classmethod
    def open(cls, location: str, revision: str | None = None, *, device: str = "auto") -> "Ear":
        """Load a checkpoint directory or a hub id; raises CoreError with a sentence when that can't be."""
        folder = folder_of(location, revision)
        where = resolve_device(device)
        config = transformers.AutoConfig.from_pretrained(folder, trust_remote_code=False)
        if config.model_type != "whisper":
            raise CoreError(
                "not-whisper", f"{location} is a {config.model_type} model; TRANSCRIBE_MODEL names a Whisper."
            )
        dtype = torch.float16 if where.type == "cuda" else torch.float32
        try:
            model: Any = transformers.WhisperForConditionalGeneration.from_pretrained(
                folder, dtype=dtype, use_safetensors=True, trust_remote_code=False
            )
            processor = transformers.WhisperProcessor.from_pretrained(folder)
        except (OSError, ValueError) as error:
            raise CoreError("model-unreadable", f"The Whisper at {location} can't be opened: {error}.") from None
        logging.getLogger("transformers.generation").setLevel(logging.ERROR)  # it warns at every window
        return cls(model.to(where).eval(), processor, folder, where)

    def digest(self) -> str:
        """The hash of the model's weights: of each file's own, in the order of their names."""
        digest = hashlib.sha256()
        for path in sorted(self.folder.iterdir()):
            if path.suffix == ".safetensors":
                with path.open("rb") as file:
                    digest.update(hashlib.file_digest(file, "sha256").digest())
        return digest.hexdigest()

    def language_of(self, wave: NDArray[np.int16]) -> str:
        """The language that is spoken in a window, by its code; empty for a model that knows one language."""
        if not self.is_multilingual or not self.languages:
            return ""
        with torch.inference_mode():
            found = int(self.model.detect_language(self._features(wave)["input_features"])[0])
        return next((name for name, id in self.languages.items() if id == found), "")

    def hear(self, wave: NDArray[np.int16], language: str = "") -> list[Word]:
        """The words of one window, in ms from its beginning; none where it is silent.

        `wave` is of shape (frames,), at most 30 s at 16 kHz.
        """
        if is_silent(wave):
            return []
        asked: dict[str, Any] = {}
        if self.is_multilingual:
            asked = {"task": "transcribe", "language": language or self.language_of(wave)}
        with torch.inference_mode():
            said = self.model.generate(
                **self._features(wave),
                **asked,
                return_timestamps=True,
                return_token_timestamps=self.is_aligned,
                force_unique_generate_call=True,  # one call a window: what it leaves unsaid, the next one hears
                return_dict_in_generate=True,
            )
        tokens = said["sequences"][0].tolist()
        times = said["token_timestamps"][0].tolist() if self.is_aligned else None
        length_ms = len(wave) * 1000 // RATE
        found = list(self._words(tokens, times, length_ms, language in UNSPACED))
        return [word for word in found if word.start_ms < length_ms]

    def _features(self, wave: NDArray[np.int16]) -> dict[str, Any]:
        sound = wave.astype(np.float32) / 32768
        made = self.processor.feature_extractor(
            sound, sampling_rate=RATE, return_tensors="pt", return_attention_mask=True
        )
        features = made.input_features.to(self.device, self.model.dtype)
        return {"input_features": features, "attention_mask": made.attention_mask.to(self.device)}

    def _words(
        self, tokens: Sequence[int], times: Sequence[float] | None, length_ms: int, unspaced: bool
    ) -> Iterator[Word]:
        """Words line by line: a line lies between two timestamps that the model says."""
        line, since, until = 0, 0, 0
        held: list[tuple[int, int]] = []  # tokens with the place of each
        for place, token in enumerate([*tokens, self.first_timestamp + length_ms // STEP_MS]):
            if token < self.end:
                held.append((place, token))
            elif token >= self.first_timestamp:
                until = min((token - self.first_timestamp) * STEP_MS, length_ms)
                if held:
                    pieces = list(self._pieces([token for _, token in held], unspaced))
                    yield from _placed(pieces, [place for place, _ in held], times, (since, until), length_ms, line)
                    line += 1
                held, since = [], until

    def _pieces(self, tokens: Sequence[int], unspaced: bool) -> Iterator[tuple[str, int, int]]:
        """The words that tokens spell, with the first token of each and the one after its last.

        A character may be spread over several tokens; a word begins with its space, or, where a language has none, with
        each character.
        """
        text, begun, first = "", 0, 0
        for number in range(len(tokens)):
            piece = self.processor.tokenizer.decode(tokens[begun : number + 1], clean_up_tokenization_spaces=False)
            if "\ufffd" in piece and number + 1 < len(tokens) and number - begun < 4:
                continue  # half a character
            piece = piece.replace("\ufffd", "")
            if text.strip() and (piece.startswith(" ") or (unspaced and piece[:1].isalnum())):
                yield text, first, begun
                text, first = "", begun
            text, begun = text + piece, number + 1
        if text.strip():
            yield text, first, begun


def _placed(
    pieces: Sequence[tuple[str, int, int]],
    places: Sequence[int],
    times: Sequence[float] | None,
    span: tuple[int, int],
    length_ms: int,
    line: int,
) -> Iterator[Word]:
    """Give each word its time: what the alignment says, or a share of its line by its length."""
    if times is None:
        since, until = span
        whole = sum(len(text) for text, _, _ in pieces)
        said = 0
        for text, _, _ in pieces:
            start = since + (until - since) * said // whole
            said += len(text)
            yield Word(start, max(start, since + (until - since) * said // whole), text, line)
        return
    spans = []
    for _, first, after in pieces:
        said_at, over_at = times[max(0, places[first] - 1)], times[places[after - 1]]
        begins = min(round(said_at * 1000), length_ms)
        spans.append((begins, max(begins, min(round(over_at * 1000), length_ms))))
    usual: float = median(end - start for start, end in spans) if spans else 0
    most = round(min(max(LONGEST_MS[0], 2 * usual), LONGEST_MS[1]))
    for number, ((text, _, _), (start, end)) in enumerate(zip(pieces, spans, strict=True)):
        if end - start > most:  # music and silence beside a line make its first and last word too long
            start, end = (end - most, end) if number == 0 and len(pieces) > 1 else (start, start + most)
        yield Word(start, end, text, line)


def is_silent(wave: NDArray[np.int16]) -> bool:
    """Whether there is nothing in a window to hear."""
    return not len(wave) or int(np.abs(wave.astype(np.int32)).max()) < SILENT
