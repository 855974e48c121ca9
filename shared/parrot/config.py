"""Settings.from_env: the only reader of the environment. It names all bad variables at once.

| variable | meaning | default |
|---|---|---|
| BUCKET | bucket for photos | required |
| MODEL_BUCKET | bucket with `bundles/` | BUCKET |
| MODEL_BUNDLE | bundle version; empty: what `bundles/current.json` names at the start | empty |
| MODEL_BUNDLE_SHA256 | the required sha256 of the bundle's manifest | empty |
| MODEL_BUNDLE_PUBLIC_KEY | only bundles that one of these keys signed; empty: any | empty |
| SHADOW_BUNDLE | version of a candidate that answers too (`shadow.py`); empty: none | empty |
| SHADOW_BUNDLE_SHA256 | the required sha256 of its manifest | empty |
| MODEL_SERVER_URL | root of a TF Serving REST API | exactly one of |
| VERTEX_ENDPOINTS | NAME=https://.../endpoints/E, separated by commas | these two |
| MODEL_AUTH | `none`, or `id-token` for a private Cloud Run service | `id-token` for https |
| MODEL_TIMEOUT_SECONDS | how long one prediction may take | 20 |
| REQUEST_SECONDS | of all calls of a request together, after its body came (`process`: 60) | 30 |
| OBSERVATIONS | `firestore`, `firestore:DATABASE` or `sqlite:PATH` | required |
| IDENTITY | `firebase`, or `local`, which accepts any name | required |
| GOOGLE_CLOUD_PROJECT | the project of Firestore and Firebase | for both and App Check |
| LOCAL_HOST | with IDENTITY=local: the address that it listens on | 127.0.0.1 |
| LOCAL_REVIEWERS | with IDENTITY=local: names of reviewers, separated by commas | empty |
| CHECK_REVOKED | ask Firebase on each request whether the session has been revoked | false |
| REQUIRE_APP_CHECK | every call needs an App Check token | false |
| REQUIRE_AUTH | classify needs a signed-in user too | false |
| ALLOW_ANONYMOUS_SAVE | save without a user, as the first version's phones do | false |
| DOWNLOAD_SECRET | signs download URLs; empty: they need an Authorization header | empty |
| RECEIPT_KEY | 64 hex digits: the Ed25519 key that signs receipts; empty: none | empty |
| DELETE_USERS | whether erasing everything also removes the Firebase user | false |
| PUBLIC_URL | where phones find the service | the host they asked |
| SAVES_PER_DAY | new photos per user per day (UTC), direct uploads too; 0: no limit | 500 |
| RELABELS_PER_DAY | changes of labels per user per day (UTC); 0: no limit | 1000 |
| PROCESS_ATTEMPTS | how often processing a stored photo may fail before it is rejected | 5 |
| CLASSIFICATIONS_PER_MINUTE | for each signed-in user; 0: no limit | 120 |
| CLASSIFICATIONS_PER_ADDRESS_PER_MINUTE | without a login, in each instance | 60 on Cloud Run |
| CPU_SECONDS_PER_CALLER_PER_MINUTE | that photos may take, in each instance | 30 on Cloud Run |
| TRUSTED_PROXIES | how many proxies append to X-Forwarded-For | 1 on Cloud Run (deploy.sh: 2) |
| DOWNLOAD_MIB_PER_MINUTE | of files and lists, for each user in each instance; 0: no limit | 256 |
| THREADS | that serve requests: functions-framework reads it too | 4 for each CPU |
| CLASSIFY_CACHE | answers that an instance remembers; 0: none | 1024 |
| TRAINING | whether saved photos train: `ask`, `granted` or `off` (`consent.py`) | ask |
| CORS_ORIGINS | origins that may call from a browser, separated by commas | * |
| MAX_PHOTO_BYTES | largest photo in bytes | 20 MiB |
| MAX_PHOTO_PIXELS | largest photo in pixels; PNG, WebP, AVIF: at most 25 million | 51,000,000 |

DOWNLOAD_SECRET may list several secrets of at least 32 characters, newest first, separated by
commas: the first one signs, all of them are accepted. To replace a secret, put the new one first,
and remove the old one an hour later.

Emulators accept any token. Their variables and IDENTITY=local are refused on Cloud Run (`K_SERVICE`
set). The Firebase emulators set K_SERVICE too, but never K_CONFIGURATION.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from parrot.consent import Training
from parrot.environment import Reader, is_url

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_PHOTO_BYTES = 20 * 2**20
# 48 to 50 megapixels is what phones write; Pillow alone would stop at 179.
MAX_PHOTO_PIXELS = 51_000_000
MOST_PHOTO_PIXELS = 178_000_000  # Pillow refuses more
# Of one bird, for one joint answer. The model server takes both looks at all of them in one batch.
MOST_PHOTOS = 5
_SHA256 = re.compile(r"[0-9a-f]{64}")
_STORE = re.compile(r"firestore(:[a-z0-9()-]{1,63})?|sqlite:.*", re.DOTALL)
_EMULATORS = (
    "FIREBASE_AUTH_EMULATOR_HOST",
    "FIRESTORE_EMULATOR_HOST",
    "STORAGE_EMULATOR_HOST",
    "FIREBASE_STORAGE_EMULATOR_HOST",
)
# Cloud Run takes 32 MB per request, and base64 turns three bytes into four.
_MOST_BYTES = 23 * 2**20


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that a deployment may decide."""

    bucket: str
    model_bucket: str
    bundle_version: str | None  # None: the one that current.json names
    bundle_sha256: str | None
    shadow_version: str | None
    shadow_sha256: str | None
    bundle_keys: tuple[bytes, ...]  # public keys that are trusted; none: signatures are not read
    model_server_url: str | None
    vertex_endpoints: Mapping[str, str]
    model_auth: str
    model_timeout: float
    request_seconds: float
    sqlite_path: Path | None
    firestore_database: str | None
    project: str | None
    identity: str
    local_host: str
    local_reviewers: tuple[str, ...]
    check_revoked: bool
    require_app_check: bool
    require_auth: bool
    allow_anonymous_save: bool
    download_secrets: tuple[bytes, ...] = field(repr=False)  # newest first
    receipt_key: bytes | None = field(repr=False)
    delete_users: bool
    public_url: str | None
    saves_per_day: int
    relabels_per_day: int
    process_attempts: int
    classifications_per_minute: int
    classifications_per_address: int  # per minute
    cpu_seconds_per_caller: int  # per minute
    trusted_proxies: int
    download_mib_per_minute: int
    threads: int
    classify_cache: int
    training: Training
    cors_origins: tuple[str, ...]
    max_photo_bytes: int
    max_photo_pixels: int

    @property
    def ends_accounts(self) -> bool:
        """Whether erasing everything ends the account, too; local names have none."""
        return self.delete_users and self.identity == "firebase"

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> Settings:
        """Read and check all variables. Raises BadConfig with every problem found."""
        read, deployed = Reader(env), _is_deployed(env)
        url, endpoints, auth = _model_server(read)
        store = read.required("OBSERVATIONS", _STORE.fullmatch)
        identity = read.choice("IDENTITY", ("firebase", "local"))
        app_check = read.flag("REQUIRE_APP_CHECK")
        by_google = store[:9] == "firestore" or identity == "firebase" or app_check
        project = _project(read, needed=by_google)
        _refuse_emulators(env, identity, read)
        bucket = read.required("BUCKET", bool)
        settings = cls(
            bucket=bucket,
            model_bucket=env.get("MODEL_BUCKET") or bucket,
            bundle_version=read.optional("MODEL_BUNDLE", bool),
            bundle_sha256=read.optional("MODEL_BUNDLE_SHA256", _SHA256.fullmatch),
            shadow_version=read.optional("SHADOW_BUNDLE", bool),
            shadow_sha256=read.optional("SHADOW_BUNDLE_SHA256", _SHA256.fullmatch),
            bundle_keys=read.public_keys("MODEL_BUNDLE_PUBLIC_KEY"),
            model_server_url=url,
            vertex_endpoints=endpoints,
            model_auth=auth,
            model_timeout=read.number("MODEL_TIMEOUT_SECONDS", 20.0, low=0.1, high=300.0),
            request_seconds=read.number("REQUEST_SECONDS", 30.0, low=0.1, high=3600.0),
            sqlite_path=Path(store[7:]) if store[:7] == "sqlite:" else None,
            firestore_database=(store[10:] or "(default)") if store[:9] == "firestore" else None,
            project=project,
            identity=identity,
            local_reviewers=read.names("LOCAL_REVIEWERS"),
            local_host=env.get("LOCAL_HOST") or "127.0.0.1",
            check_revoked=read.flag("CHECK_REVOKED"),
            require_app_check=app_check,
            require_auth=read.flag("REQUIRE_AUTH"),
            allow_anonymous_save=read.flag("ALLOW_ANONYMOUS_SAVE"),
            download_secrets=read.secrets("DOWNLOAD_SECRET"),
            receipt_key=read.seed("RECEIPT_KEY"),
            delete_users=read.flag("DELETE_USERS"),
            public_url=read.optional("PUBLIC_URL", is_url),
            saves_per_day=read.count("SAVES_PER_DAY", 500),
            relabels_per_day=read.count("RELABELS_PER_DAY", 1000),
            process_attempts=read.count("PROCESS_ATTEMPTS", 5, low=1, high=1000),
            classifications_per_minute=read.count("CLASSIFICATIONS_PER_MINUTE", 120),
            classifications_per_address=read.count(
                "CLASSIFICATIONS_PER_ADDRESS_PER_MINUTE", 60 * deployed
            ),
            cpu_seconds_per_caller=read.count("CPU_SECONDS_PER_CALLER_PER_MINUTE", 30 * deployed),
            trusted_proxies=read.count("TRUSTED_PROXIES", int(deployed), high=10),
            download_mib_per_minute=read.count("DOWNLOAD_MIB_PER_MINUTE", 256),
            threads=read.count("THREADS", 4 * (os.cpu_count() or 1), low=1),
            classify_cache=read.count("CLASSIFY_CACHE", 1024),
            training=Training(read.choice("TRAINING", tuple(Training), Training.ASK)),
            cors_origins=read.origins("CORS_ORIGINS", "*"),
            max_photo_bytes=read.count("MAX_PHOTO_BYTES", MAX_PHOTO_BYTES, low=1, high=_MOST_BYTES),
            max_photo_pixels=read.count(
                "MAX_PHOTO_PIXELS", MAX_PHOTO_PIXELS, low=1, high=MOST_PHOTO_PIXELS
            ),
        )
        read.finish()
        return settings


def _model_server(read: Reader) -> tuple[str | None, Mapping[str, str], str]:
    url = read.optional("MODEL_SERVER_URL", is_url)
    endpoints = read.pairs("VERTEX_ENDPOINTS", is_url)
    if (url is None) == (not endpoints):
        read.problem("set one of MODEL_SERVER_URL and VERTEX_ENDPOINTS")
    auth = "id-token" if (url or "").startswith("https:") else "none"
    return url, endpoints, read.choice("MODEL_AUTH", ("none", "id-token"), auth)


def _project(read: Reader, *, needed: bool) -> str | None:
    project = read.optional("GOOGLE_CLOUD_PROJECT", bool)
    if project is None and needed:
        read.problem("Firestore, Firebase and App Check need GOOGLE_CLOUD_PROJECT")
    return project


def _refuse_emulators(env: Mapping[str, str], identity: str, read: Reader) -> None:
    if not _is_deployed(env):
        return
    if identity == "local":
        read.problem("IDENTITY=local trusts everybody and does not start on Cloud Run")
    for name in _EMULATORS:
        if name in env:
            read.problem(f"{name} must not be set on Cloud Run: emulators trust everybody")


def _is_deployed(env: Mapping[str, str]) -> bool:
    emulated = env.get("FUNCTIONS_EMULATOR") == "true" and "K_CONFIGURATION" not in env
    return "K_SERVICE" in env and not emulated
