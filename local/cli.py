"""The commands of `./dev.sh` that run the local stack."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from local import console, model_servers, note, stack, suite, toolchain
from local.demo import EXPLANATION, NEXT, ask_all, complaint, photos_of, samples, table
from local.progress import steps
from models import folders

app = typer.Typer(
    no_args_is_help=True, add_completion=False, help=__doc__, rich_markup_mode="markdown"
)
_WATCH_SECONDS = 0.5


def _model_server(value: str | None) -> str | None:
    if value is None or value == model_servers.DOCKER or value.startswith(("http://", "https://")):
        return value
    raise typer.BadParameter("not a URL and not `docker`")


ModelServer = Annotated[
    str | None,
    typer.Option(
        metavar="URL|docker",
        callback=_model_server,
        help="Another TF Serving: the URL of a running one, or `docker` to start its public image.",
    ),
]
BundleFolder = Annotated[
    Path,
    typer.Option("--bundle", help="Bundle folder of the models.", exists=True, file_okay=False),
]


@app.command()
def demo(  # noqa: PLR0913 - the options of one command
    photos: Annotated[
        list[Path] | None,
        typer.Argument(help="Photos, or folders of them; without any, three samples are used."),
    ] = None,
    *,
    json: Annotated[bool, typer.Option("--json", help="Print one HTTP answer per line.")] = False,
    save: Annotated[
        bool, typer.Option("--save", help="Also save each parrot, as its best species.")
    ] = False,
    together: Annotated[bool, typer.Option("--together", help="All show one bird.")] = False,
    data: Annotated[Path, typer.Option(help="Folder for saved photos.")] = stack.DEFAULT_DATA,
    model_server: ModelServer = None,
    bundle: BundleFolder = stack.DEFAULT_BUNDLE,
) -> None:
    """Classify each photo over HTTP: on a stack that is up, or on one that runs meanwhile.

    The exit code is 1 if any photo could not be classified (or saved), 2 if there is none.
    """
    chosen = photos_of(photos or samples())
    if all(map(complaint, chosen)):
        for photo in chosen:
            console.err.print(f"[red]{escape(str(photo))}: {complaint(photo)}", soft_wrap=True)
        raise typer.Exit(console.USAGE)
    if not photos:
        console.err.print(EXPLANATION)
    with (
        console.errors(),
        steps(console.err) as say,
        _stack(data, model_server, bundle, say) as url,
    ):
        answers = list(ask_all(url, chosen, together=together, save=save, say=say))
    if json:
        for answer in answers:
            sys.stdout.write(answer.as_json() + "\n")
    else:
        console.out.print(table(answers))
    if not photos:
        console.err.print(NEXT)
    if any(answer.failed for answer in answers):
        raise typer.Exit(1)


@contextmanager
def _stack(
    data: Path, model_server: str | None, bundle: Path, say: Callable[[str], None]
) -> Iterator[str]:
    """The URL of a stack: one that is up on this folder, unless it has another model server."""
    if model_server is None and (url := note.found(data, bundle)):
        say(f"using the stack at {url}")
        yield url
        return
    with stack.running(data, model_server=model_server, bundle=bundle, say=say) as running:
        yield running.url
        say("stopping")


@app.command()
def up(  # noqa: PLR0913 - the options of one command
    *,
    port: Annotated[
        int, typer.Option(help="Port of the page and the functions.", min=0, max=65535)
    ] = 8080,
    host: Annotated[
        str, typer.Option(help="Address to listen on; 0.0.0.0 admits phones on the network.")
    ] = "127.0.0.1",
    data: Annotated[
        Path, typer.Option(help="Folder for everything that is stored.")
    ] = stack.DEFAULT_DATA,
    anonymous_save: Annotated[
        bool, typer.Option("--anonymous-save", help="Save without a login: first version's phones.")
    ] = False,
    model_server: ModelServer = None,
    bundle: BundleFolder = stack.DEFAULT_BUNDLE,
    shadow: Annotated[
        Path | None,
        typer.Option(help="Bundle folder of a candidate that answers beside it.", exists=True),
    ] = None,
    reviewer: Annotated[
        list[str] | None, typer.Option(help="A name that may review what others save; repeatable.")
    ] = None,
) -> None:
    """Run the local stack with the web page until Ctrl-C."""
    for number in (signal.SIGINT, signal.SIGTERM):  # background jobs of a shell ignore SIGINT
        signal.signal(number, signal.default_int_handler)
    with (
        console.errors(),
        stack.running(
            data,
            port=port,
            host=host,
            model_server=model_server,
            bundle=bundle,
            shadow=shadow,
            anonymous_save=anonymous_save,
            reviewers=reviewer or (),
            say=console.note,
        ) as running,
        note.noted(running, data, bundle),
    ):
        console.err.print(_parts(running))
        console.note(f"data and logs in {data.resolve()}; Ctrl-C stops everything")
        console.invite(host, int(running.url.rpartition(":")[2]))
        print(f"ready: {running.url}", flush=True)  # noqa: T201 - scripts wait for this line
        while True:
            for part, code in running.supervisor.ended():
                console.err.print(
                    f"[red]the {part.name} ended with exit code {code}", highlight=False
                )
                if part.environment:
                    console.err.print(
                        "stop with Ctrl-C and start again: it needs this stack's settings"
                    )
                else:
                    console.note(f"start it again with: {' '.join(part.command)}")
            time.sleep(_WATCH_SECONDS)


@app.command()
def openapi() -> None:
    """Write the HTTP API's description from the types that the code uses."""
    from local.openapi.description import write  # noqa: PLC0415 - 0.2 s, for one command

    for name in write():
        console.err.print(name)


@app.command()
def loop(  # noqa: PLR0913 - the options of one command
    photos: Annotated[
        Path, typer.Argument(help="Labelled photos, as `models fit` reads them.", exists=True)
    ],
    *,
    people: Annotated[int, typer.Option(help="Who save photos.", min=2)] = 40,
    hostile: Annotated[int, typer.Option(help="How many of them rename every kind.", min=0)] = 4,
    saves: Annotated[int, typer.Option(help="Photos that they save.", min=1)] = 600,
    decisions: Annotated[int, typer.Option(help="What two reviewers decide.", min=0)] = 80,
    seed: Annotated[int, typer.Option(help="Who has which photos.")] = 0,
) -> None:
    """Show how saved photos become a better model: simulated people, everything else real.

    A bundle is fitted without the photos that they save, they save over HTTP, reviewers decide, a
    candidate is retrained, shadowed and promoted unless it is worse, and somebody leaves. Takes
    about 20 minutes for 3,600 photos on two cores. Everything is kept in .local/loop.
    """
    from local.loop import story  # noqa: PLC0415 - with scikit-learn, for one command

    cast = story.Cast(people, hostile, saves, decisions, seed)
    with console.errors(), steps(console.err) as say:
        told = story.tell(photos, folders.LOCAL / "loop", cast, say)
    story.show(told, console.out)


@app.command()
def emulators(
    *,
    exec_: Annotated[
        str | None,
        typer.Option("--exec", help="Run this command against the suite, then stop."),
    ] = None,
) -> None:
    """Run the functions and the page in the Firebase Emulator Suite, until Ctrl-C."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    with (
        console.errors(),
        _folder(temporary=exec_ is not None) as folder,
        suite.running(
            folder,
            toolchain.find(),
            free_ports=exec_ is not None,
            say=console.note,
        ) as running,
    ):
        if exec_ is not None:
            code = _run(exec_, running.environment)
        else:
            for name, value in running.environment.items():
                console.note(f"{name}={value}")
            print(f"ready: {running.url}", flush=True)  # noqa: T201 - scripts wait for this line
            while True:
                signal.pause()
    raise typer.Exit(code)


@contextmanager
def _folder(*, temporary: bool) -> Iterator[Path]:
    """Where the suite keeps everything: removed after a command, unless something failed."""
    folder = folders.LOCAL / "suite" / (str(os.getpid()) if temporary else "data")
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


def _run(command: str, environment: Mapping[str, str]) -> int:
    """A shell command's exit code; a signal that ended it as a shell would say it."""
    code = subprocess.run(  # noqa: S602 - the person's own command
        command, shell=True, env={**os.environ, **environment}, check=False
    ).returncode
    return code if code >= 0 else 128 - code


def _parts(running: stack.Running) -> Table:
    parts = Table(box=None)
    for heading in ("part", "address", "pid"):
        parts.add_column(heading)
    for name, url in running.urls.items():
        parts.add_row(name, url, str(running.pids[name]))
    if running.model_server not in running.urls.values():
        parts.add_row(model_servers.NAME, running.model_server, "elsewhere")
    return parts
