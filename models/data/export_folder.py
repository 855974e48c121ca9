"""Where an export is written: a folder, or a folder of a bucket.

Names are paths in it. Nobody ever reads half a file.
"""

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from google.api_core.exceptions import NotFound
from google.cloud.storage import Client

from models.data.labelled_photos import Group
from parrot.adapters.bucket import translated

_GS = "gs://"
_PHOTO, _PART = ".webp", ".part"


class LocalFolder:
    """On this machine. Raises OSError."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def photos(self) -> set[str]:
        """Names of all photos, and of what a killed run left of one."""
        files = (path for group in Group for path in (self._root / group).glob("*/*"))
        photos = (path for path in files if path.suffix in {_PHOTO, _PART})
        return {path.relative_to(self._root).as_posix() for path in photos}

    def write(self, name: str, data: bytes) -> None:
        """Write it, or replace it."""
        path = self._root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(f"{path.name}{_PART}")
        part.write_bytes(data)
        try:
            part.replace(path)
        except FileNotFoundError as error:
            raise OSError(f"another export into {self._root} is running: one at a time") from error

    def remove(self, name: str) -> None:
        """Remove it; no error if it is not there."""
        (self._root / name).unlink(missing_ok=True)


class BucketFolder:
    """In Cloud Storage. Raises StoreUnavailable."""

    def __init__(self, client: Client, bucket: str, folder: str) -> None:
        self._bucket, self._folder = client.bucket(bucket), f"{folder}/"

    def photos(self) -> set[str]:
        """Names of all photos."""
        with translated("the export cannot be listed now"):
            return {
                blob.name.removeprefix(self._folder)
                for group in Group
                for blob in self._bucket.list_blobs(prefix=self._name(f"{group}/"))
                if blob.name.endswith(_PHOTO)
            }

    def write(self, name: str, data: bytes) -> None:
        """Write it, or replace it."""
        with translated("the export cannot be written now"):
            kind = "image/webp" if name.endswith(_PHOTO) else "text/csv"
            blob = self._bucket.blob(self._name(name))
            blob.upload_from_string(data, content_type=kind, checksum="crc32c")

    def remove(self, name: str) -> None:
        """Remove it; no error if it is not there."""
        with suppress(NotFound), translated("the export cannot be changed now"):
            self._bucket.blob(self._name(name)).delete()

    def _name(self, name: str) -> str:
        return f"{self._folder}{name}"


ExportFolder = LocalFolder | BucketFolder


def opened(where: str, client: Callable[[], Client], *, not_in: str) -> ExportFolder:
    """A folder, or `gs://BUCKET/FOLDER` in another bucket than the photos'. Raises ValueError."""
    if not where.startswith(_GS):
        return LocalFolder(Path(where))
    bucket, _, folder = where.removeprefix(_GS).strip("/").partition("/")
    if not folder or bucket == not_in:  # its events would start `process` for each photo
        raise ValueError(f"{where} is not gs://BUCKET/FOLDER, in another bucket than the photos")
    return BucketFolder(client(), bucket, folder)
