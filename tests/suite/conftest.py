"""The Firebase Emulator Suite with our functions in it, started once for all workers of pytest."""

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager

import pytest

from local import suite, toolchain
from tests.support.firebase_users import Account, sign_up
from tests.support.shared import folder, shared
from tests.support.visits import browser, complaints, visit


@pytest.fixture(scope="session")
def environment(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, str]]:
    """What says where the suite is: the one of `./dev.sh emulators --exec`, or one started here."""
    if "SUITE_URL" in os.environ:
        yield {"SUITE_URL": os.environ["SUITE_URL"]}
        return
    tools: toolchain.Toolchain = request.getfixturevalue("tools")
    place = folder(tmp_path_factory)

    def start() -> AbstractContextManager[suite.Suite]:
        return suite.running(place / "suite", tools, free_ports=True)

    with shared(place, "suite-running", start) as running:
        yield running.environment


@pytest.fixture
def suite_url(environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> str:
    """Where Hosting serves the page and the functions; the environment knows the emulators."""
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    return environment["SUITE_URL"]


__all__ = ["browser", "complaints", "visit"]


@pytest.fixture
def running_url(suite_url: str) -> str:
    """The page of the suite, for the browser."""
    return suite_url


@pytest.fixture
def person(suite_url: str) -> Account:  # noqa: ARG001 - the suite has to run
    """Somebody who just signed up."""
    return sign_up()
