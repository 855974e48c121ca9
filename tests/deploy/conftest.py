"""The stand-in cloud, where the Google Cloud SDK is installed."""

from __future__ import annotations

import json
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from tests.deploy.project import Project, sdk, stand_in
from tests.support.shared import folder, shared

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CHANGE = ("shared/parrot/changed.py", '"""A change."""\n')


@pytest.fixture(scope="session")
def sdk_root() -> Path:
    """Where the Google Cloud SDK is."""
    root = sdk()
    if root is None:
        reason = "needs the Google Cloud SDK: gcloud is not on PATH"
        if os.environ.get("REQUIRE_GCLOUD"):
            pytest.fail(reason)
        pytest.skip(reason)
    return root


@pytest.fixture(scope="session")
def deployed(tmp_path_factory: pytest.TempPathFactory, sdk_root: Path) -> Iterator[str]:
    """The state of the cloud after a whole first deployment."""

    @contextmanager
    def state() -> Iterator[str]:
        with stand_in(tmp_path_factory.mktemp("deployed"), sdk_root) as empty:
            empty.done()
            yield json.dumps(empty.state())

    with shared(folder(tmp_path_factory), "deployed", state) as made:
        yield made


@pytest.fixture(scope="session")
def deployed_canary(
    deployed: str, tmp_path_factory: pytest.TempPathFactory, sdk_root: Path
) -> Iterator[str]:
    """The state with another commit's functions at 5 %."""

    @contextmanager
    def state() -> Iterator[str]:
        with stand_in(tmp_path_factory.mktemp("canary"), sdk_root) as serving:
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
def project(tmp_path: Path, sdk_root: Path) -> Iterator[Project]:
    """An empty project."""
    with stand_in(tmp_path, sdk_root) as empty:
        yield empty
