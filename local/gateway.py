"""The HTTP functions and the page behind one port, as with Firebase Hosting.

functions-framework loads every function, as it does when deployed; gunicorn serves them.
"""

import json
import logging
import math
import os
import re
import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

import functions_framework
from flask import Flask, Response, jsonify, request, send_from_directory

from parrot.errors import ParrotError
from parrot.http import answers, problems, schemas, transfers
from parrot.http.parameters import BASE_PATH
from parrot.http.respond import fit, length
from parrot.model.species import SpeciesTable
from parrot.records import UNTRAINED

_ROOT = Path(__file__).parent.parent
_OTHERS = f"{BASE_PATH}/observations"
FUNCTIONS = ("classify", "save", "observations", "reviews")
AGAIN_SECONDS = 300.0
_log = logging.getLogger(__name__)


def application() -> WSGIApplication:
    """What gunicorn serves."""
    functions: dict[str, WSGIApplication] = {
        f"{BASE_PATH}/{name}": functions_framework.create_app(
            target=name, source=str(_ROOT / "functions" / name / "main.py"), signature_type="http"
        )
        for name in FUNCTIONS
    }
    rewritten = _rewritten()
    page: WSGIApplication = _page(rewritten)

    def dispatch(environ: WSGIEnvironment, start_response: StartResponse) -> object:
        path = environ["PATH_INFO"]
        application = page
        if _within(BASE_PATH, path) and not any(fnmatchcase(path, source) for source in rewritten):
            # As in firebase.json: unknown paths get the 404 of `observations`.
            owner = next((prefix for prefix in functions if _within(prefix, path)), _OTHERS)
            application = functions[owner]
        return application(environ, start_response)

    return dispatch  # type: ignore[return-value]  # an iterable of bytes


def _within(folder: str, path: str) -> bool:
    return path == folder or path.startswith(f"{folder}/")


def _page(rewritten: dict[str, str]) -> Flask:
    page = Flask(__name__, static_folder=None)
    public = _ROOT / "public"
    headers = _headers()

    @page.get("/config.json")
    def config() -> dict[str, Any]:
        """No sign-in here: a name is enough."""
        reviewers = [name for name in os.environ.get("LOCAL_REVIEWERS", "").split(",") if name]
        return {"signIn": "name", "reviewers": reviewers}

    bundles = Bundles(public / "vendor", (str(_ROOT / "dev.sh"), "sdk"))
    names = "any('reference.js', 'reference.css')"
    page.add_url_rule(f"/vendor/<{names}:name>", "vendor", bundles.answer)

    @page.get("/", defaults={"name": "index"})
    @page.get("/<path:name>")
    def file(name: str) -> Response:
        files = (file for source, file in rewritten.items() if fnmatchcase(f"/{name}", source))
        name = next(files, name)
        # Not conditional here: `add_headers` is, when it knows how the file travels.
        return send_from_directory(
            public, name if "." in name else f"{name}.html", conditional=False
        )

    @page.errorhandler(404)
    def missing(_error: object) -> tuple[Response, int]:
        return send_from_directory(public, "404.html", conditional=False), 404

    table = os.environ.get("PAGE_SPECIES")
    if table is not None:  # of the bundle in use; Hosting has the default bundle's as a file

        @page.get("/species.json")
        def species() -> Response:
            rows = SpeciesTable.parse(Path(table).read_bytes()).rows
            listed = [answers.species(row) for row in rows]
            others = [label.id for label in UNTRAINED]
            return jsonify(schemas.SpeciesList(species=listed, others=others))

    @page.after_request
    def add_headers(response: Response) -> Response:
        for source, header, value in headers:
            if fnmatchcase(request.path, source):
                response.headers[header] = value
        response.direct_passthrough = False  # Hosting compresses them; here it is up to us
        try:
            fit(request, response)
        except ParrotError as error:
            return problems.response_for(error)
        transfers.watch(request, response, length(response))
        return response

    return page


def _hosting() -> dict[str, Any]:
    hosting: dict[str, Any] = json.loads((_ROOT / "firebase.json").read_text())["hosting"]
    return hosting


def _rewritten() -> dict[str, str]:
    """The page's file for each pattern of paths that Hosting answers with one."""
    return {
        rule["source"]: rule["destination"].removeprefix("/")
        for rule in _hosting()["rewrites"]
        if "destination" in rule
    }


def _headers() -> list[tuple[str, str, str]]:
    """Pattern of the path, name and value of each header that Hosting adds.

    Without the origins of Firebase's sign-in, which is not used here.
    """
    return [
        (
            rule["source"].replace("**", "*"),
            header["key"],
            re.sub(r" https://[^\s;]+", "", header["value"]),
        )
        for rule in _hosting()["headers"]
        for header in rule["headers"]
    ]


class Bundles:
    """What pages load that others wrote: a folder of files, and the command that makes them all.

    It is run when a file is first asked for. Where it fails, it is not run again for five minutes:
    it takes long to fail without a network, and every page load asks for two files.
    """

    def __init__(
        self, folder: Path, command: Sequence[str], *, now: Callable[[], float] = time.monotonic
    ) -> None:
        self._folder, self._command, self._now = folder, command, now
        self._making, self._not_before = threading.Lock(), -math.inf

    def answer(self, name: str) -> Response:
        """The file, or 404; whoever asks meanwhile waits for the command."""
        path = self._folder / name
        with self._making:
            if not path.is_file() and self._now() >= self._not_before:
                subprocess.run(self._command, check=False)  # noqa: S603 - our own command
                if not path.is_file():
                    self._not_before = self._now() + AGAIN_SECONDS
                    text = "%s made no %s: not tried again for %.0f minutes"
                    _log.warning(text, " ".join(self._command), name, AGAIN_SECONDS / 60)
        return send_from_directory(self._folder, name, conditional=False)
