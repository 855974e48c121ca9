"""When and where a bird was seen: kept only if the person sends it, and shown to nobody else."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

from parrot.errors import InvalidRequest

_TAKEN = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d")
_POLE = 90.0
_DECIMALS = 3  # of a degree: about 100 m, enough to find the tree and too little for the house


@dataclass(frozen=True, slots=True)
class Sighting:
    """`taken` is local time without a zone, as cameras write it; both or neither coordinate.

    Without any of them it takes back what was said before.
    """

    taken: str | None = None
    latitude: float | None = None
    longitude: float | None = None

    @property
    def kept(self) -> Sighting | None:
        """What an observation has of it."""
        return None if self == Sighting() else self


def sighting(taken: str, place: str) -> Sighting:
    """Of YYYY-MM-DDTHH:MM:SS and LATITUDE,LONGITUDE, each perhaps empty. Raises InvalidRequest."""
    latitude, longitude = _coordinates(place) if place else (None, None)
    return Sighting(_time(taken) if taken else None, latitude, longitude)


def _time(text: str) -> str:
    try:
        if _TAKEN.fullmatch(text):
            return datetime.fromisoformat(text).isoformat()
    except ValueError:
        pass
    raise InvalidRequest(f"taken={text!r:.40} is not a time like 2026-05-03T10:15:00")


def _coordinates(text: str) -> tuple[float, float]:
    try:
        latitude, longitude = map(float, text.split(","))
    except ValueError:
        latitude = longitude = float("nan")
    if not (abs(latitude) <= _POLE and abs(longitude) <= 2 * _POLE):
        raise InvalidRequest(f"place={text!r:.40} is not LATITUDE,LONGITUDE in degrees")
    return round(latitude, _DECIMALS), round(longitude, _DECIMALS)
