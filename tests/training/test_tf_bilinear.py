"""Pixels for models whose training resized photos with TensorFlow."""

import numpy as np
import pytest

from models.network.lazy_tf import tf
from parrot.model.served_model import Crop, InputSpec, Resampling
from parrot.photo import images
from tests.support.photos import encoded, noise


@pytest.mark.parametrize("size", [(500, 333), (100, 80), (224, 224), (17, 900)])
def test_tf_bilinear_equals_tensorflow_bit_for_bit(size: tuple[int, int]) -> None:
    """Models of the first version were trained on these very pixels."""
    image = noise(*size)
    spec = InputSpec(224, 224, crop=Crop.SQUASH, resampling=Resampling.TF_BILINEAR)
    ours = images.pixels(images.read(encoded(image, "PNG")), spec).pixels
    theirs = tf().image.resize(np.asarray(image), (224, 224)).numpy()
    np.testing.assert_array_equal(ours, theirs)
