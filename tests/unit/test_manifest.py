"""A manifest reads back as it was written, and a wrong one is never written."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.stack import DEFAULT_BUNDLE
from parrot.errors import BadBundle
from parrot.model.look import SecondLook, View
from parrot.model.manifest import GATE, MANIFEST, NAMING, SPECIES, TAXONOMY, Manifest, Reference
from parrot.model.rules import Conformal, JointPolicy, NamingPolicy, ReasonPolicy, Rules
from parrot.model.served_model import Crop, Encoding, InputSpec, Resampling, Scaling, ServedModel

if TYPE_CHECKING:
    from collections.abc import Callable

LOOK = SecondLook((View.CENTER, View.CLOSER), low=0.1, high=0.8)
NAMING_POLICY = NamingPolicy(0.95, 0.5, 0.03, sure=0.7)
NUMBERS = st.floats(allow_nan=False, allow_infinity=False)
SHARES = st.floats(0, 1)
EDGES = st.integers(1, 4096)
REASONS = st.builds(
    ReasonPolicy, st.floats(0.01, 1), st.floats(0.01, 1), *[st.none() | st.floats(0, 1e6)] * 5
)
SHA256 = st.text("0123456789abcdef", min_size=64, max_size=64)
NAMES = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,20}", fullmatch=True)
METRICS = st.dictionaries(
    st.text(), st.recursive(st.none() | NUMBERS | st.text(), st.lists), max_size=3
)


@st.composite
def served_models(draw: st.DrawFn, *roles: str) -> ServedModel:
    encoding = draw(st.sampled_from(Encoding))
    scaling = draw(st.sampled_from(Scaling)) if encoding is Encoding.FLOATS else Scaling.NONE
    spec = InputSpec(
        draw(EDGES),
        draw(EDGES),
        crop=draw(st.sampled_from(Crop)),
        resampling=draw(st.sampled_from(Resampling)),
        scaling=scaling,
        encoding=encoding,
    )
    outputs = {role: draw(st.text()) for role in roles}
    return ServedModel(
        draw(st.text()),
        draw(st.none() | st.text()),
        draw(st.text()),
        spec,
        outputs.get("features"),
        outputs.get("probabilities"),
        outputs.get("logits"),
        outputs.get("focus"),
        outputs.get("second_focus"),
    )


@st.composite
def manifests(draw: st.DrawFn) -> Manifest:
    roles = ("features", "probabilities", "logits", "focus", "second_focus")
    single = st.tuples(served_models(*roles))
    two = st.tuples(served_models("features"), served_models("probabilities", "logits"))
    features = draw(st.integers(1, 4))
    vectors = st.tuples(*[NUMBERS] * features)
    conformal = st.builds(Conformal, st.floats(0.01, 0.99), NUMBERS)
    models = draw(single | two)
    low, high = sorted((draw(SHARES), draw(SHARES)))
    views = st.lists(st.sampled_from((View.CENTER, View.CLOSER)), max_size=2).map(
        lambda views: (*views, View.CLOSER)
    )
    optional = st.none() | SHARES
    second_look = st.builds(
        SecondLook,
        views,
        st.just(low),
        st.just(high),
        st.floats(0.1, 9.0),
        *[optional] * 2,
        st.just(2.0),
    )
    naming = st.builds(NamingPolicy, st.floats(0.01, 0.99), NUMBERS, SHARES, st.floats(0.01, 1.0))
    rules = Rules(
        threshold=high,
        maybe=draw(st.none() | st.just(low)),
        conformal=draw(st.none() | conformal),
        naming=draw(st.none() | naming),
        second_look=draw(st.none() | second_look) if len(models) == 1 else None,
        joint=draw(st.none() | st.builds(JointPolicy, st.floats(0, 20))),
        reasons=draw(st.none() | REASONS) if len(models) == 1 else None,
    )
    return Manifest(
        version=draw(NAMES),
        features=features,
        classes=draw(st.integers(1, 10_000)),
        models=models,
        gate_kind=draw(st.text()),
        rules=rules,
        scikit_learn=draw(st.text()),
        files={
            **draw(st.dictionaries(NAMES, SHA256)),
            **{name: draw(SHA256) for name in (GATE, SPECIES, NAMING, TAXONOMY)},
        },
        reference=tuple(
            draw(st.lists(st.builds(Reference, vectors, SHARES), min_size=1, max_size=3))
        ),
        metrics=draw(METRICS),
    )


def ruled(manifest: Manifest, **changes: object) -> Manifest:
    return replace(manifest, rules=replace(manifest.rules, **changes))  # type: ignore[arg-type]


@given(manifests())
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
        (
            lambda m: replace(
                ruled(m, conformal=Conformal(0.9, 0.0)), models=(replace(m.models[0], logits=None),)
            ),
            "logits",
        ),
        (lambda m: replace(m, models=(replace(m.models[0], focus=None),)), "focus"),
        (
            lambda m: replace(
                ruled(m, naming=None), models=(replace(m.models[0], classes=m.classes - 1),)
            ),
            "naming for the others",
        ),
        (lambda m: ruled(m, second_look=replace(LOOK, views=())), "views"),
        (lambda m: ruled(m, second_look=replace(LOOK, low=0.9)), "low <= high"),
        (lambda m: ruled(m, second_look=replace(LOOK, bird=1.1)), "bird"),
        (lambda m: ruled(m, second_look=replace(LOOK, caution=0.0)), "caution"),
        (lambda m: ruled(m, second_look=replace(LOOK, caution=1e300)), "caution"),
        (lambda m: replace(m, models=(replace(m.models[0], classes=0),)), "at least one"),
        (lambda m: replace(m, models=(replace(m.models[0], classes=10**6),)), "no more than"),
        (lambda m: ruled(m, second_look=replace(LOOK, views=LOOK.views[:1], nothing=0.3)), "last"),
        (lambda m: ruled(m, second_look=replace(LOOK, views=tuple(View))), "views"),
        (
            lambda m: replace(
                ruled(m, second_look=replace(LOOK, nothing=0.3)),
                models=(replace(m.models[0], second_focus=None),),
            ),
            "second focus",
        ),
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
