"""What many tests share: the photos, and one running stack."""

from __future__ import annotations

import os
import uuid
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

from local import stack
from tests.support import firestore as emulators
from tests.support.photos import ODD, PHOTOS
from tests.support.required import missing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from google.cloud.firestore import Client
    from google.cloud.storage import Bucket

    from parrot.store import ObservationStore


def pytest_configure() -> None:
    """Let processes that tests start import what tests do; let no busy machine fail a property."""
    os.environ["PYTHONPATH"] = f"{stack.ROOT}{os.pathsep}{stack.ROOT / 'shared'}"
    settings.register_profile(
        "any-machine", deadline=None, suppress_health_check=[HealthCheck.too_slow]
    )
    settings.load_profile("any-machine")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run the fast tests first."""
    items.sort(key=lambda item: "unit" not in item.path.parts)


def _folder(path: Path) -> Path:
    if not path.is_dir():
        missing(
            f"needs the photos of {path}; PARROT_PHOTOS and PARROT_ODD name other folders",
            required_by="REQUIRE_PHOTOS",
        )
    return path


@pytest.fixture(scope="session")
def photos() -> Path:
    """Folder of `parrots/`, `other_birds/` and `negatives/`."""
    return _folder(PHOTOS)


@pytest.fixture(scope="session")
def odd() -> Path:
    """Folder of strange files."""
    return _folder(ODD)


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the running stack keeps everything."""
    return tmp_path_factory.mktemp("data")


@pytest.fixture(scope="session")
def running(data: Path) -> Iterator[stack.Running]:
    """The whole local stack, started once for all tests that only talk to it."""
    with stack.running(data) as started:
        yield started


@pytest.fixture(scope="session")
def shared_model(running: stack.Running) -> str:
    """The model server of that stack, for tests that start another: TensorFlow takes seconds."""
    return running.model_server


@pytest.fixture
def classify_url(running: stack.Running) -> str:
    """Where photos are classified."""
    return f"{running.url}/parrot-classifier/classify"


@pytest.fixture
def save_url(running: stack.Running) -> str:
    """Where photos are saved."""
    return f"{running.url}/parrot-classifier/save"


@pytest.fixture
def running_url(running: stack.Running) -> str:
    """Where the page and all functions are."""
    return running.url


@pytest.fixture(scope="session")
def bucket(running: stack.Running) -> Bucket:
    """The local bucket, over Cloud Storage's own protocol."""
    (url,) = [url for name, url, _ in running.parts if name == "storage"]
    return stack.storage_client(url).bucket(stack.BUCKET)


@pytest.fixture
def stored(bucket: Bucket) -> Callable[[str], list[str]]:
    """Names of the stored objects under a prefix."""
    return lambda prefix: [blob.name for blob in bucket.list_blobs(prefix=prefix)]


@pytest.fixture
def stored_bytes(bucket: Bucket) -> Callable[[str], bytes]:
    """A stored object's content."""
    return lambda name: bytes(bucket.blob(name).download_as_bytes())


@pytest.fixture(scope="session")
def firestore(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[], Client]]:
    """Make clients of the Firestore emulator, each with its own empty database."""
    from google.cloud.firestore import Client  # noqa: PLC0415 - 0.3 s

    patch = pytest.MonkeyPatch()
    try:
        with emulators.emulator(tmp_path_factory.mktemp("firestore")) as address:
            patch.setenv(emulators.HOST, address)
            yield lambda: Client(f"demo-{uuid.uuid4().hex[:12]}")
    except emulators.NotInstalledError as error:
        pytest.skip(str(error))
    finally:
        patch.undo()


@pytest.fixture(params=["sqlite", "firestore"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> ObservationStore:
    """Every store of observations in turn, empty."""
    from parrot.adapters.firestore import FirestoreObservations  # noqa: PLC0415 - 0.3 s
    from parrot.adapters.sqlite import SqliteObservations  # noqa: PLC0415

    if request.param == "sqlite":
        return SqliteObservations(tmp_path / "deep" / "observations.db")
    return FirestoreObservations(request.getfixturevalue("firestore")())
