"""The life of a bundle, the same in a bucket and in a folder."""

import json
import shutil
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from google.cloud.storage import Bucket
from typer.testing import CliRunner

from local import stack
from models.cli import app
from models.network.weights import HEAD_FILE, SpeciesHead
from models.publishing import releases
from models.publishing.release_store import BucketStore, Changed, FolderStore, ReleaseStore
from parrot.adapters.bucket import BucketFiles, FolderFiles, current_version
from parrot.errors import BadBundle
from parrot.model.bundle import Bundle
from parrot.model.manifest import digest
from tests.support.commands import models


@pytest.fixture(params=["folder", "bucket"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> ReleaseStore:
    if request.param == "folder":
        return FolderStore(tmp_path / "store")
    client = stack.storage_client(request.getfixturevalue("running").urls["storage"])
    client.create_bucket(f"releases-{tmp_path.name.lower().replace('_', '-')[:40]}")
    return BucketStore(client, f"releases-{tmp_path.name.lower().replace('_', '-')[:40]}")


@pytest.fixture
def versions(tmp_path: Path) -> dict[str, Path]:
    """The default bundle under three names."""
    made = {}
    for version in ("v1", "v2", "v3"):
        folder = shutil.copytree(stack.DEFAULT_BUNDLE, tmp_path / version)
        raw = json.loads((folder / "manifest.json").read_text())
        raw["version"] = version
        (folder / "manifest.json").write_text(json.dumps(raw))
        made[version] = folder
    return made


def publish(store: ReleaseStore, folder: Path) -> bool:
    return releases.publish(FolderFiles(folder), store)[1]


def test_a_version_is_published_once_and_never_overwritten(
    store: ReleaseStore, versions: dict[str, Path]
) -> None:
    """What a deployment pinned must never change."""
    assert publish(store, versions["v1"])
    assert not publish(store, versions["v1"])
    raw = json.loads((versions["v1"] / "manifest.json").read_text())
    raw["gate"]["threshold"] = 0.9
    (versions["v1"] / "manifest.json").write_text(json.dumps(raw))
    with pytest.raises(releases.Refused, match="another version"):
        publish(store, versions["v1"])


def test_an_upload_that_died_is_completed_by_the_next_try(
    store: ReleaseStore, versions: dict[str, Path]
) -> None:
    """The manifest is written last, so half a version does not count."""
    store.write("bundles/v1/gate.npz", b"half", over=None)
    assert releases.published(store) == []
    assert publish(store, versions["v1"])
    assert [release.version for release in releases.published(store)] == ["v1"]


def test_a_damaged_bundle_is_not_published(store: ReleaseStore, versions: dict[str, Path]) -> None:
    """It is loaded as a function would load it, before anything is uploaded."""
    (versions["v1"] / "gate.npz").write_bytes(b"half")
    with pytest.raises(BadBundle, match=r"gate\.npz"):
        publish(store, versions["v1"])
    assert store.names("bundles/") == []


def test_a_retrained_model_whose_number_another_has_by_now_is_not_published(
    store: ReleaseStore, versions: dict[str, Path]
) -> None:
    """While a retraining ran, somebody published one of that number: no image could be built."""
    assert publish(store, versions["v1"])
    raw = json.loads((versions["v2"] / "manifest.json").read_text())
    head = SpeciesHead.load((versions["v2"] / HEAD_FILE).read_bytes())
    retrained = replace(head, bias=head.bias + 1).dump()
    (versions["v2"] / HEAD_FILE).write_bytes(retrained)
    raw["files"][HEAD_FILE] = digest(retrained)
    raw["metrics"] = {releases.RETRAINED: {}}
    (versions["v2"] / "manifest.json").write_text(json.dumps(raw))
    with pytest.raises(releases.Refused, match=r"v1 has another model as ParrotClassifier/3"):
        releases.publish(FolderFiles(versions["v2"]), store, noted=True)
    assert [release.version for release in releases.published(store)] == ["v1"]
    raw["models"][0]["version"] = releases.model_version("v2", versions["v1"], store)
    (versions["v2"] / "manifest.json").write_text(json.dumps(raw))
    assert releases.publish(FolderFiles(versions["v2"]), store, noted=True)[1]


def test_promote_and_roll_back_move_one_pointer_and_keep_history(
    store: ReleaseStore, versions: dict[str, Path]
) -> None:
    """A bad model must be gone within a minute."""
    for folder in versions.values():
        publish(store, folder)
    for version in ("v1", "v2", "v3"):
        assert releases.promote(version, store).version == version
    assert releases.rollback(store).version == "v2"
    now = releases.current(store)
    assert now is not None
    assert now.now.version == "v2"
    assert [line.version for line in now.history] == ["v3", "v2", "v1"]


def test_an_unknown_or_damaged_version_is_not_promoted(
    store: ReleaseStore, versions: dict[str, Path]
) -> None:
    """Functions would fail at their next start."""
    with pytest.raises(BadBundle, match="v9"):
        releases.promote("v9", store)
    publish(store, versions["v1"])
    gate = store.read("bundles/v1/gate.npz")
    assert gate is not None
    store.write("bundles/v1/gate.npz", b"half", over=gate.generation)
    with pytest.raises(BadBundle, match=r"gate\.npz"):
        releases.promote("v1", store)
    assert releases.current(store) is None


def test_without_history_there_is_nothing_to_roll_back_to(
    store: ReleaseStore, versions: dict[str, Path]
) -> None:
    """An error is better than a guess."""
    with pytest.raises(releases.Refused, match="nothing to roll back"):
        releases.rollback(store)
    publish(store, versions["v1"])
    releases.promote("v1", store)
    with pytest.raises(releases.Refused, match="nothing to roll back"):
        releases.rollback(store)


def test_of_two_promotions_at_once_one_wins_and_the_other_is_told(
    store: ReleaseStore, versions: dict[str, Path]
) -> None:
    """Two people may promote at once: neither overwrites the other unnoticed."""
    for folder in versions.values():
        publish(store, folder)
    releases.promote("v1", store)
    meeting = threading.Barrier(2)

    class Meeting:
        """The real store, except that both read the pointer before either writes it."""

        read, names = store.read, store.names

        def write(self, name: str, data: bytes, *, over: str | None) -> None:
            meeting.wait(10)
            store.write(name, data, over=over)

    def promote(version: str) -> str | None:
        try:
            return releases.promote(version, Meeting()).version  # type: ignore[arg-type]
        except releases.Refused:
            return None

    with ThreadPoolExecutor() as pool:
        (winner,) = filter(None, pool.map(promote, ("v2", "v3")))
    now = releases.current(store)
    assert now is not None
    assert now.now.version == winner


def test_a_stale_write_is_refused(store: ReleaseStore) -> None:
    """Everything above relies on this promise."""
    store.write("bundles/x", b"1", over=None)
    first = store.read("bundles/x")
    assert first is not None
    store.write("bundles/x", b"2", over=first.generation)
    for over in (None, first.generation):
        with pytest.raises(Changed):
            store.write("bundles/x", b"3", over=over)
    second = store.read("bundles/x")
    assert second is not None
    assert second.data == b"2"


def test_a_function_follows_the_pointer_but_believes_only_its_digest(
    bucket: Bucket, versions: dict[str, Path]
) -> None:
    """A promoted version may still be damaged or half uploaded."""
    store = BucketStore(bucket.client, bucket.name)
    publish(store, versions["v1"])
    releases.promote("v1", store)
    version, sha256 = current_version(bucket.client, bucket.name)
    files = BucketFiles(bucket.client, bucket.name, version)

    assert Bundle.load(files, sha256=sha256).manifest.version == "v1"
    with pytest.raises(BadBundle, match="expected"):
        Bundle.load(files, sha256="0" * 64)


def test_the_list_shows_a_digest_in_one_piece(tmp_path: Path, versions: dict[str, Path]) -> None:
    """It is copied into a deployment's settings, also from a narrow terminal."""
    store = FolderStore(tmp_path / "store")
    publish(store, versions["v1"])
    releases.promote("v1", store)
    (release,) = releases.published(store)
    listed = models("list", "--to", tmp_path / "store", COLUMNS="40").stdout
    assert listed.startswith(f"v1  {release.manifest_sha256}  current since 20")


def test_a_list_of_nothing_says_so(tmp_path: Path) -> None:
    """A folder or bucket that somebody mistyped looks like one without versions."""
    listed = CliRunner().invoke(app, ["list", "--to", str(tmp_path / "store")])
    assert listed.stdout == ""
    assert f"no version is published in {tmp_path / 'store'}" in listed.stderr
