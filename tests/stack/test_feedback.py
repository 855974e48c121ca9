"""What people saved becomes a training set."""

import csv
from pathlib import Path

from local import note, stack
from models.data import labelled_photos
from tests.support.commands import models
from tests.support.default_bundle import SERVED
from tests.support.phone import Phone
from tests.support.photos import encoded, named, noise


def test_saved_photos_come_back_labelled_split_by_user_and_without_names(
    tmp_path: Path, photos: Path, shared_model: str
) -> None:
    """The loop that makes better models, over the real stack, from people nobody knows yet."""
    sure = named(photos / "parrots" / "kea", 3)[::2]  # of the other one the model is not
    chosen = {  # names that no digest in hex may contain
        "ana": [("nestor-notabilis", path) for path in sure],
        "zoe": [("eolophus-roseicapilla", path) for path in named(photos / "parrots" / "galah", 1)],
    }
    with stack.running(tmp_path / "data", model_server=shared_model) as running:
        for user, saves in chosen.items():
            phone = Phone(running.url, user)
            for species, path in saves:
                phone.send(path.read_bytes(), species, training="true")
            phone.send(encoded(noise()), "not-a-parrot")  # nobody said that it may train
            phone.all_settled(len(saves) + 1)
        out = tmp_path / "saved"
        command = [
            "export-saved",
            f"sqlite:{tmp_path / 'data' / 'observations.db'}",
            stack.BUCKET,
            str(out),
        ]
        with note.noted(running, tmp_path / "data", stack.DEFAULT_BUNDLE):
            for _ in range(2):  # again is harmless
                done = models(*command)
                assert done.returncode == 0, done.stderr
                assert done.stdout.startswith("3 photos"), done.stdout
    done = models(*command)
    assert done.returncode == 1
    assert f"./dev.sh up --data {tmp_path / 'data'}" in done.stderr
    labelled = labelled_photos.read(out)
    assert sorted(photo.taxon or "" for photo in labelled) == [
        "eolophus-roseicapilla",
        "nestor-notabilis",
        "nestor-notabilis",
    ]
    assert len({photo.cluster for photo in labelled}) == 2
    with (out / "index.csv").open(newline="") as file:
        lines = list(csv.DictReader(file))
    assert {line["model"] for line in lines} == {SERVED}
    assert len({line["label_map"] for line in lines}) == 1
    assert not any(user in str(line) for user in chosen for line in lines)
