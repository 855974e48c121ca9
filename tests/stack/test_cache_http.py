"""The cache of answers, seen from outside."""

from __future__ import annotations

import requests

from tests.support.photos import encoded, noise


def test_an_answer_from_memory_says_so(classify_url: str) -> None:
    """Server-Timing tells what was waited for."""
    photo = encoded(noise(16, 16, seed=77))
    first, again = (requests.post(classify_url, data=photo, timeout=30) for _ in range(2))
    assert first.json() == again.json()
    assert first.headers["Server-Timing"].startswith("decode;dur=")
    assert again.headers["Server-Timing"].startswith("cache;desc=hit;dur=")
