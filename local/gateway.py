"""The HTTP functions and the page behind one port, as with Firebase Hosting.

functions-framework loads every function, as it does when deployed; gunicorn serves them.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import functions_framework
from flask import Flask, Response, send_from_directory

from parrot.http.parameters import BASE_PATH

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

_ROOT = Path(__file__).parent.parent
FUNCTIONS = ("classify", "save", "observations")


def application() -> WSGIApplication:
    """What gunicorn serves."""
    functions: dict[str, WSGIApplication] = {
        f"{BASE_PATH}/{name}": functions_framework.create_app(
            target=name, source=str(_ROOT / "functions" / name / "main.py"), signature_type="http"
        )
        for name in FUNCTIONS
    }
    page = _page()

    def dispatch(environ: WSGIEnvironment, start_response: StartResponse) -> object:
        path = environ["PATH_INFO"]
        for prefix, function in functions.items():
            if path == prefix or path.startswith(f"{prefix}/"):
                return function(environ, start_response)
        return page(environ, start_response)

    return dispatch  # type: ignore[return-value]  # an iterable of bytes


def _page() -> Flask:
    page = Flask(__name__, static_folder=None)
    public = _ROOT / "public"

    @page.get("/")
    @page.get("/<path:name>")
    def file(name: str = "index.html") -> Response:
        path = name.removeprefix(f"{BASE_PATH.strip('/')}/")
        return send_from_directory(public, path if "." in path else f"{path}.html")

    return page
