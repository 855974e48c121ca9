"""What the figures about several photos count: one kind, different sources, single beside joint."""

from pathlib import Path

import numpy as np

from models.data.labelled_photos import Group, LabelledPhoto
from models.evaluation import joint
from parrot.model.decision import decide
from parrot.model.rules import NamingPolicy, Rules
from parrot.records import Decision, Scores

RULES = Rules(0.5, naming=NamingPolicy(0.95, other=0.5, share=0.2, sure=0.7))


def photo(number: int, label: str, source: str, group: Group = Group.PARROTS) -> LabelledPhoto:
    return LabelledPhoto(Path(f"{number}.jpg"), group, label, None, str(number), source)


def decisions(parrot: list[float], species: list[list[float]]) -> Decision:
    return decide(Scores(np.array(parrot), None, np.array(species), None), RULES)


def test_trials_put_together_one_kind_from_different_sources() -> None:
    """Two photos of one series are nearly one photo: they would flatter the joint answer."""
    photos = [
        photo(0, "kea", "a"),
        photo(1, "kea", "a"),
        photo(2, "kea", "b"),
        photo(3, "galah", "c"),
        photo(4, "galah", "c"),
    ]
    trials = list(joint.alike(photos, 2, np.random.default_rng(0)))
    assert {frozenset(trial) for trial in trials} == {frozenset((0, 2)), frozenset((1, 2))}


def test_two_photos_that_err_in_different_ways_are_right_together() -> None:
    """That is what the figure is to show, with the difference's interval."""
    photos = [photo(0, "kea", "a"), photo(1, "kea", "b")]
    clean = decisions([0.9, 0.9], [[0.4, 0.5, 0.1], [0.8, 0.1, 0.1]])
    found = joint.Judge(photos, np.array([0, 0]), [clean], RULES).figures()
    right = found["2 photos, as they are"]["right"]
    assert (right.single, right.joint, right.photos) == (0.5, 1.0, 2)
    assert right.low > 0


def test_what_is_no_parrot_is_counted_by_its_group() -> None:
    """Other birds let through is a figure of its own."""
    photos = [photo(n, "eagle", "a", Group.OTHER_BIRDS) for n in (0, 1)]
    clean = decisions([0.6, 0.01], [[0.5, 0.4, 0.1]] * 2)
    found = joint.Judge(photos, np.array([-1, -1]), [clean], RULES).figures()
    birds = found["2 photos, as they are"]["other_birds"]
    assert (birds.single, birds.joint) == (0.5, 0.0)
    assert "right" not in found["2 photos, as they are"]


def test_contradictions_are_counted_in_one_species_and_in_two() -> None:
    """The first are false alarms, the second what the warning is for."""
    photos = [
        photo(number, label, source)
        for number, (label, source) in enumerate(
            (label, source) for label in ("kea", "galah") for source in "ab"
        )
    ]
    kea, galah = [0.9, 0.05, 0.05], [0.05, 0.9, 0.05]
    clean = decisions([0.9] * 4, [kea, kea, galah, galah])
    found = joint.Judge(photos, np.array([0, 0, 1, 1]), [clean], RULES).contradictions()
    assert found == {"one_species": 0.0, "two_species": 1.0}
