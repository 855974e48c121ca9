"""New versions take a little traffic first, then all or none."""

import json

import pytest

from tests.deploy.project import PROJECT, REGION, Project

SERVICES = ("classify", "save", "observations", "reviews", "process")


def _old(service: str) -> str:
    return f"{service}-00001"


def _new(service: str) -> str:
    return f"{service}-00002"


def test_the_same_canary_again_changes_nothing(canary: Project) -> None:
    """An interrupted rollout is run again as it was."""
    canary.again("--traffic", "5", "functions")


def test_a_canary_is_not_replaced_by_accident(canary: Project) -> None:
    """A deployment without --traffic beside a canary would silently end the trial."""
    canary.commit("shared/parrot/again.py", '"""Another change."""\n')
    assert "promote or rollback first" in canary.refused("functions")
    canary.done("--traffic", "10", "functions")
    assert canary.traffic("classify") == {_old("classify"): 90, "classify-00003": 10}


def test_a_canary_that_was_taken_back_can_be_tried_again(canary: Project) -> None:
    """A share on the command line is a wish, not an accident."""
    canary.done("rollback")
    canary.done("--traffic", "20", "functions")
    assert canary.traffic("classify") == {_old("classify"): 80, _new("classify"): 20}


def test_without_traffic_a_new_version_starts_before_it_serves(serving: Project) -> None:
    """A revision that never becomes ready must not take the place of one that works."""
    serving.commit("shared/parrot/changed.py", '"""A change."""\n')
    serving.control("put", "broken", "classify", "true")
    assert "is not ready" in serving.refused("functions")
    assert serving.traffic("classify") == {_old("classify"): 100}
    serving.done("functions")
    assert serving.traffic("classify") == {"classify-00003": 100}
    assert serving.traffic("save") == {_new("save"): 100}
    serving.done("rollback")
    assert serving.traffic("classify") == {_old("classify"): 100}


@pytest.mark.parametrize(
    ("fault", "said"), [("sick", "is not ready"), ("alone", "no traffic moves")]
)
def test_a_revision_that_answers_only_with_errors_gets_no_traffic(
    serving: Project, fault: str, said: str
) -> None:
    """It opens its port: settings that are wrong, or neighbours out of reach, show at a request."""
    serving.commit("shared/parrot/changed.py", '"""A change."""\n')
    serving.control("put", fault, "save", "true")
    assert said in serving.refused("functions")
    assert serving.traffic("save") == {_old("save"): 100}
    assert serving.run("promote").returncode == (1 if fault == "alone" else 0)
    assert serving.traffic("save") == {_old("save"): 100}
    serving.commit("shared/parrot/changed.py", '"""A repair."""\n')
    serving.done("functions")
    assert serving.traffic("save") == {"save-00003": 100}


def test_a_first_revision_that_never_became_ready_is_followed_by_one_that_serves(
    serving: Project,
) -> None:
    """There is no traffic to keep from it, and no revision that could have it meanwhile."""
    serving.control("drop", "services", "classify")
    serving.control("put", "broken", "classify", "true")
    serving.refused("classify")
    serving.done("classify")
    assert serving.traffic("classify") == {"classify-00002": 100}


def test_a_canary_of_a_new_model_finds_it_in_every_answer_of_the_model_server(
    serving: Project,
) -> None:
    """Functions ask one URL, whatever their share: both models must be there from the start."""
    serving.next_bundle()
    serving.done("--traffic", "5", "models", "functions")
    assert serving.traffic("parrot-models") == {_new("parrot-models"): 100}
    assert serving.traffic("classify") == {_old("classify"): 95, _new("classify"): 5}
    serving.control("put", "logs", "statuses", json.dumps([200] * 99))
    assert "Ready." in serving.done("check")
    serving.done("rollback")
    assert serving.traffic("classify") == {_old("classify"): 100}
    assert "All that serves works. There is no canary." in serving.done("check")


def test_what_was_rolled_back_stays_out_until_there_is_something_new(canary: Project) -> None:
    """The next full run, for whatever reason, must not serve the bad version again."""
    canary.done("promote")
    canary.again("promote")
    canary.done("rollback")
    said = canary.done("models", "functions")
    assert [canary.traffic(s) for s in SERVICES] == [{_old(s): 100} for s in SERVICES]
    assert "was rolled back and stays out" in said
    canary.again("rollback")
    canary.commit("shared/parrot/again.py", '"""A repair."""\n')
    canary.done("functions")
    assert [canary.traffic(s) for s in SERVICES] == [{f"{s}-00003": 100} for s in SERVICES]


def test_a_leaked_key_is_replaced_in_what_serves_after_a_rollback(canary: Project) -> None:
    """Nobody has to deploy the bad version again to be rid of a key."""
    canary.done("promote")
    canary.done("rollback")
    canary.done("rotate-secret", "--now")
    for service in ("save", "observations"):
        revisions = canary.state()["services"][service]["revisions"]
        assert canary.traffic(service) == {f"{service}-00003": 100}
        assert revisions[f"{service}-00003"]["spec"] == revisions[_old(service)]["spec"]
        assert revisions[_new(service)]["spec"] != revisions[_old(service)]["spec"]
    canary.done("functions")
    assert canary.traffic("save") == {"save-00003": 100}


@pytest.mark.parametrize("task", ["promote", "rollback"])
def test_a_lost_network_leaves_each_service_with_one_version_and_the_next_run_ends_it(
    canary: Project, task: str
) -> None:
    """The table of traffic is the one before or the one after, never something between.

    It is lost before anything moves, then with the answer to each move.
    """
    before = {s: {_old(s): 95, _new(s): 5} for s in SERVICES}
    after = {s: {(_new if task == "promote" else _old)(s): 100} for s in SERVICES}
    text = json.dumps(canary.state())
    for moves in range(len(SERVICES) + 1):
        canary.control("reset", text)
        when = (str(moves), "after") if moves else ("1", "before")
        canary.control("fail", *when, "ERROR: Connection reset by peer")
        lost = canary.refused(task)
        assert "update-traffic" in lost
        assert "Connection reset by peer" in lost
        moved = [s for s in SERVICES if canary.traffic(s) == after[s]]
        assert len(moved) == moves
        assert all(canary.traffic(s) == before[s] for s in SERVICES if s not in moved)
        canary.control("fail", "0", "before", "")
        canary.done(task)
        assert {s: canary.traffic(s) for s in SERVICES} == after


def test_a_rotated_secret_is_used_at_once_and_the_old_one_is_still_believed(
    serving: Project,
) -> None:
    """URLs that phones hold must live out their hour; those who sign need the new key now."""
    (old,) = serving.state()["secrets"]["download-secret"]["versions"]
    assert len(old) >= 32
    serving.done("rotate-secret")
    first, newest = serving.state()["secrets"]["download-secret"]["versions"]
    assert first == old
    new, believed = newest.split(",")
    assert believed == old
    assert new != old
    assert len(new) >= 32
    for service in ("save", "observations"):
        assert serving.traffic(service) == {_new(service): 100}
    assert serving.traffic("classify") == {_old("classify"): 100}
    serving.done("rotate-secret")
    assert serving.state()["secrets"]["download-secret"]["versions"][-1].split(",")[1] == new
    serving.done("rotate-secret", "--now")
    assert "," not in serving.state()["secrets"]["download-secret"]["versions"][-1]
    serving.again("secrets", "functions")


def test_check_judges_the_canary_by_its_answers_and_its_logs(canary: Project) -> None:
    """What promote is to be based on."""
    canary.control("put", "logs", "statuses", json.dumps([200] * 99 + [503]))
    assert "Ready." in canary.done("check")
    asked = [c["words"] for c in canary.control("calls") if c["words"][0] == "curl"]
    assert asked
    functions = [words for words in asked if not any("parrot-models" in word for word in words)]
    assert len(asked) == len(functions) + 1
    assert all(any("https://canary---" in word for word in words) for words in functions)
    canary.control("put", "logs", "statuses", json.dumps([200] * 90 + [503] * 10))
    assert "10 of 100 answers" in canary.refused("check")
    canary.control("put", "logs", "statuses", "[]")
    canary.control("put", "answers", "classify", '"{\\"parrot\\": {\\"is_parrot\\": false}}"')
    assert "the drawing of a parrot" in canary.refused("check")
    assert canary.changes() == []


VERTEX = ("--models", "vertex")


def test_vertex_splits_the_traffic_of_an_endpoint(serving: Project) -> None:
    """The same moves on Vertex AI: a new image of the same model, then back."""
    serving.done(*VERTEX, "models")
    (first,) = serving.state()["endpoints"]["1001"]["trafficSplit"]
    serving.again(*VERTEX, "models")
    serving.commit("models/serving/image/Dockerfile", "FROM another\n")
    serving.done(*VERTEX, "--traffic", "5", "models")
    split = serving.state()["endpoints"]["1001"]["trafficSplit"]
    assert split.pop(first) == 95
    ((second, share),) = split.items()
    assert share == 5
    serving.done(*VERTEX, "promote", "models")
    assert serving.state()["endpoints"]["1001"]["trafficSplit"] == {second: 100}
    serving.done(*VERTEX, "rollback", "models")
    assert serving.state()["endpoints"]["1001"]["trafficSplit"] == {first: 100}


def test_vertex_refuses_another_version_of_a_model_on_the_same_endpoint(serving: Project) -> None:
    """Functions that use the endpoint would get features that their gate was not fitted on."""
    serving.done(*VERTEX, "models")
    serving.next_bundle(model="99")
    assert "name another endpoint in VERTEX_ENDPOINTS" in serving.refused(
        *VERTEX, "--traffic", "5", "models"
    )


def test_tf_serving_is_the_image_that_its_digest_names(serving: Project) -> None:
    """A tag can move: what was tried is not what is built a month later."""
    images, digest = set(serving.state()["images"]), "sha256:" + 64 * "a"
    pinned = ("--set", f"TF_SERVING=tensorflow/serving@{digest}", "models")
    serving.done(*pinned)
    (new,) = set(serving.state()["images"]) - images
    hub = f"{REGION}-docker.pkg.dev/{PROJECT}/parrot-hub"
    assert serving.state()["images"][new]["base"] == (
        f"TF_SERVING={hub}/tensorflow/serving@{digest}"
    )
    serving.again(*pinned)
