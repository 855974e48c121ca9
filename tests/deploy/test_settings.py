"""What decides how a deployment looks: deploy.env, the command line, and nothing else."""

import json
from pathlib import Path

import pytest
import yaml

from local.stack import MEMORY
from parrot.config import Settings
from tests.deploy.dry import PLACE, deploy, printed
from tests.deploy.project import PROJECT, REGION, ROOT
from tests.support.commands import done


@pytest.mark.parametrize("models", ["run", "vertex"])
def test_the_settings_of_a_function_are_what_it_reads(root: Path, models: str) -> None:
    """A misspelt variable would show as a function that does not start, or worse, as a default."""
    sha256, candidate = "a" * 64, ("--set", "SHADOW_BUNDLE=2026-12-06")
    printed(
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
        done = deploy(root, *arguments.split())
        assert (done.returncode, done.stdout) == (2, ""), arguments
        assert words in done.stderr


def test_the_environment_decides_nothing_and_deploy_env_does(root: Path) -> None:
    """A BUCKET that a shell happens to export must not become the service's."""
    settings = root / "checkout/my.env"
    settings.write_text("# mine\nBUCKET='my-photos'  # old\nPROJECT=other-parrot\nALERT_EMAIL=\n")
    words = ("--dry-run", "--env-file", str(settings), *PLACE.split(), "storage")
    done = deploy(root, *words, BUCKET="exported", MODEL_BUCKET="exported")
    assert done.returncode == 0, done.stderr
    assert "exported" not in done.stdout
    assert "gs://my-photos " in done.stdout
    assert f"--project={PROJECT}" in done.stdout
    assert "other-parrot" not in done.stdout


def test_the_workflow_for_github_says_what_deploy_sh_takes(root: Path) -> None:
    """It is copied into repositories where nothing else would try it before it deploys."""
    text = (ROOT / "docs/deploy-workflow.yml").read_text()
    jobs = yaml.safe_load(text)["jobs"]
    runs = [step["run"] for job in jobs.values() for step in job["steps"] if "run" in step]
    lines = {
        run.replace("${{ inputs.task }}", task)
        for run in runs
        for task in ("promote", "rollback", "check")
        if run.startswith("./deploy.sh ")
    }
    assert len(lines) == 8
    for line in lines:
        words = line.replace("$WHERE", PLACE).replace(" --dry-run", "").split()[1:]
        done = deploy(root, "--dry-run", *words)
        assert done.returncode == 0, (line, done.stderr)


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
    told = done("bash", "-c", f"{settings}{_QUOTA}")
    assert told.returncode == problems, told.stderr
    assert ("MODEL_MAX in deploy.env" in told.stderr) == bool(problems)


def test_doctor_says_what_it_did_not_look_at(root: Path) -> None:
    """It asks with the tools: where one is missing, the first problem is not the only one."""
    told = deploy(root, "doctor", *PLACE.split())
    assert told.returncode == 1
    assert "BAD gcloud is not installed" in told.stderr
    assert "checked once this is right: login, project," in told.stderr
