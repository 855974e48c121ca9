"""Answers what the shims in bin/ ask, one connection a command: its cloud, its words, its data."""

import io
import json
import socketserver
import sys
import threading
from collections import defaultdict
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

import builds
import databases
import monitoring
import others
import parser  # puts the SDK on the path
import policies
import resources
import run_services
import triggers
from googlecloudsdk.core.resource import resource_filter, resource_printer
from state import Call, CloudState, StandInError

_GROUPS = (builds, databases, monitoring, others, policies, resources, run_services, triggers)
_HANDLERS = {path: handler for group in _GROUPS for path, handler in group.HANDLERS.items()}
_READS = {"describe", "list", "get-iam-policy", "access", "ls", "read", "list-configs"}
_READS |= {"print-access-token", "print-identity-token", "version", "get-value", "projects:list"}
_READS |= {"hosting:sites:list"}


def answer(state: CloudState, words: list[str], data: str) -> tuple[int, str, str]:
    """Exit code, standard output and standard error of one command."""
    if words[0] == "control":
        return 0, json.dumps(state.control(words[1], *words[2:])), ""
    call = _parse(words, data)
    if state.refusal and words[0] == "gcloud":
        state.record(words, changed=False, failed=True)
        return 1, "", state.refusal
    reads = bool(_READS & set(call.path)) or (
        words[0] == "curl" and ("-d" not in words or words[-1].endswith(":listCollectionIds"))
    )
    fault = None if reads else state.fault()
    if fault and not fault["after"]:
        state.record(words, changed=False, failed=True)
        return 1, "", fault["error"]
    before = state.text()
    try:
        found = _HANDLERS[call.path](state, call)
        code, out, error = 0, _printed(call, found), ""
    except StandInError as problem:
        code, out, error = 1, "", f"ERROR: (gcloud.{'.'.join(call.path)}) {problem}"
    changed = state.text() != before
    if fault:
        code, out, error = 1, "", fault["error"]
    state.record(words, changed=changed, reads=reads, failed=code != 0)
    return code, out, error


def _parse(words: list[str], data: str) -> Call:
    """Words as a path, positionals and flags. Refuses what gcloud's own parser refuses."""
    rest = list(words)
    if words[-1] == "--help":
        return Call(("help",), [], data)
    if words[0] == "gcloud":
        rest = rest[1:]
        parser.check(tuple(rest))
    rest = [word for word in rest if word not in {"alpha", "beta"}]
    for length in range(min(5, len(rest)), 0, -1):
        if tuple(rest[:length]) in _HANDLERS:
            return Call(tuple(rest[:length]), rest[length:], data)
    raise ValueError(f"the stand-in does not know {words}")


def _printed(call: Call, found: Any) -> str:
    """What gcloud prints of a resource or a list of them."""
    form = call.flags.get("format")
    if isinstance(found, str) or found is None or not form:
        return found if isinstance(found, str) else ""
    out = io.StringIO()
    if isinstance(found, list):
        if chosen := call.flags.get("filter"):
            query = resource_filter.Compile(chosen)
            found = [item for item in found if query.Evaluate(item)]
        found = found[: int(call.flags.get("limit") or 1000)]
    resource_printer.Print(found, form, out=out, single=not isinstance(found, list))
    return out.getvalue()  # an empty line for a field that a resource does not have


class CommandHandler(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        fields = []
        while (length := self.rfile.readline().strip()) != b".":
            fields.append(self.rfile.read(int(length)).decode())
        cloud, *words, data = fields
        try:
            code, out, error = answer(self.server.clouds[cloud], words, data)  # type: ignore[attr-defined]
        except Exception as problem:  # noqa: BLE001 - told to the test
            code, out, error = 99, "", f"STAND-IN: {problem!r}"
        text = "".join(f"o{line}\n" for line in out.splitlines())
        text += "".join(f"e{line}\n" for line in error.splitlines())
        self.wfile.write(f"{text}r{code}\n".encode())


if __name__ == "__main__":
    with socketserver.TCPServer(("127.0.0.1", 0), CommandHandler) as server:
        server.clouds = defaultdict(CloudState)  # type: ignore[attr-defined]
        print(server.server_address[1], flush=True)  # noqa: T201 - the port, for whoever started it
        threading.Thread(target=server.serve_forever, daemon=True).start()
        sys.stdin.read()  # until its starter ends
