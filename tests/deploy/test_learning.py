"""The job that learns every week: off unless asked for, with few rights, gone when it is."""

import json
import re
import sys
from pathlib import Path

from local.stack import BUCKET
from parrot.adapters.sqlite import SqliteObservations
from tests.deploy.project import LEARNING, PROJECT, REGION, Project
from tests.support.commands import done, printed

NAME = "parrot-learning"


def _granted(project: Project, account: str) -> set[tuple[str, str, str]]:
    """Resource, role and condition."""
    policies = project.state()["policies"]
    member = f"serviceAccount:{account}@{PROJECT}.iam.gserviceaccount.com"
    return {
        (resource, role, text.partition("|")[2])
        for resource, roles in policies.items()
        for role, members in roles.items()
        for text in members
        if text.partition("|")[0] == member
    }


def test_nothing_learns_unless_somebody_says_so(serving: Project) -> None:
    """It reads what people saved, and costs money."""
    assert "run_jobs" not in serving.state()
    assert set(serving.state()["jobs"]) == {"pending-sweep"}


def test_a_job_runs_every_week_and_may_add_bundles_but_not_choose_one(serving: Project) -> None:
    """A candidate that chose itself would answer everybody before anybody looked at it."""
    serving.done(*LEARNING, "accounts", "learning")
    job = serving.state()["run_jobs"][NAME]
    assert job["args"] == (
        f"firestore:{PROJECT},{PROJECT}-photos,--bundle,bundle,--to,gs://{PROJECT}-models"
    )
    assert job["service-account"] == f"{NAME}@{PROJECT}.iam.gserviceaccount.com"
    assert "TRAINING=ask" in job["set-env-vars"]
    schedule = serving.state()["jobs"][NAME]
    assert schedule["httpTarget"] == {
        "uri": f"https://run.googleapis.com/v2/projects/{PROJECT}/locations/{REGION}/jobs/{NAME}:run",
        "oauthToken": {"serviceAccountEmail": f"parrot-trigger@{PROJECT}.iam.gserviceaccount.com"},
    }
    assert _granted(serving, NAME) == {
        (f"projects {PROJECT}", "roles/datastore.user", "database (default)"),
        (f"storage buckets gs://{PROJECT}-photos", "roles/storage.objectViewer", ""),
        (f"storage buckets gs://{PROJECT}-models", "roles/storage.objectViewer", ""),
        (f"storage buckets gs://{PROJECT}-models", "roles/storage.objectCreator", "new bundles"),
    }
    invoker = (f"run jobs {NAME}", "roles/run.invoker", "")
    assert invoker in _granted(serving, "parrot-trigger")
    serving.again(*LEARNING, "accounts", "learning")


def test_a_new_account_gets_its_roles_beside_one_with_a_condition(serving: Project) -> None:
    """Without being told that a role has no condition gcloud refuses where another has one."""
    serving.done(*LEARNING, "accounts")
    serving.done("--set", "SAVE_ACCOUNT=other-save", "accounts")
    assert (f"storage buckets gs://{PROJECT}-models", "roles/storage.objectViewer", "") in _granted(
        serving, "other-save"
    )


def test_another_bundle_or_setting_is_another_job_and_off_ends_it(serving: Project) -> None:
    """It begins with the bundle in use, and a withdrawn one must not come back."""
    serving.done(*LEARNING, "accounts", "learning")
    images = set(serving.state()["images"])
    serving.next_bundle()
    serving.done(*LEARNING, "--set", "LEARNING_SCHEDULE=0 4 1 * *", "learning")
    (new,) = set(serving.state()["images"]) - images
    assert serving.state()["run_jobs"][NAME]["image"] == new
    assert serving.state()["images"][new]["bundles"] == ["next"]
    assert serving.state()["jobs"][NAME]["schedule"] == "0 4 1 * *"
    serving.done("learning")
    assert set(serving.state()["jobs"]) == {"pending-sweep"}
    assert "run_jobs" not in serving.state()  # by hand it would learn with the settings of then
    serving.again("learning")


def test_a_job_of_others_is_left_alone(serving: Project) -> None:
    """Its name may be taken."""
    serving.control("put", "run_jobs", NAME, json.dumps({"metadata": {"labels": {}}}))
    refused = serving.refused(*LEARNING, "learning")
    assert f"there is a Cloud Run job {NAME}" in refused
    assert "LEARNER in deploy.env" in refused


def test_check_says_how_the_last_run_ended(serving: Project) -> None:
    """A job that publishes nothing is silent otherwise."""
    serving.done(*LEARNING, "accounts", "learning")
    assert "it has not run yet" in serving.done(*LEARNING, "check")
    done = {"completionTime": "2026-11-30"}
    for status, said in (
        ({}, "is running"),
        (done, "published no candidate: its log says why"),
        ({**done, "succeededCount": 1}, "published a candidate"),
    ):
        run = {"metadata": {"name": f"{NAME}-x"}, "status": status}
        serving.control("put", "executions", "x", json.dumps(run))
        assert f"{NAME}-x {said}" in serving.done(*LEARNING, "check")


def test_what_the_image_holds_is_enough_to_learn(tmp_path: Path, storage_url: str) -> None:
    """A module that is missing would show on a Monday night."""
    private = ("sh", "-c", 'umask 077; exec "$0" "$@"', sys.executable)
    printed(*private, "deploy/stage.py", "learning", "--to", tmp_path)
    folder = tmp_path / "learning"
    modes = {path.stat().st_mode & 0o777 for path in (folder, *folder.rglob("*"))}
    assert modes == {0o644, 0o755}, "it runs as nobody, whoever staged it"
    locks = re.findall(r"-r (\S+)", (folder / "Dockerfile").read_text())
    installed = {line for lock in locks for line in (folder / lock).read_text().splitlines()}
    for name in ("numpy", "msgspec", "tensorflow-cpu", "typer"):  # of functions, and of training
        assert any(line.startswith(f"{name}==") for line in installed), name
    SqliteObservations(tmp_path / "o.db")
    saved = (f"sqlite:{tmp_path}/o.db", BUCKET, "--to", tmp_path / "published")
    alone = {
        "PYTHONPATH": f"{folder}:{folder / 'shared'}",
        "STORAGE_EMULATOR_HOST": storage_url,
    }
    job = (sys.executable, "-m", "models", "retrain", *saved, "--bundle", "models/default")
    ended = done(*job, cwd=folder, env=alone)
    assert "too little to learn from: 0 saved photos" in ended.stderr
    assert ended.returncode == 1
