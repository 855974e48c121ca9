"""Signed bundles: whoever may write to the bucket alone cannot make a function use a bundle."""

import base64
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import (
    SECP256R1,
    EllipticCurvePrivateKey,
    generate_private_key,
)
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from typer.testing import CliRunner

from local import stack
from models.cli import app
from models.publishing import releases
from models.publishing.release_store import FolderStore
from models.publishing.releases import Refused, Signer
from parrot.adapters.bucket import FolderFiles
from parrot.adapters.sqlite import SqliteObservations
from parrot.config import Settings
from parrot.errors import BadBundle, BadConfig
from parrot.model.bundle import SIGNATURE, SignedFiles, load_species
from tests.support.settings import LOCAL


def key_file(path: Path, key: Ed25519PrivateKey | EllipticCurvePrivateKey) -> Path:
    path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return path


@pytest.fixture
def signer(tmp_path: Path) -> Signer:
    return Signer.load(key_file(tmp_path / "key.pem", Ed25519PrivateKey.generate()))


def published(folder: Path, signer: Signer | None) -> Path:
    """Where a bundle is, after `publish`."""
    source = FolderFiles(stack.DEFAULT_BUNDLE)
    release, _ = releases.publish(source, FolderStore(folder), signer)
    return folder / "bundles" / release.version


def raw(*signers: Signer) -> tuple[bytes, ...]:
    return tuple(base64.b64decode(signer.public) for signer in signers)


def test_an_unsigned_changed_or_forged_bundle_is_refused(tmp_path: Path, signer: Signer) -> None:
    """Also by somebody with a key of their own."""
    folder = published(tmp_path / "s", None)
    files = SignedFiles(FolderFiles(folder), raw(signer))
    with pytest.raises(BadBundle, match=SIGNATURE):
        load_species(files, sha256=None)
    stranger = Signer(Ed25519PrivateKey.generate())
    for forged in (stranger.sign((folder / "manifest.json").read_bytes()), b"", b"?!", b"AAAA"):
        (folder / SIGNATURE).write_bytes(forged)
        with pytest.raises(BadBundle, match=SIGNATURE):
            load_species(files, sha256=None)
    published(tmp_path / "s", signer)  # published again, it is signed
    load_species(files, sha256=None)
    manifest = folder / "manifest.json"
    manifest.write_bytes(manifest.read_bytes() + b" ")
    with pytest.raises(BadBundle, match=SIGNATURE):
        load_species(files, sha256=None)


def test_nobody_retrains_from_a_bundle_that_no_trusted_key_signed(
    tmp_path: Path, signer: Signer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With --key the candidate is signed: whoever may write to the bucket would have it signed."""
    folder = published(tmp_path / "s", None)
    releases.promote(folder.name, FolderStore(tmp_path / "s"))
    SqliteObservations(tmp_path / "o.db")
    places = [f"--to={tmp_path / 's'}", f"--work={tmp_path / 'work'}"]
    monkeypatch.setenv("MODEL_BUNDLE_PUBLIC_KEY", signer.public)
    refused = CliRunner().invoke(app, ["retrain", f"sqlite:{tmp_path}/o.db", "bucket", *places])
    assert (refused.exit_code, SIGNATURE in refused.stderr) == (1, True)
    store = FolderStore(tmp_path / "s")
    published(tmp_path / "s", signer)
    current = releases.current(store)
    assert current is not None
    releases.fetch(current.now, store, tmp_path / "in-use", raw(signer))


def test_a_key_is_replaced_by_trusting_two_for_a_while(tmp_path: Path, signer: Signer) -> None:
    """Without a moment in which a function that starts trusts no bundle."""
    new = Signer(Ed25519PrivateKey.generate())
    files = FolderFiles(published(tmp_path / "s", signer))
    load_species(SignedFiles(files, raw(new, signer)), sha256=None)
    published(tmp_path / "s", new)
    for keys in (raw(new, signer), raw(new)):
        load_species(SignedFiles(files, keys), sha256=None)
    with pytest.raises(BadBundle):
        load_species(SignedFiles(files, raw(signer)), sha256=None)


def test_publish_signs_and_tells_the_public_key(tmp_path: Path, signer: Signer) -> None:
    """The line that a deployment needs; the private key appears nowhere."""
    out = CliRunner().invoke(
        app, ["publish", f"--key={tmp_path / 'key.pem'}", f"--to={tmp_path / 's'}"]
    )
    assert out.exit_code == 0, out.output
    line = next(line for line in out.output.splitlines() if "PUBLIC_KEY" in line)
    settings = Settings.from_env({**LOCAL, **dict([line.split("=", 1)])})
    assert settings.bundle_keys == raw(signer)


def test_only_keys_are_taken_for_keys(tmp_path: Path) -> None:
    """A key of another kind, or half of one, must not look like protection."""
    with pytest.raises(Refused, match="not an Ed25519 key"):
        Signer.load(key_file(tmp_path / "ec.pem", generate_private_key(SECP256R1())))
    with pytest.raises(Refused, match="cannot be read"):
        Signer.load(tmp_path / "none.pem")
    for text in ("AAAA", "not base64", "A" * 44 + ",AAAA"):
        with pytest.raises(BadConfig, match="MODEL_BUNDLE_PUBLIC_KEY"):
            Settings.from_env({**LOCAL, "MODEL_BUNDLE_PUBLIC_KEY": text})
