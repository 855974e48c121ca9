"""`python -m models`: the commands. Each imports what it needs when it runs, so --help is quick."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

_ROOT = Path(__file__).parent.parent
_DEFAULT = _ROOT / "models" / "default"
_MODELS = _ROOT / ".local" / "models"

app = typer.Typer(no_args_is_help=True, add_completion=False, help=__doc__)


@app.command()
def serve(
    base: Annotated[Path, typer.Option(help="Model folder: NAME/VERSION/saved_model.pb.")],
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port of the REST API.")] = 8501,
    poll_seconds: Annotated[
        float, typer.Option(help="How often to look for versions; 0: once.")
    ] = 1.0,
    label: Annotated[list[str] | None, typer.Option(help="NAME:LABEL=VERSION.")] = None,
) -> None:
    """Serve SavedModels over TF Serving's REST API."""
    from models import server  # noqa: PLC0415

    server.run(base, host=host, port=port, poll_seconds=poll_seconds, labels=label or [])


@app.command()
def build(
    bundle: Annotated[Path, typer.Option(help="Bundle folder with head.npz.")] = _DEFAULT,
    to: Annotated[Path, typer.Option(help="Model folder to write NAME/VERSION into.")] = _MODELS,
) -> None:
    """Build the SavedModel from the ImageNet backbone and a bundle's species head."""
    from models.build import build as build_model  # noqa: PLC0415

    folder = build_model(bundle, to)
    typer.echo(f"{folder}")
