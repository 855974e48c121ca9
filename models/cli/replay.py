"""The command that decides one stored photo again: replay."""

from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Column, Table

from models.cli import console
from models.cli.console import Bucket, ModelServer, Store
from models.data import stores

commands = typer.Typer()


@commands.command()
def replay(
    observations: Store,
    bucket: Bucket,
    photo: Annotated[str, typer.Argument(help="Handle, as shadow prints it, UID/ID, or id.")],
    *,
    bundles: Annotated[
        str | None,
        typer.Option(help="gs://BUCKET of bundles, or its copy; else the local stack's."),
    ] = None,
    model_server: ModelServer = None,
) -> None:
    """Decide a stored photo again, with the bundle of its verdict, and compare every digit.

    Exits with 1 if the decision cannot be made again, or comes out otherwise.
    """
    from models.backfill.replay import Replayer, find
    from parrot.config import MAX_PHOTO_BYTES

    with console.errors(), stores.decoder() as decoder, console.err.status("deciding again"):
        replayed = Replayer(
            stores.photos(observations, bucket),
            lambda version: stores.published(observations, bundles, version),
            stores.model_server(observations, model_server),
            decoder,
            MAX_PHOTO_BYTES,
        ).replay(find(stores.observations(observations), photo))
    table = Table("", *(Column(name, overflow="fold") for name in ("stored", "now", "difference")))
    for name, (then, now) in replayed.differences.items():
        by = replayed.by(name)
        texts = (name, str(then), str(now), "" if by is None else f"{by:.1g}")
        table.add_row(*map(escape, texts))
    if replayed.differences:
        console.out.print(table)
    console.out.print(replayed.sentence(), soft_wrap=True, highlight=False)
    if replayed.contradicted:
        raise typer.Exit(1)
