"""Words by which an answer would tell who gave it: found before a study opens, and never afterwards."""

import re
from collections.abc import Iterable

PHRASES = (
    "as an ai", "as a language model", "language model", "i am an ai", "i'm an ai", "ai assistant", "openai", "chatgpt",
    "gpt-4", "anthropic", "claude", "gemini", "llama", "mistral", "qwen", "gemma", "deepseek", "hugging face",
)  # fmt: skip
COMMON = {"expert", "base", "model", "answer"}  # words that everybody uses


def scan(texts: Iterable[tuple[str, str]], names: Iterable[str]) -> list[tuple[str, str]]:
    """Where these texts name a source: (key, word) for each (key, text) that holds a phrase or one of the names."""
    words = {*PHRASES, *(name.casefold() for name in names if len(name) > 2)} - COMMON
    pattern = re.compile("|".join(rf"(?<!\w){re.escape(word)}(?!\w)" for word in sorted(words, key=len, reverse=True)))
    return [(key, word) for key, text in texts for word in sorted(set(pattern.findall(text.casefold())))]
