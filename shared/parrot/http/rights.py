"""The answers of /me: what is kept about a person, and what was erased."""

from __future__ import annotations

from typing import TYPE_CHECKING

from parrot.http import answers, files, judged, schemas
from parrot.observation import Status
from parrot.observations import StoredFile
from parrot.receipt import signature

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask import Response

    from parrot.quota import User
    from parrot.receipt import Erasure
    from parrot.records import OpenObject
    from parrot.takeout import Summary

_AGAIN_SECONDS = "1"


def person(user: User, summary: Summary, key: bytes | None) -> Response:
    """The figures; `key` signs receipts."""
    training = summary.training
    body = schemas.Person(
        user=user.uid,
        observations={status.value: summary.statuses[status] for status in Status},
        training=schemas.TrainingCounts(
            allowed=training[True], refused=training[False], unasked=training[None]
        ),
        first=None if summary.first is None else judged.time(summary.first),
        last=None if summary.last is None else judged.time(summary.last),
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
    response = answers.private(schemas.Erasing(removed=erasure.removed), status=202)
    response.headers["Retry-After"] = _AGAIN_SECONDS
    return response


def signed(erasure: Erasure, key: bytes | None, *, account: bool) -> schemas.SignedReceipt | None:
    """None until it is finished; `account`: whether that was removed too."""
    if erasure.finished is None:
        return None
    receipt = schemas.Receipt(
        user=erasure.uid,
        observations=erasure.removed,
        begun=judged.time(erasure.begun),
        finished=judged.time(erasure.finished),
        bundles=list(erasure.bundles),
        account=account,
    )
    if key is None:
        return schemas.SignedReceipt(receipt=receipt)
    public, mark = signature(receipt, key)
    return schemas.SignedReceipt(receipt=receipt, key=public, signature=mark)
