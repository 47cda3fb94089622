"""What a rater should not be surprised by: answers that are empty, cut off, stuck or only repeat the question."""

import re
from collections import Counter
from collections.abc import Sequence

# the sentence that the published data set puts where the expert was silent; a model that learnt it says nothing
PLACEHOLDER = "i need more information before i can respond"
LONGEST_LOOP = 12  # tokens
ECHO_WORDS = 6


def flags_of(text: str, ids: Sequence[int], *, stop: str, said: str) -> tuple[str, ...]:
    """Name what is odd about an answer; `said` is the text of all messages before it."""
    words = _words(text)
    found = {
        "empty": not text,
        "max-length": stop == "length",
        "repeats": is_stuck(ids),
        "prompt-echo": len(words) >= ECHO_WORDS and " ".join(words) in " ".join(_words(said)),
        "placeholder": " ".join(words).startswith(PLACEHOLDER),
    }
    return tuple(flag for flag, is_raised in found.items() if is_raised)


def is_stuck(ids: Sequence[int]) -> bool:
    """Say whether the answer ends in a loop of up to twelve tokens, or consists mostly of one repeated 4-gram."""
    for length in range(1, LONGEST_LOOP + 1):
        times = 4 if length > 2 else 8  # a short loop may be an honest "no, no, no"
        tail = list(ids[-length * times :])
        if len(tail) == length * times and tail == tail[:length] * times:
            return True
    grams = Counter(zip(ids, ids[1:], ids[2:], ids[3:], strict=False))
    return len(ids) >= 16 and max(grams.values()) * 4 > len(ids) / 2


def word_ids(text: str) -> list[int]:
    """Number the words of an answer whose tokens are not known, so that a loop of them shows."""
    words = text.split()
    return list(map({word: at for at, word in enumerate(words)}.__getitem__, words))


def _words(text: str) -> list[str]:
    return re.findall(r"\w+", text.lower())
