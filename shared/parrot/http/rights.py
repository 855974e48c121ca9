"""The answers of /me: what is kept about a person, and what was erased."""

from __future__ import annotations

from typing import TYPE_CHECKING, NotRequired, TypedDict

from parrot.http import answers, files
from parrot.observation import Status
from parrot.observations import StoredFile
from parrot.receipt import signature

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask import Response

    from parrot.quota import User
    from parrot.receipt import Erasure
    from parrot.store import OpenObject
    from parrot.takeout import Summary

_AGAIN_SECONDS = "1"


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


def person(user: User, summary: Summary, key: bytes | None) -> Response:
    """The figures; `key` signs receipts."""
    training = summary.training
    body = Person(
        user=user.uid,
        observations={status.value: summary.statuses[status] for status in Status},
        training=TrainingCounts(
            allowed=training[True], refused=training[False], unasked=training[None]
        ),
        first=None if summary.first is None else answers.time(summary.first),
        last=None if summary.last is None else answers.time(summary.last),
        receipt_key=None if key is None else signature("", key)[0],
    )
    del body["observations"][Status.DELETING.value]
    return answers.private(body)


def archive(content: OpenObject, next_page: str | None, charge: Callable[[int], None]) -> Response:
    """A ZIP; `next_page` is the URL of the next one."""
    response = files.answer(StoredFile(content, "application/zip"), None, charge, from_start=True)
    response.headers["Content-Disposition"] = 'attachment; filename="parrots.zip"'
    response.headers["Vary"] = "Authorization"
    if next_page is not None:
        response.headers["Link"] = f'<{next_page}>; rel="next"'
    return response


def erased(erasure: Erasure, key: bytes | None, *, account: bool) -> Response:
    """The receipt, or 202 where something is left."""
    receipt = signed(erasure, key, account=account)
    if receipt is not None:
        return answers.private(receipt)
    response = answers.private(Erasing(removed=erasure.removed), status=202)
    response.headers["Retry-After"] = _AGAIN_SECONDS
    return response


def signed(erasure: Erasure, key: bytes | None, *, account: bool) -> SignedReceipt | None:
    """None until it is finished; `account`: whether that was removed too."""
    if erasure.finished is None:
        return None
    receipt = Receipt(
        user=erasure.uid,
        observations=erasure.removed,
        begun=answers.time(erasure.begun),
        finished=answers.time(erasure.finished),
        bundles=list(erasure.bundles),
        account=account,
    )
    if key is None:
        return SignedReceipt(receipt=receipt)
    public, mark = signature(receipt, key)
    return SignedReceipt(receipt=receipt, key=public, signature=mark)
