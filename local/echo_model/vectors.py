"""Embeddings by hashing: texts with the same words, or words with the same parts, are near each other."""

from __future__ import annotations

import hashlib
import math
import re
from collections import Counter

DIMENSIONS = 256
_COMMON = frozenset(
    [
        "a",
        "an",
        "and",
        "are",
        "as",
        "at",
        "be",
        "by",
        "for",
        "from",
        "in",
        "is",
        "it",
        "of",
        "on",
        "or",
        "that",
        "the",
        "this",
        "to",
        "was",
        "what",
        "which",
        "who",
        "with",
    ]
)


def embedding(text: str, dimensions: int = DIMENSIONS) -> list[float]:
    """Return a vector of length 1; of a text without words, one that is near nothing."""
    weights: Counter[str] = Counter()
    for word in re.findall(r"\w+", text.lower()):
        if word in _COMMON:
            continue
        weights[word] += 1.0  # type: ignore[assignment]  # a Counter counts in halves as well
        padded = f"^{word}$"
        for start in range(len(padded) - 2):
            weights["#" + padded[start : start + 3]] += 0.25  # type: ignore[assignment]
    vector = [0.0] * dimensions
    for feature, weight in weights.items():
        digest = int.from_bytes(hashlib.blake2b(feature.encode(), digest_size=8).digest())
        vector[(digest >> 1) % dimensions] += math.sqrt(weight) * (1 if digest & 1 else -1)
    length = math.sqrt(sum(number * number for number in vector))
    if not length:
        return [1.0, *[0.0] * (dimensions - 1)]
    return [number / length for number in vector]


_HARM = {
    "violence": ("kill", "murder", "stab", "shoot", "bomb"),
    "hate": ("hate", "subhuman", "vermin"),
    "harassment": ("stupid", "idiot", "loser"),
    "self-harm": ("suicide", "self-harm"),
    "sexual": ("porn", "nude"),
}


def moderation(text: str) -> dict[str, object]:
    """Return a verdict by single words: enough to build with, not to rely on."""
    words = set(re.findall(r"[\w-]+", text.lower()))
    categories = {name: bool(words & set(bad)) for name, bad in _HARM.items()}
    scores = {name: 0.99 if hit else 0.01 for name, hit in categories.items()}
    return {"flagged": any(categories.values()), "categories": categories, "category_scores": scores}
