"""Who would get another answer: stored photos, judged by two bundles that share a network."""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from models.backfill.reclassify import Reclassified, classified
from models.patience import each
from parrot.classify import Classifier, ModelServer
from parrot.model.bundle import Bundle
from parrot.model.decision import decide, in_doubt, score
from parrot.observation import Observation
from parrot.photo.decoder import Decoder
from parrot.records import Basis, Classification
from parrot.shadow import Agreement, beside, check, first_id, set_ids
from parrot.store import PhotoStore

_AT_ONCE = 4  # photos: one is decoded while others are with the model server


@dataclass(frozen=True, slots=True)
class Compared:
    """One photo, what the bundle in use says of it and what the candidate says."""

    observation: Observation
    before: Classification
    after: Classification
    looks_alike: bool  # whether the candidate would have looked again, or not, just as well

    @property
    def change(self) -> str | None:
        """Which kind of change people would notice first; None if both say the same."""
        agreement = Agreement.of(self.before, self.after)
        if not agreement.verdict_agrees:
            return f"{self.before.verdict} becomes {self.after.verdict}"
        if not agreement.first_agrees:
            return "another first name"
        if agreement.set_agrees:
            wider = _wider(self.after)
            if wider == _wider(self.before):
                return None
            return "a group in place of one species" if wider else "one species in place of a group"
        before, after = set_ids(self.before) or frozenset(), set_ids(self.after) or frozenset()
        return "fewer in the set" if after < before else "others in the set"


@dataclass(slots=True)
class Comparison:
    """What became of all photos; those that would get another answer."""

    versions: tuple[str, str]  # of the bundle in use and of the candidate
    photos: int = 0
    looked_elsewhere: int = 0
    changed: list[Compared] = field(default_factory=list)
    left_out: Counter[str] = field(default_factory=Counter)

    @property
    def changes(self) -> Counter[str]:
        """How many photos have which kind of change."""
        return Counter(change for one in self.changed if (change := one.change) is not None)

    def add(self, compared: Compared | Reclassified) -> None:
        """Count one more photo."""
        if isinstance(compared, Reclassified):
            self.left_out[compared.value] += 1
            return
        self.photos += 1
        self.looked_elsewhere += not compared.looks_alike
        if compared.change is not None:
            self.changed.append(compared)

    def sentence(self) -> str:
        """How many would get another answer, and which photos say nothing."""
        before, after = self.versions
        text = (
            f"{len(self.changed)} of {self.photos} photos would get another answer from"
            f" {after} than from {before}"
        )
        if self.looked_elsewhere:
            text += (
                f"; {self.looked_elsewhere} would be looked at again, or no longer, so that their"
                " answer may still differ"
            )
        left_out = ", ".join(f"{count} {why}" for why, count in self.left_out.most_common())
        return f"{text}; left out: {left_out}" if left_out else text


@dataclass(frozen=True, slots=True)
class Comparer:
    """Reads stored photos and asks both bundles about the same pass; it writes nothing."""

    photos: PhotoStore
    bundle: Bundle
    candidate: Bundle
    server: ModelServer
    decoder: Decoder
    max_bytes: int

    def compare_all(
        self,
        observations: Iterable[Observation],
        *,
        advance: Callable[[int], None] = lambda _count: None,
    ) -> Comparison:
        """Compare these, which were `processed`.

        Raises BadBundle if the two do not share a network, BackendError, DeploymentError.
        """
        check(self.candidate, self.bundle)
        versions = (self.bundle.manifest.version, self.candidate.manifest.version)
        comparison = Comparison(versions)
        for compared in each(self.compare, observations, at_once=_AT_ONCE):
            comparison.add(compared)
            advance(1)
        return comparison

    def compare(self, observation: Observation) -> Compared | Reclassified:
        """Compare one photo, or say what became of it. Raises BackendError, DeploymentError."""
        heard: list[Basis] = []
        classifier = Classifier(
            self.bundle, self.server, self.decoder, lambda basis, _answer: heard.append(basis)
        )
        before = classified(observation, self.photos, classifier, max_bytes=self.max_bytes)
        if isinstance(before, Reclassified):
            return before
        (basis,) = heard
        after = beside(self.candidate, basis, before)
        return Compared(observation, before, after, self._looks_alike(basis))

    def _looks_alike(self, basis: Basis) -> bool:
        """Whether the candidate would also have had as many looks as there were."""
        policy = self.candidate.manifest.rules.second_look
        first = decide(score(self.candidate, basis.features[0]), self.candidate.manifest.rules)
        doubts = policy is not None and bool(in_doubt(first, policy))
        return doubts == (len(basis.features) > 1)


def told(answer: Classification) -> str:
    """An answer in one line: verdict, likeliest species, what else is in the set."""
    first, in_set = first_id(answer), set_ids(answer)
    if first is None:
        return answer.verdict
    if wider := _wider(answer):
        return f"{answer.verdict}: one of the {wider}, most like {first}"
    if in_set is not None and not in_set:
        return f"{answer.verdict}: none of the known, most like {first}"
    return f"{answer.verdict}: {' or '.join([first, *sorted((in_set or set()) - {first})])}"


def _wider(answer: Classification) -> str | None:
    """What is named in place of the one species of the set: see `NamingPolicy.alone`."""
    in_set = set_ids(answer) or frozenset()
    if answer.taxon is None or len(in_set) != 1 or answer.taxon.taxon.id in in_set:
        return None
    return answer.taxon.taxon.id
