"""What problems with a PyTorch module share: images to agents, one flat vector of parameters.

PyTorch is imported where a problem is prepared, and nowhere before.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt
from msgspec import Meta, field

from netopt.data import Data, images, thin
from netopt.data.splits import hold_out, split
from netopt.errors import ConfigError
from netopt.keys import Key, Purpose
from netopt.problems import Problem, Vector
from netopt.problems._rows import Split, option

CHUNK = 250
"""How many images go through a module at a time: its activations are what takes memory."""
HELD_OUT = 0.2
"""The share that is held out of data without a test part of their own."""
Numbers = npt.NDArray[np.int64]


class Pictures(NamedTuple):
    """Images (m, channels, height, width) uint8 up to ``white``, with classes (m,) from 0."""

    pixels: npt.NDArray[np.uint8]
    classes: Numbers
    white: int

    def of(self, rows: Numbers) -> Pictures:
        """Return the images of these rows, in a copy."""
        return Pictures(self.pixels[rows], self.classes[rows], self.white)


Source = Annotated[
    str,
    Meta(description="images: digits, mnist, fashion-mnist, mnist:FOLDER, cifar10:FOLDER"),
]
Count = Annotated[
    Annotated[int, Meta(ge=2, le=2**31)] | None,
    Meta(description="images used, drawn by the seed; null: all"),
]
Batch = Annotated[
    Annotated[int, Meta(ge=1)] | None,
    Meta(description="images a gradient draws of the agent's, different ones; null: all"),
]
Looked = Annotated[
    Annotated[int, Meta(ge=1)] | None,
    Meta(description="images that a recorded row looks at, of each part; null: all"),
]


class ImageProblem(Problem):
    """Base of problems with a module over images: give ``outputs``, ``cost`` and ``metrics``.

    x is the module's trainable parameters one after the other, in their own order. They are views
    of one flat tensor of ``dtype``, as their gradients are of another: a gradient casts x into the
    first and the second into what it returns, and nothing else of that size is copied. The start
    is the module's own, drawn by the seed, times ``scale``.

    A gradient with a key is that of the batch, or of all the agent's images. Without a key, as in
    the rows of a record, in losses and in Hessian-vector products, it is that of the images that
    ``evaluate`` leaves of the agent's, drawn once; the default takes all of small data.
    """

    data: Source = "digits"
    model: Annotated[
        str,
        Meta(
            description="classifier: logistic, mlp or cnn; autoencoder: linear, mlp or cnn; or "
            "your own, package.module:Class"
        ),
    ] = "mlp"
    model_options: Annotated[
        dict[str, Any],
        Meta(
            description="mlp: hidden, activation; cnn: channels, hidden (autoencoder: channels, "
            "code, activation); linear: code; your own: what its class takes"
        ),
    ] = field(default_factory=dict)
    scale: Annotated[float, Meta(ge=0, description="factor of the initial parameters")] = 1.0
    split: Split = "iid"
    rows: Count = None
    batch: Batch = None
    test_fraction: Annotated[
        Annotated[float, Meta(ge=0, lt=1)] | None,
        Meta(description="share held out; null: the data's own test part, or a fifth"),
    ] = None
    evaluate: Looked = 5000
    dtype: Annotated[
        Literal["float32", "float64"], Meta(description="number format of the module")
    ] = "float32"
    if TYPE_CHECKING:  # set by prepare; not options
        _train: Any = None
        _test: Any = None
        _shares: Any = None
        _looked: Any = None
        _flat: Any = None
        _begin: Any = None

    def outputs(self, shape: tuple[int, ...], classes: int) -> int:
        """Return how many numbers the module has to give for an image of ``shape``."""
        raise TypeError(f"problem {self.id} does not say what its module gives")

    def cost(self, given: Any, inputs: Any, classes: Any) -> Any:
        """Return the loss of what the module gave for a batch, summed over its images."""
        raise TypeError(f"problem {self.id} does not say what it minimises")

    def prepare(self, agents: int, seed: int) -> None:
        """Load the images, deal them to ``agents`` agents, make the module and start it.

        Raises ConfigError if PyTorch, the data or the module are missing, or do not fit.
        """
        from netopt.problems import _torch_flat

        torch = _torch_flat.library(self.id)
        self._load(seed)
        self._deal(agents, seed)
        shape, classes = self._train.pixels.shape[1:], int(self._train.classes.max()) + 1
        module = _torch_flat.module(self, shape, self.outputs(shape, classes), seed)
        self._flat = _torch_flat.Flat(torch, module, self.dtype)
        self._begin = self.scale * self._flat.values.astype(np.float64)
        self.d, self.agents = self._flat.d, agents

    def _load(self, seed: int) -> None:
        """Load the images to train on and to test with."""
        with option("data"):
            whole, test = images(self.data), images(self.data, test=True)
        assert whole is not None, "there are always training images"
        _, classes = np.unique(whole.labels, return_inverse=True)
        train = Pictures(whole.pixels, classes, whole.white)
        if self.rows is not None:
            train = train.of(thin(len(classes), self.rows, seed))
        if test is not None and self.test_fraction is None:
            _, classes = np.unique(test.labels, return_inverse=True)
            held = Pictures(test.pixels, classes, test.white)
        else:
            share = HELD_OUT if self.test_fraction is None else self.test_fraction
            kept, out = hold_out(len(train.classes), share, seed)
            held, train = train.of(out), train.of(kept)
        self._train, self._test = train, held.of(thin(len(held.classes), self.evaluate, seed))

    def _deal(self, agents: int, seed: int) -> None:
        """Give every agent its images, and choose those that are looked at."""
        rows: Any = None
        if self.split == "sorted-by-norm":
            rows = self._train.pixels.reshape(len(self._train.pixels), -1).astype(np.float32)
        with option("split"):
            self._shares = split(self.split, Data(rows, self._train.classes), agents, seed)
        fewest = min(map(len, self._shares))
        if self.batch is not None and self.batch > fewest:
            raise ConfigError(
                f"a batch of {self.batch} images is more than the {fewest} that an agent has",
                "$.problem.batch",
            )
        most = None if self.evaluate is None else max(1, self.evaluate // agents)
        self._looked = [share[thin(len(share), most, seed)] for share in self._shares]

    def tensors(self) -> tuple[int, ...]:
        """Return the sizes of the module's parameters, weights and biases each, in order."""
        return tuple(self._flat.sizes)

    def start(self) -> Vector:
        """Return the module's own start times ``scale``, shape (d,), the same on every rank."""
        return np.array(self._begin)

    def agent_loss(self, rank: int, x: Vector) -> float:
        """Return f_i(x), the mean over the images of agent ``rank`` that ``evaluate`` leaves."""
        return self._mean_cost(x, self._train, self._looked[rank])

    def grad(self, rank: int, x: Vector, key: Key | None) -> Vector:
        """Return the gradient of f_i at x, shape (d,): the batch's, all's, or, without key, as
        the loss has it.
        """
        rows = self._looked[rank] if key is None else self._drawn(rank, key)
        out = np.empty(self.d)
        self._flat.gradient(x, self._costs(self._train, rows), out)
        return out

    def flops(self, rank: int) -> float:
        """Return the operations of a gradient: those of an image, forward and back, for all of it.

        They are those of matrix products and convolutions as PyTorch counts them, and at least four
        a parameter: each weighs its input, and gathers its slope, by a product and a sum.
        """
        counted = self._flat.flops(self._costs(self._train, self._shares[rank][:1]))
        images = self.batch or len(self._shares[rank])
        return float(images * max(counted, 4.0 * self.d))

    def hessian_vector(self, x: Vector, v: Vector) -> Vector:
        """Return the Hessian of F at x times v, shape (d,), of the images that the loss has."""
        total, out = np.zeros(self.d), np.empty(self.d)
        for rows in self._looked:
            self._flat.hessian_vector(x, v, self._costs(self._train, rows), out)
            total += out
        total /= self.agents
        return total

    def products(self) -> str:
        """Return 'autograd': by a second derivative of the module, in its number format."""
        return "autograd"

    def _drawn(self, rank: int, key: Key) -> Numbers:
        """Return the numbers of the images that a gradient is of."""
        rows: Numbers = self._shares[rank]
        if self.batch is None:
            return rows
        rng = key._replace(purpose=Purpose.BATCH, sender=rank).generator()
        return rows[rng.choice(len(rows), self.batch, replace=False)]

    def _costs(self, pictures: Pictures, rows: Numbers) -> Iterator[Any]:
        """Yield the cost of chunks of images at the module's parameters; they add up to a mean."""
        for at in range(0, len(rows), CHUNK):
            inputs, classes = self._flat.inputs(pictures, rows[at : at + CHUNK])
            yield self.cost(self._flat.module(inputs), inputs, classes) / len(rows)

    def _mean_cost(self, x: Vector, pictures: Pictures, rows: Numbers) -> float:
        with self._flat.at(x):
            return sum(float(cost) for cost in self._costs(pictures, rows))
