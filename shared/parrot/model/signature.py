"""A bundle's signature: Ed25519 over its manifest, which names the sha256 of every other file.

Whoever may write to the bucket can put a bundle there, but only who holds the private key can sign
one. Several public keys may be trusted at once: to replace a key, trust the new one as well, sign
the bundles in use again, then stop trusting the old one.
"""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING

from parrot.errors import BadBundle
from parrot.model.manifest import MANIFEST

if TYPE_CHECKING:
    from collections.abc import Sequence

    from parrot.model.bundle import BundleFiles

SIGNATURE = "manifest.sig"  # base64, 88 letters


class SignedFiles:
    """A bundle's files, whose manifest is given out only if one of these keys signed it."""

    def __init__(self, files: BundleFiles, keys: Sequence[bytes]) -> None:
        """`keys` are raw public keys, at least one."""
        self._files, self._keys = files, tuple(keys)

    def read(self, name: str) -> bytes:
        """The whole file. Raises BadBundle where the signature is missing or is not valid."""
        data = self._files.read(name)
        if name == MANIFEST:
            verify(data, self._files.read(SIGNATURE), self._keys)
        return data


def verify(manifest: bytes, signature: bytes, keys: Sequence[bytes]) -> None:
    """Raises BadBundle unless one of the keys signed this manifest."""
    from cryptography.exceptions import InvalidSignature  # who trusts no key does not pay for it
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        raw = base64.b64decode(signature.strip(), validate=True)
    except binascii.Error as error:
        raise BadBundle(f"{SIGNATURE} is not base64") from error
    for key in keys:
        try:
            Ed25519PublicKey.from_public_bytes(key).verify(raw, manifest)
        except InvalidSignature:
            continue
        return
    raise BadBundle(f"{SIGNATURE} was not made by a key in MODEL_BUNDLE_PUBLIC_KEY")
