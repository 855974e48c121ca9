"""GET /ready and /ready/all of each function: whether an instance starts, and gets traffic."""

import json
import sys
from collections.abc import Iterable

import pytest

from local import stack
from local.supervisor import free_port
from tests.support.commands import printed
from tests.support.settings import environment_of

# Each function is asked from an address of its own.
_ASK = """
import json, sys
import functions_framework
targets, *paths = sys.argv[1:]
answers = {}
for number, (name, target) in enumerate(json.loads(targets).items()):
    source = f"functions/{name}/main.py"
    app = functions_framework.create_app(target=target, source=source, signature_type="http")
    client, phone = app.test_client(), {"X-Forwarded-For": f"203.0.113.{number}"}
    answers[name] = [client.get(path, headers=phone).status_code for path in paths]
print(json.dumps(answers))
"""
FUNCTIONS = {
    "reviews": "reviews",  # first, in a fresh process: no other test starts it by itself
    "classify": "classify",
    "save": "save",
    "observations": "observations",
    "process": "on_saved",
}
DEAD = f"http://127.0.0.1:{free_port()}"


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"SAVES_PER_DAY": "many"}, {key: [500, 500] for key in FUNCTIONS}),
        (
            {"MODEL_BUNDLE": "default", "MODEL_BUNDLE_SHA256": "0" * 64},
            {"classify": [500, 500], "save": [500, 500], "observations": [204, 500]},
        ),
        ({"MODEL_SERVER_URL": DEAD}, {"classify": [204, 503], "process": [204, 503]}),
    ],
    ids=["a setting is wrong", "the bundle is another", "no model server"],
)
def test_an_instance_needs_its_own_parts_and_a_revision_its_neighbours(
    running: stack.Running, settings: dict[str, str], expected: dict[str, list[int]]
) -> None:
    """A neighbour's outage must stop no instance, and its wrong address must stop a rollout."""
    environment = {**environment_of(running), **settings}
    assert asked(environment, expected, "/ready", "/ready/all") == expected


def test_all_are_ready_and_strangers_who_ask_for_neighbours_again_and_again_are_stopped(
    running: stack.Running,
) -> None:
    """Each time costs a read of the database and one of the bucket, or the model server's time."""
    assert FUNCTIONS.keys() == {path.parent.name for path in stack.ROOT.glob("functions/*/main.py")}
    limits = {"CLASSIFICATIONS_PER_ADDRESS_PER_MINUTE": "1", "TRUSTED_PROXIES": "1"}
    environment = {**environment_of(running), **limits}
    answers = asked(environment, FUNCTIONS, "/ready/all", "/ready/all", "/ready", "/")
    for name, statuses in answers.items():
        second = 204 if name == "process" else 429  # nobody outside reaches that one
        assert statuses[:3] == [204, second, 204], name
    assert answers["classify"][3] == 429


def asked(environment: dict[str, str], names: Iterable[str], *paths: str) -> dict[str, list[int]]:
    """What these functions answer that were just started, one path after the other."""
    targets = json.dumps({name: FUNCTIONS[name] for name in names})
    told = printed(sys.executable, "-c", _ASK, targets, *paths, env=environment)
    answers: dict[str, list[int]] = json.loads(told.splitlines()[-1])
    return answers
