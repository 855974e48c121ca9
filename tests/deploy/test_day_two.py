"""After the first day: settings that change, commands that are cut, what is restored or left."""

import json

import pytest

from tests.deploy.project import PROJECT, REGION, Project

ELSEWHERE = ("--region", "europe-west1")
SAME = f"--set=PROJECT={PROJECT} --set=REGION={REGION} --set=RETRY_SECONDS=0 --set=PREFIX=bird-"
DATA_STAYS = tuple(f"--set={name}_LOCATION={REGION}" for name in ("BUCKET", "FIRESTORE"))


@pytest.mark.parametrize("words", [ELSEWHERE, ("--set", "PREFIX=bird-", "destroy")])
def test_another_region_or_prefix_leaves_no_services_behind(
    serving: Project, words: tuple[str, ...]
) -> None:
    """They would go on in public with their old code, or without their accounts."""
    before = serving.state()
    refused = serving.refused(*words, typed=f"{PROJECT}\n")
    assert f"in {REGION} was made with another REGION or PREFIX" in refused
    assert serving.state() == before


def test_a_service_moves_to_another_region_and_its_data_stays(serving: Project) -> None:
    """What the documents say to do: take it down, and deploy it again."""
    data = {kind: serving.state()[kind] for kind in ("buckets", "objects")}
    serving.done("destroy", typed=f"{PROJECT}\n")
    serving.done(*ELSEWHERE, *DATA_STAYS)
    state = serving.state()
    assert {kind: state[kind] for kind in data} == data
    called = state["triggers"]["photo-saved"]["destination"]["cloudRun"]
    assert called == {"service": "process", "region": "europe-west1"}
    serving.again(*ELSEWHERE, *DATA_STAYS)


def test_a_trigger_follows_process_to_another_region(serving: Project) -> None:
    """Photos that are sent to where nothing runs any more would stay pending."""
    called = {"service": "process", "region": "europe-west1"}
    serving.change("triggers", "photo-saved", destination={"cloudRun": called})
    serving.done("functions")
    trigger = serving.state()["triggers"]["photo-saved"]
    assert trigger["destination"]["cloudRun"]["region"] == REGION
    serving.again("functions")


def _keys(project: Project) -> list[list[str]]:
    """Of each version of the secret, newest first."""
    versions = project.state()["secrets"]["download-secret"]["versions"]
    return [version.split(",") for version in versions]


def test_a_rotation_that_was_cut_is_run_again_and_no_url_dies(serving: Project) -> None:
    """Functions that were not restarted go on to sign with the key before both rotations."""
    ((signing,),) = _keys(serving)
    serving.control("fail", "2", "before", "ERROR: Connection reset by peer")
    serving.refused("rotate-secret")
    serving.control("fail", "0", "before", "")
    serving.done("rotate-secret")
    assert _keys(serving)[-1][1:] == [_keys(serving)[-2][0], signing]
    serving.done("rotate-secret")
    assert signing not in _keys(serving)[-1]


def test_a_key_that_cannot_be_read_is_not_replaced(serving: Project) -> None:
    """A new key alone would end every URL that phones hold."""
    serving.change("secrets", "download-secret", versions=[])
    serving.changes()
    serving.refused("rotate-secret")
    assert serving.changes() == []


def test_a_restored_database_is_protected_as_the_first_one_was(serving: Project) -> None:
    """From then on it is the one that nobody may delete by mistake."""
    restored = {
        "locationId": REGION,
        "type": "FIRESTORE_NATIVE",
        "deleteProtectionState": "DELETE_PROTECTION_DISABLED",
        "pointInTimeRecoveryEnablement": "POINT_IN_TIME_RECOVERY_DISABLED",
    }
    serving.control("put", "databases", "restored", json.dumps(restored))
    serving.control("put", "documents", "restored", '["users"]')
    place = ("--set", "FIRESTORE_DATABASE=restored")
    serving.done(*place, "--adopt", "firestore")
    assert serving.state()["databases"]["restored"] == serving.state()["databases"]["(default)"]
    serving.done(*place, "accounts", "functions", "learning")
    env = serving.state()["services"]["save"]["revisions"]["save-00002"]["spec"]["env"]
    assert env["OBSERVATIONS"] == "firestore:restored"
    serving.again(*place, "firestore", "accounts", "functions", "learning")


def test_backups_end_when_the_settings_say_so(serving: Project) -> None:
    """What is off goes on to cost money, and to keep what people deleted."""
    off = ("--set", "BACKUP_DAYS=0", "--set", "POINT_IN_TIME_RECOVERY=false", "firestore")
    serving.done(*off)
    assert "schedules" not in serving.state()
    database = serving.state()["databases"]["(default)"]
    assert database["pointInTimeRecoveryEnablement"] == "POINT_IN_TIME_RECOVERY_DISABLED"
    serving.again(*off)


def test_destroy_stops_at_a_list_that_it_cannot_read(serving: Project) -> None:
    """It would leave out what is in it, and say that it is done."""
    serving.control("refuse", "ERROR: Connection reset by peer")
    assert serving.refused("destroy", typed=f"{PROJECT}\n").count("this command failed") == 1


def test_a_rollback_does_not_wait_for_settings_that_only_a_deployment_needs(
    serving: Project,
) -> None:
    """Whoever has just turned training off may have to take a release back first."""
    learning = ("--set", "LEARNING=true", "--set", "TRAINING=off")
    assert "there is no previous revision" in serving.done(*learning, "rollback")
    assert serving.run(*learning).returncode == 2


@pytest.mark.parametrize(
    ("error", "advice"),
    [
        ("(gcloud.secrets.create) unrecognized arguments: --labels", "SDK may be too old"),
        ("RESOURCE_EXHAUSTED: Quota exceeded for CPUs", "iam-admin/quotas"),
        ("SERVICE_DISABLED: Secret Manager API", f"Run: ./deploy.sh {SAME} apis"),
    ],
)
def test_a_command_that_failed_is_told_with_what_to_do(
    project: Project, error: str, advice: str
) -> None:
    """With the settings of this run: typed as it stands, nothing is deployed under other names."""
    project.control("fail", "1", "before", f"ERROR: {error}")
    told = project.refused("--set", "PREFIX=bird-", "secrets")
    assert advice in told
    assert "Run the same command again" in told


def test_functions_are_not_moved_to_a_bucket_that_nothing_listens_to(serving: Project) -> None:
    """Photos would be saved there and stay pending, and those of the old one be out of reach."""
    serving.changes()
    assert "trigger photo-saved listens to bucket 'demo-parrot-photos'" in serving.refused(
        "--set", "BUCKET=other-photos", "functions"
    )
    assert serving.changes() == []
