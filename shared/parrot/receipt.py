"""How far a person's erasure has come, and the signed receipt that they get of it."""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from datetime import datetime


@dataclass(frozen=True, slots=True)
class Erasure:
    """Everything of one person is being removed, batch by batch, or was."""

    uid: str
    begun: datetime
    removed: int = 0  # observations, without those of `batch`
    batch: tuple[str, ...] = ()  # ids that are being removed now
    bundles: tuple[str, ...] = ()  # that were fitted on some of them
    finished: datetime | None = None
    revision: int = 0  # counts changes; 0: not stored yet


def signature(receipt: object, seed: bytes) -> tuple[str, str]:
    """The public key of a 32-byte Ed25519 seed and what it signs a receipt with, in base64."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import (  # noqa: PLC0415 - rarely needed
        Ed25519PrivateKey,
    )

    key = Ed25519PrivateKey.from_private_bytes(seed)
    return _text(key.public_key().public_bytes_raw()), _text(key.sign(_canonical(receipt)))


def verified(signed: object, public_key: bytes) -> dict[str, Any]:
    """What a signed receipt says. Raises ValueError unless this key's owner signed just that."""
    from cryptography.exceptions import InvalidSignature  # noqa: PLC0415 - as above
    from cryptography.hazmat.primitives.asymmetric.ed25519 import (  # noqa: PLC0415
        Ed25519PublicKey,
    )

    if not isinstance(signed, dict) or not isinstance(signed.get("receipt"), dict):
        raise ValueError("this is not a receipt")  # noqa: TRY004 - it is a file's content
    try:
        mark = base64.b64decode(str(signed.get("signature")), validate=True)
        key = Ed25519PublicKey.from_public_bytes(public_key)
        key.verify(mark, _canonical(signed["receipt"]))
    except (InvalidSignature, binascii.Error) as error:
        raise ValueError("the receipt was changed, or another key signed it") from error
    return dict(signed["receipt"])


def _canonical(receipt: object) -> bytes:
    return json.dumps(receipt, sort_keys=True, separators=(",", ":")).encode()


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()
