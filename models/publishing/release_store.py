"""Where published bundles are kept: a bucket, or a folder with the same layout.

Names of objects are `bundles/...`.
"""

import contextlib
import fcntl
import os
import uuid
from dataclasses import dataclass
from pathlib import Path

from google.api_core.exceptions import NotFound, PreconditionFailed
from google.cloud.storage import Client

_GS = "gs://"


class Changed(Exception):
    """Someone else wrote the object first."""


@dataclass(frozen=True, slots=True)
class Stored:
    """An object's content, and the generation that a later write can require."""

    data: bytes
    generation: str


class BucketStore:
    """A Cloud Storage bucket."""

    def __init__(self, client: Client, bucket: str) -> None:
        """No request is made here."""
        self._bucket = client.bucket(bucket)

    def read(self, name: str) -> Stored | None:
        """The object, or None."""
        blob = self._bucket.get_blob(name)
        if blob is None:
            return None
        try:
            data = blob.download_as_bytes(if_generation_match=blob.generation)
        except (NotFound, PreconditionFailed):  # replaced between the two requests
            return self.read(name)
        return Stored(bytes(data), str(blob.generation))

    def write(self, name: str, data: bytes, *, over: str | None) -> None:
        """Write with `if_generation_match`. Raises Changed."""
        kind = "application/json" if name.endswith(".json") else "application/octet-stream"
        try:
            self._bucket.blob(name).upload_from_string(
                data, content_type=kind, if_generation_match=int(over or 0)
            )
        except PreconditionFailed as error:
            raise Changed(name) from error

    def names(self, prefix: str) -> list[str]:
        """Names of all objects that start with `prefix`, sorted."""
        return sorted(blob.name for blob in self._bucket.list_blobs(prefix=prefix))


class FolderStore:
    """A folder; a write is a rename under a lock, so that no one reads half a file."""

    def __init__(self, root: Path) -> None:
        """No folder is created here."""
        self._root = root

    def read(self, name: str) -> Stored | None:
        """The file, or None; inode and time distinguish one write from the next."""
        try:
            with (self._root / name).open("rb") as file:
                stat = os.fstat(file.fileno())
                return Stored(file.read(), f"{stat.st_ino}-{stat.st_mtime_ns}")
        except FileNotFoundError:
            return None

    def write(self, name: str, data: bytes, *, over: str | None) -> None:
        """Compare and replace. Raises Changed."""
        path = self._root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with (self._root / ".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            present = self.read(name)
            if (present.generation if present else None) != over:
                raise Changed(name)
            draft = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
            try:
                draft.write_bytes(data)
                draft.replace(path)
            finally:
                with contextlib.suppress(FileNotFoundError):
                    draft.unlink()

    def names(self, prefix: str) -> list[str]:
        """Names of all files that start with `prefix`, sorted."""
        files = (path for path in self._root.rglob("[!.]*") if path.is_file())
        names = (path.relative_to(self._root).as_posix() for path in files)
        return sorted(name for name in names if name.startswith(prefix))


ReleaseStore = BucketStore | FolderStore


def open_store(target: str) -> ReleaseStore:
    """`gs://BUCKET` or a folder. STORAGE_EMULATOR_HOST selects an emulator."""
    if not target.startswith(_GS):
        return FolderStore(Path(target))
    return BucketStore(Client(), target.removeprefix(_GS).strip("/"))
