"""How soon drift is found, and how often it is cried where there is none.

    python -m tests.simulations.weeks PHOTOS

Heads are fitted on photos of three fifths of the sources, without four kinds. The weeks are made of
photos of the other sources, and of copies of them that were turned or are 64 px large; people send
one to five photos of a kind in a row. All answers are real. The backbone is the published one,
which never saw any of the photos.
"""

import sys
import tempfile
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from itertools import product
from pathlib import Path

import msgspec
import numpy as np
from PIL import Image

from models.cli.console import FEATURE_CACHE
from models.data import dataset, labelled_photos
from models.data.features import Extractor
from models.data.labelled_photos import Group, LabelledPhoto
from models.data.samples import Views
from models.evaluation import drift, evaluator
from models.evaluation.baseline import NAME, Baseline, PhotoLine, of_each
from models.folders import DEFAULT_BUNDLE
from models.training.bundle import line
from models.training.calibration import FitPolicy
from models.training.fit import Order, fit
from parrot.adapters.bucket import FolderFiles
from parrot.model.bundle import Bundle
from parrot.model.manifest import SPECIES

Change = Callable[[Image.Image], Image.Image]

_UNKNOWN = (
    "aratinga-solstitialis",
    "eclectus-roratus",
    "nestor-notabilis",
    "probosciger-aterrimus",
)
MIX = {Group.PARROTS: 0.6, Group.OTHER_BIRDS: 0.2, Group.NEGATIVES: 0.2}  # what people send
_COPIES = {True: 200, False: 160}  # of each fault: of parrots, and of other photos
_REPEATED = 20  # weeks with a fault; quiet ones come in fours of half a year
_HALF_A_YEAR = 26
_MOST = 5  # photos in a row
_WEEK = 300  # photos
_FITTED = (0, 1, 2)  # folds of five


def turned(image: Image.Image) -> Image.Image:
    """By 90 degrees, as an app that ignores EXIF's orientation sends it."""
    return image.transpose(Image.Transpose.ROTATE_90)


def tiny(image: Image.Image) -> Image.Image:
    """64 px, as an app that sends its thumbnail."""
    image.thumbnail((64, 64))
    return image


def changed(photos: Iterable[LabelledPhoto], folder: Path, change: Change) -> list[LabelledPhoto]:
    """Copies of these photos, changed."""
    folder.mkdir(parents=True)
    copies = []
    for number, photo in enumerate(photos):
        path = folder / f"{number:05}.jpg"
        with Image.open(photo.path) as image:
            change(image.convert("RGB")).save(path, quality=88)
        copies.append(replace(photo, path=path))
    return copies


def answered(
    bundle: Bundle, photos: Sequence[LabelledPhoto], extractor: Extractor
) -> list[PhotoLine]:
    """What a function would log of these photos with this bundle, but for the reason."""
    species, taxonomy, space = bundle.species, bundle.taxonomy, bundle.embedding
    assert taxonomy is not None
    assert space is not None, "of a fit"
    ids = [row.id for row in species.rows]
    data = dataset.load(photos, ids, taxonomy, extractor, count=1, progress=_silent)
    distances = space.distance(space.vectors(data.features[:, 0, Views.WHOLE]))
    results = evaluator.judge(bundle, data).clean
    return [line(results, row, float(distance)) for row, distance in enumerate(distances)]


class Traffic:
    """Photos that people send, in rows of one kind and source."""

    def __init__(self, photos: Sequence[LabelledPhoto], lines: Sequence[PhotoLine]) -> None:
        """The line of each photo."""
        self._rows: dict[Group, dict[str, list[PhotoLine]]] = defaultdict(lambda: defaultdict(list))
        for photo, of in zip(photos, lines, strict=True):
            self._rows[photo.group][f"{photo.source or photo.cluster} {photo.label}"].append(of)

    def week(self, count: int, rng: np.random.Generator, app: str = "2.3.0") -> list[PhotoLine]:
        """So many of them."""
        sent: list[PhotoLine] = []
        while len(sent) < count:
            group = Group(str(rng.choice(list(MIX), p=list(MIX.values()))))
            rows = list(self._rows[group].values())
            sizes = np.array([len(row) for row in rows], float)
            row = rows[rng.choice(len(rows), p=sizes / sizes.sum())]
            most = min(int(rng.integers(1, _MOST + 1)), len(row))
            sent += [row[number] for number in rng.choice(len(row), most, replace=False)]
        return [msgspec.structs.replace(of, app=app) for of in sent[:count]]


def alarms(usual: tuple[Baseline, Baseline], weeks: Iterable[list[PhotoLine]]) -> Counter[str]:
    """How many of these weeks have drift, and by which measure."""
    found: Counter[str] = Counter()
    for lines in weeks:
        drifted = [row for row in drift.compare(usual, lines) if row.drift]
        found.update({"weeks": bool(drifted)}, **Counter({row.measure.key for row in drifted}))
    return found


def main() -> None:
    """Print a table."""
    with tempfile.TemporaryDirectory() as folder:
        _simulate(Path(sys.argv[1]), Extractor(FEATURE_CACHE), Path(folder))


def _simulate(where: Path, extractor: Extractor, folder: Path) -> None:
    every, rng = labelled_photos.read(where), np.random.default_rng(1)
    fold = dataset.fold_of_each(every, 0)
    known = [photo for photo, of in zip(every, fold, strict=True) if of in _FITTED]
    new = [photo for photo, of in zip(every, fold, strict=True) if of not in _FITTED]
    bundle = _fitted([photo for photo in known if _common(photo)], extractor, folder)
    copied = [photo for parrots in (True, False) for photo in _chosen(new, rng, parrots=parrots)]
    photos = {
        "as they are": list(filter(_common, new)),
        **{
            change.__name__: changed(filter(_common, copied), folder / change.__name__, change)
            for change in (turned, tiny)
        },
        **{kind: [photo for photo in every if photo.taxon == kind] for kind in _UNKNOWN},
    }
    loaded = Bundle.load(FolderFiles(bundle), sha256=None)
    lines = {name: answered(loaded, of, extractor) for name, of in photos.items()}
    traffic = {
        name: Traffic(photos[name], lines[name]) for name in ("as they are", "turned", "tiny")
    }
    kept = Baseline.load((bundle / NAME).read_bytes())

    def usual(photos: int) -> tuple[Baseline, Baseline]:
        return of_each(traffic["as they are"].week(photos, rng)) if photos else (kept, kept)

    def wave(kind: str, share: float) -> list[PhotoLine]:
        week = traffic["as they are"].week(_WEEK, rng)
        parrots = [number for number, of in enumerate(week) if of.verdict != "no"]
        for number in rng.choice(parrots, round(share * len(parrots)), replace=False):
            one = lines[kind][rng.integers(len(lines[kind]))]
            week[number] = msgspec.structs.replace(one, app=week[number].app)
        return week

    for before in (1000, 0):
        print(f"\ncompared with {f'a week of {before}' if before else NAME}")
        for count in (_WEEK, 1000):
            found: Counter[str] = Counter()
            for _ in range(_REPEATED // 5):
                weeks = [traffic["as they are"].week(count, rng) for _ in range(_HALF_A_YEAR)]
                found += alarms(usual(before), weeks)
            print(f"quiet, {count}", dict(found), f"of {_REPEATED // 5 * _HALF_A_YEAR}")
        for fault, count in product(("turned", "tiny"), (100, 150, _WEEK)):
            weeks = [traffic[fault].week(count, rng) for _ in range(_REPEATED)]
            print(f"{fault}, {count}", dict(alarms(usual(before), weeks)), f"of {_REPEATED}")
        for kind, share in product(_UNKNOWN, (0.3, 0.5)):
            weeks = [wave(kind, share) for _ in range(_REPEATED)]
            print(f"{kind}, {share}", dict(alarms(usual(before), weeks)), f"of {_REPEATED}")


def _common(photo: LabelledPhoto) -> bool:
    return photo.taxon not in _UNKNOWN


def _chosen(
    photos: Sequence[LabelledPhoto], rng: np.random.Generator, *, parrots: bool
) -> list[LabelledPhoto]:
    some = [photo for photo in photos if photo.is_parrot is parrots]
    most = min(_COPIES[parrots], len(some))
    return [some[number] for number in sorted(rng.choice(len(some), most, replace=False))]


def _fitted(photos: Sequence[LabelledPhoto], extractor: Extractor, folder: Path) -> Path:
    """A bundle whose heads saw each of these photos as it is."""
    rows = (DEFAULT_BUNDLE / SPECIES).read_text("utf-8").splitlines()
    heading, *kept = [row for row in rows if row.split(",")[1] not in _UNKNOWN]
    numbered = [f"{number},{row.partition(',')[2]}" for number, row in enumerate(kept)]
    table = folder / SPECIES
    table.write_text("\n".join([heading, *numbered]) + "\n", "utf-8")
    index, out = folder / "fitted.csv", folder / "bundle"
    labelled_photos.write(photos, index)
    order = Order([index], table, "drift", "1", out, FitPolicy(), samples=1)
    fit(order, extractor, progress=_silent, step=print)
    return out


def _silent(_name: str, _total: int) -> Callable[[int], None]:
    return lambda _count: None


if __name__ == "__main__":
    main()
