"""What the log says of each photo that was looked at: measures, and nothing that leads to anyone.

The line belongs to no request: it has no id, no trace, no user. `python -m models drift` compares
a week of such lines with others, by version of the app that sent the photo.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from parrot import logs

if TYPE_CHECKING:
    from parrot.model.reason import Quality
    from parrot.records import Classification

MESSAGE = "photo"
SAVED = "(saved)"  # of stored photos, in place of a version; no app can call itself that
_DECIMALS = 4


def log(answer: Classification, quality: Quality) -> None:
    """Write the line of one photo.

    `doubt` is what speaks against the answer: of a possible parrot, all but its likeliest species;
    of others, that it is a parrot. `side` is the photo's short side in pixels, `distance`
    that of `Embedding`; see `Quality` for the others.
    """
    named = answer.is_parrot or answer.maybe
    likeliest = answer.species[0].probability if answer.species else 0.0
    known = answer.species_set
    fields = {
        "bundle": answer.bundle,
        "verdict": answer.verdict,
        "reason": answer.reason,
        "names": None if known is None else len(known.species),
        "doubt": round(1 - likeliest if named else answer.parrot_probability, _DECIMALS),
        "brightness": round(quality.brightness, _DECIMALS),
        "sharpness": round(quality.sharpness, _DECIMALS),
        "side": min(answer.width, answer.height),
        "distance": answer.embedded and round(answer.embedded.distance, _DECIMALS),
    }
    logs.apart(MESSAGE, {name: value for name, value in fields.items() if value is not None})
