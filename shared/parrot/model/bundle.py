"""A model bundle: read, verified, ready to score.

No file is used before its sha256 is compared, and nothing is unpickled unless the deployment pins
the manifest itself.

A bundle's signature is Ed25519 over its manifest, which names the sha256 of every other file.
Anyone who can write to the bucket can put a bundle there, but only the owner of the private key can
sign. Several public keys may be trusted at once: to replace a key, trust the new one as well, sign
the bundles in use again, then stop trusting the old one.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, Self

from parrot.errors import BadBundle
from parrot.model.manifest import (
    EMBEDDING,
    GATE,
    JOBLIB_STAGES,
    LOOK_ALIKES,
    MANIFEST,
    NAMING,
    SPECIES,
    TAXONOMY,
    Manifest,
    digest,
)
from parrot.model.species import SpeciesTable, Taxonomy, look_alikes

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from parrot.model.embedding import Embedding
    from parrot.model.heads import Gate, Naming
    from parrot.records import LookAlike

    Unpickle = Callable[[Mapping[str, bytes], str], Gate]

SIGNATURE = "manifest.sig"  # base64, 88 letters
_TOLERANCE = 1e-4


class BundleFiles(Protocol):
    """Where a bundle's files are kept."""

    @property
    def version(self) -> str | None:
        """The version that was asked for, and that the manifest must have; None for any."""

    def read(self, name: str) -> bytes:
        """The whole file. Raises BadBundle if it does not exist, StoreUnavailable."""


@dataclass(frozen=True, slots=True)
class Bundle:
    """Everything about the models that a function keeps in memory."""

    manifest: Manifest
    sha256: str  # of manifest.json: names the bundle's content, whatever its version says
    gate: Gate
    species: SpeciesTable
    naming: Naming | None = None
    taxonomy: Taxonomy | None = None
    embedding: Embedding | None = None
    look_alikes: tuple[LookAlike, ...] = ()

    @classmethod
    def load(
        cls, files: BundleFiles, *, sha256: str | None, unpickle: Unpickle | None = None
    ) -> Self:
        """Read and verify a bundle. Raises BadBundle, StoreUnavailable.

        `sha256` is what the manifest must have, None if it may have any. `unpickle` makes a gate of
        the four pickles by name and the scikit-learn version that wrote them. Pass it only if
        the sha256 was chosen at deployment, not by someone who can write to the bucket.
        """
        from parrot.model.heads import Gate, Naming  # with NumPy, which `load_species` does without

        manifest, actual = _manifest(files, sha256)
        species = _species(files, manifest)
        if manifest.compiled:
            gate = Gate.load(verified(files, manifest, GATE))
        elif sha256 is None or unpickle is None:
            raise BadBundle(
                "this bundle's gate must be unpickled, which is allowed only for a pinned manifest:"
                f" set MODEL_BUNDLE_SHA256={actual} if you trust its files"
            )
        else:
            pickles = {name: verified(files, manifest, name) for name in JOBLIB_STAGES}
            gate = unpickle(pickles, manifest.scikit_learn)
        _reproduce(gate, manifest)
        if manifest.rules.tells_birds and not gate.tells_birds:
            raise BadBundle(f"rules: a {gate.scorer.kind} gate cannot tell other birds apart")
        naming = taxonomy = None
        if manifest.rules.naming is not None:
            naming = Naming.load(verified(files, manifest, NAMING))
            taxonomy = Taxonomy.parse(verified(files, manifest, TAXONOMY))
            _check_naming(naming, taxonomy, manifest)
        embedding = _embedding(files, manifest)
        alike: tuple[LookAlike, ...] = ()
        if LOOK_ALIKES in manifest.files:
            alike = look_alikes(verified(files, manifest, LOOK_ALIKES), species)
        return cls(manifest, actual, gate, species, naming, taxonomy, embedding, alike)


def verified(files: BundleFiles, manifest: Manifest, name: str) -> bytes:
    """A file of the manifest, unharmed. Raises BadBundle, StoreUnavailable."""
    data = files.read(name)
    actual = digest(data)
    if actual != manifest.files[name]:
        raise BadBundle(
            f"{name} ({len(data):,} bytes) has sha256 {actual[:12]}...,"
            f" the manifest says {manifest.files[name][:12]}...: damaged or half uploaded"
        )
    return data


def load_species(files: BundleFiles, *, sha256: str | None) -> SpeciesTable:
    """The classes alone, without the gate. Raises BadBundle, StoreUnavailable."""
    return _species(files, _manifest(files, sha256)[0])


def load_labels(files: BundleFiles, *, sha256: str | None) -> dict[str, int]:
    """Ids of the classes and of every taxon, each with its photos; see `Manifest.photos`.

    Raises BadBundle, StoreUnavailable.
    """
    manifest, _ = _manifest(files, sha256)
    labels = {row.id for row in _species(files, manifest).rows}
    if TAXONOMY in manifest.files:
        labels |= Taxonomy.parse(verified(files, manifest, TAXONOMY)).taxa.keys()
    return dict.fromkeys(labels, 0) | dict(manifest.photos)


def _manifest(files: BundleFiles, sha256: str | None) -> tuple[Manifest, str]:
    data = files.read(MANIFEST)
    actual = digest(data)
    if sha256 is not None and actual != sha256:
        raise BadBundle(f"{MANIFEST} has sha256 {actual[:12]}..., expected {sha256[:12]}...")
    manifest = Manifest.parse(data)
    if files.version not in {None, manifest.version}:
        # An older bundle, copied over a newer one, has a valid signature too.
        raise BadBundle(
            f"{MANIFEST} is of version {manifest.version}, in the place of {files.version}"
        )
    return manifest, actual


def _species(files: BundleFiles, manifest: Manifest) -> SpeciesTable:
    species = SpeciesTable.parse(verified(files, manifest, SPECIES))
    if len(species) != manifest.classes:
        raise BadBundle(
            f"{SPECIES} has {len(species)} species, the manifest says {manifest.classes}"
        )
    return species


def _embedding(files: BundleFiles, manifest: Manifest) -> Embedding | None:
    if EMBEDDING not in manifest.files:
        return None
    from parrot.model.embedding import Embedding  # with NumPy, as above

    embedding = Embedding.load(verified(files, manifest, EMBEDDING))
    if len(embedding.mean) != manifest.features:
        raise BadBundle(f"{EMBEDDING} is not for {manifest.features} features")
    return embedding


def _check_naming(naming: Naming, taxonomy: Taxonomy, manifest: Manifest) -> None:
    shape = (manifest.features, manifest.classes + 1)
    if naming.species.weights.shape != shape or len(naming.groups.weights) != manifest.features:
        raise BadBundle(f"{NAMING} is not for {shape[0]} features and {manifest.classes} classes")
    unknown = [group for group in naming.group_ids if group not in taxonomy.taxa]
    if unknown:
        raise BadBundle(f"{NAMING}: {unknown[0]!r:.60} is not in {TAXONOMY}")


def _reproduce(gate: Gate, manifest: Manifest) -> None:
    import numpy as np

    if gate.scorer.kind != manifest.gate_kind:
        raise BadBundle(f"the gate is {gate.scorer.kind}, the manifest says {manifest.gate_kind}")
    if gate.features != manifest.features:
        raise BadBundle(
            f"the gate takes {gate.features} features, the manifest says {manifest.features}"
        )
    probabilities = gate.parrot(np.array([line.features for line in manifest.reference]))
    for number, (line, probability) in enumerate(
        zip(manifest.reference, probabilities, strict=True)
    ):
        if not abs(probability - line.probability) <= _TOLERANCE:  # NaN fails too
            raise BadBundle(
                f"reference vector {number} gives {probability:.6f},"
                f" the manifest says {line.probability:.6f}: the gate does not reproduce it"
            )


class SignedFiles:
    """A bundle's files, whose manifest is given out only if one of these keys signed it."""

    def __init__(self, files: BundleFiles, keys: Sequence[bytes]) -> None:
        """`keys` are raw public keys, at least one."""
        self._files, self._keys = files, tuple(keys)
        self.version = files.version

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
