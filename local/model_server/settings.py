"""What one server process is told at its start."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from local.model_server.versions import Label, VersionPolicy


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The flags of `run`, whose docstring explains each.

    The thread counts suit two cores shared with other processes: a request runs on one core, two
    requests can use both.
    """

    base: Path
    host: str = "127.0.0.1"
    port: int = 8501
    poll_seconds: float = 1.0
    labels: tuple[Label, ...] = ()
    policies: tuple[VersionPolicy, ...] = ()
    http_threads: int = 4
    inter_op_threads: int = 2
    intra_op_threads: int = 1
