"""The Firebase Emulator Suite with our functions in it: Auth, Firestore, Storage, Hosting.

The functions are those that are deployed, run by functions-framework; a `functions.yaml` beside
each tells the emulator about it. firebase.json is the deployment's too: only ports, and the page's
way to the Auth emulator, are added in a copy.
"""

import json
import os
import secrets
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests
from google.cloud.storage import Bucket, Client

from local import model_servers, stack
from local.supervisor import (
    Part,
    PartFailed,
    Supervisor,
    free_port,
    free_url,
    listens,
    require_free,
)
from local.toolchain import Toolchain
from models.publishing.release_store import BucketStore
from models.publishing.releases import promote, publish
from parrot.adapters.bucket import FolderFiles

EMULATORS = ("auth", "firestore", "storage", "functions", "hosting")
FUNCTIONS = ("classify", "save", "observations", "reviews", "process")
_BUNDLED = ("firebase_sdk", "api_reference")
_PAGE_CONFIG = "config.json"
_CONFIG = stack.ROOT / "firebase.json"
_NO_KEEP_ALIVE = stack.ROOT / "local" / "firebase_tools" / "no_keep_alive.cjs"
_READY_SECONDS = 120.0
_PROBE = "suite/started"  # an object that is no photo
_PROCESSED = 'Finished "us-central1-process"'
_POLL_SECONDS = 0.1
_PROBE_SECONDS = 60.0  # the first request starts a function's process
# What a GET without a token is answered by a function that works.
_ANSWERS = {"classify": 200, "save": 405, "observations": 401}


@dataclass(frozen=True, slots=True)
class Suite:
    """A running suite: the page's URL, and where each emulator listens."""

    url: str
    addresses: Mapping[str, str]  # HOST:PORT by emulator

    @property
    def environment(self) -> dict[str, str]:
        """What Google's and Firebase's own clients look for, and SUITE_URL."""
        return {
            "SUITE_URL": self.url,
            "GOOGLE_CLOUD_PROJECT": stack.PROJECT,
            "FIREBASE_AUTH_EMULATOR_HOST": self.addresses["auth"],
            "FIRESTORE_EMULATOR_HOST": self.addresses["firestore"],
            "FIREBASE_STORAGE_EMULATOR_HOST": self.addresses["storage"],
            "STORAGE_EMULATOR_HOST": f"http://{self.addresses['storage']}",
            "SUITE_FUNCTIONS": self.addresses["functions"],
        }


@contextmanager
def running(
    folder: Path,
    tools: Toolchain,
    *,
    free_ports: bool,
    say: Callable[[str], None] = lambda _text: None,
) -> Iterator[Suite]:
    """Start everything, publish the bundle, yield when each function answers, then stop it all.

    `free_ports` picks any; otherwise firebase.json says which. Raises CannotStart, PartFailed.
    """
    shutil.rmtree(folder, ignore_errors=True)
    project, temporary = folder / "project", folder / "tmp"
    project.mkdir(parents=True)
    temporary.mkdir()
    config = _config(free_ports=free_ports)
    ports = {name: config["emulators"][name]["port"] for name in EMULATORS}
    addresses = {name: f"127.0.0.1:{port}" for name, port in ports.items()}
    suite = Suite(f"http://{addresses['hosting']}", addresses)
    for port in ports.values():
        require_free("127.0.0.1", port)
    _lay_out(project, config)
    say("bundling Firebase's SDK and the API's reference for the page")
    _bundle(project, tools)
    with Supervisor(folder / "logs") as supervisor:
        models = model_servers.own(free_url(), stack.DEFAULT_BUNDLE, say=say)
        supervisor.start(models)
        emulators = _emulators(project, tools, suite, _settings(models.url, tools, temporary))
        say("starting the emulators")
        supervisor.start(emulators)
        supervisor.wait(models, _READY_SECONDS)
        supervisor.wait(emulators, _READY_SECONDS)
        say("publishing the model bundle to the Storage emulator")
        storage = stack.storage_client(suite.environment["STORAGE_EMULATOR_HOST"])
        _publish(storage)
        say("starting the functions")
        _check_functions(suite.url, storage.bucket(stack.BUCKET), folder / "logs" / "emulators.log")
        yield suite


def _config(*, free_ports: bool) -> dict[str, Any]:
    """firebase.json, with ports, and with the Auth emulator in the page's security policy."""
    config: dict[str, Any] = json.loads(_CONFIG.read_text())
    emulators = config["emulators"]
    for name in (*EMULATORS, "hub", "logging"):
        own = emulators.setdefault(name, {})
        own["host"] = "127.0.0.1"
        if free_ports or "port" not in own:
            own["port"] = free_port()
    auth = f"http://127.0.0.1:{emulators['auth']['port']}"
    for rule in config["hosting"]["headers"]:
        for header in rule["headers"]:
            if header["key"] == "Content-Security-Policy":
                for source in ("connect-src", "frame-src"):
                    header["value"] = header["value"].replace(source, f"{source} {auth}")
    return config


def _lay_out(project: Path, config: Mapping[str, Any]) -> None:
    """A folder as firebase-tools wants it: each function's source has a `venv`."""
    (project / "firebase.json").write_text(json.dumps(config))
    for name in ("firestore.rules", "firestore.indexes.json", "storage.rules"):
        (project / name).symlink_to(stack.ROOT / name)
    public = project / "public"
    public.mkdir()
    for path in (stack.ROOT / "public").iterdir():
        if path.name not in {_PAGE_CONFIG, "vendor"}:
            (public / path.name).symlink_to(path)
    for name in _BUNDLED:
        (project / name).symlink_to(stack.ROOT / "local" / name)
    page = json.loads((stack.ROOT / "public" / _PAGE_CONFIG).read_text())
    page["authEmulator"] = f"http://127.0.0.1:{config['emulators']['auth']['port']}"
    (public / _PAGE_CONFIG).write_text(json.dumps(page))
    for name in FUNCTIONS:
        source = project / "functions" / name
        shutil.copytree(stack.ROOT / "functions" / name, source)
        (source / "venv").symlink_to(Path(sys.prefix))


def _bundle(project: Path, tools: Toolchain) -> None:
    """public/vendor: what the page signs in with, and what /api shows. Raises PartFailed."""
    done = subprocess.run(  # noqa: S603 - our own command
        [str(stack.ROOT / "dev.sh"), "sdk", str(project)],
        env={**os.environ, "PATH": tools.path},
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    if done.returncode:
        raise PartFailed(f"what pages load cannot be bundled:\n{done.stderr[-2000:]}")


def _settings(models: str, tools: Toolchain, temporary: Path) -> dict[str, str]:
    """What a deployment sets; the emulators' addresses come from the functions emulator."""
    return {
        "PATH": tools.path,
        "TMPDIR": str(temporary),  # stored blobs of all runs would share the system's folder
        "NODE_OPTIONS": f'--require "{_NO_KEEP_ALIVE}"',
        "CI": "1",  # asks nothing, collects nothing
        "PYTHONPATH": f"{stack.ROOT}:{stack.ROOT / 'shared'}",
        "BUCKET": stack.BUCKET,
        "MODEL_BUCKET": stack.MODEL_BUCKET,
        "MODEL_SERVER_URL": models,
        "GOOGLE_CLOUD_PROJECT": stack.PROJECT,
        "OBSERVATIONS": "firestore",
        "IDENTITY": "firebase",
        "DOWNLOAD_SECRET": secrets.token_urlsafe(32),
    }


def _emulators(
    project: Path, tools: Toolchain, suite: Suite, environment: Mapping[str, str]
) -> Part:
    command = (*tools.firebase, "emulators:start", "--project", stack.PROJECT)
    return Part(
        "emulators",
        (*command, "--only", ",".join(EMULATORS), "--config", str(project / "firebase.json")),
        suite.url,
        lambda: all(listens(address) for address in suite.addresses.values()),
        environment,
        project,  # it writes its own logs where it runs
    )


def _publish(storage: Client) -> None:
    """Publish and promote: the emulated functions look for the current bundle."""
    store = BucketStore(storage, stack.MODEL_BUCKET)
    release, _ = publish(FolderFiles(stack.DEFAULT_BUNDLE), store)
    promote(release.version, store)


def _check_functions(url: str, bucket: Bucket, log: Path) -> None:
    """The emulator starts happily without a function that does not load. Raises PartFailed."""
    bucket.blob(_PROBE).upload_from_string(b"", checksum=None)

    def probe(name: str) -> requests.Response:
        return requests.get(f"{url}/parrot-classifier/{name}", timeout=_PROBE_SECONDS)

    with ThreadPoolExecutor() as pool:
        answers = dict(zip(_ANSWERS, pool.map(probe, _ANSWERS), strict=True))
    for name, response in answers.items():
        if response.status_code != _ANSWERS[name]:
            raise PartFailed(
                f"the function {name} answers {response.status_code}:"
                f" {response.text[:500]}; {log} says more"
            )
    # Events get no answer: only the log shows that `process` received one, which it ignores.
    deadline = time.monotonic() + _PROBE_SECONDS
    while _PROCESSED not in log.read_text():
        if time.monotonic() > deadline:
            raise PartFailed(f"the function process hears no event; {log} says more")
        time.sleep(_POLL_SECONDS)
    bucket.blob(_PROBE).delete()
