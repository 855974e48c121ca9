"""What is deployed: folders from the commit that run with nothing beside them."""

import json
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
import requests
from cloudevents.conversion import to_structured

from local import stack
from local.supervisor import Part, Supervisor, free_url, listens
from parrot.model.manifest import MANIFEST
from tests.deploy.project import checkout
from tests.support.commands import printed
from tests.support.events import event
from tests.support.phone import Phone

_READY_SECONDS = 60.0
TARGETS = {
    "classify": "classify",
    "save": "save",
    "observations": "observations",
    "process": "on_saved",
}


def _stage(root: Path, *arguments: str) -> Path:
    printed(sys.executable, "-IS", "deploy/stage.py", *arguments, cwd=root)
    return root / "build" / "stage"


@pytest.fixture(scope="module")
def staged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All functions, staged, far from this repository."""
    return _stage(checkout(tmp_path_factory.mktemp("staged")))


def _environment(folder: Path, requirements: Path) -> Path:
    """A virtual environment with these requirements, checked by their digests, and nothing else."""
    uv = shutil.which("uv", path=str(Path(sys.executable).parent)) or "uv"
    python = folder / "bin" / "python"
    printed(uv, "venv", "--quiet", "--python", sys.executable, folder)
    install = (uv, "pip", "install", "--quiet", "--require-hashes", "--python", python)
    printed(*install, "--requirement", requirements)
    return python


def _visible(folder: Path) -> dict[str, tuple[int, bytes]]:
    """Time and content of each file, by path."""
    return {
        path.relative_to(folder).as_posix(): (int(path.stat().st_mtime), path.read_bytes())
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.fixture(scope="module")
def pythons(staged: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """For each function, the Python of an environment made from its own requirements.txt.

    Functions whose requirements are the same bytes share one.
    """
    made: dict[bytes, Path] = {}
    for name in TARGETS:
        requirements = staged / name / "requirements.txt"
        key = requirements.read_bytes()
        if key not in made:
            made[key] = _environment(tmp_path_factory.mktemp("venv") / name, requirements)
    return {name: made[(staged / name / "requirements.txt").read_bytes()] for name in TARGETS}


def test_the_same_commit_gives_the_same_bytes_whatever_lies_in_the_working_tree(
    tmp_path: Path,
) -> None:
    """A deployment can be made again, by anybody, from what was reviewed."""
    root = checkout(tmp_path)
    before = {name: _visible(_stage(root) / name) for name in TARGETS}
    (root / "functions/classify/main.py").write_text("import os; os._exit(1)\n")
    (root / "shared/parrot/secret.py").write_text("KEY = 'mine'\n")
    (root / "build/stage/classify/left-over.py").write_text("\n")
    assert {name: _visible(_stage(root) / name) for name in TARGETS} == before
    digests = [(root / "build/stage" / f"{name}.sha256").read_text() for name in TARGETS]
    assert len(set(digests)) == len(TARGETS)


def test_a_staged_folder_holds_the_function_and_the_pipeline(staged: Path) -> None:
    """Nothing of tests, training or this machine is uploaded."""
    pipeline = printed("git", "ls-tree", "-r", "--name-only", "HEAD", "shared/parrot").split()
    expected = {path.removeprefix("shared/") for path in pipeline}
    expected |= {"main.py", "requirements.txt", ".gcloudignore"}
    for name in TARGETS:
        assert set(_visible(staged / name)) == expected, name


def test_requirements_name_no_registry(staged: Path) -> None:
    """Whoever deploys chooses where packages come from; `pythons` checks that all are pinned."""
    for name in TARGETS:
        lines = (staged / name / "requirements.txt").read_text().splitlines()
        assert not [line for line in lines if "://" in line.partition("#")[0]], name


def _part(python: Path, folder: Path, settings: Mapping[str, str]) -> Part:
    """A staged function, run by functions-framework in its folder with a container's variables."""
    url = free_url()
    variables = {
        "PATH": "/usr/bin:/bin",
        "HOME": "/tmp",  # noqa: S108
        "LANG": "C.UTF-8",
        **settings,
        "FUNCTION_TARGET": TARGETS[folder.name],
        "PORT": url.rpartition(":")[2],
    }
    plain = ["env", "-i", *(f"{name}={value}" for name, value in variables.items())]
    command = [*plain, str(python.with_name("functions-framework"))]
    return Part(folder.name, command, url, lambda: listens(url), folder=folder)


def test_the_staged_functions_answer_as_a_service(
    running: stack.Running, staged: Path, pythons: dict[str, Path], photos: Path, tmp_path: Path
) -> None:
    """Each as Cloud Run starts it: classify, save, the event, then the finished observation."""
    # The stack's own `process` hears nothing of this bucket.
    bucket = stack.storage_client(running.urls["storage"]).create_bucket("staged-photos")
    settings = {
        "BUCKET": bucket.name,
        "MODEL_BUCKET": stack.MODEL_BUCKET,
        "MODEL_BUNDLE": json.loads((stack.DEFAULT_BUNDLE / MANIFEST).read_text())["version"],
        "MODEL_SERVER_URL": running.urls["model server"],
        "STORAGE_EMULATOR_HOST": running.urls["storage"],
        "GOOGLE_CLOUD_PROJECT": stack.PROJECT,
        "OBSERVATIONS": f"sqlite:{tmp_path / 'observations.db'}",
        "IDENTITY": "local",
        "THREADS": "4",
    }
    photo = next(photos.glob("parrots/*/*.jpg")).read_bytes()
    parts = [_part(pythons[name], staged / name, settings) for name in TARGETS]
    with Supervisor(tmp_path / "logs") as supervisor:
        for part in parts:
            supervisor.start(part)
        for part in parts:
            supervisor.wait(part, _READY_SECONDS)
        ana = {part.name: Phone(part.url, "ana") for part in parts}
        ready = ana["classify"].get("/classify")
        assert ready.status_code == 200, ready.text
        answer = ana["classify"].ask(
            "POST", "/classify", data=photo, headers={"Content-Type": "image/jpeg"}
        )
        assert answer.json()["parrot"]["is_parrot"] is True
        saved = ana["save"].send(photo)
        (blob,) = bucket.list_blobs(prefix="photos/")
        stored = event(bucket=bucket.name, name=blob.name, generation=str(blob.generation))
        headers, body = to_structured(stored)
        answer = requests.post(ana["process"].url, data=body, headers=headers, timeout=60)
        assert answer.ok, answer.text
        read = ana["observations"].get(f"/observations/{saved['id']}")
        assert read.json()["status"] in {"ready", "needs_review"}, read.text
