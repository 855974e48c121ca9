"""deploy.sh against a cloud that remembers: what it makes, twice, and after failures."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.deploy.project import Project

PARTS = (
    *("apis", "storage", "accounts", "secrets", "models", "functions"),
    *("firestore", "rules", "hosting", "logs", "alerts"),
)


def test_a_second_run_changes_nothing(project: Project) -> None:
    """Whoever is unsure runs it again; it must not redeploy or rotate anything."""
    project.done()
    before = project.state()
    project.changes()
    said = project.done()
    assert project.changes() == []
    assert project.state() == before
    assert "Done: 0 changes." in said


def test_a_run_that_fails_at_each_step_in_turn_is_completed_by_the_next(project: Project) -> None:
    """Networks and quotas fail anywhere; half of a project must never need a person's cleaning."""
    for part in PARTS:
        for at in range(1, 100):
            project.control("fail", str(at), "before", f"ERROR: the network was lost at {at}")
            result = project.run(part)
            if result.returncode == 0:
                break
            assert result.returncode == 1
            (failed,) = [
                c["words"] for c in project.control("calls") if c["failed"] and not c["reads"]
            ]
            named = result.stderr.rpartition("this command failed")[2]
            assert all(word in named for word in failed if word.isalnum()), named
            assert f"the network was lost at {at}" in named
        assert at > 1, f"{part} changed nothing"
    project.control("fail", "0", "before", "")
    project.changes()
    project.done()
    assert project.changes() == []


def test_an_expired_login_is_not_an_empty_project(serving: Project) -> None:
    """Questions that cannot be asked must not be taken for things that are missing."""
    text = (
        "ERROR: There was a problem refreshing your current auth tokens: Reauthentication required"
    )
    serving.control("refuse", text)
    for part in PARTS:
        if part in {"rules", "hosting"}:
            continue  # firebase alone, which has a login of its own
        result = serving.run(part)
        assert result.returncode == 1, part
        assert "gcloud auth login" in result.stderr
        assert serving.changes() == []


@pytest.mark.parametrize(
    ("kind", "name", "part"),
    [
        ("buckets", "gs://demo-parrot-models", "storage"),
        ("services", "process", "functions"),
        ("triggers", "photo-saved", "functions"),
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
    serving.changes()
    serving.done(part)
    assert serving.changes() == []


def test_a_bucket_elsewhere_is_refused_with_what_to_do(serving: Project) -> None:
    """An old Firebase bucket in `us` cannot move; the trigger has to follow it."""
    bucket = {**serving.state()["buckets"]["gs://demo-parrot-photos"], "location": "US"}
    serving.control("put", "buckets", "gs://demo-parrot-photos", json.dumps(bucket))
    refused = serving.run("storage")
    assert refused.returncode == 1
    assert "BUCKET_LOCATION=us" in refused.stderr


def test_a_quota_that_is_used_up_says_where_to_ask(project: Project) -> None:
    """The first deployment of a new project meets it most often."""
    project.control("fail", "1", "before", "ERROR: RESOURCE_EXHAUSTED: Quota exceeded for CPUs")
    refused = project.run("apis")
    assert refused.returncode == 1
    assert "iam-admin/quotas" in refused.stderr


def test_a_page_under_another_name_gets_a_site_beside_the_default_one(serving: Project) -> None:
    """A new Firebase project has no site at all, and firebase-tools insists on the default one."""
    for name in tuple(serving.state()["sites"]):
        serving.control("drop", "sites", name)
    serving.done("--set", "HOSTING_SITE=my-birds", "hosting")
    assert set(serving.state()["sites"]) == {"demo-parrot", "my-birds"}


def test_a_bundle_that_cannot_be_served_beside_the_others_is_not_published(
    serving: Project,
) -> None:
    """What is published stays: it would spoil every later image until somebody removes it."""
    bundle = serving.root / "models/default/manifest.json"
    manifest = json.loads(bundle.read_text())
    published = serving.state()["objects"]
    bundle.write_text(json.dumps({**manifest, "version": "2030-01-01"}))
    before = serving.state()
    serving.control("calls")
    serving.done("models")
    steps = [call["words"] for call in serving.control("calls") if not call["reads"]]
    at = next(n for n, words in enumerate(steps, 1) if words[:3] == ["dev.sh", "models", "image"])
    serving.control("reset", json.dumps(before))
    serving.control("fail", str(at), "before", "two bundles want different models")
    refused = serving.run("models")
    assert "two bundles want different models" in refused.stderr
    assert serving.state()["objects"] == published


def test_an_event_is_not_sent_again_while_it_is_processed(serving: Project) -> None:
    """The trigger's own subscription waits 10 s, less than some photos take."""
    subscriptions = serving.state()["subscriptions"]
    triggers = [each for name, each in subscriptions.items() if name.startswith("eventarc-")]
    settings = (serving.root / "deploy.env.example").read_text()
    (seconds,) = re.findall(r"PROCESS_TIMEOUT:=(\d+)", settings)
    assert [each["ackDeadlineSeconds"] for each in triggers] == [600, 600]  # saved, deleted
    assert int(seconds) < 600
