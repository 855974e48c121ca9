"""The private key that signs bundles."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from models.publishing.releases import Refused

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Signer:
    """Signs manifests with one Ed25519 key."""

    key: Ed25519PrivateKey = field(repr=False)

    @classmethod
    def load(cls, path: Path) -> Self:
        """From `openssl genpkey -algorithm ed25519`. Raises Refused."""
        try:
            key = load_pem_private_key(path.read_bytes(), password=None)
        except (OSError, ValueError, TypeError) as error:
            raise Refused(f"{path} cannot be read as a private key without a password") from error
        if not isinstance(key, Ed25519PrivateKey):
            raise Refused(f"{path} is not an Ed25519 key: openssl genpkey -algorithm ed25519")
        return cls(key)

    @property
    def public(self) -> str:
        """What MODEL_BUNDLE_PUBLIC_KEY has to name."""
        return base64.b64encode(self.key.public_key().public_bytes_raw()).decode()

    def sign(self, manifest: bytes) -> bytes:
        """The content of manifest.sig."""
        return base64.b64encode(self.key.sign(manifest)) + b"\n"
