"""What is kept about a person, and what was erased: the answers of /me."""

from __future__ import annotations

from typing import NotRequired, TypedDict


class TrainingCounts(TypedDict):
    """Of how many photos the user said that they may train, may not, or nothing."""

    allowed: int
    refused: int
    unasked: int


class Person(TypedDict):
    """What is kept about the user: how many observations of each status, since when.

    `receipt_key` is the public key that receipts of DELETE /me are signed with, in base64.
    """

    user: str
    observations: dict[str, int]
    training: TrainingCounts
    first: str | None
    last: str | None
    receipt_key: str | None


class Erasing(TypedDict):
    """More is left than one request removes: send the same DELETE again."""

    removed: int


class Receipt(TypedDict):
    """What was removed of whom, and which bundles of models had been fitted on some of it."""

    user: str
    observations: int
    begun: str
    finished: str
    bundles: list[str]
    account: bool


class SignedReceipt(TypedDict):
    """The receipt, and an Ed25519 signature of its JSON with sorted keys and without spaces."""

    receipt: Receipt
    key: NotRequired[str]
    signature: NotRequired[str]
