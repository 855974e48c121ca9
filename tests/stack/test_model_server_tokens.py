"""Google's tokens for private model servers: real google-auth, scripted metadata server."""

import os
import sys
from dataclasses import replace
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import jwt
import pytest

from local.supervisor import free_port
from tests.support.commands import printed
from tests.support.scripted_http import Request, ScriptedAnswer, json_answer, serving
from tests.support.vendors import TF_SERVING, VERTEX

# In a process of its own: google-auth reads its environment when it is imported.
_ASK_SIGNED = """
import sys
from parrot.adapters.model_server import TfServing, VertexEndpoint, signed
from parrot.errors import ModelUnavailable
from tests.support.vendors import MODEL
url, audience = sys.argv[1], sys.argv[2] or None
try:
    http = signed(audience)
    if audience is None:
        print(VertexEndpoint({"Parrots": url}, http, timeout=5).version(MODEL))
    else:
        print(TfServing(url, http, timeout=5).version(MODEL))
except ModelUnavailable as error:
    print("unavailable:", error.detail)
"""
ID_TOKEN = jwt.encode({"exp": 4_000_000_000, "aud": "x"}, "k" * 32, algorithm="HS256")


def metadata(request: Request) -> ScriptedAnswer:
    """Google's metadata server, as far as google-auth asks it for tokens."""
    flavor = {"Metadata-Flavor": "Google", "Content-Type": "text/plain"}
    path = request.path.partition("?")[0]
    if path.endswith("/identity"):
        return ScriptedAnswer(ID_TOKEN.encode(), headers=flavor)
    if path.endswith("/token"):
        token = {"access_token": "an-access-token", "expires_in": 3600, "token_type": "Bearer"}
        return replace(json_answer(token), headers={**flavor, "Content-Type": "application/json"})
    if path.endswith("/service-accounts/default/"):
        account = {"email": "run@p.iam.gserviceaccount.com", "scopes": [], "aliases": ["default"]}
        return replace(json_answer(account), headers={**flavor, "Content-Type": "application/json"})
    if path.endswith("/project-id"):
        return ScriptedAnswer(b"p", headers=flavor)
    return ScriptedAnswer(headers=flavor)


def ask_signed(url: str, audience: str, metadata_address: str, home: Path) -> str:
    """The result of a function on Cloud Run calling a private model server."""
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": os.environ["PYTHONPATH"],
        "HOME": str(home),  # without a developer's own credentials
        "GCE_METADATA_HOST": metadata_address,
        "GCE_METADATA_IP": metadata_address,
        "GCE_METADATA_DETECT_RETRIES": "1",
    }
    return printed(sys.executable, "-c", _ASK_SIGNED, url, audience, env=environment).strip()


def test_a_private_cloud_run_service_gets_an_id_token_for_itself_and_another_if_it_is_refused(
    tmp_path: Path,
) -> None:
    """Any other audience is refused there, and a token may be revoked before it expires."""
    statuses = iter([401])

    def refuses_once(_request: Request) -> ScriptedAnswer:
        return json_answer(TF_SERVING.versions, next(statuses, 200))

    with serving(metadata) as google, serving(refuses_once) as server:
        assert ask_signed(server.url, server.url, google.address, tmp_path) == "Parrots/3"
        sent = [request.headers["Authorization"] for request in server.requests]
        assert sent == [f"Bearer {ID_TOKEN}"] * 2
        fetched = [request.path for request in google.requests if "/identity?" in request.path]
        audiences = [parse_qs(urlsplit(path).query)["audience"] for path in fetched]
        assert audiences == [[server.url]] * 2


def test_vertex_gets_an_access_token(tmp_path: Path) -> None:
    """It is an API of Google's, not a service of our own."""
    with (
        serving(metadata) as google,
        serving(lambda _request: json_answer(VERTEX.versions)) as server,
    ):
        assert ask_signed(server.url, "", google.address, tmp_path) == "Parrots/3"
        (request,) = server.requests
        assert request.headers["Authorization"] == "Bearer an-access-token"


@pytest.mark.parametrize("audience", ["https://models.example", ""])
def test_without_a_token_the_model_is_unavailable(tmp_path: Path, audience: str) -> None:
    """Nothing is sent without one; the phone may try again."""
    nobody = f"127.0.0.1:{free_port()}"
    with serving(lambda _request: ScriptedAnswer()) as server:
        heard = ask_signed(server.url, audience, nobody, tmp_path)
    assert heard == "unavailable: cannot get a token for the model server (DefaultCredentialsError)"
    assert server.requests == []


def test_a_token_that_is_refused_makes_the_model_unavailable(tmp_path: Path) -> None:
    """The service account may not be used."""

    def refused(request: Request) -> ScriptedAnswer:
        if "/identity?" in request.path:
            return ScriptedAnswer(b"no", 404, {"Metadata-Flavor": "Google"})
        return metadata(request)

    with serving(refused) as google, serving(lambda _request: ScriptedAnswer()) as server:
        heard = ask_signed(server.url, server.url, google.address, tmp_path)
    assert heard == "unavailable: cannot get a token for the model server (RefreshError)"
    assert server.requests == []
