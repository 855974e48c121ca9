"""Whether a saved photo may train models: what the person said, since when, and who decides."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime


@dataclass(frozen=True, slots=True)
class Consent:
    """An answer, and since when it holds. A person who was never asked has given none."""

    given: bool
    at: datetime


class Training(StrEnum):
    """What a deployment does about training."""

    ASK = "ask"  # only what people allow trains
    GRANTED = "granted"  # what people agreed to when they signed up; each photo can be taken out
    OFF = "off"  # nothing trains, whatever people say

    def consent(
        self,
        said: bool | None,  # noqa: FBT001 - a record
        now: datetime,
        *,
        signed_up: bool = True,
    ) -> Consent | None:
        """What to keep of a person's answer about a photo, None if they gave none."""
        if self is Training.OFF:
            return Consent(given=False, at=now)
        if said is None:
            granted = self is Training.GRANTED and signed_up
            return Consent(given=True, at=now) if granted else None
        return Consent(said, now)
