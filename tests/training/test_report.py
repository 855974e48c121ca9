"""A report that opens anywhere: one file, every section, whatever was evaluated."""

import base64
import io
from collections.abc import Sequence
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from models.data.labelled_photos import UNSORTED, Group, LabelledPhoto
from models.evaluation import comparison
from models.evaluation.results import Judged, Results
from models.report import report_file
from models.report.about import About
from models.report.mistakes import EACH, WORST
from tests.support.photos import encoded, noise

SECTIONS = [
    "columns",
    "reasons",
    "stress",
    "gate",
    "reliability",
    "confusion",
    "species",
    "sources",
    "mistakes",
]
SPECIES = ("ara-macao", "eolophus-roseicapilla", "no-such-species")
KINDS = (
    (Group.PARROTS, "scarlet-macaw", "ara-macao"),
    (Group.PARROTS, "galah", "eolophus-roseicapilla"),
    (Group.PARROTS, "palm-cockatoo", None),
    (Group.PARROTS, UNSORTED, None),
    (Group.OTHER_BIRDS, "toucan", None),
    (Group.NEGATIVES, "food", None),
)
NAMES = {"ara-macao": "Scarlet macaw", "eolophus-roseicapilla": "Galah"}
ABOUT = About(("one", "two"), "compare", "abcd")


VOID = {"meta", "img", "br", "hr", "input", "link"}  # HTML never closes them


class ReportPage(HTMLParser):
    """What a page holds; fails where a tag is closed that is not open."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.sections: list[str] = []
        self.loaded: list[str] = []  # whatever a browser would fetch
        self.links: set[str] = set()
        self._texts: list[str] = []
        self._open: list[str] = []
        self.feed(html)
        self.close()
        assert self._open == [], "never closed"

    @property
    def text(self) -> str:
        return " ".join(" ".join(self._texts).split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        if tag not in VOID:
            self._open.append(tag)
        for name, value in attrs:
            if name == "id" and value in SECTIONS:
                self.sections.append(value)
            elif name == "href":
                self.links.add(value or "")
            elif name in {"src", "srcset", "data", "poster", "xlink:href", "action", "background"}:
                self.loaded.append(value or "")

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self._texts.append(data)


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    """A JPEG that is wider than a thumbnail."""
    path = tmp_path / "folder" / "photo.jpg"
    path.parent.mkdir()
    path.write_bytes(encoded(noise(300, 200)))
    return path


def _results(
    path: Path, kinds: Sequence[tuple[Group, str, str | None]] = KINDS, each: int = 20
) -> Results:
    """Random answers, some of every kind wrong."""
    rng = np.random.default_rng(5)
    photos = [
        LabelledPhoto(
            path, group, label, species, str(number), f"source-{number % 3}", number % 2 > 0
        )
        for group, label, species in kinds
        for number in range(each)
    ]
    probabilities = rng.dirichlet(np.ones(len(SPECIES)), len(photos))
    truth = np.array([found.is_parrot for found in photos])
    parrot = np.clip(truth * 0.5 + rng.random(len(photos)) * 0.6 - 0.05, 0, 1)
    target = [SPECIES.index(found.taxon) if found.taxon else -1 for found in photos]
    return Results(
        photos=photos,
        species=SPECIES,
        target=np.array(target, np.intp),
        coverage=0.95,
        parrot=parrot,
        is_parrot=parrot > 0.5,
        is_named=parrot > 0.3,
        probabilities=probabilities,
        sets=probabilities > 0.3,
        looks=np.ones(len(photos)),
        named=[None] * len(photos),
        stress=[""] * len(photos),
    )


def _judged(results: Results) -> Judged:
    """The same answers once more, as if under two stresses."""
    stress = ["dim" if row % 2 else "tilted" for row in range(len(results.photos))]
    return Judged(results, replace(results, stress=stress))


def _page(results: Results, folder: Path, title: str = "Bundle") -> tuple[ReportPage, str]:
    path = folder / "new" / "report.html"
    report_file.write(path, title, _judged(results), NAMES, ABOUT)
    html = path.read_text(encoding="utf-8")
    return ReportPage(html), html


def test_the_report_is_one_file_with_every_section(photo: Path, tmp_path: Path) -> None:
    """It is sent by mail and opened offline."""
    page, html = _page(_results(photo), tmp_path)
    assert page.sections == SECTIONS
    assert page.loaded, "no thumbnails"
    assert all(source.startswith("data:image/jpeg;base64,") for source in page.loaded)
    assert page.links == {f"#{name}" for name in SECTIONS}
    assert not {"script", "link", "iframe", "object", "embed"} & page.tags
    assert "@import" not in html
    assert "url(" not in html
    assert html.count('role="img"') == 3, "the ROC of the gate and two reliabilities"


def test_the_figures_are_those_of_the_results(photo: Path, tmp_path: Path) -> None:
    """It rounds what `metrics.json` has, and counts nothing by itself."""
    results = _results(photo)
    page, _ = _page(results, tmp_path)
    figures = results.figures()
    assert f"{figures['gate']['parrots_kept']['rate']:.2%}" in page.text
    assert f"{figures['species']['top1']['rate']:.2%}" in page.text
    for name in ("as they are", "stressed", "dim", "tilted", *NAMES.values(), "no-such-species"):
        assert name in page.text
    assert "120 photos from 3 sources: 80 parrots (40 of 2 known species)" in page.text


def test_a_report_on_photos_of_unknown_sources_says_nothing_of_them(
    photo: Path, tmp_path: Path
) -> None:
    """Folders of somebody's own photos name no source: one without a name is not one."""
    results = _results(photo)
    page, _ = _page(
        replace(results, photos=[replace(taken, source="") for taken in results.photos]), tmp_path
    )
    assert page.sections == [name for name in SECTIONS if name != "sources"]
    assert page.links == {f"#{name}" for name in page.sections}
    assert "120 photos: 80 parrots" in page.text


def test_the_report_says_what_it_is_about(photo: Path, tmp_path: Path) -> None:
    """Weeks later somebody asks which bundle, which photos, and which command."""
    results = _results(photo)
    about = About(
        ("mine (0123)",),
        "python -m models evaluate photos",
        "abcd",
        seed=7,
        warnings=("too good <b>",),
        stated={"card: new sources": results.figures()},
        written="2026-11-27",
    )
    path = tmp_path / "r.html"
    report_file.write(path, "t", _judged(results), NAMES, about)
    text = ReportPage(path.read_text(encoding="utf-8")).text
    for part in ("mine (0123)", "models evaluate photos", "abcd", "seed 7", "too good <b>",
                 "2026-11-27", "card: new sources", "All kinds, phone-like"):  # fmt: skip
        assert part in text


def test_a_comparison_is_one_file_with_every_stress(photo: Path, tmp_path: Path) -> None:
    """It is sent to whoever decides whether to promote."""
    before = _results(photo)
    after = replace(before, is_parrot=before.of(Group.PARROTS))
    tables = comparison.compare(_judged(before), _judged(after))
    assert [table.title for table in tables] == ["as they are", "stressed", "dim", "tilted"]
    for table in tables:
        for line in table.differences:
            ends = [table.place(line.low), table.place(line.high)]
            assert 0 <= ends[0] <= table.place(line.after - line.before) <= ends[1] <= 1
    path = tmp_path / "c.html"
    report_file.write_comparison(path, tables, ("<one>", "two"), ABOUT)
    page = ReportPage(path.read_text(encoding="utf-8"))
    assert page.loaded == []
    assert {"script", "link"}.isdisjoint(page.tags)
    assert "<one> and two compared" in page.text
    assert "parrots kept" in page.text
    assert "better" in page.text


def test_groups_without_photos_leave_their_figures_out(photo: Path, tmp_path: Path) -> None:
    """A colleague evaluates on parrots only, on a folder of false alarms, or on one photo."""
    for kept in ((0,), (2, 3), (4,), (5,), (4, 5), (0, 1, 2, 3), (0, 4), (3, 5)):
        for each in (1, 3):
            page, html = _page(_results(photo, [KINDS[at] for at in kept], each=each), tmp_path)
            assert page.sections == SECTIONS
            for picture in page.loaded:
                html = html.replace(picture, "")
            assert "nan" not in html, kept


def test_labels_titles_and_paths_are_text_and_never_markup(tmp_path: Path) -> None:
    """Folder names and sources may contain anything."""
    hostile = "<script>alert(1)</script>"
    folder = tmp_path / "<img src=x onerror=alert(2)>"
    folder.mkdir()
    path = folder / '"><script>.jpg'
    path.write_bytes(encoded(noise(20, 20)))
    kinds = [(Group.PARROTS, "galah", SPECIES[1]), (Group.OTHER_BIRDS, hostile, None)]
    results = _results(path, kinds)
    photos = [replace(found, source=f"source {hostile}") for found in results.photos]
    results = replace(results, photos=photos, is_parrot=np.ones(len(photos), bool))
    names = dict.fromkeys(SPECIES, f"bird {hostile}")
    report_file.write(tmp_path / "r.html", f"title {hostile}", _judged(results), names, ABOUT)
    page = ReportPage((tmp_path / "r.html").read_text(encoding="utf-8"))
    assert "script" not in page.tags
    assert all(source.startswith("data:") for source in page.loaded)
    for text in (f"title {hostile}", f"source {hostile}", f"bird {hostile}", f": {hostile}"):
        assert text in page.text


def test_the_worst_mistakes_come_first_and_are_few_and_small(photo: Path, tmp_path: Path) -> None:
    """A report on a bad bundle must still open on a phone."""
    results = _results(photo, each=60)
    page, _ = _page(results, tmp_path)
    assert len(page.loaded) == 4 * EACH + 2 * WORST == 88, "phone-like and stressed ones too"
    with Image.open(io.BytesIO(base64.b64decode(page.loaded[0].split(",")[1]))) as image:
        assert image.size == (160, 107)
    worst = results.parrot[~np.array([found.is_parrot for found in results.photos])].max()
    assert page.text.index(f"(parrot {worst:.1%})") == page.text.index("(parrot ")


def test_the_report_does_not_say_where_the_photos_lie(photo: Path, tmp_path: Path) -> None:
    """It is sent to others; folder and file name are enough to find a photo again."""
    results = _results(photo)
    # As they are read from a folder without an index.
    photos = [replace(found, source=str(photo.parent)) for found in results.photos]
    page, html = _page(replace(results, photos=photos), tmp_path)
    assert str(tmp_path.parent) not in html
    assert "folder/photo.jpg" in page.text


def test_a_photo_that_is_gone_or_damaged_leaves_its_line(photo: Path, tmp_path: Path) -> None:
    """Features are cached: the file may have been deleted since."""
    results = _results(photo)
    photo.write_bytes(photo.read_bytes()[:2000])
    page, _ = _page(results, tmp_path)
    photo.unlink()
    gone, _ = _page(results, tmp_path)
    for found in (page, gone):
        assert found.loaded == []
        assert "photo cannot be read" in found.text
