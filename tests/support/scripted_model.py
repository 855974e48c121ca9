"""A bundle of two macaws, and a model server that answers with scripted features."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NoReturn

import numpy as np

from models.arrays import Floats
from parrot.classify import Classifier
from parrot.errors import TooExpensive
from parrot.model.bundle import Bundle
from parrot.model.heads import Gate, LogisticCurve, Naming, Projection, Softmax, ThreeWay
from parrot.model.look import SecondLook, View
from parrot.model.manifest import Manifest, Reference
from parrot.model.rules import NamingPolicy, Rules
from parrot.model.served_model import Crop, InputSpec, ServedModel
from parrot.model.species import SpeciesTable
from parrot.photo import images
from parrot.photo.decoder import Decoder
from parrot.records import Prediction
from tests.support.default_bundle import TAXONOMY
from tests.support.photos import DECODER, encoded, noise

PHOTO = images.read(encoded(noise(120, 80), "PNG"))
MODEL = ServedModel(
    "M", "1", "serving_default", InputSpec(8, 8, crop=Crop.SQUASH), "f", "p", "l", "focus", "second"
)
LOOK = SecondLook((View.CLOSER,), low=0.01, high=0.95)
# Where nothing is seen at both windows, the surer of which counts; else also at the centre.
EVIDENCE = SecondLook((View.CENTER, View.CLOSER), low=0.01, high=0.95, bird=0.5, nothing=0.5)
SPECIES = (
    b"index,id,scientific_name,en,ko,cites\n"
    b"0,ara-macao,Ara macao,Scarlet macaw,a,I\n1,ara-ararauna,Ara ararauna,Blue macaw,b,II\n"
)
# The features of a photo: parrot or not; scores of each macaw, another parrot, any macaw.
SURE = (4.0, 9.0, 0.0, 0.0, 6.0)
TWO = (4.0, 3.0, 3.0, 0.0, 6.0)
STRANGER = (4.0, 0.0, 0.0, 9.0, 6.0)
DOUBT = (0.0, 9.0, 0.0, 0.0, 6.0)
NO_PARROT = (-9.0, 0.0, 0.0, 0.0, 0.0)


NAMES = NamingPolicy(0.95, other=0.5, share=0.2, sure=0.7)
RULES = Rules(0.6, naming=NAMES, second_look=LOOK)


def bundle(**rules: Any) -> Bundle:
    """With RULES, but for the changes."""
    eye = np.eye(5, dtype=np.float32)
    # The first feature is the logit of a parrot; other birds are as good as impossible.
    scorer = ThreeWay(np.eye(5)[:, :3] * [1, 0, 0], np.array([0.0, -1000.0, 0.0]))
    gate = Gate(Projection(np.zeros(5), np.ones(5)), scorer, LogisticCurve(1.0, 0.0))
    manifest = Manifest(
        version="test",
        features=5,
        classes=2,
        models=(MODEL,),
        gate_kind="three-way",
        rules=replace(RULES, **rules),
        scikit_learn="1",
        files={},
        reference=(Reference((0.0,) * 5, 0.5),),
    )
    groups = Softmax(np.stack([eye[4], -eye[4]], axis=1), np.zeros(2, np.float32))
    naming = Naming(Softmax(eye[:, 1:4], np.zeros(3, np.float32)), groups, ("macaws", "lories"))
    return Bundle(manifest, "0", gate, SpeciesTable.parse(SPECIES), naming, TAXONOMY)


@dataclass
class Scripted:
    """Answers with these features, one after the other, and records what it was sent."""

    looks: list[tuple[float, ...]]
    focus: tuple[float, ...] = (0.5, 0.5, 1.0, 1.0)
    second_focus: tuple[float, ...] = (0.0, 0.0, 0.5, 0.5)
    requests: list[int] = field(default_factory=list)
    version_name: str = "M/1"
    logits: list[tuple[float, ...]] = field(default_factory=list)  # none: both macaws alike

    def predict(self, _model: ServedModel, payloads: Sequence[bytes | Floats]) -> list[Prediction]:
        self.requests.append(len(payloads))
        return [self._next() for _ in payloads]

    def version(self, model: ServedModel) -> str:
        return f"{model.name}/1"

    def _next(self) -> Prediction:
        features = np.array(self.looks.pop(0), np.float32)
        logits = np.array(self.logits.pop(0) if self.logits else (0.5, 0.5), np.float32)
        probabilities = np.exp(logits) / np.exp(logits).sum()
        foci = (np.array(box, np.float32) for box in (self.focus, self.second_focus))
        return Prediction(features, probabilities, logits, self.version_name, *foci)


class OutOfTime(Decoder):
    """The first look is quick; at full size every photo takes too long."""

    def parts(self, *_: object) -> NoReturn:
        raise TooExpensive


def classifier(server: Scripted, *, decoder: Decoder = DECODER, **rules: Any) -> Classifier:
    return Classifier(bundle(**rules), server, decoder)
