"""The Firebase Emulator Suite with our functions in it, started once for all workers of pytest."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import psutil
import pytest

from tests.support.firebase_users import Account, sign_up
from tests.support.shared import folder, shared
from tests.support.visits import browser, complaints, visit

_TOLD = (
    *("SUITE_URL", "GOOGLE_CLOUD_PROJECT", "FIRESTORE_EMULATOR_HOST", "STORAGE_EMULATOR_HOST"),
    *("FIREBASE_AUTH_EMULATOR_HOST", "FIREBASE_STORAGE_EMULATOR_HOST"),
)
_UNTIL_ITS_INPUT_ENDS = f"printenv {' '.join(_TOLD)}; cat; exit 7"
_MARK = "PARROT_TEST"


@pytest.fixture(scope="session")
def environment(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, str]]:
    """What says where the suite is, which runs already or for a command that ends with the tests.

    CI reads that command's exit code; a machine that tests all day must not fill up with emulators.
    """
    if "SUITE_URL" in os.environ:
        yield {"SUITE_URL": os.environ["SUITE_URL"]}
        return
    request.getfixturevalue("tools")
    place = folder(tmp_path_factory)

    @contextmanager
    def start() -> Iterator[dict[str, str]]:
        with subprocess.Popen(
            [sys.executable, "-m", "local", "emulators", "--exec", _UNTIL_ITS_INPUT_ENDS],
            env={**os.environ, _MARK: str(place)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        ) as process:
            assert process.stdin is not None
            assert process.stdout is not None
            told = {name: process.stdout.readline().strip() for name in _TOLD}
            assert told["SUITE_URL"], "it did not start: the lines above say why"
            yield told
            process.stdin.close()
            assert process.wait() == 7
        assert [each for each in psutil.process_iter() if _is_part(each, str(place))] == []

    with shared(place, "suite-running", start) as running:
        yield running


def _is_part(process: psutil.Process, place: str) -> bool:
    try:
        return process.environ().get(_MARK) == place
    except psutil.Error:
        return False


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
