"""deploy.sh against a cloud that remembers: what it makes, twice, and after failures."""

import json
import re

import pytest

from tests.deploy.conftest import CHANGE
from tests.deploy.project import LEARNING, Deployed, Project

_NEW_TRIGGER = ["eventarc", "triggers", "create"]
PARTS = (
    *("apis", "storage", "accounts", "secrets", "firestore", "rules"),
    *("models", "functions", "hosting", "learning", "logs", "alerts"),
)


def test_a_second_run_changes_nothing(serving: Project) -> None:
    """Whoever is unsure runs it again; it must not redeploy or rotate anything."""
    before = serving.state()
    said = serving.again()
    assert serving.state() == before
    assert "Done: 0 changes." in said


def test_a_run_that_fails_at_each_step_in_turn_is_completed_by_the_next(project: Project) -> None:
    """Networks and quotas fail anywhere; half of a project must never need a person's cleaning."""
    for part in PARTS:
        for at in range(1, 100):
            project.control("fail", str(at), "before", f"ERROR: the network was lost at {at}")
            result = project.run(*LEARNING, part)
            if result.returncode == 0:
                break
            assert result.returncode == 1
            (failed,) = [
                c["words"] for c in project.control("calls") if c["failed"] and not c["reads"]
            ]
            named = result.stderr.rpartition("this command failed")[2]
            assert all(word in named for word in failed if word.isalnum()), named
            assert f"the network was lost at {at}" in named
            assert named.endswith("Run the same command again to continue.\n"), named
        assert at > 1, f"{part} changed nothing"
    project.control("fail", "0", "before", "")
    project.again(*LEARNING)


def test_an_expired_login_is_not_an_empty_project(serving: Project) -> None:
    """Questions that cannot be asked must not be taken for things that are missing."""
    text = (
        "ERROR: There was a problem refreshing your current auth tokens: Reauthentication required"
    )
    serving.control("refuse", text)
    for part in PARTS:
        if part in {"rules", "hosting"}:
            continue  # firebase alone, which has a login of its own
        assert "gcloud auth login" in serving.refused(part)
        assert serving.changes() == []
    for task in ("check", "destroy"):
        said = serving.refused(task)
        assert "gcloud auth login" in said
        assert said.endswith("Nothing was changed: run the same command again.\n")


@pytest.mark.parametrize(
    ("kind", "name", "part"),
    [
        ("buckets", "gs://demo-parrot-models", "storage"),
        ("services", "process", "functions"),
        ("triggers", "photo-saved-deleted", "functions"),
        ("topics", "photo-saved-dead-letters", "functions"),
    ],
)
def test_what_somebody_deleted_is_made_again(
    serving: Project, kind: str, name: str, part: str
) -> None:
    """A project that was half taken down is completed, and nothing else is touched."""
    before = set(serving.state()[kind])
    serving.control("drop", kind, name)
    serving.done(part)
    assert set(serving.state()[kind]) == before
    serving.again(part)


# By part: what somebody else made, and the setting for another name.
TAKEN = {
    "firestore": ('database (default) holds "orders"', "FIRESTORE_DATABASE"),
    "storage": ("bucket gs://demo-parrot-photos holds objects", "BUCKET"),
    "hosting": ("a page is at https://demo-parrot.web.app", "HOSTING_SITE"),
    "functions": ("there is a Cloud Run service save", "PREFIX"),
    "models": ("there is a Cloud Run service parrot-models", "MODEL_SERVER"),
}


@pytest.fixture
def in_use(serving: Project) -> Project:
    """A project that others use: some of our names are taken, and a commit is to be deployed."""
    serving.control("put", "documents", "(default)", '["orders"]')
    serving.control("drop", "ttls", "(default)")
    serving.change("buckets", "gs://demo-parrot-photos", labels={})
    serving.control("put", "objects", "gs://demo-parrot-photos/invoice.pdf", "{}")
    serving.control("drop", "live", "release")
    serving.control("put", "live", "index", '"<h1>A shop</h1>"')
    for name in ("save", "parrot-models"):
        serving.change("services", name, metadata={"name": name, "labels": {}})
    serving.commit(*CHANGE)
    return serving


@pytest.mark.parametrize("part", TAKEN)
def test_what_others_made_is_changed_only_when_told_to(in_use: Project, part: str) -> None:
    """In a project in use our names may be taken, and rules, pages and services overwritten.

    It is noticed before anything is deployed: half of it would be left under the old names.
    """
    before = in_use.state()
    refused = in_use.refused(part)
    said, setting = TAKEN[part]
    assert said in refused
    assert f"Set {setting} in deploy.env" in refused
    assert "--adopt" in refused
    assert in_use.state() == before
    in_use.done("--adopt", part)
    in_use.again(part)


def test_doctor_names_all_that_others_made(in_use: Project) -> None:
    """Each would stop a deployment; nobody should find them one by one."""
    listed = in_use.run("doctor").stderr
    for said, _ in TAKEN.values():
        assert f"{said}, which deploy.sh did not make" in listed
    assert listed.count("did not make") == len(TAKEN)


def test_a_prefix_keeps_our_services_beside_those_of_others(project: Project) -> None:
    """Names as short as `save` are taken in some projects."""
    project.done("--set", "PREFIX=bird-")
    state = project.state()
    assert set(state["services"]) == {
        *("bird-classify", "bird-save", "bird-observations", "bird-reviews", "bird-process"),
        "parrot-models",
    }
    assert state["triggers"]["photo-saved"]["destination"]["cloudRun"]["service"] == "bird-process"
    assert state["jobs"]["pending-sweep"]["httpTarget"]["uri"].startswith("https://bird-process-")
    hosting = json.loads((project.root / "build/stage/firebase/firebase.json").read_text())[
        "hosting"
    ]
    called = {rule["run"]["serviceId"] for rule in hosting["rewrites"] if "run" in rule}
    assert called == {"bird-classify", "bird-save", "bird-observations", "bird-reviews"}


def test_the_database_is_backed_up_every_day_and_every_minute(serving: Project) -> None:
    """A deployment that was not told otherwise can undo a bad day."""
    (schedule,) = serving.state()["schedules"].values()
    assert schedule["retention"] == "604800s"
    database = serving.state()["databases"]["(default)"]
    assert database["pointInTimeRecoveryEnablement"] == "POINT_IN_TIME_RECOVERY_ENABLED"
    serving.done("--set", "BACKUP_DAYS=14", "firestore")
    (schedule,) = serving.state()["schedules"].values()
    assert schedule["retention"] == "1209600s"
    serving.control("drop", "schedules", "(default)")
    serving.done("firestore")
    assert serving.state()["schedules"]


def test_functions_come_after_the_indexes_that_their_queries_need(
    first_deployment: Deployed,
) -> None:
    """Without its index a query fails, and an index takes minutes, also of nothing."""
    calls = first_deployment.calls
    asked = [
        n for n, words in enumerate(calls) if words[1:4] == ["firestore", "indexes", "composite"]
    ]
    deployed = [n for n, words in enumerate(calls) if words[1:3] == ["run", "deploy"]]
    assert len(asked) == 4
    assert asked[-1] < deployed[0]


def test_a_role_that_is_not_known_everywhere_yet_is_waited_for(first_deployment: Deployed) -> None:
    """Storage's own account may publish only minutes after it was told that it may."""
    created = [words[4] for words in first_deployment.calls if words[1:4] == _NEW_TRIGGER]
    assert created == ["photo-saved"] * 21 + ["photo-saved-deleted"]


def test_one_function_is_deployed_by_its_name(serving: Project) -> None:
    """A change of one function needs no build of the others."""
    serving.commit(
        "functions/save/main.py", (serving.root / "functions/save/main.py").read_text() + "\n"
    )
    serving.changes()
    serving.done("save")
    assert serving.traffic("save") == {"save-00002": 100}
    assert next(words[1:3] for words in serving.changes()) == ["builds", "submit"]
    serving.done("rollback", "save")
    assert serving.traffic("save") == {"save-00001": 100}
    assert serving.traffic("classify") == {"classify-00001": 100}


def test_no_account_reads_or_writes_more_than_it_must(serving: Project) -> None:
    """Strangers choose what classify decodes, and a build runs what packages bring along."""
    policies = serving.state()["policies"]
    roles = {
        (member.partition("@")[0].partition(":")[2], place, role, member.partition("|")[2])
        for place, policy in policies.items()
        for role, members in policy.items()
        for member in members
    }
    assert {role for role in roles if role[0] == "parrot-build"} == {
        ("parrot-build", "artifacts repositories parrot", "roles/artifactregistry.writer", ""),
        ("parrot-build", "artifacts repositories parrot-hub", "roles/artifactregistry.reader", ""),
        (
            "parrot-build",
            "storage buckets gs://demo-parrot-models",
            "roles/storage.objectViewer",
            "",
        ),
        ("parrot-build", "projects demo-parrot", "roles/logging.logWriter", ""),
    }
    databases = {name: title for name, _, role, title in roles if role == "roles/datastore.user"}
    assert databases.pop("parrot-classify") == "database parrot-counters"
    assert databases == dict.fromkeys(
        ("parrot-save", "parrot-observations", "parrot-process"), "database (default)"
    )
    revisions = serving.state()["services"]["classify"]["revisions"]
    assert revisions["classify-00001"]["spec"]["env"]["OBSERVATIONS"] == "firestore:parrot-counters"


def test_what_watches_follows_the_settings(serving: Project) -> None:
    """Another address, another budget: the check asks the new one, and the old one is gone."""
    serving.done("--set", "PUBLIC_URL=https://birds.example", "--set", "BUDGET=50", "alerts")
    (uptime,) = serving.state()["uptime"].values()
    assert uptime["monitoredResource"]["labels"]["host"] == "birds.example"
    serving.done("--set", "PUBLIC_URL=https://birds.example", "--set", "BUDGET=80", "alerts")
    (budget,) = serving.state()["budgets"].values()
    assert budget["amount"]["specifiedAmount"]["units"] == "80"
    assert serving.state()["dashboards"]


def test_a_bucket_elsewhere_is_refused_with_what_to_do(serving: Project) -> None:
    """An old Firebase bucket in `us` cannot move; the trigger has to follow it."""
    serving.change("buckets", "gs://demo-parrot-photos", location="US")
    assert "BUCKET_LOCATION=us" in serving.refused("storage")


def test_a_page_under_another_name_gets_a_site_beside_the_default_one(serving: Project) -> None:
    """A new Firebase project has no site at all, and firebase-tools insists on the default one."""
    for name in tuple(serving.state()["sites"]):
        serving.control("drop", "sites", name)
    serving.done("--set", "HOSTING_SITE=my-birds", "hosting")
    assert set(serving.state()["sites"]) == {"demo-parrot", "my-birds"}


def test_a_bundle_is_published_only_once_it_can_be_served_beside_the_others(
    first_deployment: Deployed,
) -> None:
    """What is published stays: it would spoil every later image until somebody removes it."""
    steps = [words[:3] for words in first_deployment.calls]
    joined, published = (steps.index(["dev.sh", "models", it]) for it in ("image", "publish"))
    assert joined < published


def test_an_event_is_not_sent_again_while_it_is_processed(serving: Project) -> None:
    """The trigger's own subscription waits 10 s, less than some photos take."""
    subscriptions = serving.state()["subscriptions"]
    triggers = [each for name, each in subscriptions.items() if name.startswith("eventarc-")]
    settings = (serving.root / "deploy.env.example").read_text()
    (seconds,) = re.findall(r"PROCESS_TIMEOUT:=(\d+)", settings)
    assert [each["ackDeadlineSeconds"] for each in triggers] == [600, 600]  # saved, deleted
    assert int(seconds) < 600
