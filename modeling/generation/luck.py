"""The seed of every draw."""

import hashlib


def seed_of(seed: int, row: str, index: int, draw_number: int = 0) -> int:
    """Give every candidate luck of its own, the same from every source and in every batch, and other luck again."""
    words = f"{seed}/{row}/{index}" + (f"/{draw_number}" if draw_number else "")
    return int.from_bytes(hashlib.sha256(words.encode()).digest()[:6], "big")
