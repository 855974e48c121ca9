"""Folders as they are deployed, from the commit and not from the working tree.

    stage.py [FUNCTION...]          build/stage/FUNCTION/: main.py, parrot/, requirements.txt
    stage.py learning               build/stage/learning/: models/, parrot/, Dockerfile
    stage.py firebase --region ...  build/stage/firebase/: rules, indexes, public/, firebase.json,
                                    firebase_sdk/ and api_reference/, of which `./dev.sh sdk`
                                    makes public/vendor/

The same commit gives the same bytes: contents, modes and times. Beside each folder, NAME.sha256
holds the digest of its files. Needs git and Python only.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import os
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

ROOT = Path(__file__).parent.parent
FUNCTIONS = ("classify", "save", "observations", "reviews", "process")
FIREBASE, LEARNING = "firebase", "learning"
_LEARNING_IMAGE = "models/training/image/"
_FIREBASE_FILES = ("firebase.json", "firestore.rules", "firestore.indexes.json", "storage.rules")
_BUNDLED = ("local/firebase_sdk", "local/api_reference")
_TIME = 315532800  # 1980-01-01, the first time that a zip archive can hold
_READABLE, _OPEN = 0o644, 0o755
# gcloud skips the files named here; without this file, those that .gitignore names.
_GCLOUDIGNORE = b".gcloudignore\n__pycache__/\n*.pyc\n"


# What the page may load and call for App Check: the script of reCAPTCHA Enterprise, what that
# loads, frames and calls, and the server that exchanges its token.
_APP_CHECK = {
    "script-src": "https://www.google.com/recaptcha/ https://www.gstatic.com/recaptcha/",
    "frame-src": "https://www.google.com/recaptcha/",
    "connect-src": (
        "https://www.google.com/recaptcha/ https://content-firebaseappcheck.googleapis.com"
    ),
}
_CALLS = "public/app/service.js"
_POLICY = "Content-Security-Policy"


class NotStagedError(Exception):
    """The folder was not written; the message says why."""


def function_files(root: Path, name: str, *, pickles: bool = False) -> dict[str, bytes]:
    """Content by path of a function's folder, from HEAD. Raises NotStagedError.

    With `pickles` it can load the first version's joblib files, at the cost of scikit-learn.
    """
    main = f"functions/{name}/main.py"
    requirements = f"functions/{name}/requirements{'-joblib' if pickles else ''}.txt"
    files = dict(committed(root, "shared/parrot", main, requirements))
    staged = {
        path.removeprefix("shared/"): data
        for path, data in files.items()
        if path.startswith("shared/parrot/")
    }
    staged["main.py"] = files[main]
    staged["requirements.txt"] = files[requirements]
    staged[".gcloudignore"] = _GCLOUDIGNORE
    return staged


def learning_files(root: Path) -> dict[str, bytes]:
    """Content by path of what the image of the learning job is built from, from HEAD."""
    staged = {
        path.removeprefix(_LEARNING_IMAGE): data
        for path, data in committed(root, "models", "shared/parrot", "functions/process")
    }
    return {**staged, ".gcloudignore": _GCLOUDIGNORE}


def firebase_files(  # noqa: PLR0913 - the names of a deployment
    root: Path,
    *,
    region: str,
    bucket: str,
    database: str,
    site: str,
    prefix: str = "",
    app_check_key: str = "",
) -> dict[str, bytes]:
    """Content by path of what firebase-tools deploys, from HEAD. Raises NotStagedError.

    With the key of a reCAPTCHA Enterprise site the page sends App Check tokens.
    """
    staged = {
        path.removeprefix("local/"): data
        for path, data in committed(root, "public", *_BUNDLED, *_FIREBASE_FILES)
    }
    config = json.loads(staged["firebase.json"])
    config.pop("emulators", None)
    config.pop("functions", None)  # gcloud deploys them
    config["firestore"]["database"] = database
    config["storage"] = [{"bucket": bucket, "rules": "storage.rules"}]
    config["hosting"]["site"] = site
    for rewrite in config["hosting"]["rewrites"]:
        if "run" in rewrite:  # the default of firebase-tools is us-central1
            service = f"{prefix}{rewrite['run']['serviceId']}"
            rewrite["run"] = {"serviceId": service, "region": region}
    if app_check_key:
        _allow(config["hosting"]["headers"], _APP_CHECK)
        page = json.loads(staged["public/config.json"])
        page["appCheckSiteKey"] = app_check_key
        staged["public/config.json"] = json.dumps(page).encode() + b"\n"
    staged["firebase.json"] = json.dumps(config, indent=2).encode() + b"\n"
    release = f'"page-{digest(staged)[:8]}"'.encode()
    staged[_CALLS] = staged[_CALLS].replace(b'"page"', release)  # what photos of this release say
    staged["public/release.txt"] = digest(staged).encode() + b"\n"
    return staged


def _allow(rules: list[dict[str, list[dict[str, str]]]], origins: Mapping[str, str]) -> None:
    """Add origins to the directives of the page's security policy."""
    for header in (header for rule in rules for header in rule["headers"]):
        if header["key"] == _POLICY:
            directives = [text.strip() for text in header["value"].split(";")]
            more = {text.partition(" ")[0]: text for text in directives}
            for name, added in origins.items():
                more[name] = f"{more[name]} {added}"
            header["value"] = "; ".join(more.values())


def committed(root: Path, *paths: str) -> Iterator[tuple[str, bytes]]:
    """Path and content of each file at or below the paths, as HEAD has them."""
    git = ["git", "-C", str(root), "archive", "--format=tar", "HEAD", "--", *paths]
    try:
        archive = subprocess.run(git, check=True, capture_output=True).stdout  # noqa: S603
    except FileNotFoundError as error:
        raise NotStagedError("git is not installed") from error
    except subprocess.CalledProcessError as error:
        raise NotStagedError(error.stderr.decode(errors="replace").strip()) from error
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        for member in tar:
            file = tar.extractfile(member) if member.isfile() else None
            if file is not None:
                yield member.name, file.read()


def digest(files: Mapping[str, bytes]) -> str:
    """One digest for all paths and contents."""
    lines = (f"{hashlib.sha256(files[path]).hexdigest()}  {path}\n" for path in sorted(files))
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def write(folder: Path, files: Mapping[str, bytes]) -> None:
    """Replace the folder with exactly these files; a half-written folder never has its name."""
    draft = folder.with_name(f".{folder.name}.{os.getpid()}")
    shutil.rmtree(draft, ignore_errors=True)
    for path in sorted(files):
        target = draft / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(files[path])
        target.chmod(_READABLE)
        os.utime(target, (_TIME, _TIME))
    for below in (*sorted(draft.rglob("*"), reverse=True), draft):
        if below.is_dir():
            below.chmod(_OPEN)  # whatever the umask: the job in the image is not root
            os.utime(below, (_TIME, _TIME))
    shutil.rmtree(folder, ignore_errors=True)
    draft.rename(folder)
    folder.with_name(f"{folder.name}.sha256").write_text(f"{digest(files)}\n")


def _files(name: str, wanted: argparse.Namespace) -> dict[str, bytes]:
    """Content by path of what goes by this name. Raises NotStagedError."""
    if name == LEARNING:
        return learning_files(ROOT)
    if name != FIREBASE:
        pickles = wanted.pickles and name in {"classify", "process"}
        return function_files(ROOT, name, pickles=pickles)
    return firebase_files(
        ROOT,
        region=wanted.region,
        bucket=wanted.bucket,
        database=wanted.database,
        site=wanted.site,
        prefix=wanted.prefix,
        app_check_key=wanted.app_check_key,
    )


def main(arguments: list[str]) -> int:
    """The command line; exit code 1 if something could not be staged, 2 for a bad `--to`."""
    parser = argparse.ArgumentParser(
        prog="./dev.sh stage", description="Write folders as they are deployed, from the commit."
    )
    parser.add_argument(
        "names",
        nargs="*",
        metavar="FUNCTION",
        help=f"of {', '.join(FUNCTIONS)}; or {LEARNING}, {FIREBASE}",
    )
    parser.add_argument("--to", type=Path, default=ROOT / "build" / "stage", help="folder to write")
    parser.add_argument("--pickles", action="store_true", help="for bundles of joblib files")
    parser.add_argument("--region", default="asia-northeast3", help=f"{FIREBASE}: the functions'")
    parser.add_argument("--bucket", default="demo-parrot-photos", help=f"{FIREBASE}: the photos'")
    parser.add_argument("--database", default="(default)", help=f"{FIREBASE}: Firestore's")
    parser.add_argument("--site", default="demo-parrot", help=f"{FIREBASE}: Hosting's")
    parser.add_argument("--prefix", default="", help=f"{FIREBASE}: of the services' names")
    parser.add_argument("--app-check-key", default="", help=f"{FIREBASE}: reCAPTCHA Enterprise's")
    wanted = parser.parse_args(arguments)
    for name in wanted.names or FUNCTIONS:
        if name not in (*FUNCTIONS, LEARNING, FIREBASE):
            parser.error(f"there is no function {name}")
    for name in wanted.names or FUNCTIONS:
        try:
            files = _files(name, wanted)
        except NotStagedError as error:
            print(f"{name} cannot be staged: {error}", file=sys.stderr)
            return 1
        try:
            write(wanted.to / name, files)
        except OSError as error:
            print(f"nothing can be written to {wanted.to}: {error.strerror}", file=sys.stderr)
            return 2
        print(wanted.to / name)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
