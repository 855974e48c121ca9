"""What --dry-run prints: every command, one a line, each as its own tool would parse it."""

import functools
import os
import re
import shlex
import shutil
from pathlib import Path

import pytest

from tests.deploy import dry
from tests.deploy.project import PROJECT, ROOT, sdk_python
from tests.support.commands import printed
from tests.support.required import missing

_FIREBASE_TOOLS = Path(
    os.environ.get("FIREBASE_TOOLS", ROOT / ".local/firebase-tools/node_modules/firebase-tools")
)
PREVIEW = "hosting:channel:deploy pr-1 --expires 7d --project p --config c --non-interactive"
DOCUMENTS = ("getting-started.md", "operations.md")
RUNS = (
    "",
    "--models vertex",
    "--set BUDGET=50 alerts",
    "--set ALERT_EMAIL=ana@example.com --set 'CORS_ORIGINS=https://a.example, https://b.example'",
    "--traffic 5 models functions",
    "--models vertex --traffic 5 models functions",
    "promote",
    "rollback",
    "--models vertex promote",
    "--models vertex rollback",
    "--set LEARNING=true accounts learning",
    "rotate-secret",
    "rotate-secret --now",
    "destroy",
    "--models vertex destroy --with-data",
)


def documented() -> set[str]:
    """The commands that the documents tell people to type."""
    text = "".join((ROOT / "docs" / name).read_text() for name in DOCUMENTS)
    blocks = re.findall(r"```sh\n(.*?)```", text, re.DOTALL)
    text = "".join(blocks).replace("\\\n", "").replace("PROJECT", PROJECT)
    lines = re.sub(r" >\S+", "", text).splitlines()
    return {shlex.join(shlex.split(line, comments=True)) for line in lines if "gcloud " in line[:9]}


@functools.cache
def _dry(root: Path, words: str = "") -> list[str]:
    return dry.printed(root, *shlex.split(words))


def test_each_gcloud_line_parses_with_gclouds_own_parser(root: Path, sdk_root: Path) -> None:
    """A flag that does not exist shows here, not in the middle of a first deployment."""
    runs = [
        [re.sub(r" > \S+$", "", line) for line in _dry(root, words) if line[:7] == "gcloud "]
        for words in RUNS
    ]
    assert all(runs)
    lines = sorted({line for run in runs for line in run} | documented())
    places = {"CLOUDSDK_ROOT": str(sdk_root), "CLOUDSDK_CONFIG": str(root / "config")}
    parser = (sdk_python(sdk_root), "-S", "tests/deploy/stand_in/parser.py")
    printed(*parser, typed="\n".join(lines), PYTHONPATH="", **places)


def test_a_pasted_line_gives_a_command_the_words_that_the_script_would() -> None:
    """The printed text and the run must be one thing."""
    text = 'NAME=it\'s "fine" $HOME `date` \\ *'
    script = f'dry_run=true; . deploy/run.sh; shown printf "%s|" a {shlex.quote(text)} "b c"'
    shown = printed("bash", "-c", script)
    assert printed("bash", "-c", shown) == f"a|{text}|b c|"


def test_each_firebase_line_parses_and_its_configuration_fits(
    root: Path, request: pytest.FixtureRequest
) -> None:
    """firebase-tools' own parser and schema."""
    if os.environ.get("REQUIRE_SUITE") and not _FIREBASE_TOOLS.is_dir():
        request.getfixturevalue("tools")
    node = shutil.which("node")
    if node is None or not _FIREBASE_TOOLS.is_dir():
        reason = f"needs Node and firebase-tools in {_FIREBASE_TOOLS} (or FIREBASE_TOOLS)"
        missing(reason, required_by="REQUIRE_SUITE")
    lines = [line for line in _dry(root) if line.startswith("firebase ")]
    lines += _dry(root, "destroy")[:1]
    lines += [f"firebase {line}" for line in ("hosting:clone a:@1 a:live", PREVIEW)]
    assert len(lines) == 8
    parser = (node, "tests/deploy/parse_firebase.js", _FIREBASE_TOOLS)
    staged = root / "checkout/build/stage/firebase/firebase.json"
    printed(*parser, staged, typed="\n".join(lines))


def test_the_scripts_are_shellcheck_clean() -> None:
    """Quoting mistakes in a deployment cost more than elsewhere."""
    shellcheck = shutil.which("shellcheck")
    if shellcheck is None:
        missing("needs shellcheck", required_by="REQUIRE_SHELLCHECK")
    scripts = [ROOT / "deploy.sh", ROOT / "dev.sh", ROOT / "tests/deploy/stand_in/shim"]
    scripts += sorted((ROOT / "deploy").rglob("*.sh"))
    assert len(scripts) > 10
    printed(shellcheck, *scripts)
