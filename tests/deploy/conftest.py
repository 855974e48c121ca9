"""The stand-in cloud, where the Google Cloud SDK is installed."""

import json
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.deploy.project import Deployed, Project, checkout, cloud, sdk
from tests.support.required import missing
from tests.support.shared import folder, shared

CHANGE = ("shared/parrot/changed.py", '"""A change."""\n')


@pytest.fixture(scope="session")
def sdk_root() -> Path:
    """Where the Google Cloud SDK is."""
    root = sdk()
    if root is None:
        missing("needs the Google Cloud SDK: no gcloud on PATH", required_by="REQUIRE_GCLOUD")
    return root


@pytest.fixture(scope="session")
def port(tmp_path_factory: pytest.TempPathFactory, sdk_root: Path) -> Iterator[str]:
    """Of the stand-in, one for all workers: to load gcloud takes seconds."""
    place = folder(tmp_path_factory)
    with shared(place, "cloud", lambda: cloud(place / "cloud", sdk_root)) as listening:
        yield listening


@pytest.fixture(scope="session")
def first_deployment(tmp_path_factory: pytest.TempPathFactory, port: str) -> Iterator[Deployed]:
    """A whole one, into an empty project where indexes and roles take their time."""

    @contextmanager
    def record() -> Iterator[Deployed]:
        empty = Project(tmp_path_factory.mktemp("deployed"), port)
        empty.control("put", "building", "indexes", "3")
        empty.control("put", "young", "agent", "20")
        empty.done()
        calls = [call["words"] for call in empty.control("calls")]
        for kind, name in (("building", "indexes"), ("young", "agent")):
            empty.control("drop", kind, name)
        yield Deployed(json.dumps(empty.state()), calls)

    with shared(folder(tmp_path_factory), "deployed", record) as made:
        yield made


@pytest.fixture(scope="session")
def deployed(first_deployment: Deployed) -> str:
    """The state of the cloud after it."""
    return first_deployment.state


@pytest.fixture(scope="session")
def deployed_canary(
    deployed: str, tmp_path_factory: pytest.TempPathFactory, port: str
) -> Iterator[str]:
    """The state with another commit's functions at 5 %."""

    @contextmanager
    def state() -> Iterator[str]:
        serving = Project(tmp_path_factory.mktemp("canary"), port)
        serving.control("reset", deployed)
        serving.commit(*CHANGE)
        serving.done("--traffic", "5", "functions")
        yield json.dumps(serving.state())

    with shared(folder(tmp_path_factory), "canary", state) as made:
        yield made


@pytest.fixture
def serving(project: Project, deployed: str) -> Project:
    """A project whose functions serve this commit."""
    project.control("reset", deployed)
    return project


@pytest.fixture
def canary(project: Project, deployed_canary: str) -> Project:
    """The same, with another commit at 5 %."""
    project.commit(*CHANGE)
    project.control("reset", deployed_canary)
    return project


@pytest.fixture
def project(tmp_path: Path, port: str) -> Project:
    """An empty project."""
    return Project(tmp_path, port)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkout whose PATH has no gcloud, firebase or curl."""
    folder = tmp_path_factory.mktemp("dry")
    tools = folder / "bin"
    tools.mkdir()
    for name in ("bash", "env", "git", "sed", "tr", "grep", "cat", "mkdir", "mktemp", "rm", "mv"):
        tools.joinpath(name).symlink_to(shutil.which(name) or name)
    for name in ("dirname", "basename", "sort", "date", "head"):
        tools.joinpath(name).symlink_to(shutil.which(name) or name)
    tools.joinpath("python3").symlink_to(Path(sys.executable).resolve())
    checkout(folder)
    return folder
