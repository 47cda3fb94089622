"""What a model is shown and what it should answer."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self


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
        Message(str(turn["role"]), str(turn["content"]).strip())
        for turn in turns or ()
        if turn.get("content") and str(turn["content"]).strip()
    )
