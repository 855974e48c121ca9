"""What is deployed: folders from the commit that run with nothing beside them."""

import json
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest
import requests
from cloudevents.conversion import to_structured
from google.cloud.storage import Bucket

from local import stack
from local.events import cloud_event
from parrot.model.manifest import MANIFEST
from tests.deploy.project import checkout
from tests.deploy.staged import TARGETS, environment, started, visible
from tests.support.commands import printed

_USER = {"Authorization": "Bearer local:ana"}


def _stage(root: Path, *arguments: str) -> Path:
    printed(sys.executable, "-IS", "deploy/stage.py", *arguments, cwd=root)
    return root / "build" / "stage"


@pytest.fixture(scope="module")
def staged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All functions, staged, far from this repository."""
    return _stage(checkout(tmp_path_factory.mktemp("staged")))


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
            made[key] = environment(tmp_path_factory.mktemp("venv") / name, requirements)
    return {name: made[(staged / name / "requirements.txt").read_bytes()] for name in TARGETS}


def test_the_same_commit_gives_the_same_bytes_whatever_lies_in_the_working_tree(
    tmp_path: Path,
) -> None:
    """A deployment can be made again, by anybody, from what was reviewed."""
    root = checkout(tmp_path)
    before = {name: visible(_stage(root) / name) for name in TARGETS}
    (root / "functions/classify/main.py").write_text("import os; os._exit(1)\n")
    (root / "shared/parrot/secret.py").write_text("KEY = 'mine'\n")
    (root / "build/stage/classify/left-over.py").write_text("\n")
    assert {name: visible(_stage(root) / name) for name in TARGETS} == before
    digests = [(root / "build/stage" / f"{name}.sha256").read_text() for name in TARGETS]
    assert len(set(digests)) == len(TARGETS)


def test_a_staged_folder_holds_the_function_and_the_pipeline(staged: Path) -> None:
    """Nothing of tests, training or this machine is uploaded."""
    pipeline = printed("git", "ls-tree", "-r", "--name-only", "HEAD", "shared/parrot").split()
    expected = {path.removeprefix("shared/") for path in pipeline}
    expected |= {"main.py", "requirements.txt", ".gcloudignore"}
    for name in TARGETS:
        assert set(visible(staged / name)) == expected, name


def test_requirements_name_no_registry(staged: Path) -> None:
    """Whoever deploys chooses where packages come from; `pythons` checks that all are pinned."""
    for name in TARGETS:
        lines = (staged / name / "requirements.txt").read_text().splitlines()
        assert not [line for line in lines if "://" in line.partition("#")[0]], name


@pytest.fixture(scope="module")
def private_bucket(running: stack.Running) -> Bucket:
    """A bucket of which the stack's own `process` hears nothing."""
    return stack.storage_client(running.urls["storage"]).create_bucket("staged-photos")


def test_the_staged_functions_answer_as_a_service(  # noqa: PLR0913, PLR0917 - all of it is used
    running: stack.Running,
    private_bucket: Bucket,
    staged: Path,
    pythons: dict[str, Path],
    photos: Path,
    tmp_path: Path,
) -> None:
    """Each as Cloud Run starts it: classify, save, the event, then the finished observation."""
    settings = {
        "BUCKET": private_bucket.name,
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
    with ExitStack() as running_functions:
        at = {
            name: running_functions.enter_context(
                started(pythons[name], staged / name, name, settings)
            )
            for name in TARGETS
        }
        ready = requests.get(f"{at['classify']}/parrot-classifier/classify", timeout=30)
        assert ready.status_code == 200, ready.text
        answer = requests.post(
            at["classify"], data=photo, headers={"Content-Type": "image/jpeg"}, timeout=30
        )
        assert answer.json()["parrot"]["is_parrot"] is True
        saved = requests.post(
            at["save"],
            files={"image": photo},
            data={"species": "nestor-notabilis"},
            headers=_USER,
            timeout=30,
        )
        assert saved.status_code == 201, saved.text
        observation = saved.json()
        (blob,) = private_bucket.list_blobs(prefix="photos/")
        headers, event = to_structured(
            cloud_event(
                {
                    "bucket": private_bucket.name,
                    "name": blob.name,
                    "generation": str(blob.generation),
                    "size": str(blob.size),
                    "contentType": blob.content_type,
                    "timeCreated": "2026-11-23T02:11:52.250567Z",
                }
            )
        )
        answer = requests.post(at["process"], data=event, headers=headers, timeout=60)
        assert answer.ok, answer.text
        read = requests.get(
            f"{at['observations']}/observations/{observation['id']}", headers=_USER, timeout=30
        )
        assert read.json()["status"] in {"ready", "needs_review"}, read.text
