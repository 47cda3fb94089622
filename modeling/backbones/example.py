"""What a model is shown and what it should answer."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

# what the published data set says where a side is silent; nothing is to be learnt from it
PLACEHOLDERS = {
    "user": "Please analyze this audio segment.",
    "assistant": "I need more information before I can respond. Please elaborate.",
}


@dataclass(frozen=True, slots=True)
class Message:
    role: str  # "user" is the amateur, "assistant" the expert
    text: str
    audio: Path | None = None


@dataclass(frozen=True, slots=True)
class Example:
    """One turn of a conversation with all that came before it; a missing side is None, never a placeholder."""

    row: str  # "<split>/<conversation_id>/<turn_id>"
    history: tuple[Message, ...] = ()
    summary: str | None = None
    user: str | None = None
    audio: Path | None = None
    answer: str | None = None
    has_content: bool | None = None

    @property
    def is_trainable(self) -> bool:
        return bool(self.answer) and self.is_answerable

    @property
    def is_answerable(self) -> bool:
        return bool(self.user or self.audio or self.history or self.summary)

    def without_oldest_turn(self) -> Self:
        return replace(self, history=self.history[1:])

    def with_recent(self, turns: int) -> Self:
        """Keep the last turns of the history; a turn begins where the amateur speaks, or the expert unasked."""
        starts = [
            at
            for at, message in enumerate(self.history)
            if message.role == "user" or at == 0 or self.history[at - 1].role != "user"
        ]
        first = starts[-turns] if 0 < turns <= len(starts) else 0 if turns else len(self.history)
        return replace(self, history=self.history[first:])

    def messages(self, *, system: str | None = None) -> tuple[Message, ...]:
        """Put the parts in the paper's order: summary, earlier turns, then the clip with the amateur's words.

        The summary opens the first message when that is the amateur's, and is a message of its own otherwise. A silent
        amateur leaves a message that holds the clip alone.
        """
        spoken = [*self.history, Message("user", self.user or "", self.audio)]
        # a published row may carry the summary in front of the amateur's words already
        if self.summary and not any(message.text.startswith(self.summary) for message in spoken):
            first = spoken[0]
            if first.role == "user":
                spoken[0] = replace(first, text=f"{self.summary}\n\n{first.text}".rstrip())
            else:
                spoken.insert(0, Message("user", self.summary))
        if system:
            spoken.insert(0, Message("system", system))
        return tuple(spoken)


def history_of(turns: Sequence[dict[str, str | None]] | None) -> tuple[Message, ...]:
    """Read earlier turns as text, leaving out sides where nobody spoke; the clip of a model is the current one."""
    return tuple(
        Message(str(turn["role"]), words)
        for turn in turns or ()
        if (words := spoken(turn.get("content"), str(turn["role"])))
    )


def spoken(text: str | None, role: str) -> str | None:
    """Give the words of a side, and None for silence, which a data set may have written as a sentence."""
    words = (text or "").strip()
    return None if not words or words == PLACEHOLDERS.get(role) else words
