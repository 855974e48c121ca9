"""Commands that import, export and rewrite tables and what is stored.

migrate, species-csv, species-json, kinds, adopt.
"""

import json
from pathlib import Path
from typing import Annotated

import typer

from models.cli import console
from models.cli.console import BundleFolder, Photos, Store
from models.data import stores
from models.folders import DEFAULT_BUNDLE, ROOT
from parrot.model.manifest import SPECIES
from parrot.model.species import SpeciesTable

commands = console.Commands()
_TELL = 1000  # observations


@commands.command()
def migrate(
    observations: Store,
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Count; change nothing.")] = False,
) -> None:
    """Rewrite stored observations that an older release wrote, in today's form.

    Safe while the service runs. A run that was killed continues when it is repeated.
    """
    from models.data import migration
    from parrot.observation import FORM

    older, seen = 0, 0
    for was_older in migration.migrate(stores.observations(observations), dry_run=dry_run):
        older, seen = older + was_older, seen + 1
        if seen % _TELL == 0:
            console.logged(f"{seen} observations read")
    what = "have an older form" if dry_run else "were rewritten"
    console.out.print(f"form {FORM}: {older} of {seen} observations {what}")


@commands.command()
def species_csv(
    photos: Photos,
    *,
    to: Annotated[Path, typer.Option(help="File to write.")],
    fewest: Annotated[int, typer.Option(help="Photos that a label needs to become a class.")] = 3,
) -> None:
    """Write a first species.csv from the labels of your photos, for you to complete.

    Fill in scientific names and Korean names; the order of the lines is the contract with phones.
    """
    from models.data import labelled_photos, species_table
    from parrot.model.species import Taxonomy

    if to.exists():
        raise FileExistsError(f"{to} exists: phones rely on its order, so it is not replaced")
    taxonomy = Taxonomy.parse(labelled_photos.TAXONOMY_CSV.read_bytes())
    labelled = [
        photo for folder in photos for photo in labelled_photos.read(folder, console.logged)
    ]
    to.write_bytes(species_table.from_photos(labelled, taxonomy, fewest=fewest))
    rows = SpeciesTable.parse(to.read_bytes()).rows
    console.out.print(f"{to}", soft_wrap=True)
    sure = [photo for photo in labelled if photo.label != labelled_photos.UNSORTED]
    if unused := species_table.of_no_class(sure, [row.id for row in rows]):
        console.logged(f"{unused}; a class needs {fewest} (--fewest)")
    console.err.print(
        f"[dim]{len(rows)} classes; complete the names, then fit --species {to}", soft_wrap=True
    )


@commands.command()
def species_json(
    bundle: BundleFolder = DEFAULT_BUNDLE,
    to: Annotated[Path, typer.Option(help="File to write.")] = ROOT / "public" / "species.json",
) -> None:
    """Write the static list of species for Firebase Hosting."""
    from parrot.http.answers import species as species_body
    from parrot.records import UNTRAINED

    rows = SpeciesTable.parse((bundle / SPECIES).read_bytes()).rows
    lines = ",\n".join(json.dumps(species_body(row), ensure_ascii=False) for row in rows)
    others = json.dumps([label.id for label in UNTRAINED])
    to.write_text(f'{{"species": [\n{lines}\n],\n"others": {others}}}\n', encoding="utf-8")
    console.out.print(f"{to}", soft_wrap=True)


@commands.command()
def kinds(
    to: Annotated[Path, typer.Argument(help="Folder of the web page.")] = ROOT / "public",
) -> None:
    """Write the table and the plates that the pages of kinds show; plates of the old one go."""
    from models.data.kinds import drawings, dump, shown, table

    target, folder, drawn = to / "kinds.json", to / "plates", drawings()
    rows = table(drawn)
    stale = shown(json.loads(target.read_bytes())) - drawn.keys() if target.exists() else set()
    folder.mkdir(exist_ok=True)
    for name, drawing in drawn.items():
        (folder / name).write_bytes(drawing)
    for name in stale:  # and no other file: the folder may be anybody's
        (folder / name).unlink(missing_ok=True)
    target.write_bytes(dump(rows))
    console.out.print(f"{len(rows['kinds'])} kinds in {to}", soft_wrap=True)


@commands.command()
def adopt(
    joblib_folder: Annotated[
        Path, typer.Argument(help="Folder with the four .joblib files.", exists=True)
    ],
    species: Annotated[Path, typer.Argument(help="species.csv, in class order.", exists=True)],
    out: Annotated[Path, typer.Argument(help="Bundle folder to write.")],
    version: Annotated[str, typer.Option(help="Bundle version.")] = "first",
) -> None:
    """Make a bundle from the first version's joblib files. Unpickles them: they must be trusted."""
    from models.publishing import first_version

    first_version.adopt(joblib_folder, species, version, out)
    console.out.print(f"bundle: {out}", soft_wrap=True)
