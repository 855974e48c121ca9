"""The person's label against the model's verdict."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from parrot.observation import Label, Status, Verdict, reviewed
from parrot.records import NOT_A_PARROT, OTHER_PARROT, UntrainedLabel

NOW = datetime(2026, 11, 24, tzinfo=UTC)
MACAW = Verdict(
    is_parrot=True,
    parrot_probability=0.99,
    species="ara-macao",
    species_probability=0.9,
    bundle="1",
    model="M/1",
)
NOTHING = Verdict(
    is_parrot=False,
    parrot_probability=0.01,
    species=None,
    species_probability=None,
    bundle="1",
    model="M/1",
)


@pytest.mark.parametrize(
    ("label", "verdict", "status"),
    [
        (NOT_A_PARROT, NOTHING, Status.READY),
        (NOT_A_PARROT, MACAW, Status.NEEDS_REVIEW),
        (OTHER_PARROT, NOTHING, Status.NEEDS_REVIEW),
        (OTHER_PARROT, MACAW, Status.NEEDS_REVIEW),
    ],
)
def test_labels_outside_the_classes_are_reviewed_unless_both_say_no_parrot(
    label: UntrainedLabel, verdict: Verdict, status: Status
) -> None:
    """The model has no name for another parrot, so a person has to look."""
    assert reviewed(Label(label.id, None, NOW), verdict) is status
