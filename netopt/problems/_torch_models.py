"""The built-in modules of the image problems, each with its options.

PyTorch is imported where one is built: whoever lists components imports this file, too.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Annotated, Any, Literal

import msgspec
from msgspec import Meta

from netopt.errors import ConfigError
from netopt.registry import fill, suggest

if TYPE_CHECKING:
    from netopt.problems._torch import ImageProblem

Shape = tuple[int, ...]
Size = Annotated[int, Meta(ge=1, le=2**20)]
Activation = Literal["tanh", "relu", "softplus", "none"]
_LAYERS = {"tanh": "Tanh", "relu": "ReLU", "softplus": "Softplus", "none": "Identity"}


class Model(msgspec.Struct, kw_only=True):
    """Base of the options of a built-in module: give ``build``."""

    def build(self, shape: Shape, outputs: int) -> Any:
        """Return the module for images of ``shape`` (channels, height, width)."""
        raise TypeError("a model says how it is built")


class Logistic(Model):
    """One affine map to the classes."""

    def build(self, shape: Shape, outputs: int) -> Any:
        """Return flatten and linear."""
        from torch import nn

        return nn.Sequential(nn.Flatten(), nn.Linear(_count(shape), outputs))


class Mlp(Model):
    """Fully connected layers of ``hidden`` units; tanh, as theory asks for smooth losses."""

    hidden: list[Size] = msgspec.field(default_factory=[64].copy)
    activation: Activation = "tanh"

    def build(self, shape: Shape, outputs: int) -> Any:
        """Return linear layers with the activation between them."""
        from torch import nn

        sizes = [_count(shape), *self.hidden, outputs]
        return nn.Sequential(nn.Flatten(), *_dense(sizes, self.activation))


class Cnn(Model):
    """Convolutions of 5 x 5 with padding 1, ReLU and max-pooling 2 each, and two dense layers.

    The default on CIFAR-10 is the network of Bo and Wang, PNAS 2024, of 302 566 parameters.
    """

    channels: list[Size] = msgspec.field(default_factory=[32, 64, 128].copy)
    hidden: Size = 84

    def build(self, shape: Shape, outputs: int) -> Any:
        """Return the layers; ConfigError if nothing is left of the image before the last."""
        from torch import nn

        high, wide = shape[1:]
        layers: list[Any] = []
        for before, after in pairwise([shape[0], *self.channels]):
            layers += [nn.Conv2d(before, after, 5, padding=1), nn.ReLU(), nn.MaxPool2d(2)]
            high, wide = (high - 2) // 2, (wide - 2) // 2
        if min(high, wide) < 1:
            raise ConfigError(
                f"nothing is left of an image of {shape[1]} x {shape[2]} pixels after "
                f"{len(self.channels)} convolutions and poolings; give model_options.channels "
                "fewer entries",
                "$.problem.model",
            )
        features = (self.channels or [shape[0]])[-1] * high * wide
        dense = [nn.Linear(features, self.hidden), nn.ReLU(), nn.Linear(self.hidden, outputs)]
        return nn.Sequential(*layers, nn.Flatten(), *dense)


class Linear(Model):
    """A code of ``code`` numbers, linear both ways: its best is the first principal components."""

    code: Size = 16

    def build(self, shape: Shape, outputs: int) -> Any:
        """Return the two linear maps."""
        from torch import nn

        n = _count(shape)
        return nn.Sequential(nn.Flatten(), nn.Linear(n, self.code), nn.Linear(self.code, n))


class MlpCoder(Model):
    """Fully connected layers of ``hidden`` units to the code, the last of them, and back."""

    hidden: list[Size] = msgspec.field(default_factory=[64, 16].copy)
    activation: Activation = "tanh"

    def build(self, shape: Shape, outputs: int) -> Any:
        """Return linear layers with the activation between them."""
        from torch import nn

        down = [_count(shape), *self.hidden]
        return nn.Sequential(nn.Flatten(), *_dense([*down, *down[-2::-1]], self.activation))


class CnnCoder(Model):
    """A deep convolutional autoencoder: strided 3 x 3 convolutions, a dense code, and all back."""

    channels: list[Size] = msgspec.field(default_factory=[8, 16].copy)
    code: Size = 16
    activation: Activation = "tanh"

    def build(self, shape: Shape, outputs: int) -> Any:
        """Return the layers; every convolution halves the image, rounding up."""
        from torch import nn

        act, sides = getattr(nn, _LAYERS[self.activation]), [tuple(shape[1:])]
        planes = [shape[0], *self.channels]
        for _ in self.channels:
            sides.append(tuple((side + 1) // 2 for side in sides[-1]))
        layers: list[Any] = []
        for before, after in pairwise(planes):
            layers += [nn.Conv2d(before, after, 3, stride=2, padding=1), act()]
        inside = (planes[-1], *sides[-1])
        layers += [nn.Flatten(), nn.Linear(_count(inside), self.code), act()]
        layers += [nn.Linear(self.code, _count(inside)), act(), nn.Unflatten(1, inside)]
        for i in range(len(self.channels), 0, -1):
            odd = tuple(1 - side % 2 for side in sides[i - 1])
            layers.append(_grow(planes[i], planes[i - 1], odd))
            layers += [act()] if i > 1 else []
        return nn.Sequential(*layers)


CLASSIFIERS: dict[str, type[Model]] = {"logistic": Logistic, "mlp": Mlp, "cnn": Cnn}
CODERS: dict[str, type[Model]] = {"linear": Linear, "mlp": MlpCoder, "cnn": CnnCoder}


def build(problem: ImageProblem, shape: Shape, outputs: int) -> Any:
    """Return the built-in module that ``problem`` names; ConfigError if there is none."""
    known = CODERS if problem.id == "autoencoder" else CLASSIFIERS
    if problem.model not in known:
        choice = f"; choose from {', '.join(known)}, or name one as package.module:Class"
        hint = suggest(problem.model, known) or choice
        raise ConfigError(f"no module is called '{problem.model}'{hint}", "$.problem.model")
    options: Any = problem.model_options
    made = fill(known[problem.model], options, "$.problem.model_options", problem.model)
    return made.build(shape, outputs)


def _count(shape: Shape) -> int:
    count = 1
    for size in shape:
        count *= size
    return count


def _dense(sizes: list[int], activation: str) -> list[Any]:
    from torch import nn

    layers: list[Any] = []
    for before, after in pairwise(sizes):
        layers += [nn.Linear(before, after), getattr(nn, _LAYERS[activation])()]
    return layers[:-1]


def _grow(before: int, after: int, odd: Shape) -> Any:
    """Return the transposed convolution that doubles an image, less one pixel if it was odd."""
    from torch import nn

    return nn.ConvTranspose2d(before, after, 3, stride=2, padding=1, output_padding=odd)
