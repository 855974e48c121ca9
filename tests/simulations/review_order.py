"""How many reviewers' opinions each order of reviews takes to teach the species head as much.

    python -m tests.simulations.review_order PHOTOS [WORLDS]

In each world the sources of the parrots are divided by chance: a bundle's heads are fitted on a
fifth of the photos, people save half of them (one label in seven is another kind, by chance), the
rest is an exam. What the bundle's set agrees with trains; what it contradicts waits for reviewers,
who are always right: one opinion settles a photo if its person was right, two if not. After some
opinions the head is fitted again and judged on the exam. Features are of the published backbone.
"""

import sys
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np

from models.arrays import Floats, Index
from models.cli.console import FEATURE_CACHE
from models.data import labelled_photos
from models.data.features import Extractor
from models.data.labelled_photos import LabelledPhoto
from models.data.samples import Sample, Views
from models.folders import DEFAULT_BUNDLE
from models.training import embedding, heads
from parrot.consent import Consent
from parrot.model.decision import decide
from parrot.model.heads import Softmax
from parrot.model.manifest import MANIFEST, SPECIES, Manifest
from parrot.model.species import SpeciesTable
from parrot.observation import Label, Observation, Status, Verdict
from parrot.records import OTHER_PARROT, Scores
from parrot.review import arranged, reviewed, waiting
from tests.support.observations import NOW, derived, observation

BASE, SAVED, WRONG = 0.2, 0.5, 1 / 7
STEPS = (0.0, 0.05, 0.1, 0.2, 0.3, 0.45, 0.6, 0.8, 1.0)  # of all opinions
_AXES, _STRENGTH = 256, 0.1  # principal components, and what regularises as in `heads`
RULES = Manifest.parse((DEFAULT_BUNDLE / MANIFEST).read_bytes()).rules
IDS = [row.id for row in SpeciesTable.parse((DEFAULT_BUNDLE / SPECIES).read_bytes()).rows]
LABELS = (*IDS, OTHER_PARROT.id)


@dataclass(frozen=True)
class World:
    """Rows of `features` by what becomes of them; `said` and `shown` are numbers of LABELS."""

    features: Floats
    shown: Index
    said: Index
    trained: Index  # by the bundle, or since person and model agree
    exam: Index
    queue: dict[int, Observation]
    known: Counter[str]

    def judged(self, decided: Sequence[int]) -> tuple[float, float]:
        """Of the head that learnt what trains and what was decided: right, and the mean by kind."""
        rows, right = [*self.trained, *decided], [*self.said[self.trained], *self.shown[decided]]
        x, y = self.features[rows], np.array(right)
        head = heads.regression(x, y, len(LABELS), strength=_STRENGTH)
        truth = self.shown[self.exam]
        hits = head(self.features[self.exam]).argmax(axis=1) == truth
        return float(hits.mean()), float(np.mean([hits[truth == k].mean() for k in set(truth)]))

    def curve(self, order: Sequence[int]) -> tuple[Floats, int]:
        """(steps, 2) as `judged` after each share of the opinions, and how many settle all."""
        opinions = np.cumsum([1 + (self.said[row] != self.shown[row]) for row in order])
        counts = [int((opinions <= share * opinions[-1]).sum()) for share in STEPS]
        scores = [self.judged(order[:count]) for count in counts]
        return np.array(scores, np.float32), int(opinions[-1])


def world(photos: Sequence[LabelledPhoto], features: Floats, seed: int) -> World:
    """What people and a small bundle make of these parrots."""
    chance = np.random.default_rng(seed)
    index = {name: number for number, name in enumerate(IDS)}
    shown = np.array([index.get(photo.species(index) or "", len(IDS)) for photo in photos])
    sources = [photo.source or photo.cluster for photo in photos]
    turns = {name: turn for turn, name in enumerate(chance.permutation(sorted(set(sources))))}
    rows = sorted(range(len(photos)), key=lambda row: turns[sources[row]])
    cuts = [int(BASE * len(rows)), int((BASE + SAVED) * len(rows))]
    base, saved, exam = (np.array(part) for part in np.split(np.array(rows), cuts))
    said, wrong = shown.copy(), saved[chance.random(len(saved)) < WRONG]
    said[wrong] = (shown[wrong] + chance.integers(1, len(LABELS), len(wrong))) % len(LABELS)
    lies = embedding.fit(features[base], [photos[row] for row in base])
    head = heads.regression(features[base], shown[base], len(LABELS), strength=_STRENGTH)
    likely = Softmax(head.weights, head.biases)(features[saved])
    kept = {}
    for row, probabilities in zip(saved.tolist(), likely, strict=True):
        label = LABELS[said[row]]
        kept[row] = replace(
            _observation(str(row), sources[row], label, _verdict(probabilities)),
            embedded=lies.embedded(features[row]),
        )
    agreed = [row for row, one in kept.items() if one.status is Status.READY]
    trained = np.array([*base.tolist(), *agreed])
    queue = {row: one for row, one in kept.items() if waiting(one) is not None}
    known = Counter(LABELS[number] for number in shown[base])
    return World(features, shown, said, trained, exam, queue, known)


def _verdict(probabilities: Floats) -> Verdict:
    best, one = int(probabilities[:-1].argmax()), np.array(1.0)
    in_set = decide(Scores(one, None, probabilities, None), RULES).in_set
    likely = () if in_set is None else tuple(IDS[k] for k in np.flatnonzero(in_set).tolist())
    return Verdict(
        is_parrot=True,
        parrot_probability=1.0,
        species=IDS[best],
        species_probability=float(probabilities[best]),
        bundle="",
        model="",
        likely=likely,
    )


def _observation(name: str, uid: str, species: str, verdict: Verdict) -> Observation:
    label = Label(species, None, NOW)
    return replace(
        observation(uid=uid),
        id=name,
        labels=(label,),
        status=reviewed(label, verdict),
        verdict=verdict,
        derived=derived(""),
        consent=Consent(given=True, at=NOW),
    )


def orders(world: World, seed: int) -> dict[str, list[list[int]]]:
    """Rows of the queue: by chance, twice; the surest first; as reviewers get them."""
    rows, chance = list(world.queue), np.random.default_rng(seed)
    taught = arranged(list(world.queue.values()), world.known, size=len(rows))
    return {
        "by chance": [chance.permutation(rows).tolist() for _ in range(2)],
        "surest first": [sorted(rows, key=lambda row: waiting(world.queue[row]) or 0.0)],
        "as arranged": [[int(row.id) for row in taught]],
    }


def _curves(
    photos: Sequence[LabelledPhoto], features: Floats, seed: int
) -> tuple[dict[str, Floats], int]:
    each = world(photos, features, seed)
    curves = {
        name: [each.curve(order) for order in some] for name, some in orders(each, seed).items()
    }
    total = curves["by chance"][0][1]
    print(f"world {seed}: {len(each.queue)} photos, {total} opinions", flush=True)
    return {name: np.mean([one for one, _ in some], 0) for name, some in curves.items()}, total


def main(folder: Path, worlds: int) -> None:
    """Print what each order reaches after each share of the opinions."""
    photos = [p for p in labelled_photos.read(folder) if p.is_parrot and p.taxon]
    views = Extractor(FEATURE_CACHE).features([Sample(photo.path) for photo in photos])
    whole = views[:, Views.WHOLE].astype(np.float64)
    _, axes = np.linalg.eigh(np.cov(whole.T))
    features = ((whole - whole.mean(axis=0)) @ axes[:, -_AXES:]).astype(np.float32)
    with ProcessPoolExecutor() as pool:
        done = list(pool.map(partial(_curves, photos, features), range(worlds)))
    curves = {name: np.stack([each[name] for each, _ in done]) for name in done[0][0]}
    opinions = np.array(STEPS) * np.mean([total for _, total in done])
    chance = curves["by chance"]
    for part, figure in enumerate(("right", "mean by kind")):
        print(f"{figure}, after opinions | " + " | ".join(curves))
        for step, count in enumerate(opinions):
            means = [rows[:, step, part].mean() for rows in curves.values()]
            print(f"{count:.0f} | " + " | ".join(f"{mean:.1%}" for mean in means))
        for name, rows in curves.items():
            gains = (rows - chance)[:, 1:-1, part].mean(axis=1) * 100
            error = gains.std() / worlds**0.5
            print(f"{name}: {gains.mean():+.2f} points beside chance, standard error {error:.2f}")


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 16)
