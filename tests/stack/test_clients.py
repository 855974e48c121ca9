"""Clients that others generate from the API's description, against the stack and its future."""

import json
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from local.samples import MACAW
from local.stack import ROOT
from tests.support.commands import done, printed
from tests.support.node import DESCRIPTION, compiled, installed
from tests.support.phone import Phone
from tests.support.required import missing
from tests.support.scripted_http import Request, ScriptedAnswer, serving
from tests.support.shared import folder, shared

API = json.loads((ROOT / "public" / "openapi.json").read_text(encoding="utf-8"))
CLIENTS = ROOT / "tests" / "support" / "clients"
FUTURE = "of-next-year"
VOCABULARIES = {"verdict", "reason", "status", "code", "rank"}


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The Python of an environment with both generators, installed once as pinned."""
    pins = CLIENTS / "requirements.txt"
    home = ROOT / ".local" / "clients"
    installed_pins = home / "installed"

    @contextmanager
    def install() -> Iterator[Path]:
        if not installed_pins.is_file() or installed_pins.read_bytes() != pins.read_bytes():
            uv = Path(sys.executable).with_name("uv")
            for command in (("venv", "--clear", home), ("pip", "sync", "--python", home, pins)):
                made = done(uv, *map(str, command))
                if made.returncode:
                    missing(f"no generators: {made.stderr}", required_by="REQUIRE_SUITE")
            installed_pins.write_bytes(pins.read_bytes())
        yield home / "bin" / "python"

    with shared(folder(tmp_path_factory), "clients", install) as interpreter:
        yield interpreter


@pytest.fixture(
    scope="module", params=["openapi_python_client", "openapi_generator", "openapi_fetch"]
)
def drive(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str, str], dict[str, Any]]:
    """Generate a client; then do with it what an app does, at a URL with a token."""
    made = tmp_path_factory.mktemp(request.param)
    if request.param == "openapi_fetch":
        (made / "node_modules").symlink_to(installed())
        shutil.copy(CLIENTS / "openapi_fetch.ts", made)
        compiled(made, "openapi_fetch.ts", "--types", "node")
        command: list[str | Path] = ["node", "openapi_fetch.js"]
    else:
        interpreter = request.getfixturevalue("python")
        tool, *options = {
            "openapi_python_client": (
                *("openapi-python-client", "generate", "--meta", "none", "--path", DESCRIPTION),
                *("--config", CLIENTS / "openapi_python_client.yaml"),
                *("--output-path", "parrot_classifier_client"),
            ),
            "openapi_generator": (
                *("openapi-generator-cli", "generate", "--generator-name", "python"),
                *("--input-spec", DESCRIPTION, "--package-name", "parrots", "--output", "."),
                *("--global-property", "apis,models,supportingFiles"),
            ),
        }[request.param]
        path = f"{interpreter.parent}{os.pathsep}{os.environ['PATH']}"
        told = printed(interpreter.with_name(tool), *options, cwd=made, PATH=path)
        assert "some pieces may be missing" not in told, told
        command = [interpreter, CLIENTS / f"{request.param}.py"]
    return lambda url, token: dict(
        json.loads(printed(*command, url, token, MACAW, cwd=made, PYTHONPATH=str(made)))
    )


def test_a_generated_client_does_what_an_app_does(
    drive: Callable[[str, str], dict[str, Any]], ana: Phone
) -> None:
    """One photo, two of one bird, one that is refused; save, list, relabel, delete."""
    results = drive(ana.url, f"local:{ana.user}")
    assert results.pop("verdict") in {"yes", "maybe", "no"}  # the model's business
    assert results == {
        "types": ["Classification", "JointClassification"],
        "photos": 2,
        "code": "unsupported_media",
        "listed": [True],
        "year": 2026,
        "status": "pending",
        "species": "ara-macao",
        "deleted": 204,
    }


def test_a_generated_client_survives_what_it_does_not_know(
    drive: Callable[[str, str], dict[str, Any]],
) -> None:
    """Answers gain fields, reasons, verdicts, statuses and codes; phones are updated much later."""
    with serving(_of_next_year) as server:
        results = drive(server.url, "any")
    assert results["types"] == ["Classification", "JointClassification"]
    assert {results["verdict"], results["code"], results["status"]} == {FUTURE}
    assert results["listed"] == [True]


def test_linters_find_nothing(tmp_path: Path) -> None:
    """Others check the description before they use it."""
    modules = installed()
    rules = tmp_path / "spectral.yaml"
    rules.write_text("extends: spectral:oas\n")
    spectral = modules / "@stoplight/spectral-cli/dist/index.js"
    printed(
        "node", spectral, "lint", "--fail-severity=hint", "-r", rules, DESCRIPTION, cwd=tmp_path
    )
    redocly = modules / "@redocly/cli/bin/cli.js"
    off = {
        "REDOCLY_TELEMETRY": "off",
        "REDOCLY_SUPPRESS_UPDATE_NOTICE": "true",
        "NODE_NO_WARNINGS": "1",
    }
    command = ("node", redocly, "lint", "--extends=recommended", "--format=json", DESCRIPTION)
    assert json.loads(printed(*command, cwd=tmp_path, **off))["problems"] == []


def _of_next_year(request: Request) -> ScriptedAnswer:
    """An example of the description, which has aged."""
    path = request.path.partition("?")[0]
    if "observations/" in path:
        path = "/parrot-classifier/observations/{id}"
    responses = API["paths"][path][request.method.lower()]["responses"]
    status = "422" if b"<html>" in request.body else min(responses)
    content = responses[status].get("content", {})
    examples = [
        example for kind in content.values() for example in kind.get("examples", {}).values()
    ]
    several = request.body.count(b' name="image"') > 1
    answer = examples[0 if several else -1] if examples else None
    if answer and "$ref" in answer:
        answer = API["components"]["examples"][answer["$ref"].rpartition("/")[2]]
    data = json.dumps(aged(answer["value"])).encode() if answer else b""
    headers = {"Content-Type": next(iter(content), "application/json"), "ETag": '"1"'}
    return ScriptedAnswer(data, int(status), headers)


def aged(value: Any) -> Any:
    """The answer with a new field in each object and new words where there may be new ones."""
    if isinstance(value, list):
        return [aged(item) for item in value]
    if not isinstance(value, dict):
        return value
    words = {key: FUTURE for key in VOCABULARIES & value.keys() if isinstance(value[key], str)}
    return {**{key: aged(item) for key, item in value.items()}, **words, "news": {"since": [2027]}}
