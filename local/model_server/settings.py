"""The settings of one server."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from local.model_server.versions import Label, VersionPolicy


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The flags of `run`, whose docstring explains each."""

    base: Path
    host: str = "127.0.0.1"
    port: int = 8501
    poll_seconds: float = 1.0
    labels: tuple[Label, ...] = ()
    policies: tuple[VersionPolicy, ...] = ()
