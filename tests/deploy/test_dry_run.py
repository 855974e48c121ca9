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
import yaml

from local.stack import MEMORY
from parrot.config import Settings
from tests.deploy.project import PROJECT, REGION, ROOT, checkout, sdk_python
from tests.support.required import missing

if TYPE_CHECKING:
    from local.toolchain import Toolchain

_FIREBASE_TOOLS = Path(
    os.environ.get("FIREBASE_TOOLS", ROOT / ".local/firebase-tools/node_modules/firebase-tools")
)
PREVIEW = "hosting:channel:deploy pr-1 --expires 7d --project p --config c --non-interactive"
DOCUMENTS = ("getting-started.md", "operations.md")
PLACE = f"--project {PROJECT} --region {REGION}"
RUNS = (
    (),
    ("--models", "vertex"),
    ("--set", "BUDGET=50", "alerts"),
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
    ("--set", "LEARNING=true", "accounts", "learning"),
    ("rotate-secret",),
    ("rotate-secret", "--now"),
    ("destroy",),
    ("--models", "vertex", "destroy", "--with-data"),
)


def documented() -> set[str]:
    """The commands that the documents tell people to type."""
    text = "".join((ROOT / "docs" / name).read_text() for name in DOCUMENTS)
    blocks = re.findall(r"```sh\n(.*?)```", text, re.DOTALL)
    text = "".join(blocks).replace("\\\n", "").replace("PROJECT", PROJECT)
    lines = re.sub(r" >\S+", "", text).splitlines()
    return {shlex.join(shlex.split(line, comments=True)) for line in lines if "gcloud " in line[:9]}


def test_the_workflow_for_github_says_what_deploy_sh_takes(root: Path) -> None:
    """It is copied into repositories where nothing else would try it before it deploys."""
    text = (ROOT / "docs/deploy-workflow.yml").read_text()
    jobs = yaml.safe_load(text)["jobs"]
    runs = [step["run"] for job in jobs.values() for step in job["steps"] if "run" in step]
    lines = [run for run in runs if run.startswith("./deploy.sh ")]
    assert len(lines) == 7
    for line in lines:
        for task in ("promote", "rollback", "check"):
            words = line.replace("$WHERE", PLACE).replace("${{ inputs.task }}", task).split()[1:]
            done = _deploy(root, "--dry-run", *(word for word in words if word != "--dry-run"))
            assert done.returncode == 0, (line, done.stderr)


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


def _deploy(root: Path, *words: str, **exported: str) -> subprocess.CompletedProcess[str]:
    """deploy.sh, with every tool of a cloud out of reach."""
    return subprocess.run(
        ["./deploy.sh", *words],
        cwd=root / "checkout",
        env={"PATH": str(root / "bin"), "HOME": str(root), **exported},
        capture_output=True,
        text=True,
        check=False,
    )


@functools.cache
def _dry(root: Path, *words: str) -> list[str]:
    """The printed lines."""
    done = _deploy(root, "--dry-run", *PLACE.split(), *words)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout.splitlines()


def test_each_gcloud_line_parses_with_gclouds_own_parser(root: Path, sdk_root: Path) -> None:
    """A flag that does not exist shows here, not in the middle of a first deployment."""
    runs = [
        [re.sub(r" > \S+$", "", line) for line in _dry(root, *arguments) if line[:7] == "gcloud "]
        for arguments in RUNS
    ]
    assert all(runs)
    lines = sorted({line for run in runs for line in run} | documented())
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


def _page(root: Path, *settings: str) -> tuple[str, dict[str, str | None]]:
    """The staged page's security policy, and its settings."""
    _dry.cache_clear()
    _dry(root, *settings, "hosting")
    staged = root / "checkout/build/stage/firebase"
    hosting = json.loads((staged / "firebase.json").read_text())["hosting"]
    regions = {rule["run"]["region"] for rule in hosting["rewrites"] if "run" in rule}
    assert regions == {REGION}, "firebase-tools would look for functions in us-central1"
    (policy,) = (
        header["value"]
        for rule in hosting["headers"]
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


def test_the_sdk_that_the_page_loads_is_staged_and_names_what_the_policy_allows(
    tmp_path: Path, tools: Toolchain
) -> None:
    """It is in no commit: signing in would fail where nobody built it, or where it moved to."""
    command = [str(ROOT / "dev.sh"), "stage", "firebase", "--to", str(tmp_path)]
    env = {**os.environ, "PATH": tools.path}
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"{tmp_path / 'firebase'}\n"
    vendor = tmp_path / "firebase/public/vendor"
    page = (ROOT / "public/app/account-firebase.js").read_text()
    code = {
        name: (vendor / name).read_text()
        for name in re.findall(r'import\("../vendor/([^"]+)"\)', page)
    }
    shared = {name for text in code.values() for name in re.findall(r'"./([\w-]+.js)"', text)}
    reference = {"reference.js", "reference.css"}
    assert {path.name for path in vendor.iterdir()} == {*code, *shared, *reference}
    assert "https://www.google.com/recaptcha/enterprise.js" in code["app-check.js"]
    assert "https://content-firebaseappcheck.googleapis.com/" in code["app-check.js"]
    assert "https://apis.google.com/js/api.js" in code["auth.js"]


@pytest.mark.parametrize("models", ["run", "vertex"])
def test_the_settings_of_a_function_are_what_it_reads(root: Path, models: str) -> None:
    """A misspelt variable would show as a function that does not start, or worse, as a default."""
    _dry.cache_clear()
    sha256, candidate = "a" * 64, ("--set", "SHADOW_BUNDLE=2026-12-06")
    _dry(
        root, "--models", models, *candidate, "--set", f"SHADOW_BUNDLE_SHA256={sha256}", "functions"
    )
    documented = (ROOT / "shared/parrot/config.py").read_text()
    for function in ("classify", "save", "observations", "reviews", "process"):
        text = (root / f"checkout/build/deploy/{function}.env.yaml").read_text()
        lines = (line.partition(": ") for line in text.splitlines())
        env = {name: json.loads(value) for name, _, value in lines}
        if models == "run":  # known only when the model server is there
            url = env["MODEL_SERVER_URL"]
            assert url.startswith("$(gcloud run services describe parrot-models ")
            env["MODEL_SERVER_URL"] = "https://parrot-models-abc.a.run.app"
        settings = Settings.from_env({**env, "K_SERVICE": function, "K_CONFIGURATION": function})
        assert settings.bundle_sha256 is not None
        asks = function in {"classify", "process"}
        assert (settings.shadow_version, settings.shadow_sha256) == (
            ("2026-12-06", sha256) if asks else (None, None)
        )
        ours = {"THREADS", *MEMORY}
        assert [name for name in env.keys() - ours if f"| {name} |" not in documented] == []
        assert {name: env[name] for name in MEMORY} == MEMORY


def test_the_scripts_are_shellcheck_clean() -> None:
    """Quoting mistakes in a deployment cost more than elsewhere."""
    shellcheck = shutil.which("shellcheck")
    if shellcheck is None:
        missing("needs shellcheck", required_by="REQUIRE_SHELLCHECK")
    scripts = [ROOT / "deploy.sh", ROOT / "dev.sh", ROOT / "tests/deploy/stand_in/shim"]
    scripts += sorted((ROOT / "deploy").rglob("*.sh"))
    assert len(scripts) > 10
    done = subprocess.run([shellcheck, *scripts], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


MISTYPED = {
    "--project": "needs a value",
    f"--project Not.A.Project --region {REGION}": "not a project's ID",
    f"--project {PROJECT}": "which region",
    f"{PLACE} --traffic 0": "per cent",
    f"{PLACE} --models elsewhere": "neither run nor vertex",
    f"{PLACE} --set NO_SUCH=1": "no setting NO_SUCH",
    f"{PLACE} --set BUCKET": "wants NAME=VALUE",
    f"{PLACE} --set MODEL_MAX=ten": "not a whole number",
    f"{PLACE} --set SHADOW_BUNDLE=2026-12-06": "needs the sha256 of its manifest",
    f"{PLACE} --set LEARNING=true --set TRAINING=off": "nothing may be learnt",
    f"{PLACE} storrage": "no part 'storrage'",
    f"{PLACE} --dryrun": "no option --dryrun",
    "--env-file missing.env": "no file missing.env",
}


def test_a_mistyped_command_line_is_one_sentence_and_runs_nothing(root: Path) -> None:
    """Exit code 2, as of other tools."""
    for arguments, words in MISTYPED.items():
        done = _deploy(root, *arguments.split())
        assert (done.returncode, done.stdout) == (2, ""), arguments
        assert words in done.stderr


def test_the_environment_decides_nothing_and_deploy_env_does(root: Path) -> None:
    """A BUCKET that a shell happens to export must not become the service's."""
    settings = root / "checkout/my.env"
    settings.write_text("# mine\nBUCKET='my-photos'  # old\nPROJECT=other-parrot\nALERT_EMAIL=\n")
    words = ("--dry-run", "--env-file", str(settings), *PLACE.split(), "storage")
    done = _deploy(root, *words, BUCKET="exported", MODEL_BUCKET="exported")
    assert done.returncode == 0, done.stderr
    assert "exported" not in done.stdout
    assert "gs://my-photos " in done.stdout
    assert f"--project={PROJECT}" in done.stdout
    assert "other-parrot" not in done.stdout
