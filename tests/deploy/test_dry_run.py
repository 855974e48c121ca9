"""What --dry-run prints: every command, one a line, each as its own tool would parse it."""

from __future__ import annotations

import functools
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from local.stack import MEMORY
from parrot.config import Settings
from tests.deploy.project import PROJECT, REGION, ROOT, checkout, sdk_python

if TYPE_CHECKING:
    from local.toolchain import Toolchain

_FIREBASE_TOOLS = Path(
    os.environ.get("FIREBASE_TOOLS", ROOT / ".local/firebase-tools/node_modules/firebase-tools")
)
RUNS = (
    (),
    ("--models", "vertex"),
    (
        "--set",
        "ALERT_EMAIL=ana@example.com",
        "--set",
        "CORS_ORIGINS=https://a.example, https://b.example",
    ),
    ("--traffic", "5", "models", "functions"),
    ("--models", "vertex", "--traffic", "5", "models", "functions"),
    ("promote",),
    ("rollback",),
    ("--models", "vertex", "promote"),
    ("--models", "vertex", "rollback"),
    ("rotate-secret",),
    ("rotate-secret", "--now"),
    ("check",),
)


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


@functools.cache
def _dry(root: Path, *arguments: str) -> list[str]:
    """The printed lines; every tool of a cloud is out of reach."""
    done = subprocess.run(
        ["./deploy.sh", "--dry-run", "--project", PROJECT, "--region", REGION, *arguments],
        cwd=root / "checkout",
        env={"PATH": str(root / "bin"), "HOME": str(root)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout.splitlines()


def test_each_gcloud_line_parses_with_gclouds_own_parser(root: Path, sdk_root: Path) -> None:
    """A flag that does not exist shows here, not in the middle of a first deployment."""
    runs = [
        [line for line in _dry(root, *arguments) if line.startswith("gcloud ")]
        for arguments in RUNS
    ]
    assert all(runs)
    lines = sorted({line for run in runs for line in run})
    done = subprocess.run(
        [sdk_python(sdk_root), "-S", ROOT / "tests/deploy/stand_in/parser.py"],
        input="\n".join(lines),
        env={
            **os.environ,
            "CLOUDSDK_ROOT": str(sdk_root),
            "CLOUDSDK_CONFIG": str(root / "config"),
            "PYTHONPATH": "",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]


def test_lines_can_be_pasted_into_a_shell(root: Path) -> None:
    """Names with quotes or blanks must arrive as they are."""
    for line in {line for arguments in RUNS for line in _dry(root, *arguments)}:
        assert shlex.split(line)
        subprocess.run(["bash", "-n", "-c", line], check=True)


def test_a_pasted_line_gives_a_command_the_words_that_the_script_would() -> None:
    """The printed text and the run must be one thing."""
    text = 'NAME=it\'s "fine" $HOME `date` \\ *'
    script = f'dry_run=true; . deploy/run.sh; shown printf "%s|" a {shlex.quote(text)} "b c"'
    shown = subprocess.run(
        ["bash", "-c", script], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout
    pasted = subprocess.run(["bash", "-c", shown], check=True, capture_output=True, text=True)
    assert pasted.stdout == f"a|{text}|b c|"


def test_apis_are_enabled_twenty_at_a_time(root: Path) -> None:
    """Google refuses more in one request and then enables none."""
    lines = _dry(root, "--models", "vertex", "--set", "REQUIRE_APP_CHECK=true", "apis")
    enabled = [shlex.split(line) for line in lines if line.startswith("gcloud services enable")]
    names = [[word for word in line if word.endswith(".googleapis.com")] for line in enabled]
    assert [len(some) <= 20 for some in names] == [True, True]
    assert len({name for some in names for name in some}) == sum(map(len, names)) > 20


_QUOTA = """
root=. scratch=$(mktemp -d) PROJECT=demo-parrot REGION=asia-northeast3 problems=0
. deploy/run.sh; . deploy/parts/functions.sh; . deploy/doctor.sh; . deploy.env.example
quietly() { echo 20000 >"$scratch/answer"; }
doctor_quota
rm -r "$scratch"
exit "$problems"
"""


@pytest.mark.parametrize(
    ("settings", "problems"), [("", 0), ("MODEL_MAX=6;", 1), ("MODEL_MAX=6; MODELS=vertex;", 0)]
)
def test_no_service_asks_for_more_cpus_than_a_new_project_has(settings: str, problems: int) -> None:
    """Cloud Run refuses to deploy one that could use more: 20 is what a new project was given."""
    done = subprocess.run(
        ["bash", "-c", f"{settings}{_QUOTA}"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == problems, done.stderr
    assert ("MODEL_MAX in deploy.env" in done.stderr) == bool(problems)


def test_the_parts_come_in_order_and_each_alone(root: Path) -> None:
    """All parts are the sum of the parts: nothing is only done in a whole run."""
    parts = "apis storage accounts secrets models functions firestore rules hosting logs alerts"
    first, *whole = _dry(root)
    alone = [line for part in parts.split() for line in _dry(root, part) if line != first]
    assert whole == alone


def test_each_firebase_line_parses_and_its_configuration_fits(
    root: Path, request: pytest.FixtureRequest
) -> None:
    """firebase-tools' own parser and schema."""
    if os.environ.get("REQUIRE_SUITE") and not _FIREBASE_TOOLS.is_dir():
        request.getfixturevalue("tools")
    node = shutil.which("node")
    if node is None or not _FIREBASE_TOOLS.is_dir():
        reason = f"needs Node and firebase-tools in {_FIREBASE_TOOLS} (or FIREBASE_TOOLS)"
        if os.environ.get("REQUIRE_SUITE"):
            pytest.fail(reason)
        pytest.skip(reason)
    lines = [line for line in _dry(root) if line.startswith("firebase ")]
    assert len(lines) == 5
    done = subprocess.run(
        [
            *(node, ROOT / "tests/deploy/parse_firebase.js", _FIREBASE_TOOLS),
            root / "checkout/build/stage/firebase/firebase.json",
        ],
        input="\n".join(lines),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_hosting_calls_the_functions_in_their_region(root: Path) -> None:
    """Without a region firebase-tools would look for them in us-central1."""
    _dry(root, "hosting")
    config = json.loads((root / "checkout/build/stage/firebase/firebase.json").read_text())
    regions = [r["run"]["region"] for r in config["hosting"]["rewrites"] if "run" in r]
    assert regions
    assert set(regions) == {REGION}


def _page(root: Path, *settings: str) -> tuple[str, dict[str, str | None]]:
    """The staged page's security policy, and its settings."""
    _dry.cache_clear()
    _dry(root, *settings, "hosting")
    staged = root / "checkout/build/stage/firebase"
    config = json.loads((staged / "firebase.json").read_text())
    (policy,) = (
        header["value"]
        for rule in config["hosting"]["headers"]
        for header in rule["headers"]
        if header["key"] == "Content-Security-Policy"
    )
    return policy, json.loads((staged / "public/config.json").read_text())


def test_the_page_may_call_recaptcha_only_where_app_check_is_asked_for(root: Path) -> None:
    """Each origin that a policy allows is one whose scripts are trusted with everything."""
    plain, config = _page(root)
    assert config["appCheckSiteKey"] is None
    assert "recaptcha" not in plain
    assert "appcheck" not in plain
    policy, config = _page(root, "--set", "APP_CHECK_SITE_KEY=6Lc_site-key")
    assert config == {**config, "appCheckSiteKey": "6Lc_site-key", "signIn": "firebase"}
    before, after = (
        {text.split()[0]: set(text.split()[1:]) for text in each.split(";")}
        for each in (plain, policy)
    )
    recaptcha = "https://www.google.com/recaptcha/"
    assert {name: after[name] - before[name] for name in after if after[name] != before[name]} == {
        "script-src": {recaptcha, "https://www.gstatic.com/recaptcha/"},
        "frame-src": {recaptcha},
        "connect-src": {recaptcha, "https://content-firebaseappcheck.googleapis.com"},
    }


@pytest.fixture(scope="module")
def vendor(tmp_path_factory: pytest.TempPathFactory, tools: Toolchain) -> Path:
    """Firebase's SDK as `./dev.sh stage firebase` adds it to the page."""
    to = tmp_path_factory.mktemp("stage")
    command = [str(ROOT / "dev.sh"), "stage", "firebase", "--to", str(to)]
    env = {**os.environ, "PATH": tools.path}
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"{to / 'firebase'}\n"
    return to / "firebase/public/vendor"


def test_what_the_page_loads_of_firebases_sdk_is_staged(vendor: Path) -> None:
    """It is in no commit: signing in would fail where nobody built it."""
    page = (ROOT / "public/app/account-firebase.js").read_text()
    loaded = re.findall(r'import\("../vendor/([^"]+)"\)', page)
    assert sorted(loaded) == ["app-check.js", "auth.js"]
    shared = {
        name
        for file in loaded
        for name in re.findall(r'"./([\w-]+.js)"', (vendor / file).read_text())
    }
    assert {path.name for path in vendor.iterdir()} == {*loaded, *shared}


def test_the_sdk_is_bundled_before_hosting_is_deployed(root: Path) -> None:
    """From the lock file of the commit that is deployed."""
    lines = _dry(root, "hosting")
    stage = root / "checkout/build/stage/firebase"
    at = lines.index(f"{root / 'checkout'}/dev.sh sdk {stage}")
    assert lines[at + 1].startswith("firebase deploy --only hosting ")
    git = ["git", "-C", str(ROOT), "ls-tree", "--name-only", "HEAD", "local/firebase_sdk/"]
    names = subprocess.run(git, check=True, capture_output=True, text=True).stdout.split()
    assert {path.name for path in (stage / "firebase_sdk").iterdir()} == {
        Path(n).name for n in names
    }


def test_the_policy_allows_what_firebases_own_sdk_names(vendor: Path) -> None:
    """The SDK may move to other addresses with its next version."""
    allowed = {
        "app-check.js": (
            "https://www.google.com/recaptcha/enterprise.js",
            "https://content-firebaseappcheck.googleapis.com/",
        ),
        "auth.js": ("https://apis.google.com/js/api.js",),
    }
    for name, addresses in allowed.items():
        code = (vendor / name).read_text()
        for address in addresses:
            assert address in code


@pytest.mark.parametrize("models", ["run", "vertex"])
def test_the_settings_of_a_function_are_what_it_reads(root: Path, models: str) -> None:
    """A misspelt variable would show as a function that does not start, or worse, as a default."""
    _dry.cache_clear()
    _dry(root, "--models", models, "functions")
    documented = (ROOT / "shared/parrot/config.py").read_text()
    for function in ("classify", "save", "observations", "process"):
        text = (root / f"checkout/build/deploy/{function}.env.yaml").read_text()
        lines = (line.partition(": ") for line in text.splitlines())
        env = {name: json.loads(value) for name, _, value in lines}
        if models == "run":  # known only when the model server is there
            url = env["MODEL_SERVER_URL"]
            assert url.startswith("$(gcloud run services describe parrot-models ")
            env["MODEL_SERVER_URL"] = "https://parrot-models-abc.a.run.app"
        settings = Settings.from_env({**env, "K_SERVICE": function, "K_CONFIGURATION": function})
        assert settings.bundle_sha256 is not None
        ours = {"THREADS", *MEMORY}
        assert [name for name in env.keys() - ours if f"| {name} |" not in documented] == []
        assert {name: env[name] for name in MEMORY} == MEMORY


def test_the_scripts_are_shellcheck_clean() -> None:
    """Quoting mistakes in a deployment cost more than elsewhere."""
    shellcheck = shutil.which("shellcheck")
    if shellcheck is None:
        reason = "needs shellcheck"
        if os.environ.get("REQUIRE_SHELLCHECK"):
            pytest.fail(reason)
        pytest.skip(reason)
    scripts = [ROOT / "deploy.sh", ROOT / "dev.sh", ROOT / "tests/deploy/stand_in/shim"]
    scripts += sorted((ROOT / "deploy").rglob("*.sh"))
    assert len(scripts) > 10
    done = subprocess.run([shellcheck, *scripts], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


PLACE = f"--project {PROJECT} --region {REGION}"
MISTYPED = {
    "--project": "needs a value",
    f"--project Not.A.Project --region {REGION}": "not a project's ID",
    f"--project {PROJECT}": "which region",
    f"{PLACE} --traffic 0": "per cent",
    f"{PLACE} --models elsewhere": "neither run nor vertex",
    f"{PLACE} --set NO_SUCH=1": "no setting NO_SUCH",
    f"{PLACE} --set BUCKET": "wants NAME=VALUE",
    f"{PLACE} --set MODEL_MAX=ten": "not a whole number",
    f"{PLACE} storrage": "no part 'storrage'",
    f"{PLACE} --dryrun": "no option --dryrun",
    "--env-file missing.env": "no file missing.env",
}


def test_a_mistyped_command_line_is_one_sentence_and_runs_nothing(root: Path) -> None:
    """Exit code 2, as of other tools."""
    for arguments, words in MISTYPED.items():
        done = subprocess.run(
            ["./deploy.sh", *arguments.split()],
            cwd=root / "checkout",
            env={"PATH": str(root / "bin"), "HOME": str(root)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert (done.returncode, done.stdout) == (2, ""), arguments
        assert words in done.stderr


def test_the_environment_decides_nothing_and_deploy_env_does(root: Path) -> None:
    """A BUCKET that a shell happens to export must not become the service's."""
    clone = root / "checkout"
    settings = clone / "my.env"
    settings.write_text("# mine\nBUCKET='my-photos'  # old\nPROJECT=other-parrot\nALERT_EMAIL=\n")
    done = subprocess.run(
        [
            "./deploy.sh",
            "--dry-run",
            "--env-file",
            str(settings),
            "--project",
            PROJECT,
            "--region",
            REGION,
            "storage",
        ],
        cwd=clone,
        env={
            "PATH": str(root / "bin"),
            "HOME": str(root),
            "BUCKET": "exported",
            "MODEL_BUCKET": "exported",
        },
        capture_output=True,
        text=True,
        check=True,
    )
    assert "exported" not in done.stdout
    assert "gs://my-photos " in done.stdout
    assert f"--project={PROJECT}" in done.stdout
    assert "other-parrot" not in done.stdout
