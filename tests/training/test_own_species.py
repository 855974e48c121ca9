"""A person's own photos: any labels, few of them, and a sentence where something is wrong."""

import unicodedata
from copy import deepcopy
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from local.samples import MACAW
from models.cli import app
from models.cli.training import usable
from models.data import labelled_photos, samples, species_table
from models.data.dataset import Dataset
from models.data.labelled_photos import TAXONOMY_CSV, BadDataset, Group, LabelledPhoto
from models.evaluation.results import Results
from models.network.weights import Tail
from models.training import card, fit
from models.training.acceptance import Acceptance
from models.training.calibration import FitPolicy
from models.training.fine_tuning import FineTuningOrder
from models.training.fit import train
from models.training.judging import Fitted, judge
from parrot.model.species import SpeciesTable, Taxonomy
from parrot.records import Rank, Species
from tests.support.photos import encoded, noise

TAXONOMY = Taxonomy.parse(TAXONOMY_CSV.read_bytes())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three of my own label, two sun conures under two labels, one kea, one bird, one bowl."""
    for number, name in enumerate(
        [
            *("parrots/my-budgie/1", "parrots/my-budgie/2", "parrots/my-budgie/3"),
            *("parrots/sun-conure/1", "parrots/aratinga-solstitialis/1", "parrots/kea/1"),
            *("other_birds/owl/1", "negatives/bowl/1"),
        ]
    ):
        path = tmp_path / f"{name}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(encoded(noise(seed=number)))
    return tmp_path


def test_a_first_species_table_has_a_class_per_label_with_enough_photos(folder: Path) -> None:
    """Whoever starts has folders, not a table."""
    photos = labelled_photos.read(folder)
    every = SpeciesTable.parse(species_table.from_photos(photos, TAXONOMY, fewest=1))
    ids = [row.id for row in every.rows]
    assert {photo.species(ids) for photo in photos if photo.is_parrot} == set(ids)
    table = SpeciesTable.parse(species_table.from_photos(photos, TAXONOMY, fewest=2))
    assert [(row.id, row.scientific_name, row.english) for row in table.rows] == [
        ("aratinga-solstitialis", "Aratinga solstitialis", "Sun conure"),
        ("my-budgie", "", "My budgie"),
    ]


def test_the_first_species_table_says_which_labels_it_left_out(
    folder: Path, tmp_path: Path
) -> None:
    """Whoever has a folder for each kind would miss the small ones without a word."""
    asked = ["species-csv", str(folder), "--to", str(tmp_path / "species.csv"), "--fewest", "2"]
    ended = CliRunner().invoke(app, asked)
    assert ended.stdout == f"{tmp_path / 'species.csv'}\n"
    assert "of no class in species.csv (photos): kea 1; a class needs 2 (--fewest)" in ended.stderr


def test_a_label_that_is_a_class_comes_before_what_it_stands_for() -> None:
    """People may split our sun conures into their own two."""
    photo = LabelledPhoto(
        Path("a.jpg"), Group.PARROTS, "sun-conure", "aratinga-solstitialis", "a", ""
    )
    assert photo.species(["aratinga-solstitialis", "sun-conure"]) == "sun-conure"
    assert photo.species(["aratinga-solstitialis"]) == "aratinga-solstitialis"
    assert photo.species(["ara-macao"]) is None


def test_too_few_photos_are_said_to_be_too_few(folder: Path) -> None:
    """An empty table would fail much later."""
    with pytest.raises(BadDataset, match="no label under parrots/ has 9 photos"):
        species_table.from_photos(labelled_photos.read(folder), TAXONOMY, fewest=9)


def test_everything_that_is_missing_is_told_at_once_before_anything_is_fitted(folder: Path) -> None:
    """Whoever mends one thing a run gives up at the third."""
    photos = labelled_photos.read(folder)
    with pytest.raises(BadDataset) as told:
        fit.require_enough(photos[2:4], ["ara-macao", "aratinga-solstitialis"])
    for words in ("photos of ara-macao", "5 photos of parrots (there are 2)", "without parrots"):
        assert words in str(told.value)
    with pytest.raises(BadDataset, match=r"of no class.*: my-budgie 3"):
        fit.require_enough(photos, ["ara-macao"])
    fit.require_enough(photos, ["my-budgie"])


def test_photos_in_no_labelled_folder_are_said_to_be_in_the_wrong_place(tmp_path: Path) -> None:
    """The commonest first folder is one of photos without labels: it does contain photos."""
    (tmp_path / "a.jpg").write_bytes(encoded(noise(seed=1)))
    with pytest.raises(BadDataset, match="photos belong in parrots/LABEL/"):
        labelled_photos.read(tmp_path)


def test_folders_may_be_called_anything(tmp_path: Path) -> None:
    """Ids are plain letters, since they become parts of paths; labels are what people wrote."""
    for label in ("내케아", "My galah", "Sun Conure", "목도리앵무"):
        path = tmp_path / "parrots" / unicodedata.normalize("NFD", label) / "1.jpg"
        path.parent.mkdir(parents=True)
        path.write_bytes(encoded(noise()))
    photos = labelled_photos.read(tmp_path)
    table = SpeciesTable.parse(species_table.from_photos(photos, TAXONOMY, fewest=1))
    ids = {row.id: row.english for row in table.rows}
    assert ids.pop("my-galah") == "My galah"
    assert ids.pop("aratinga-solstitialis") == "Sun conure"
    assert ids.pop("psittacula-krameri") == "Rose-ringed parakeet", "a Korean name is known too"
    assert list(ids.values()) == ["내케아"]
    assert {photo.species([row.id for row in table.rows]) for photo in photos} == {
        row.id for row in table.rows
    }


@pytest.mark.parametrize(
    ("row", "group"),
    [
        ("military-macaw,Ara militaris,Military macaw,,I", "macaws"),
        ("sun-conure,Aratinga solstitialis,Sun conure,,", "conures"),
        ("my-green-one,nestor notabilis,Kea,,", "kea-and-kaka"),
        ("rosy,Eolophus roseicapilla albiceps,Galah,,", "cockatoos"),
        ("cheeky,Pyrrhura molinae,Cheeky,,", "conures"),
        ("my-bird,,My bird,,", None),
    ],
)
def test_a_species_of_ones_own_is_in_the_group_of_its_scientific_name(
    row: str, group: str | None
) -> None:
    """People complete species.csv with scientific names; the answer names the group."""
    table = SpeciesTable.parse(f"index,id,scientific_name,en,ko,cites\n0,{row}\n".encode())
    taxonomy = Taxonomy.parse(species_table.taxonomy_for(table))
    above = taxonomy.above(table.rows[0].id, Rank.GROUP)
    assert (above and above.id) == group
    assert group or taxonomy.above(table.rows[0].id, Rank.FAMILY) is None
    assert taxonomy.taxa[table.rows[0].id].english == row.split(",")[2]


def test_genera_agree_with_the_taxonomy() -> None:
    """Two tables say where a species belongs."""
    for taxon in TAXONOMY.taxa.values():
        if taxon.rank in {Rank.SPECIES, Rank.GENUS}:
            row = Species(0, "mine", f"{taxon.scientific_name.split()[0]} sp.", "", "", "")
            own = Taxonomy.parse(species_table.taxonomy_for(SpeciesTable((row,))))
            assert own.above("mine", Rank.GROUP) == own.above(taxon.id, Rank.GROUP), taxon.id


def test_photos_of_unknown_sources_leave_no_source_out(folder: Path) -> None:
    """A folder per label is no source: leaving it out would leave the species out."""
    assert {photo.source for photo in labelled_photos.read(folder)} == {""}


def test_the_same_picture_twice_is_on_one_side_of_every_split(tmp_path: Path) -> None:
    """A photo saved twice, smaller the second time, would be judged by a model that saw it."""
    folder = tmp_path / "parrots" / "kea"
    folder.mkdir(parents=True)
    with Image.open(MACAW) as picture:
        rgb = picture.convert("RGB")
    (folder / "a.jpg").write_bytes(encoded(rgb))
    (folder / "b.jpg").write_bytes(encoded(rgb.resize((rgb.width // 2, rgb.height // 2))))
    (folder / "c.jpg").write_bytes(encoded(noise()))
    clusters = {photo.path.name: photo.cluster for photo in labelled_photos.read(tmp_path)}
    assert clusters["a.jpg"] == clusters["b.jpg"]
    assert len(set(clusters.values())) == 2


@pytest.fixture(scope="module")
def data() -> Dataset:
    """One species and its rooms, easily told apart, without sources."""
    labels = [(Group.PARROTS, "aratinga-solstitialis")] * 12 + [(Group.NEGATIVES, "bowl")] * 12
    photos = [
        LabelledPhoto(Path(f"{number}.jpg"), group, label, label, str(number), "")
        for number, (group, label) in enumerate(labels)
    ]
    features = np.random.default_rng(3).normal(size=(24, 4, 4, 64)).astype(np.float32)
    features[:12, ..., 0] += 4
    return Dataset(
        photos,
        ("aratinga-solstitialis",),
        TAXONOMY,
        [(samples.Sample(photo.path),) * 4 for photo in photos],
        features,
        np.arange(24) % 3,
        np.ones((24, 4, 3), np.float32),
        np.ones((24, 4, 4), np.float32),
        1,
    )


@pytest.fixture(scope="module")
def fitted(data: Dataset) -> Fitted:
    return judge(data, train(data, FitPolicy(), lambda _text: None))


def test_one_species_and_no_other_birds_are_enough_for_a_gate(
    data: Dataset, fitted: Fitted
) -> None:
    """Many people have photos of their own parrot and of their rooms, and nothing else."""
    gate = fitted.judged.clean.figures()["gate"]
    assert gate["parrots_kept"]["rate"] > 0.7
    assert gate["other_birds_let_through"] is None
    assert gate["negatives_let_through"]["rate"] < 0.2
    assert fitted.several["2 photos, as they are"]["covered"].joint == 1
    text = card.write("own", data, fitted)
    assert "nothing is said about their sources, so nothing is known about new ones" in text
    assert "24 photographs: 12 parrots" in text, "without sources there is no number of them"
    assert "no set is empty because of it. A set contains" in text, "a share of 2 is none"
    assert "\n| species right | 100.00% (75.8%..100.0%, n = 12) | 100.00% (" in text
    assert "\n| parrots kept, as they are | at least 0.97 | 1.000 | reached |" in text
    assert "\n| other birds let through |  |  |  |  |" in text, "several photos: there are none"
    assert "\n| 8 to 15 | 1 | 100.00% (75.8%..100.0%, n = 12) |" in text, "seen by the other folds"
    assert "a softmax over 0 groups" in text, "of one group alone every parrot would be one"
    assert usable(fitted.judged.clean).startswith(
        "not usable yet: needs more parrots (12 photos), more of each species (12 photos),"
        " more other birds (0 photos), more pictures without birds (12 photos);"
        " so far it keeps "
    )
    right = replace(fitted.judged.clean, is_parrot=fitted.judged.clean.of(Group.PARROTS))
    several = Results.joined([right] * 6)
    bird = [number % 2 and not photo.is_parrot for number, photo in enumerate(several.photos)]
    photos = [
        replace(photo, group=Group.OTHER_BIRDS) if other else photo
        for other, photo in zip(bird, several.photos, strict=True)
    ]
    assert usable(replace(several, photos=photos)) == (
        "usable: keeps 100 of 100 parrots, names 100 of 100 right,"
        " takes 0 of 100 other birds for parrots, takes 0 of 100 other pictures for parrots"
    )


def test_one_photo_of_a_species_among_other_parrots_is_enough_to_calibrate(data: Dataset) -> None:
    """Its own share of "another parrot" is the cut, and it is not above that."""
    photos = [
        replace(photo, label="kea", taxon="kea") if 0 < number < 12 else photo
        for number, photo in enumerate(data.photos)
    ]
    few = replace(data, photos=photos)
    fitted = judge(few, train(few, FitPolicy(), lambda _text: None))
    assert fitted.judged.clean.figures()["species"]["top1"]["n"] == 1


@pytest.mark.parametrize("taken", [True, False])
def test_the_card_says_what_fine_tuning_changed(
    data: Dataset,
    fitted: Fitted,
    taken: bool,  # noqa: FBT001 - pytest gives it
) -> None:
    """Whichever model is in the bundle, both are in the card."""
    before = fitted.judged.figures()
    after = deepcopy(before)
    after["stressed"]["gate"]["negatives_let_through"]["rate"] = 0.0 if taken else 0.9
    tuning = Acceptance(before, after, FineTuningOrder(Path("unused")))
    trained = replace(fitted.trained, tail=Tail((), ()) if taken else None)
    text = card.write("own", data, replace(fitted, trained=trained, fine_tuning=tuning))
    assert f"## Fine-tuning: {'accepted' if taken else 'not accepted'}\n" in text
    assert ("the last blocks fine-tuned (`backbone.npz`). Input" in text) == taken
    assert (
        "Worse: non-birds let through, stressed. So this bundle has the published" in text
    ) != taken
    assert f"| {'0.00' if taken else '90.00'}% | {'not worse' if taken else 'worse'} |" in text
