"""Train, compare, publish and serve the models that tell parrots apart."""

from __future__ import annotations

import typer

from models.cli import (
    again,
    backfill,
    drift,
    exchange,
    people,
    releases,
    retraining,
    serving,
    training,
)

# Heavy modules (TensorFlow, scikit-learn) are imported by the command that needs them, so that
# --help answers at once.

app = typer.Typer(no_args_is_help=True, add_completion=False, help=__doc__)
for group in (training, retraining, releases, serving, exchange, people, backfill, again, drift):
    app.add_typer(group.commands)
