"""A manifest reads back as it was written, and a wrong one is never written."""

import math
from collections.abc import Callable
from dataclasses import replace

import pytest

from local.stack import DEFAULT_BUNDLE
from parrot.errors import BadBundle
from parrot.model.look import SecondLook, View
from parrot.model.manifest import GATE, MANIFEST, NAMING, SPECIES, TAXONOMY, Manifest, Reference
from parrot.model.rules import Conformal, JointPolicy, NamingPolicy, ReasonPolicy, Rules
from parrot.model.served_model import Crop, Encoding, InputSpec, Resampling, Scaling, ServedModel

LOOK = SecondLook((View.CENTER, View.CLOSER), low=0.1, high=0.8)
NAMING_POLICY = NamingPolicy(0.95, 0.5, 0.03, sure=0.7, alone=0.2)
REASONS = ReasonPolicy(0.9, 0.8, 0.7, 0.6, 0.5, 32.0, 0.4, 0.3)
MODEL = ServedModel("앵무", None, "look", InputSpec(320, 240), "f", "p", "l", "focus", "second", 2)
# Every field that may be left out, with a value that is not the one of leaving it out.
FULL = Manifest(
    version="2026-11-23",
    features=2,
    classes=3,
    models=(MODEL,),
    gate_kind="three-way",
    rules=Rules(
        threshold=0.7,
        maybe=0.4,
        conformal=Conformal(0.9, -1.5),
        naming=NAMING_POLICY,
        second_look=replace(LOOK, margin=1.3, bird=0.5, nothing=0.3, caution=2.0),
        joint=JointPolicy(1.5),
        reasons=REASONS,
    ),
    scikit_learn="1.9.1",
    files=dict.fromkeys((GATE, SPECIES, NAMING, TAXONOMY, "x.bin"), "0a" * 32),
    reference=(Reference((0.1, -1e-300), 0.25), Reference((1e300, 0.0), 1.0)),
    metrics={"é": [None, 1.5, "앵무", {"rate": 0}]},
    photos={"ara-macao": 41},
)
RULES = ("maybe", "conformal", "second_look", "joint", "reasons")
INPUTS = (
    *(InputSpec(1, 4096, crop=crop) for crop in Crop),
    *(InputSpec(9, 9, resampling=resampling) for resampling in Resampling),
    *(InputSpec(9, 9, encoding=encoding) for encoding in Encoding),
    *(InputSpec(9, 9, scaling=scaling, encoding=Encoding.FLOATS) for scaling in Scaling),
)
TWO = (replace(MODEL, version="7", probabilities=None, classes=None), replace(MODEL, features=None))


def ruled(manifest: Manifest, **changes: object) -> Manifest:
    return replace(manifest, rules=replace(manifest.rules, **changes))  # type: ignore[arg-type]


def looking(manifest: Manifest, **changes: object) -> Manifest:
    return ruled(manifest, second_look=replace(LOOK, **changes))  # type: ignore[arg-type]


def served(manifest: Manifest, **changes: object) -> Manifest:
    return replace(manifest, models=(replace(manifest.models[0], **changes),))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "manifest",
    [
        FULL,
        *(ruled(FULL, **{rule: None}) for rule in RULES),
        replace(ruled(FULL, naming=None), models=(replace(MODEL, classes=None),)),
        *(replace(FULL, models=(replace(MODEL, input=spec),)) for spec in INPUTS),
        replace(ruled(FULL, second_look=None, reasons=None), models=TWO),
    ],
)
def test_a_manifest_reads_back_as_it_was_written(manifest: Manifest) -> None:
    """Training writes it, functions read it: two spellings of one format would drift apart."""
    assert Manifest.parse(manifest.dump()) == manifest


def test_the_default_manifest_is_written_byte_for_byte() -> None:
    """Deployments pin its sha256, which must not depend on who wrote it last."""
    data = (DEFAULT_BUNDLE / MANIFEST).read_bytes()
    assert Manifest.parse(data).dump() == data


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda m: replace(m, version="../x"), "version"),
        (lambda m: replace(m, models=()), "models"),
        (lambda m: replace(m, models=m.models * 3), "one or two"),
        (lambda m: replace(m, classes=0), "classes"),
        (lambda m: ruled(m, threshold=math.nan), "threshold"),
        (lambda m: ruled(m, threshold=0.5, maybe=0.6), "maybe"),
        (lambda m: ruled(m, conformal=Conformal(1.5, 0.0)), "coverage"),
        (lambda m: ruled(m, conformal=Conformal(0.9, math.inf)), "finite"),
        (lambda m: served(ruled(m, conformal=Conformal(0.9, 0.0)), logits=None), "logits"),
        (lambda m: served(m, focus=None), "focus"),
        (lambda m: served(ruled(m, naming=None), classes=m.classes - 1), "naming for the others"),
        (lambda m: looking(m, views=()), "views"),
        (lambda m: looking(m, low=0.9), "low <= high"),
        (lambda m: looking(m, bird=1.1), "bird"),
        (lambda m: looking(m, caution=0.0), "caution"),
        (lambda m: looking(m, caution=1e300), "caution"),
        (lambda m: served(m, classes=0), "at least one"),
        (lambda m: served(m, classes=10**6), "no more than"),
        (lambda m: looking(m, views=LOOK.views[:1], nothing=0.3), "last"),
        (lambda m: looking(m, views=tuple(View)), "views"),
        (lambda m: served(looking(m, nothing=0.3), second_focus=None), "second focus"),
        (lambda m: ruled(m, joint=JointPolicy(-1.0)), "doubt"),
        (lambda m: ruled(m, naming=replace(NAMING_POLICY, sure=0.0)), "sure"),
        (lambda m: replace(m, files={k: v for k, v in m.files.items() if k != NAMING}), "naming"),
        (lambda m: ruled(m, reasons=ReasonPolicy(0.95, sure=2.0)), "sure"),
        (lambda m: ruled(m, reasons=ReasonPolicy(0.95, 0.9, too_dark=math.nan)), "too_dark"),
        (lambda m: replace(m, features=7), "7"),
        (lambda m: replace(m, files={**m.files, "x": "short"}), "sha256"),
    ],
)
def test_a_manifest_that_no_function_would_read_is_not_written(
    spoil: Callable[[Manifest], Manifest], reason: str
) -> None:
    """Better a failed fit than a failed deployment."""
    manifest = Manifest.parse((DEFAULT_BUNDLE / MANIFEST).read_bytes())
    with pytest.raises(BadBundle, match=reason):
        spoil(manifest).dump()
