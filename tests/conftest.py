"""What many tests share: the photos, and one running stack for all of pytest's workers."""

import os
import subprocess
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from google.cloud.firestore import Client
from google.cloud.storage import Bucket
from hypothesis import HealthCheck, settings

from local import stack, toolchain
from local.supervisor import Supervisor
from parrot.adapters.firestore import FirestoreObservations
from parrot.adapters.sqlite import SqliteObservations
from parrot.store import ObservationStore
from tests.support import firestore as emulators
from tests.support.phone import REVIEWERS, Phone
from tests.support.photos import ODD, PHOTOS
from tests.support.required import missing
from tests.support.shared import folder, shared

# Modules of more than half a minute, longest first: begun last, one of them would end alone.
LONG = (
    *("test_signin", "test_training", "test_retraining", "test_deploy", "test_poison"),
    *("test_canary", "test_networks", "test_destroy", "test_judged_again", "test_answers"),
    *("test_wrap", "test_review", "test_day_two", "test_dry_run", "test_my_birds"),
    *("test_everybody", "test_clients", "test_lazy_tf", "test_odd_files", "test_rules"),
    *("test_lifecycle", "test_releases", "test_backfill", "test_readiness", "test_story"),
    *("test_report", "test_kinds", "test_fine_tuning", "test_restore", "test_bad_days"),
    "test_resilience",
)


def pytest_configure() -> None:
    """Let processes that tests start import what tests do; let no busy machine fail a property."""
    os.environ["PYTHONPATH"] = f"{stack.ROOT}{os.pathsep}{stack.ROOT / 'shared'}"
    settings.register_profile(
        "any-machine", deadline=None, suppress_health_check=[HealthCheck.too_slow]
    )
    settings.load_profile("any-machine")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the long modules; count the unit tests as smoke tests."""
    items.sort(key=lambda item: LONG.index(item.path.stem) if item.path.stem in LONG else len(LONG))
    for item in items:
        if item.path.parent.name == "unit":
            item.add_marker("smoke")


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
    return folder(tmp_path_factory) / "data"


@pytest.fixture(scope="session")
def running(data: Path) -> Iterator[stack.Running]:
    """The whole local stack, started once for all tests that only talk to it.

    It admits the first version's phones too.
    """

    @contextmanager
    def start() -> Iterator[tuple[str, dict[str, str], dict[str, int], str]]:
        with stack.running(data, anonymous_save=True, reviewers=REVIEWERS) as started:
            yield started.url, started.urls, started.pids, started.model_server

    with shared(data.parent, "stack", start) as (url, urls, pids, model_server):
        yield stack.Running(url, urls, pids, Supervisor(data / "logs"), model_server)


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


@pytest.fixture
def ana(running_url: str) -> Phone:
    """A user for this test alone."""
    return Phone(running_url, f"ana-{uuid.uuid4().hex}")


@pytest.fixture
def bea(running_url: str) -> Phone:
    """Somebody else."""
    return Phone(running_url, f"bea-{uuid.uuid4().hex}")


@pytest.fixture(scope="session")
def storage_url(running: stack.Running) -> str:
    """What STORAGE_EMULATOR_HOST says where the local buckets are asked."""
    return running.urls["storage"]


@pytest.fixture(scope="session")
def bucket(storage_url: str) -> Bucket:
    """The local bucket, over Cloud Storage's own protocol."""
    return stack.storage_client(storage_url).bucket(stack.BUCKET)


@pytest.fixture
def stored(bucket: Bucket) -> Callable[[str], list[str]]:
    """Names of the stored objects under a prefix."""
    return lambda prefix: [blob.name for blob in bucket.list_blobs(prefix=prefix)]


@pytest.fixture
def stored_bytes(bucket: Bucket) -> Callable[[str], bytes]:
    """A stored object's content."""
    return lambda name: bytes(bucket.blob(name).download_as_bytes())


@pytest.fixture(scope="session")
def tools(tmp_path_factory: pytest.TempPathFactory) -> Iterator[toolchain.Toolchain]:
    """Node, Java, firebase-tools and what bundles Firebase's SDK: installed by one worker."""
    place = folder(tmp_path_factory)

    @contextmanager
    def install() -> Iterator[toolchain.Toolchain]:
        chain = toolchain.find()
        (place / "page").mkdir()
        (place / "page" / "firebase_sdk").symlink_to(stack.ROOT / "local" / "firebase_sdk")
        command = [str(stack.ROOT / "dev.sh"), "sdk", str(place / "page")]
        subprocess.run(command, env={**os.environ, "PATH": chain.path}, check=True)
        yield chain

    try:
        with shared(place, "tools", install) as chain:
            yield chain
    except toolchain.ToolMissing as error:
        missing(str(error), required_by="REQUIRE_SUITE")


@pytest.fixture(scope="session")
def firestore(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[], Client]]:
    """Make clients of the Firestore emulator, each with its own empty database."""
    place = folder(tmp_path_factory)
    try:
        with (
            shared(place, "firestore", lambda: emulators.emulator(place)) as address,
            pytest.MonkeyPatch.context() as patch,
        ):
            patch.setenv(emulators.HOST, address)
            # The emulator's first answers are slow, and our own calls give up after seconds.
            warm = Client("demo-warm").document("warm/up")
            warm.set({}, timeout=60)
            warm.get(timeout=60)
            yield lambda: Client(f"demo-{uuid.uuid4().hex[:12]}")
    except emulators.NotInstalledError as error:
        pytest.skip(str(error))


@pytest.fixture(params=["sqlite", "firestore"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> ObservationStore:
    """Every store of observations in turn, empty."""
    if request.param == "sqlite":
        return SqliteObservations(tmp_path / "deep" / "observations.db")
    return FirestoreObservations(request.getfixturevalue("firestore")())
