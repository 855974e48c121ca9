"""Where an observation stands once the model's verdict lies beside the person's label."""

from __future__ import annotations

from typing import TYPE_CHECKING

from parrot.records import Status

if TYPE_CHECKING:
    from parrot.records import Label, Verdict


def status(label: Label | None, verdict: Verdict) -> Status:
    """READY, or NEEDS_REVIEW where a person and the model name different things.

    Without a label nobody disagrees yet. A label always names a parrot, so a verdict of "no
    parrot" contradicts every one.
    """
    if label is None or label.species == verdict.species:
        return Status.READY
    return Status.NEEDS_REVIEW
