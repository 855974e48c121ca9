"""Bundles in a bucket: publish a version, point `current.json` at it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from google.api_core.exceptions import PreconditionFailed

from parrot import bundle as bundles
from parrot import manifest as manifests
from parrot.adapters.joblib_gate import compile_gate
from parrot.adapters.model_bundle import CURRENT, FOLDER, BucketBundle, FolderBundle
from parrot.errors import BadBundle

if TYPE_CHECKING:
    from pathlib import Path

    from google.cloud.storage import Bucket, Client


class AlreadyPublished(Exception):
    """The version is there with other content; publish under another version."""


@dataclass(frozen=True, slots=True)
class Published:
    """A version that is in the bucket, whole; `sha256` is what a deployment pins."""

    version: str
    sha256: str
    new: bool


def publish(folder: Path, client: Client, bucket_name: str) -> Published:
    """Upload a bundle folder to `bundles/VERSION/`, manifest last, and read it back.

    The manifest makes a version: before it is there, the rest is an unfinished upload that the next
    try completes. The same bundle again is no error. Raises BadBundle, AlreadyPublished.
    """
    source = FolderBundle(folder)
    local = _load(source, manifests.digest(source.read(manifests.NAME)))
    bucket = client.bucket(bucket_name)
    prefix = f"{FOLDER}/{local.manifest.version}"
    present = bucket.get_blob(f"{prefix}/{manifests.NAME}")
    if present is not None:
        if manifests.digest(present.download_as_bytes()) != local.sha256:
            raise AlreadyPublished(
                f"gs://{bucket_name}/{prefix} holds another bundle of this version"
            )
        return Published(local.manifest.version, local.sha256, new=False)
    for name in local.manifest.files:
        bucket.blob(f"{prefix}/{name}").upload_from_string(source.read(name))
    try:
        bucket.blob(f"{prefix}/{manifests.NAME}").upload_from_string(
            source.read(manifests.NAME), content_type="application/json", if_generation_match=0
        )
    except PreconditionFailed as error:
        raise AlreadyPublished(f"somebody else just published {prefix}") from error
    _load(BucketBundle(client, bucket_name, local.manifest.version), local.sha256)
    return Published(local.manifest.version, local.sha256, new=True)


def promote(bucket: Bucket, published: Published) -> None:
    """Let functions without a pinned version follow this one from their next start."""
    bucket.blob(CURRENT).upload_from_string(
        json.dumps({"version": published.version, "manifest_sha256": published.sha256}),
        content_type="application/json",
    )


def _load(files: bundles.BundleFiles, sha256: str) -> bundles.Bundle:
    """As a function would, reference vectors and all."""
    try:
        return bundles.load(files, pinned_sha256=sha256, compile_joblib=compile_gate)
    except BadBundle as error:
        raise BadBundle(f"refused: {error.detail}") from error
