"""The model server that the local stack asks: our own, TF Serving's image, or one elsewhere."""

import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import requests

from local.supervisor import CannotStart, Part, PartFailed, free_url
from models.folders import LOCAL, ROOT, model_folder
from models.network.model_folder import is_built
from parrot.model.manifest import MANIFEST, Manifest

NAME = "model server"
DOCKER = "docker"
_CONTEXT = LOCAL / "model-server-image"
_BASE_IMAGE = re.compile(r"^ARG TF_SERVING=(\S+)$", re.MULTILINE)
_PROBE_SECONDS = 5.0
_OK = 200
_FORBIDDEN = {401, 403}
_ENGINE_SECONDS = 20.0


def chosen(
    server: str | None, bundle: Path, *, say: Callable[[str], None]
) -> tuple[str, tuple[Part, ...]]:
    """The URL of the model server that was asked for, and what must be started for it.

    Raises PartFailed, CannotStart, BadBundle.
    """
    if server is None:
        part = own(free_url(), bundle, say=say)
    elif server == DOCKER:
        part = _docker(free_url(), bundle, say=say)
    else:
        url = server.rstrip("/")
        _check(url, bundle)
        return url, ()
    return part.url, (part,)


def own(url: str, bundle: Path, *, say: Callable[[str], None]) -> Part:
    """Our server on the bundle's model, which is built if need be. Raises PartFailed, BadBundle."""
    folder = model_folder(bundle)
    if not is_built(bundle, folder):
        say("building the model from its ImageNet weights and the fitted head")
        _models("build", "--bundle", str(bundle), "--to", str(folder))
    command = [sys.executable, "-m", "models", "serve", "--base", str(folder)]
    return Part(NAME, [*command, "--port", _port(url)], url, lambda: _status(url) == _OK)


def _docker(url: str, bundle: Path, *, say: Callable[[str], None]) -> Part:
    """TF Serving's public image with the same models and settings as the deployed image.

    Raises CannotStart, PartFailed.
    """
    _check_engine()
    say("writing the model server's build context")
    _models("image", str(_CONTEXT), "--bundle", str(bundle))
    image = _base_image()
    if not _runs(DOCKER, "image", "inspect", image):
        say(f"pulling {image} (once)")
        if not _runs(DOCKER, "pull", "--quiet", image):
            raise PartFailed(f"docker pull {image} failed: run it by hand to see why")
    return Part(NAME, docker_command(image, _port(url)), url, lambda: _status(url) == _OK)


def docker_command(image: str, port: str) -> list[str]:
    """The image's files are mounted instead of built in; nothing is left when it ends."""
    mounts = ((_CONTEXT, "/serving"), (_CONTEXT / "models", "/models"))
    return [
        *(DOCKER, "run", "--rm", "--init", "--publish", f"127.0.0.1:{port}:8501"),
        *(f"--volume={source}:{target}:ro" for source, target in mounts),
        *("--env", "PORT=8501", "--entrypoint", "/bin/sh", image, "/serving/entrypoint.sh"),
    ]


def _check(url: str, bundle: Path) -> None:
    """See that a server elsewhere serves the bundle's models.

    One that asks who we are is taken at its word: the functions sign in, we do not.

    Raises PartFailed.
    """
    for model in Manifest.parse((bundle / MANIFEST).read_bytes()).models:
        version = f"/versions/{model.version}" if model.version else ""
        status = _status(url, f"{model.name}{version}")
        if status is None:
            raise PartFailed(f"no model server answers at {url}")
        if status not in {_OK, *_FORBIDDEN}:
            raise PartFailed(
                f"the model server at {url} does not serve {model.name}{version}: it answers "
                f"{status} (./dev.sh models build writes the model)"
            )


def _status(url: str, model: str = "ParrotClassifier") -> int | None:
    try:
        return requests.get(f"{url}/v1/models/{model}", timeout=_PROBE_SECONDS).status_code
    except requests.RequestException:
        return None


def _check_engine() -> None:
    if shutil.which(DOCKER) is None:
        raise CannotStart(
            "--model-server docker needs Docker, and there is no `docker` on PATH; leave the "
            "option out for the project's own model server"
        )
    if not _runs(DOCKER, "version", "--format", "{{.Server.Version}}"):
        raise CannotStart(
            "--model-server docker needs Docker's engine, which does not answer (`docker version` "
            "says why); leave the option out for the project's own model server"
        )


def _base_image() -> str:
    match = _BASE_IMAGE.search((ROOT / "models" / "serving" / "image" / "Dockerfile").read_text())
    assert match is not None, "the Dockerfile names its base image so"  # noqa: S101
    return match[1]


def _models(*arguments: str) -> None:
    """In a separate program, so that TensorFlow's memory and messages go with it."""
    command = [sys.executable, "-m", "models", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - ours
    if done.returncode:
        raise PartFailed(f"the model cannot be built:\n{done.stderr[-2000:]}")


def _runs(*command: str) -> bool:
    """Whether a command succeeds; pulling may take as long as it likes."""
    timeout = None if "pull" in command else _ENGINE_SECONDS
    try:
        done = subprocess.run(command, capture_output=True, check=False, timeout=timeout)  # noqa: S603
    except subprocess.TimeoutExpired:
        return False
    return done.returncode == 0


def _port(url: str) -> str:
    return url.rpartition(":")[2]
