"""The note by which commands find a stack that is up, in its data folder."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from local.stack import MODEL_BUCKET, STORAGE, Running, answers
from models import folders


@contextmanager
def noted(running: Running, data: Path, bundle: Path) -> Iterator[None]:
    """While this lasts, `found` and the commands of `models` find the stack by its data folder."""
    note = data / folders.RUNNING
    told = {
        "url": running.url,
        "storage": running.urls[STORAGE],
        "model_server": running.model_server,
        "bundle": str(bundle.resolve()),
        "bundles": f"gs://{MODEL_BUCKET}",
    }
    note.write_text(json.dumps(told))
    try:
        yield
    finally:
        note.unlink(missing_ok=True)


def found(data: Path, bundle: Path) -> str | None:
    """The URL of a stack that is up on this folder with this bundle."""
    try:
        note = json.loads((data / folders.RUNNING).read_text())
        url, of = str(note["url"]), note["bundle"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    up = of == str(bundle.resolve()) and answers(f"{url}/parrot-classifier/classify")
    return url if up else None  # a stack that was killed left its note
