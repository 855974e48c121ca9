"""Kinds that are no class yet: what people wrote as another parrot, and reviewers settled."""

from collections import Counter, defaultdict
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass
from functools import cache

from models.data.labelled_photos import NOT_ALIVE, TAXONOMY_CSV, class_id, taxa_by_label
from parrot.model.species import ID, Taxonomy
from parrot.observation import Observation
from parrot.records import NOT_A_PARROT, OTHER_PARROT, Rank, Taxon
from parrot.review import CANNOT_TELL, UNUSABLE, settled

ENOUGH_PHOTOS, ENOUGH_PEOPLE = 16, 3
_KINDS = frozenset({Rank.SPECIES, Rank.GENUS})
_TAKEN = frozenset({NOT_A_PARROT.id, OTHER_PARROT.id, CANNOT_TELL, UNUSABLE, NOT_ALIVE})


@dataclass(frozen=True, slots=True)
class Wanted:
    """A kind that could become a class."""

    id: str
    photos: int
    people: int

    @property
    def enough(self) -> bool:
        """Whether a class can be learned from so many."""
        return self.photos >= ENOUGH_PHOTOS and self.people >= ENOUGH_PEOPLE

    def __str__(self) -> str:
        needs = f"too few: {ENOUGH_PHOTOS} of {ENOUGH_PEOPLE} are needed"
        return (
            f"{self.id.replace('-', ' ')}: {self.photos} settled photos of {self.people} people,"
            f" {f'enough: --add {self.id}' if self.enough else needs}"
        )


def count(observations: Iterable[Observation], labels: Container[str]) -> list[Wanted]:
    """The settled kinds of observations that show none of these labels, the most photos first.

    What only one person wrote stays between them and the reviewers.
    """
    photos: Counter[str] = Counter()
    people: defaultdict[str, set[str]] = defaultdict(set)
    for observation in observations:
        kind = _settled_kind(observation)
        if kind is not None and kind not in labels:
            photos[kind] += 1
            people[kind].add(observation.uid)
    wanted = [Wanted(kind, n, len(people[kind])) for kind, n in photos.most_common()]
    return [kind for kind in wanted if kind.people > 1]


def _settled_kind(observation: Observation) -> str | None:
    """A species or genus, or what the person called "another parrot"."""
    outcome = settled(observation.label, observation.opinions)
    if outcome == OTHER_PARROT.id:
        return written(observation)
    return outcome if known(outcome) else None


def written(observation: Observation) -> str | None:
    """The id of the kind in the person's own words, if they chose "another parrot"."""
    label = observation.label
    if label is None or label.species != OTHER_PARROT.id or not label.text:
        return None
    name = class_id(label.text)
    kind = taxa_by_label().get(name)
    name = kind if kind is not None and known(kind) else name
    return name if may_be_class(name) else None


def may_be_class(name: str) -> bool:
    """Whether a class may have this id: not what means something else, as "not a parrot" does."""
    return bool(ID.fullmatch(name)) and name not in _TAKEN and (name not in _taxa() or known(name))


def known(kind: str | None) -> bool:
    """Whether it is a species or genus of our taxonomy, which reviewers can choose themselves."""
    taxon = _taxa().get(kind or "")
    return taxon is not None and taxon.rank in _KINDS


@cache
def _taxa() -> Mapping[str, Taxon]:
    return Taxonomy.parse(TAXONOMY_CSV.read_bytes()).taxa
