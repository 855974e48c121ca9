"""The life of a bundle: written, published as a version, promoted to be followed, rolled back.

`bundles/VERSION/` is written once; it counts as a version once its manifest, the last file, exists.
`bundles/current.json` names the version that functions without a pinned one use:

{"version": "2026-11-23", "manifest_sha256": "...", "promoted": "2026-11-23T10:00:00+00:00",
 "history": [{"version": ..., "manifest_sha256": ..., "promoted": ...}, ...]}   newest first
"""

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from models.publishing.release_store import Changed, ReleaseStore
from parrot.adapters.bucket import CURRENT, FOLDER
from parrot.adapters.joblib_gate import unpickle
from parrot.errors import BadBundle
from parrot.model.bundle import SIGNATURE, Bundle, BundleFiles, SignedFiles, verified
from parrot.model.manifest import HEAD, LAST_BLOCKS, MANIFEST, Manifest, digest, version_name

RETRAINED = "retrained"  # in the metrics of what learnt from saved photos
_HISTORY = 50


class Refused(Exception):
    """The change was not made; the message says why."""


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


@dataclass(frozen=True, slots=True)
class Release:
    """A published version; `manifest_sha256` is what a deployment pins."""

    version: str
    manifest_sha256: str


@dataclass(frozen=True, slots=True)
class Promotion:
    """A version that became current, and when."""

    version: str
    manifest_sha256: str
    promoted: str


@dataclass(frozen=True, slots=True)
class Current:
    """What `current.json` says, and its generation."""

    now: Promotion
    history: tuple[Promotion, ...]
    generation: str


def write_files(manifest: Manifest, files: Mapping[str, bytes], folder: Path) -> None:
    """Write the files that a manifest lists, and the manifest last. Raises BadBundle."""
    data = manifest.dump()
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)
    (folder / MANIFEST).write_bytes(data)


def publish(
    source: BundleFiles, store: ReleaseStore, signer: Signer | None = None, *, noted: bool = False
) -> tuple[Release, bool]:
    """Upload a bundle and read it back as a function would; the release, and whether it is new.

    A version without a manifest is an unfinished upload, which is completed. Publishing the same
    bundle again is not an error, and signs it again. One that was retrained must be `noted` on the
    photos that it learnt from. Raises BadBundle, Refused.
    """
    sha256 = digest(source.read(MANIFEST))  # publishing a folder means trusting its pickles
    local = Bundle.load(source, sha256=sha256, unpickle=unpickle)
    release = Release(local.manifest.version, local.sha256)
    prefix = f"{FOLDER}/{release.version}"
    present = store.read(f"{prefix}/{MANIFEST}")
    if present is not None:
        if digest(present.data) != release.manifest_sha256:
            raise Refused(f"{prefix} contains another bundle: publish under another version")
        if signer is not None:
            _sign(present.data, prefix, store, signer)
        return release, False
    retrained = RETRAINED in local.manifest.metrics
    if retrained and not noted:
        raise Refused(
            f"{release.version} learnt from saved photos, and no receipt would name it: retrain"
            " publishes what it accepts; what it refused, only after export-saved --for"
            f" {release.version}, with --noted"
        )
    if retrained:  # its number was chosen hours ago
        _require_own_model(local.manifest, store)
    try:
        for name in local.manifest.files:
            unfinished = store.read(f"{prefix}/{name}")
            data = verified(source, local.manifest, name)  # functions read only some of them
            if unfinished is None or unfinished.data != data:
                over = unfinished.generation if unfinished else None
                store.write(f"{prefix}/{name}", data, over=over)
        if signer is not None:
            _sign(source.read(MANIFEST), prefix, store, signer)
        store.write(f"{prefix}/{MANIFEST}", source.read(MANIFEST), over=None)
    except Changed as error:
        raise Refused(f"someone else is publishing {prefix} right now ({error})") from error
    Bundle.load(_Published(store, release.version), sha256=local.sha256, unpickle=unpickle)
    return release, True


def _require_own_model(manifest: Manifest, store: ReleaseStore) -> None:
    """No image could serve two models under one version. Raises Refused."""
    models = {(model.name, model.version) for model in manifest.models}
    for other in _manifests(store).values():
        shared = models & {(model.name, model.version) for model in other.models}
        if shared and _built_from(other) != _built_from(manifest):
            name, version = min(shared)
            raise Refused(
                f"{other.version} has another model as {name}/{version} by now: retrain"
                f" {manifest.version} again, for the next number"
            )


def _built_from(manifest: Manifest) -> tuple[str | None, ...]:
    return tuple(manifest.files.get(name) for name in (HEAD, LAST_BLOCKS))


def _manifests(store: ReleaseStore) -> dict[str, Manifest]:
    """Of every published version."""
    stored = {
        name.split("/")[-2]: store.read(name)
        for name in store.names(f"{FOLDER}/")
        if name.endswith(f"/{MANIFEST}")
    }
    return {name: Manifest.parse(read.data) for name, read in stored.items() if read is not None}


def _sign(manifest: bytes, prefix: str, store: ReleaseStore, signer: Signer) -> None:
    name = f"{prefix}/{SIGNATURE}"
    before, data = store.read(name), signer.sign(manifest)
    if before is None or before.data != data:
        try:
            store.write(name, data, over=before.generation if before else None)
        except Changed as error:
            raise Refused(f"someone else is signing {prefix} right now ({error})") from error


def published(store: ReleaseStore) -> list[Release]:
    """All published versions, oldest name first."""
    versions = []
    for name in store.names(f"{FOLDER}/"):
        version, _, file = name.removeprefix(f"{FOLDER}/").partition("/")
        manifest = store.read(name) if file == MANIFEST else None
        if manifest is not None:
            versions.append(Release(version, digest(manifest.data)))
    return versions


def current(store: ReleaseStore) -> Current | None:
    """What is current, None if nothing is. Raises BadBundle if the pointer cannot be read."""
    stored = store.read(CURRENT)
    if stored is None:
        return None
    try:
        raw = json.loads(stored.data)
        history = tuple(Promotion(**line) for line in raw.pop("history"))
        return Current(Promotion(**raw), history, stored.generation)
    except (ValueError, KeyError, TypeError) as error:
        raise BadBundle(f"{CURRENT} cannot be read: {error!r}") from error


def fetch(
    promotion: Promotion, store: ReleaseStore, folder: Path, keys: Sequence[bytes] = ()
) -> None:
    """Write a published version's files into a folder, if one of these keys signed it.

    Without keys any is taken. Raises BadBundle.
    """
    source: BundleFiles = _Published(store, promotion.version)
    if keys:
        source = SignedFiles(source, keys)
    if digest(source.read(MANIFEST)) != promotion.manifest_sha256:
        raise BadBundle(f"{promotion.version} has changed since it was promoted")
    manifest = Manifest.parse(source.read(MANIFEST))
    write_files(
        manifest, {name: verified(source, manifest, name) for name in manifest.files}, folder
    )


def model_version(version: str, base: Path, store: ReleaseStore) -> str:
    """A number for the served model of a new version of this bundle, higher than all others.

    What is published under that version already keeps its own: it may be published again.
    """
    manifests = {"": Manifest.parse((base / MANIFEST).read_bytes()), **_manifests(store)}
    if version in manifests:
        return manifests[version].models[0].version or "1"
    numbers = [
        int(model.version)
        for manifest in manifests.values()
        for model in manifest.models
        if model.version and model.version.isdecimal()
    ]
    return str(max(numbers, default=0) + 1)


def promote(version: str, store: ReleaseStore) -> Promotion:
    """Make functions without a pinned version use this one from their next start.

    The version is read and verified first, as those functions do: nothing in the store is
    unpickled, so a bundle of pickles can be pinned but not followed. Raises BadBundle if it is
    unknown or damaged, Refused if someone else promotes at the same time.
    """
    before = current(store)
    loaded = Bundle.load(_Published(store, version_name(version)), sha256=None)
    return _point(version, loaded.sha256, before, store)


def rollback(store: ReleaseStore) -> Promotion:
    """Promote again what was current before the current version. Raises BadBundle, Refused."""
    before = current(store)
    earlier = (
        [line for line in before.history if line.version != before.now.version] if before else []
    )
    if before is None or not earlier:
        raise Refused("there is nothing to roll back to")
    loaded = Bundle.load(_Published(store, earlier[0].version), sha256=None)
    if loaded.sha256 != earlier[0].manifest_sha256:
        raise BadBundle(f"{earlier[0].version} has changed since it was promoted")
    return _point(earlier[0].version, loaded.sha256, before, store)


def _point(version: str, sha256: str, before: Current | None, store: ReleaseStore) -> Promotion:
    promotion = Promotion(version, sha256, datetime.now(UTC).isoformat(timespec="seconds"))
    history = (before.now, *before.history)[:_HISTORY] if before else ()
    body = {**asdict(promotion), "history": [asdict(line) for line in history]}
    try:
        data = json.dumps(body, indent=1).encode()
        store.write(CURRENT, data, over=before.generation if before else None)
    except Changed as error:
        raise Refused("someone else has just promoted a version; check and try again") from error
    return promotion


@dataclass(frozen=True, slots=True)
class _Published:
    store: ReleaseStore
    version: str

    def read(self, name: str) -> bytes:
        stored = self.store.read(f"{FOLDER}/{self.version}/{name}")
        if stored is None:
            raise BadBundle(f"{FOLDER}/{self.version}/{name} does not exist")
        return stored.data
