"""One classification: a second look only in doubt, in one request, and figures that agree."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from parrot.classify import Classifier
from parrot.errors import BadModelResponse
from parrot.model.bundle import Bundle
from parrot.model.gate import Gate, LogisticCurve, Projection
from parrot.model.inputs import Crop, InputSpec
from parrot.model.look import SecondLook, View
from parrot.model.manifest import Manifest, NamingPolicy, Reference
from parrot.model.naming import Naming, Softmax
from parrot.model.reason import ReasonPolicy
from parrot.model.scorers import Linear, ThreeWay
from parrot.model.served_model import ServedModel
from parrot.model.sets import SetPolicy
from parrot.model.species import SpeciesTable
from parrot.model.taxonomy import Taxonomy
from parrot.photo import images
from parrot.records import Prediction, Reason
from tests.support.photos import encoded, noise

if TYPE_CHECKING:
    from collections.abc import Sequence

    from parrot.model.look import Box
    from parrot.records import Floats, Photo, Raster

PHOTO = images.read(encoded(noise(120, 80), "PNG"))
MODEL = ServedModel(
    "M", "1", "serving_default", InputSpec(8, 8, crop=Crop.SQUASH), "f", "p", "l", "focus"
)
LOOK = SecondLook((View.CLOSER,), low=0.01, high=0.95)
SPECIES = (
    b"index,id,scientific_name,en,ko,cites\n"
    b"0,ara-macao,Ara macao,Scarlet macaw,a,I\n1,ara-ararauna,Ara ararauna,Blue macaw,b,II\n"
)
TAXONOMY = Path(__file__).parents[2] / "models/data/taxonomy.csv"
# The features of a photo: parrot or not, and how much it is each macaw, another parrot, a macaw.
SURE = (4.0, 9.0, 0.0, 0.0, 6.0)
TWO = (4.0, 3.0, 3.0, 0.0, 6.0)
STRANGER = (4.0, 0.0, 0.0, 9.0, 6.0)
DOUBT = (0.0, 9.0, 0.0, 0.0, 6.0)
NO_PARROT = (-9.0, 0.0, 0.0, 0.0, 0.0)


def bundle(*, second: SecondLook | None = LOOK) -> Bundle:
    eye = np.eye(5, dtype=np.float32)
    gate = Gate(
        Projection(np.zeros(5), np.ones(5)), Linear(np.eye(5)[0], 0.0), LogisticCurve(1.0, 0.0)
    )
    manifest = Manifest(
        version="test",
        features=5,
        classes=2,
        models=(MODEL,),
        gate_kind="logistic",
        threshold=0.6,
        conformal=None,
        scikit_learn="1",
        files={},
        reference=(Reference((0.0,) * 5, 0.5),),
        naming=NamingPolicy(SetPolicy(0.95, other=0.5, share=0.2), sure=0.7),
        second_look=second,
    )
    groups = Softmax(np.stack([eye[4], -eye[4]], axis=1), np.zeros(2, np.float32))
    naming = Naming(Softmax(eye[:, 1:4], np.zeros(3, np.float32)), groups, ("macaws", "lories"))
    taxonomy = Taxonomy.parse(TAXONOMY.read_bytes())
    return Bundle(manifest, "0", gate, SpeciesTable.parse(SPECIES), naming, taxonomy)


@dataclass
class Scripted:
    """Answers with these features, one after the other, and keeps what it was sent."""

    looks: list[tuple[float, ...]]
    focus: tuple[float, ...] = (0.5, 0.5, 1.0, 1.0)
    requests: list[int] = field(default_factory=list)

    def predict(self, model: ServedModel, payload: bytes | Floats) -> Prediction:
        return self.predict_all(model, (payload,))[0]

    def predict_all(
        self, _model: ServedModel, payloads: Sequence[bytes | Floats]
    ) -> list[Prediction]:
        self.requests.append(len(payloads))
        return [self._next() for _ in payloads]

    def version(self, model: ServedModel) -> str:
        return f"{model.name}/1"

    def _next(self) -> Prediction:
        features = np.array(self.looks.pop(0), np.float32)
        half = np.array([0.5, 0.5], np.float32)
        return Prediction(features, half, half, "M/1", np.array(self.focus, np.float32))


class InPlace:
    """Decodes here, whatever it costs."""

    def pixels(self, photo: Photo, spec: InputSpec, *, part: Box | None = None) -> Raster:
        return images.pixels(photo, spec, part=part)


def classifier(server: Scripted, second: SecondLook | None = LOOK) -> Classifier:
    return Classifier(bundle(second=second), server, InPlace())


@pytest.mark.parametrize("look", [SURE, NO_PARROT])
def test_what_is_clear_is_looked_at_once(look: tuple[float, ...]) -> None:
    """Most photos must not pay for the few."""
    server = Scripted([look])
    answer = classifier(server).classify(PHOTO)
    assert server.requests == [1]
    assert [timing.step for timing in answer.timings] == ["decode", "model", "gate"]


@pytest.mark.parametrize("look", [DOUBT, TWO, STRANGER])
def test_doubt_is_looked_at_again_in_one_more_request(look: tuple[float, ...]) -> None:
    """A phone waits for each round trip."""
    server = Scripted([look, SURE])
    answer = classifier(server).classify(PHOTO)
    assert server.requests == [1, 1]
    assert "look-again" in [timing.step for timing in answer.timings]


def test_the_answer_is_that_of_the_mean_of_all_looks() -> None:
    """Evaluation calibrated it so."""
    answer = classifier(Scripted([DOUBT, SURE])).classify(PHOTO)
    assert answer.parrot_probability == pytest.approx(1 / (1 + np.exp(-2)))
    assert answer.is_parrot


def test_two_views_travel_together() -> None:
    """However many views a bundle asks for, it is one request."""
    both = replace(LOOK, views=(View.CENTER, View.CLOSER))
    server = Scripted([DOUBT, SURE, SURE])
    classifier(server, both).classify(PHOTO)
    assert server.requests == [1, 2]


def test_a_bundle_without_a_second_look_never_looks_again() -> None:
    """Older bundles go on as before."""
    server = Scripted([DOUBT])
    classifier(server, None).classify(PHOTO)
    assert server.requests == [1]


@pytest.mark.parametrize(
    ("look", "chosen", "rank", "name"),
    [
        (SURE, ["ara-macao"], "species", "ara-macao"),
        (TWO, ["ara-macao", "ara-ararauna"], "group", "macaws"),
        (STRANGER, [], "group", "macaws"),
    ],
)
def test_set_taxon_and_ranking_agree(
    look: tuple[float, ...], chosen: list[str], rank: str, name: str
) -> None:
    """A person sees all three beside each other."""
    answer = classifier(Scripted([look, look])).classify(PHOTO)
    assert answer.species_set is not None
    assert [row.id for row in answer.species_set.species] == chosen
    assert answer.taxon is not None
    assert (answer.taxon.taxon.rank.value, answer.taxon.taxon.id) == (rank, name)
    ranked = {score.species.id: score.probability for score in answer.species}
    outside = [value for key, value in ranked.items() if key not in chosen]
    if chosen and outside:
        assert min(ranked[key] for key in chosen) >= max(outside)
    if chosen == [answer.taxon.taxon.id]:
        assert answer.taxon.probability == ranked[name]
    if not chosen:
        assert max(ranked.values()) <= 0.5


def test_what_is_not_a_parrot_has_no_names() -> None:
    """A species beside "not a parrot" would contradict it."""
    answer = classifier(Scripted([NO_PARROT])).classify(PHOTO)
    assert (answer.species, answer.species_set, answer.taxon) == ((), None, None)


@pytest.mark.parametrize(
    ("nothing", "small", "reason"),
    [(9.0, 0.0, Reason.NO_BIRD), (-9.0, 0.0, Reason.OTHER_BIRD), (0.0, 41.0, Reason.TOO_SMALL)],
)
def test_what_is_not_a_parrot_says_why(nothing: float, small: float, reason: Reason) -> None:
    """The gate's other two classes tell a bird from nothing; the photo's size is known."""
    given = bundle()
    weights = np.zeros((5, 3))
    weights[0, 0], weights[1, 2] = 1.0, 1.0
    gate = replace(given.gate, scorer=ThreeWay(weights, np.zeros(3)))
    policy = ReasonPolicy(0.9, sure=0.9, too_small=small)
    told = replace(given, gate=gate, manifest=replace(given.manifest, reasons=policy))
    server = Scripted([(-9.0, nothing, 0.0, 0.0, 0.0)])
    answer = Classifier(told, server, InPlace()).classify(PHOTO)
    assert (answer.is_parrot, answer.reason) == (False, reason)


def test_a_bundle_without_reasons_gives_none() -> None:
    """Older bundles go on as before."""
    assert classifier(Scripted([NO_PARROT])).classify(PHOTO).reason is None


def test_a_focus_that_is_not_a_box_is_the_models_mistake() -> None:
    """Retrying would not help; the bundle and the model do not belong together."""
    with pytest.raises(BadModelResponse, match="focus"):
        classifier(Scripted([DOUBT], focus=(0.5,))).classify(PHOTO)
