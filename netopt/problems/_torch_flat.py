"""A PyTorch module as a function of one numpy vector: parameters and gradients are views of two."""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from netopt.errors import ConfigError
from netopt.keys import Key, Purpose
from netopt.problems import Vector

if TYPE_CHECKING:
    from netopt.problems._torch import ImageProblem, Numbers, Pictures


def library(problem: str) -> Any:
    """Return PyTorch, with one thread; ConfigError with the cure if it is not installed."""
    try:
        import torch
    except ImportError as error:
        raise ConfigError(
            f"problem '{problem}' needs PyTorch, which cannot be imported ({error}); "
            "pip install 'netopt[torch]'",
            "$.problem",
        ) from error
    torch.set_num_threads(1)
    return torch


class Flat:
    """A module whose trainable parameters are views of one flat tensor, of ``d`` numbers.

    ``values`` is that tensor's memory as a numpy array; ``sizes`` are those of the parameters.
    """

    def __init__(self, torch: Any, module: Any, dtype: str) -> None:
        self._torch, self.module = torch, module.to(getattr(torch, dtype))
        self._dtype = getattr(torch, dtype)
        self._parameters = [p for p in module.parameters() if p.requires_grad]
        self.sizes = [p.numel() for p in self._parameters]
        self.d = sum(self.sizes)
        values, slopes = (torch.zeros(self.d, dtype=self._dtype) for _ in range(2))
        for p, value, slope in zip(
            self._parameters, values.split(self.sizes), slopes.split(self.sizes), strict=True
        ):
            value.view_as(p).copy_(p.data)
            p.data, p.grad = value.view_as(p), slope.view_as(p)
        self.values, self._slopes = values.numpy(), slopes.numpy()

    def inputs(self, pictures: Pictures, rows: Numbers) -> tuple[Any, Any]:
        """Return the images of these rows as numbers in [0, 1], and their classes, as tensors."""
        pixels = self._torch.from_numpy(pictures.pixels[rows]).to(self._dtype)
        return pixels.div_(pictures.white), self._torch.from_numpy(pictures.classes[rows])

    @contextmanager
    def at(self, x: Vector) -> Iterator[None]:
        """Let the module stand at x, without gradients."""
        self._move(x)
        with self._torch.no_grad():
            yield

    def gradient(self, x: Vector, costs: Iterable[Any], out: Vector) -> None:
        """Write the gradient at x of a sum of ``costs``, made after the module moved there."""
        self._move(x)
        self._slopes.fill(0)
        for cost in costs:
            cost.backward()
        np.copyto(out, self._slopes)

    def flops(self, costs: Iterable[Any]) -> float:
        """Return the operations of the gradient of a sum of ``costs``, of products with matrices.

        PyTorch counts those and convolutions, forward and back, and nothing elementwise.
        """
        from torch.utils.flop_counter import FlopCounterMode  # late: few runs count

        with FlopCounterMode(display=False) as counter:
            for cost in costs:
                self._torch.autograd.grad(cost, self._parameters, allow_unused=True)
        return float(counter.get_total_flops())

    def hessian_vector(self, x: Vector, v: Vector, costs: Iterable[Any], out: Vector) -> None:
        """Write the Hessian at x of a sum of ``costs``, times v: a gradient of slope times v."""
        self._move(x)
        out.fill(0)
        given = self._torch.from_numpy(v.astype(self.values.dtype)).split(self.sizes)
        directions = [part.view_as(p) for part, p in zip(given, self._parameters, strict=True)]
        pieces = self._torch.from_numpy(out).split(self.sizes)
        for cost in costs:
            slopes = self._torch.autograd.grad(cost, self._parameters, create_graph=True)
            slope = sum((s * v).sum() for s, v in zip(slopes, directions, strict=True))
            bends = self._torch.autograd.grad(slope, self._parameters, materialize_grads=True)
            for piece, bend in zip(pieces, bends, strict=True):
                piece += bend.reshape(-1)

    def _move(self, x: Vector) -> None:
        self._torch.set_num_threads(1)  # others may have given it more since
        np.copyto(self.values, x, casting="same_kind")


def module(problem: ImageProblem, shape: tuple[int, ...], outputs: int, seed: int) -> Any:
    """Return the problem's module for images of ``shape``, started by ``seed`` alone.

    Raises ConfigError if it cannot be made, or gives another number of ``outputs``.
    """
    import torch

    low, high = Key(seed, Purpose.START).words(2).tolist()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(high << 32 | low)
        made = _made(problem, shape, outputs)
    _check(made, problem)
    with torch.no_grad():
        try:
            given = made(torch.zeros(2, *shape))
        except Exception as error:
            raise ConfigError(
                f"'{problem.model}' takes no images of shape {shape}: {error}".split("\n")[0],
                "$.problem.model",
            ) from error
    if given.numel() != 2 * outputs or len(given) != 2:
        raise ConfigError(
            f"'{problem.model}' gives the shape {tuple(given.shape)} for two images of shape "
            f"{shape}; {problem.id} needs {outputs} numbers for each",
            "$.problem.model",
        )
    return made


def _made(problem: ImageProblem, shape: tuple[int, ...], outputs: int) -> Any:
    name, colon, member = problem.model.partition(":")
    if not colon:
        from netopt.problems import _torch_models

        return _torch_models.build(problem, shape, outputs)
    try:
        kind = getattr(importlib.import_module(name), member)
    except (ImportError, AttributeError, ValueError) as error:
        raise ConfigError(
            f"no module '{problem.model}': {error}; name a class as package.module:Class, where "
            "Python finds it (PYTHONPATH)",
            "$.problem.model",
        ) from error
    try:
        return kind(**problem.model_options)
    except Exception as error:
        raise ConfigError(
            f"'{problem.model}' cannot be made: {type(error).__name__}: {error}".split("\n")[0],
            "$.problem.model_options",
        ) from error


def _check(made: Any, problem: ImageProblem) -> None:
    """Raise ConfigError for what is no module, and for layers that keep or draw what x lacks."""
    from torch import nn

    if not isinstance(made, nn.Module):
        raise ConfigError(f"'{problem.model}' is not a torch.nn.Module", "$.problem.model")
    if not any(p.requires_grad for p in made.parameters()):
        raise ConfigError(f"'{problem.model}' has no parameters to train", "$.problem.model")
    for layer in made.modules():
        kind = type(layer).__name__
        if "Dropout" in kind:
            why = "draws from a generator of its own, so that a run would not repeat; leave it out"
        elif "BatchNorm" in kind or any(
            "running" in name for name, _ in layer.named_buffers(recurse=False)
        ):
            why = "keeps statistics that no agent sends; use GroupNorm or LayerNorm"
        else:
            continue
        raise ConfigError(f"'{problem.model}' has a {kind}, which {why}", "$.problem.model")
