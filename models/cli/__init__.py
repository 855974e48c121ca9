"""Train, compare, publish and serve the models that tell parrots apart."""

import typer

from models.cli import (
    backfill,
    drift,
    exchange,
    people,
    releases,
    retraining,
    serving,
    stored_photos,
    training,
)

# Heavy modules (TensorFlow, scikit-learn) are imported by the command that needs them, so that
# --help answers at once.

app = typer.Typer(
    no_args_is_help=True, add_completion=False, help=__doc__, rich_markup_mode="markdown"
)
for group in (
    *(training, retraining, releases, serving, exchange),
    *(people, backfill, stored_photos, drift),
):
    app.add_typer(group.commands)
