"""The Firebase Emulator Suite with our functions in it, started once for this folder."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from local import suite, toolchain
from tests.support.firebase_users import sign_up
from tests.support.required import missing
from tests.support.visits import browser, complaints, visit

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.firebase_users import Person


@pytest.fixture(scope="session")
def suite_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where Hosting serves the page and the functions; the environment knows the emulators.

    `./dev.sh emulators --exec` says it in SUITE_URL; without, a suite is started here.
    """
    if "SUITE_URL" in os.environ:
        yield os.environ["SUITE_URL"]
        return
    try:
        tools = toolchain.find()
    except toolchain.ToolMissing as error:
        missing(str(error), required_by="REQUIRE_SUITE")
    patch = pytest.MonkeyPatch()
    folder = tmp_path_factory.mktemp("suite")
    with suite.running(folder, tools, free_ports=True) as running:
        for name, value in running.environment.items():
            patch.setenv(name, value)
        yield running.url
    patch.undo()


__all__ = ["browser", "complaints", "visit"]


@pytest.fixture
def running_url(suite_url: str) -> str:
    """The page of the suite, for the browser."""
    return suite_url


@pytest.fixture
def person(suite_url: str) -> Person:  # noqa: ARG001 - the suite has to run
    """Somebody who just signed up."""
    return sign_up()
