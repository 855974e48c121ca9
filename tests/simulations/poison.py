"""What hostile people achieve: wrong labels that train, and what a model refitted on them loses.

The photos are ones that the bundle in use never saw, and its answers are real. Two reviewers decide
what is most urgent, always rightly; other people err now and then.

    python -m tests.simulations.poison PHOTOS WORLDS
"""

from __future__ import annotations

import random
import sys
import tempfile
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import astuple, dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import product
from pathlib import Path

from local.loop import people
from local.loop.people import Save
from local.loop.story import Cast, Stage, stage
from models.cli.console import FEATURE_CACHE
from models.data import labelled_photos, training_labels
from models.data.dataset import Dataset
from models.data.features import Extractor
from models.data.labelled_photos import Group, LabelledPhoto
from models.data.samples import Sample
from models.data.training_labels import LeftOut
from models.evaluation import answers, evaluator
from models.training import candidate
from models.training.candidate import Base
from models.training.heads import drawn_heads
from parrot.consent import Consent
from parrot.model.decision import describe, score
from parrot.observation import Label, Observation, Opinion, Status, Verdict
from parrot.progress import verdict_of
from parrot.records import NOT_A_PARROT, OTHER_PARROT
from parrot.review import arranged, standing, waiting
from tests.support.observations import derived, observation

Row = tuple[str, float]  # an attack's name, and the share of people who are hostile
_FLOOD = 5.0  # times as many photos as others save
_BEGIN = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Attack:
    """What hostile people do; all of them give a kind the same wrong name unless they ask."""

    name: str
    volume: float = 1.0  # their photos, compared with others'
    accounts: bool = False  # each photo from a fresh one
    patient: bool = False  # the first half of their labels is right
    asks: bool = False  # wrong names are those that the model holds possible


NOBODY = Attack("nobody")
SHARES = (0.05, 0.2)
ATTACKS = (
    Attack("rename"),
    Attack("flood", volume=_FLOOD),
    Attack("fresh accounts", volume=_FLOOD, accounts=True),
    Attack("sudden change", volume=_FLOOD, patient=True),
    Attack("ask the model first", volume=_FLOOD, accounts=True, asks=True),
    Attack("change, and ask", volume=_FLOOD, patient=True, asks=True),
)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What trains, and how many labels of it are wrong; parrots of unseen people named rightly."""

    trains: int
    wrong: int
    confirmed: int  # labels that the model's set contains
    confirmed_wrong: int
    right: int
    without: int  # `right` if the hostile people had never come
    parrots: int

    @classmethod
    def sum(cls, outcomes: Sequence[Outcome]) -> Outcome:
        """Of several worlds."""
        return cls(*map(sum, zip(*map(astuple, outcomes), strict=True)))


class World:
    """A bundle in use, people who save, and photos of others that judge what was learned."""

    def __init__(self, stage: Stage, extractor: Extractor, *, crowd: int, seed: int) -> None:
        """Ask the bundle about every photo that is saved. Raises BadBundle, InvalidImage."""
        self._stage, self._extractor, self._seed = stage, extractor, seed
        self._people = [f"person-{number:02}" for number in range(crowd)]
        self._base = Base.read(stage.bundle)
        self._exam = self._data(stage.split.unseen)
        self._parrots = len(evaluator.judge(self._base.bundle, self._exam).clean.right)
        self._right: dict[frozenset[tuple[Path, str]], int] = {}
        self._judged = self._answers(stage.split.saved)

    def outcome(self, attack: Attack, share: float, *, decisions: int) -> Outcome:
        """After this attack by this share of people."""
        saves, hostile = self._saves(attack, share)
        rows = [self._stored(*pair) for pair in enumerate(saves)]
        lesson = self._lesson(rows, saves, decisions)
        clean = self._lesson([row for row in rows if row.uid not in hostile], saves, decisions)
        confirmed = [
            save.label == save.truth
            for row, save in zip(rows, saves, strict=True)
            if row.status is Status.READY
        ]
        return Outcome(
            len(lesson),
            sum(label != save.truth for save, label in lesson),
            len(confirmed),
            confirmed.count(False),
            self._learned(lesson),
            self._learned(clean),
            self._parrots,
        )

    def _saves(self, attack: Attack, share: float) -> tuple[list[Save], set[str]]:
        """What people save, and the accounts of those who are hostile."""
        stage, rng = self._stage, random.Random(self._seed)
        hostile = set(rng.sample(self._people, round(share * len(self._people))))
        weights = {name: attack.volume if name in hostile else 1.0 for name in self._people}
        saves = people.saves(
            stage.split.saved, stage.kinds, stage.taxonomy, weights, seed=self._seed
        )
        rng.shuffle(saves)
        accounts: set[str] = set()
        total, count = Counter(save.person for save in saves), Counter[str]()
        wrong = people.renamed(stage.kinds, stage.taxonomy)
        for number, save in enumerate(saves):
            count[save.person] += 1
            if save.person in hostile:
                waits = attack.patient and count[save.person] <= total[save.person] // 2
                possible = self._possible(save) if attack.asks else wrong[save.truth]
                alias = f"{save.person}-{count[save.person]}" if attack.accounts else save.person
                accounts.add(alias)
                saves[number] = replace(save, person=alias, label=save.truth if waits else possible)
        return saves, accounts

    def _possible(self, save: Save) -> str:
        """A wrong name that the model confirms, where there is one."""
        verdict, _ = self._judged[save.photo.path]
        names = verdict.likely if verdict.likely is not None else (NOT_A_PARROT.id,)
        return next(
            (name for name in names or (OTHER_PARROT.id,) if name != save.truth), save.truth
        )

    def _lesson(
        self, rows: Sequence[Observation], saves: Sequence[Save], decisions: int
    ) -> list[tuple[Save, str]]:
        """What trains, and as what."""
        labels = {*self._stage.kinds, NOT_A_PARROT.id, OTHER_PARROT.id}
        return [
            (saves[int(row.id)], label)
            for row, label in training_labels.chosen(review(rows, saves, decisions), labels)
            if not isinstance(label, LeftOut)
        ]

    def _stored(self, number: int, save: Save) -> Observation:
        """As it is once the photo is processed; its id is the number."""
        at, (verdict, phash) = _BEGIN + timedelta(minutes=number), self._judged[save.photo.path]
        row = replace(
            observation(uid=save.person),
            id=str(number),
            labels=(Label(save.label, None, at),),
            created=at,
            verdict=verdict,
            derived=derived(phash),
            consent=Consent(given=True, at=at),
        )
        return replace(row, status=standing(row))

    def _learned(self, lesson: Sequence[tuple[Save, str]]) -> int:
        """How many of the exam's parrots a refitted bundle names rightly; some lessons are one."""
        photos = frozenset((save.photo.path, label) for save, label in lesson)
        if photos not in self._right:
            data = self._data([_labelled(save.photo, label) for save, label in lesson])
            heads = drawn_heads(data, self._base.start())
            bundle = candidate.bundle(self._base, heads, "poisoned", "2")
            self._right[photos] = int(evaluator.judge(bundle, self._exam).clean.right.sum())
        return self._right[photos]

    def _data(self, photos: Sequence[LabelledPhoto]) -> Dataset:
        return self._base.data(photos, self._extractor, 1, lambda _name, _total: lambda _: None)

    def _answers(self, photos: Sequence[LabelledPhoto]) -> dict[Path, tuple[Verdict, str]]:
        """What the bundle says of each photo, and its perceptual hash."""
        bundle = self._base.bundle
        looks = self._extractor.features([Sample(photo.path) for photo in photos])
        decided = answers.answer(partial(score, bundle), looks, bundle.manifest.rules).decision
        judged = {}
        for row, photo in enumerate(photos):
            model = (("classifier", bundle.manifest.models[0].name),)
            answer = describe(bundle, decided.at(row), models=model, sha256="", size=(1, 1))
            judged[photo.path] = verdict_of(answer), labelled_photos.phash(photo.path)
        return judged


def review(rows: Sequence[Observation], saves: Sequence[Save], decisions: int) -> list[Observation]:
    """Two reviewers in turn decide what is most urgent of what they have not seen."""
    decided = {row.id: row for row in rows}
    for number in range(decisions):
        reviewer, at = f"reviewer-{number % 2}", _BEGIN + timedelta(days=365, minutes=number)
        left = [
            row
            for row in decided.values()
            if waiting(row) is not None
            and all(opinion.reviewer != reviewer for opinion in row.opinions)
        ]
        for row in arranged(left, {}, size=1):
            opinion = Opinion(reviewer, saves[int(row.id)].truth, at)
            changed = replace(row, opinions=(*row.opinions, opinion))
            decided[row.id] = replace(changed, status=standing(changed))
    return list(decided.values())


def _labelled(photo: LabelledPhoto, label: str) -> LabelledPhoto:
    """The photo under the label that it trains with."""
    if label == NOT_A_PARROT.id:
        group = photo.group if photo.group is not Group.PARROTS else Group.NEGATIVES
        return replace(photo, group=group, label=label, taxon=None)
    return replace(photo, group=Group.PARROTS, label=label, taxon=label)


def main(photos: Path, seeds: int) -> None:
    """Print a line for each attack by each share of people."""
    extractor, total = Extractor(FEATURE_CACHE), defaultdict[Row, list[Outcome]](list)
    for seed in range(seeds):
        cast = Cast(seed=seed)
        with tempfile.TemporaryDirectory() as folder:
            scene = stage(photos, Path(folder), cast, extractor)
            world = World(scene, extractor, crowd=cast.people, seed=seed)
        for attack, share in ((NOBODY, 0.0), *product(ATTACKS, SHARES)):
            done = world.outcome(attack, share, decisions=cast.decisions)
            total[attack.name, share].append(done)
            print(seed, attack.name, share, done, flush=True)
    rows = {row: Outcome.sum(outcomes) for row, outcomes in total.items()}
    for (name, share), row in rows.items():
        wrong = f"{row.wrong / row.trains:.2%} of {row.trains}"
        named = f"{row.right / row.parrots:.1%} | {row.without / row.parrots:.1%} of {row.parrots}"
        naive = f"{row.confirmed_wrong / row.confirmed:.2%}"
        print(f"| {name} | {share:.0%} | {naive} | {wrong} | {named} |")


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
