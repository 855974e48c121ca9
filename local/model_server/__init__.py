"""A small server for a TF Serving model folder that speaks TF Serving's REST API.

For local work and tests without the real server's container. A request passes through `targets`
(which model, which verb), `registry` (which loaded version), `bodies` (bytes to JSON) and `predict`
(`tensors`, the signature's call, `answers`) or `examples` (classify, regress). Meanwhile `watcher`
polls the folder, and loads and unloads what `versions` decides.

Importing this package imports neither TensorFlow nor Flask; only `run` does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from local.model_server.settings import Settings
from local.model_server.versions import Label, VersionPolicy

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

__all__ = ["run"]


def run(  # noqa: PLR0913 - these are the flags of one command, all but the folder by keyword
    base: Path,
    *,
    host: str = Settings.host,
    port: int = Settings.port,
    poll_seconds: float = Settings.poll_seconds,
    labels: Iterable[str] = (),
    versions: Iterable[str] = (),
) -> None:
    """Serve every model under `base` until SIGTERM or SIGINT.

    Args:
        base: the folder that holds `NAME/VERSION/saved_model.pb`.
        host: the address to bind; keep it local, there is no authentication.
        port: 0 picks a free one; the `ready:` line names it.
        poll_seconds: seconds between two scans of the folder; 0 scans once, at the start.
        labels: `NAME:LABEL=VERSION` each; a label works while its version is loaded.
        versions: `NAME:all` or `NAME:1,2` each; a model without one serves its latest version.

    Prints `ready: http://HOST:PORT` on stdout once the first scan is finished, and one line per
    loaded or unloaded version on stderr.

    Raises:
        NotADirectoryError: `base` is not a folder.
        OSError: nothing can listen there.
        ValueError: a label or a version policy is malformed; the message says which.
        SystemExit: always at the end; status 0 after a signal.
    """
    # Imported here so that --help does not pay for the web server.
    from local.model_server.server import serve  # noqa: PLC0415

    serve(
        Settings(
            base=base,
            host=host,
            port=port,
            poll_seconds=poll_seconds,
            labels=tuple(map(Label.parse, labels)),
            policies=tuple(map(VersionPolicy.parse, versions)),
        )
    )
