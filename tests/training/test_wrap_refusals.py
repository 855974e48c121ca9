"""A model that cannot be wrapped is refused with a reason, and nothing is written."""

from pathlib import Path
from typing import Any

import pytest

from models.network.lazy_tf import tf
from models.network.wrapper import wrap
from tests.support.saved_models import HEIGHT, SQUASHED, WIDTH, save, save_function


def assert_refused(source: Path, message: str) -> None:
    out = source.parent / "out"
    with pytest.raises(ValueError, match=message):
        wrap(source, out / "1", SQUASHED)
    assert not out.exists() or not list(out.iterdir())


def test_of_several_signatures_one_must_be_named_if_none_is_the_default(tmp_path: Path) -> None:
    """Nobody would notice the wrong one."""
    several = save(tmp_path / "model", (None, None, None, 3), names=["embed", "classify"])
    with pytest.raises(ValueError, match="name one of: classify, embed"):
        wrap(several, tmp_path / "1", SQUASHED)
    with pytest.raises(ValueError, match=r"no signature 'embd'"):
        wrap(several, tmp_path / "1", SQUASHED, signature="embd")
    assert wrap(several, tmp_path / "1", SQUASHED, signature="embed").outputs["features"] == (7,)


def test_a_model_that_loses_its_weights_in_the_copy_is_refused(tmp_path: Path) -> None:
    """TensorFlow 1's reference variables: better refused now than by the model server."""
    v1 = tf().compat.v1
    with tf().Graph().as_default(), v1.Session() as session:
        image = v1.placeholder(tf().float32, [None, HEIGHT, WIDTH, 3])
        weight = v1.get_variable("weight", [3], use_resource=False)
        session.run(v1.global_variables_initializer())
        v1.saved_model.simple_save(
            session, str(tmp_path / "model"), {"image": image}, {"seen": image * weight}
        )
    assert_refused(tmp_path / "model", r"does not run: .*uninitialized value")


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        ((None, 24, 16, 3), r"shape \(any, 24, 16, 3\), expected \(any, 16, 24, 3\)"),
        ((None, 3, 16, 24), r"shape \(any, 3, 16, 24\).*batch, height, width, channels"),
        ((1, 16, 24, 3), r"shape \(1, 16, 24, 3\)"),
        ((None, 16, 24), "one image input of rank 4"),
    ],
)
def test_a_model_of_another_shape_is_refused(
    shape: tuple[int | None, ...], message: str, tmp_path: Path
) -> None:
    """A picture on its side also gives answers, but bad ones."""
    save_function(tmp_path / "model", lambda image: {"seen": image}, shape)
    assert_refused(tmp_path / "model", message)


def test_a_model_of_two_inputs_is_refused(tmp_path: Path) -> None:
    """There is only one photo to pass in."""
    shape = (None, HEIGHT, WIDTH, 3)
    save_function(tmp_path / "model", lambda left, right: {"sum": left + right}, shape, shape)
    assert_refused(tmp_path / "model", "'left', 'right'")


def test_a_model_that_takes_bytes_of_pixels_already_is_refused(tmp_path: Path) -> None:
    """Scaled to 0..1 and cast to integers, every photo would be black."""
    folder = save(tmp_path / "model", (None, HEIGHT, WIDTH, 3), dtype=tf().uint8)
    assert_refused(folder, "uint8, not floats")


def test_something_else_than_a_model_is_refused(tmp_path: Path) -> None:
    """The message says what is accepted."""
    (tmp_path / "model.keras").write_text("no model")
    assert_refused(tmp_path / "model.keras", "cannot be loaded by Keras")
    assert_refused(tmp_path, "neither a SavedModel folder nor a Keras file")


def test_a_version_that_exists_is_not_overwritten(tmp_path: Path) -> None:
    """A served version that changes is two models under one name."""
    with pytest.raises(FileExistsError, match="must not change"):
        wrap(tmp_path, tmp_path, SQUASHED)


def test_a_model_that_is_random_at_inference_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    """Nothing could show that it is the same model."""

    def dice(image: Any) -> Any:
        return {"features": tf().random.uniform(tf().shape(image)[:1])}

    save_function(tmp_path / "model", dice, (None, HEIGHT, WIDTH, 3))
    assert_refused(tmp_path / "model", "'features' of the wrapped model differs")
