"""What commands share: options, and how they print progress, tables and errors."""

from __future__ import annotations

import errno
import sqlite3
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer
from rich import progress as bars
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from models.folders import LOCAL

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence

    from models.data.dataset import Progress
    from models.evaluation.comparison import ComparisonTable
    from models.evaluation.results import Results

_USAGE = 2
_TENTHS = 10
_LOG_IN = (
    "Google Cloud does not know who you are: gcloud auth application-default login,"
    " or GOOGLE_APPLICATION_CREDENTIALS=FILE"
)
FEATURE_CACHE = LOCAL / "features.sqlite"

Photos = Annotated[
    list[Path], typer.Argument(help="Folders of photos, or CSVs (path,label,group).", exists=True)
]
Cache = Annotated[Path, typer.Option(help="File that keeps features between runs.")]
Target = Annotated[str, typer.Option("--to", help="gs://BUCKET or a folder.")]
BundleFolder = Annotated[
    Path, typer.Option("--bundle", help="Bundle folder.", exists=True, file_okay=False)
]
SpeciesFile = Annotated[
    Path, typer.Option(help="The species table, in class order.", exists=True, dir_okay=False)
]
Store = Annotated[
    str, typer.Argument(help="sqlite:PATH, firestore:PROJECT or firestore:PROJECT/DATABASE.")
]
Bucket = Annotated[str, typer.Argument(help="Bucket that contains the photos.")]
ModelServer = Annotated[
    str | None,
    typer.Option("--model-server", help="URL of a TF Serving REST API; else the local stack's."),
]

Command = TypeVar("Command", bound="Callable[..., Any]")

out = Console()
err = Console(stderr=True)


def figures(columns: dict[str, Results], *, title: str | None = None) -> Table:
    """One column of figures per result, with its name as heading."""
    from models.evaluation.results import FIGURES, figure_text

    table = headed("figure", *columns, texts={"figure"}, title=title)
    figures = [results.figures() for results in columns.values()]
    for (part, key), name in FIGURES.items():
        table.add_row(name, *(figure_text(column[part][key]) for column in figures))
    return table


def compared(tables: Sequence[ComparisonTable], names: tuple[str, str]) -> Table:
    """The differences of photos as they are, then of others; `names` are the two bundles'."""
    headings = ("figure", *names, "difference", "95 % interval", "verdict")
    table = headed(*headings, texts={"figure", "verdict"})
    for number, part in enumerate(tables):
        for line in part.differences:
            table.add_row(
                f"{line.figure}{f', {part.title}' if number else ''} [dim](n = {line.photos})",
                f"{line.before:.2%}",
                f"{line.after:.2%}",
                f"{(line.after - line.before) * 100:+.2f}",
                f"{line.low * 100:+.2f}..{line.high * 100:+.2f}",
                line.verdict,
            )
    return table


def headed(*headings: str, texts: Collection[str], title: str | None = None) -> Table:
    """An empty table; the columns of `texts` are set to the left, of numbers to the right."""
    table = Table(title=title)
    for heading in headings:
        table.add_column(heading, justify="left" if heading in texts else "right")
    return table


@contextmanager
def progress() -> Iterator[tuple[Progress, Callable[[str], None]]]:
    """A progress bar for each view of the photos, then a line for each step; a log gets lines."""
    if not err.is_terminal:
        yield tenths(logged), logged
        return
    columns = (
        bars.TextColumn("{task.description:>36}"),
        bars.BarColumn(),
        bars.MofNCompleteColumn(),
        bars.TimeRemainingColumn(),
    )
    with bars.Progress(*columns, console=err) as display:

        def bar(name: str, total: int) -> Callable[[int], None]:
            task = display.add_task(name, total=total)
            return lambda count: display.advance(task, count)

        def step(text: str) -> None:
            display.console.print(f"[dim]{escape(text)}")

        yield bar, step


def tenths(say: Callable[[str], None]) -> Progress:
    """A progress bar in lines: one at the start, and one at each tenth of the way."""

    def bar(name: str, total: int) -> Callable[[int], None]:
        done = 0
        say(f"{name}: 0 of {total}")

        def advance(count: int) -> None:
            nonlocal done
            before, done = done, done + count
            if done * _TENTHS // max(total, 1) > before * _TENTHS // max(total, 1):
                say(f"{name}: {done} of {total}")

        return advance

    return bar


def logged(text: str) -> None:
    """A line of progress, as it is."""
    err.print(text, markup=False, highlight=False, soft_wrap=True)


class Commands(typer.Typer):
    """Commands that print `errors` as sentences."""

    def command(self, *words: Any, **options: Any) -> Callable[[Command], Command]:
        """As Typer's."""
        register = super().command(*words, **options)
        return lambda function: register(errors()(function))


@contextmanager
def errors() -> Iterator[None]:
    """Print an error that the user can fix as a sentence, without a traceback.

    The exit code is 2 if the command could not begin: no credentials, a port in use.
    """
    from google.api_core.exceptions import GoogleAPIError
    from google.auth.exceptions import GoogleAuthError

    from models.data.labelled_photos import BadDataset
    from models.publishing.releases import Refused
    from parrot.errors import ParrotError

    try:
        yield
    except GoogleAuthError as error:
        err.print(f"[red]{_LOG_IN}", highlight=False, soft_wrap=True)
        raise typer.Exit(_USAGE) from error
    except (
        *(ParrotError, BadDataset, Refused, GoogleAPIError, ValueError, OSError),
        sqlite3.Error,  # of the features' cache, on a full disk
    ) as error:
        taken = isinstance(error, OSError) and error.errno == errno.EADDRINUSE
        text = str(error)
        if isinstance(error, OSError) and error.strerror:  # without "[Errno 2]"
            text = f"{error.filename}: {error.strerror}" if error.filename else error.strerror
        err.print(f"[red]{escape(text)}", highlight=False, soft_wrap=True)
        raise typer.Exit(_USAGE if taken else 1) from error
