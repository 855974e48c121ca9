"""deploy.sh against a cloud that remembers: what it makes, twice, and after failures."""

from __future__ import annotations

from typing import TYPE_CHECKING

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
