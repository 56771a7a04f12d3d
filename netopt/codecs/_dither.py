"""The common part of random dithering: scale, round to whole levels, send the non-zero ones.

A coordinate is measured in a step of its own, y_j = |x_j| / (norm h_j), and rounded at random to
one of the two whole levels around it; decoding gives norm h_j l_j with the sign of x_j. What the
steps are is said by the codec. A level costs the bits of its size, and zeros cost only the gap that
they leave, so a payload is the norm and a stream of triples (gap, sign, level) in an Elias code.
"""

from __future__ import annotations

import math
import struct
from typing import TYPE_CHECKING, Annotated, Literal, NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt
from msgspec import Meta

from netopt.codecs import Bytes, Codec, Segment, Tuning, Vector
from netopt.core import packing
from netopt.core.codes import HIGHEST, elias_bits
from netopt.core.dithered import LARGEST, NORMS, STREAMS, TINY, inverse_of, scale_of
from netopt.errors import ConfigError, FrameError, RangeError
from netopt.keys import Key

T = TypeVar("T", bound=Codec)
CODES = {"omega": 0, "gamma": 1}
_FLOAT = struct.Struct("<f")

Coding = Annotated[Literal["omega", "gamma"], Meta(description="Elias code of gaps and levels")]
Norm = Annotated[
    Literal["linf", "l2"],
    Meta(
        description="the norm that is the scale; the papers' constants are for l2, bounds for both"
    ),
]


class Plan(NamedTuple):
    """What is kept for vectors of n coordinates; ``levels`` is overwritten by every call.

    ``steps`` and ``inverse`` are h and 1 / h, shape (n,) or (1,); ``largest`` is the largest level
    that can occur, ``most`` the bits of the largest payload, ``head`` the bytes of its scales.
    ``kernel`` does all of it in one call where there is one norm; it leaves errors to the others.
    """

    n: int
    steps: Vector
    inverse: Vector
    levels: npt.NDArray[np.int32]
    largest: int
    most: int
    head: int
    kernel: packing.Dither | None


class DitherCodec(Codec):
    """Base of a codec that dithers: give ``spacing``.

    The norm is rounded up to float32 before it is used, so both ends have the same grid and
    |x_j| <= norm still holds. A norm below 2^-126, the smallest normal float32, is raised to it:
    the vector is then rounded on that coarser grid, still without bias, and only there is the error
    not bounded by omega ||x||^2. A place between two levels is a multiple of 2^-32, which moves the
    mean by less than 2^-32 of a level.
    """

    unbiased = True
    if TYPE_CHECKING:  # declared as options by the subclasses
        norm: str = "linf"
        coding: str = "omega"
        stream: str = "fast"

    def spacing(self, n: int) -> Vector:
        """Return the step of every coordinate, shape (n,) float64, or of all of them, (1,)."""
        raise TypeError(f"codec {self.id} does not say what its steps are")

    def inverse(self, n: int) -> Vector:
        """Return 1 / h, of the shape of ``spacing``; a codec that knows it exactly gives it."""
        return 1.0 / self.spacing(n)

    def scales(self, n: int) -> int:
        """Return how many norms the payload of n coordinates starts with."""
        return 1

    def layout(self, n: int) -> tuple[Segment, ...]:
        """Return the norms, which are what has a fixed place; the triples follow them."""
        return (Segment("norm", self.scales(n), 32, "float32"),)

    def nbits(self, n: int) -> int | None:
        """Return None: what the triples take depends on the vector."""
        return None

    def max_nbits(self, n: int) -> int:
        """Return the bits of a payload in which every coordinate has its largest level."""
        return self._plan(n).most

    def encode_into(self, x: Vector, key: Key, out: Bytes) -> int:
        """Write norms and triples; RangeError if a norm has no float32 or x is not finite."""
        plan = self._plan(len(x))
        if plan.kernel is not None:
            bits = plan.kernel.encode(x, out, key)
            if bits >= 0:
                return bits
        scaled, factor = self._measure(x, plan, out)
        try:
            packing.dither(scaled, plan.inverse, factor, key, self.stream, plan.levels)
        except ValueError as error:
            raise RangeError(f"{self.id}: {error}") from None
        return 8 * plan.head + packing.levels_put(plan.levels, CODES[self.coding], out, plan.head)

    def decode_into(self, payload: Bytes, key: Key, out: Vector) -> None:
        """Read norms and triples; FrameError for bytes that ``encode_into`` never writes."""
        self.accumulate(payload, key, 1.0, out, True)

    def accumulate(
        self, payload: Bytes, key: Key, weight: float, out: Vector, first: bool = False
    ) -> None:
        """Add ``weight`` times the values to ``out`` in one pass; errors as ``decode_into``."""
        plan = self._plan(len(out))
        if plan.kernel is not None and plan.kernel.decode(payload, out, weight, not first):
            return
        if len(payload) < plan.head:
            raise FrameError(
                f"{self.id}: at least {plan.head} bytes are needed, got {len(payload)}"
            )
        steps, scale = self._receive(payload, plan)
        try:
            packing.levels_get(payload, plan.head, CODES[self.coding], plan.largest, plan.levels)
        except ValueError as error:
            raise FrameError(f"{self.id}: {error}") from None
        packing.undither(plan.levels, steps, scale, weight, out, not first)

    def omega(self, n: int) -> float | None:
        """Return min(||h||^2, ||h||): the paper's, for the norm l2; linf is never above it."""
        size = spread(self.spacing(n), n)
        return min(size * size, size)

    def cal_l(self, diagonal: Vector, top: float) -> float | None:
        """Return ||Diag(L) h||: the errors of coordinates are independent, of mean zero and
        variance at most |x_j| h_j ||x||; then by Cauchy and Schwarz.
        """
        return float(np.linalg.norm(diagonal * self.spacing(len(diagonal))))

    # ---- details ----

    def _measure(self, x: Vector, plan: Plan, out: Bytes) -> tuple[Vector, float]:
        """Write the norm; return what times the factor is x / norm, in no coordinate above 1."""
        scale = self._scale(packing.norm(x, self.norm))
        _FLOAT.pack_into(out.data, 0, scale)
        return x, inverse_of(scale)

    def _receive(self, payload: Bytes, plan: Plan) -> tuple[Vector, float]:
        """Return steps and norm; FrameError for a norm that is none."""
        (scale,) = _FLOAT.unpack_from(payload.data, 0)
        if not TINY <= scale <= LARGEST:
            raise self._no_scale(scale)
        return plan.steps, scale

    def _scale(self, value: float, block: int | None = None) -> float:
        """Return the least normal float32 that is not below a norm; RangeError if there is none."""
        if not value <= LARGEST:
            raise RangeError(
                f"{self._place(block)}a vector of norm {value:g} has no float32 scale "
                "(the largest is 3.40282e+38)"
            )
        return scale_of(value)

    def _no_scale(self, scale: float, block: int | None = None) -> FrameError:
        reason = f"{scale:.9g} is not a scale (finite, at least {TINY:g})"
        return FrameError(self._place(block) + reason)

    def _place(self, block: int | None) -> str:
        return f"{self.id}: " if block is None else f"{self.id}: block {block}: "

    def _plan(self, n: int) -> Plan:
        plan: Plan | None = self.__dict__.get("_kept_plan")
        if plan is None or plan.n != n:
            plan = self.__dict__["_kept_plan"] = self._planned(n)
        return plan

    def _planned(self, n: int) -> Plan:
        steps, inverse, head = self.spacing(n), self.inverse(n), 4 * self.scales(n)
        tops = np.ceil(inverse).astype(np.int64)
        # A triple of gap g and level l takes e(g) + 1 + e(l) bits, e not falling; without the gap
        # it and the g - 1 zeros could be g triples of gap 1, of 2 + e(.) >= 3 bits each. Since
        # e(g) <= 2 g - 1, that is never less: the largest payload has all coordinates at the top.
        each = 2 + elias_bits(tops, CODES.get(self.coding, 0))
        most = 8 * head + int(each.sum()) * (n if len(steps) == 1 else 1)
        largest = int(tops.max(initial=1))
        kernel = None
        if head == _FLOAT.size and self.coding in CODES:
            norm, stream = NORMS.index(self.norm), STREAMS.index(self.stream)
            code = CODES[self.coding]
            kernel = packing.Dither(n, inverse, steps, norm, stream, code, largest)
        return Plan(n, steps, inverse, np.zeros(n, np.int32), largest, most, head, kernel)


def spread(steps: Vector, n: int) -> float:
    """Return ||h|| of n coordinates, ``steps`` being of shape (n,) or (1,)."""
    return float(np.linalg.norm(steps)) * (math.sqrt(n) if len(steps) == 1 else 1.0)


def standard_levels(codec: Codec, workers: int, d: int) -> int:
    """Return s = floor(sqrt(d) / n); ConfigError if it is 0."""
    check_workers(codec, workers, d)
    return math.isqrt(d // workers**2)


def check_workers(codec: Codec, workers: int, d: int) -> None:
    """Raise ConfigError if n > sqrt(d): the budget of d / n non-zeros is then too small."""
    if workers**2 > d:
        raise ConfigError(
            f"{codec.id}: n = {workers} workers are more than sqrt(d) = {math.sqrt(d):.3g} of "
            f"d = {d} coordinates, which leaves no level to send; use at most {math.isqrt(d)} "
            "workers, or the codec dithering with its option levels"
        )


def diagonal_of(codec: Codec, tuning: Tuning) -> Vector:
    """Return the smoothness diagonal, checked; ConfigError if it is missing or not positive."""
    found = tuning.diagonal
    if found is None:
        raise ConfigError(
            f"{codec.id}: steps: smooth needs a method that preconditions with its smoothness "
            "matrix (dcgd-plus, diana-plus); use steps: uniform with others"
        )
    wrong = ~((found > 0) & np.isfinite(found))
    if wrong.any():
        j = int(np.argmax(wrong))
        raise ConfigError(
            f"{codec.id}: coordinate {j} has the smoothness {found[j]:g}, and no step fits it; it "
            "has to be positive: add a regulariser, or drop the feature if it is constant"
        )
    return found


def strong(codec: Codec, tuning: Tuning) -> float:
    """Return mu; ConfigError if it is not positive."""
    if tuning.mu is None or not tuning.mu > 0:
        raise ConfigError(
            f"{codec.id}: steps: smooth for DIANA+ needs a strongly convex problem, got "
            f"mu = {tuning.mu}; add a regulariser, or use steps: uniform"
        )
    return tuning.mu


def as_sent(codec: Codec, steps: Vector) -> Vector:
    """Return steps rounded to float32, in which they travel; ConfigError beyond its range."""
    with np.errstate(over="ignore", under="ignore"):
        found = steps.astype(np.float32).astype(np.float64)
    wrong = ~sound(found)
    if wrong.any():
        j = int(np.argmax(wrong))
        raise ConfigError(
            f"{codec.id}: step {j} would be {steps[j]:g}, outside [2^-30, 3.4e38]; the problem's "
            "smoothness differs too much between coordinates: scale its features"
        )
    return found


def received(codec: Codec, steps: Vector | None, count: int) -> Vector:
    """Return steps that came from another agent; FrameError unless they are ``count`` of them."""
    if steps is None or len(steps) != count:
        got = "none" if steps is None else len(steps)
        raise FrameError(f"{codec.id}: {count} steps expected, got {got}")
    wrong = ~sound(steps)
    if wrong.any():
        j = int(np.argmax(wrong))
        raise FrameError(f"{codec.id}: step {j} is {steps[j]:g}, expected [2^-30, 3.4e38]")
    return np.array(steps, np.float64)


def check_budget(codec: Codec, spent: float, budget: float) -> None:
    """Raise FrameError if steps spend more than their budget, by more than float32's rounding."""
    if not spent <= budget * (1 + 1e-5):
        raise FrameError(
            f"{codec.id}: the steps' budget is {budget:g} non-zeros, and they spend {spent:g}"
        )


def sound(steps: Vector) -> npt.NDArray[np.bool_]:
    """Return which steps are finite and large enough for all levels to have a code."""
    return (steps >= 1 / HIGHEST) & (steps <= LARGEST)


def bound(codec: T, **values: object) -> T:
    """Return a new codec with the same options that keeps ``values`` beside them, privately."""
    made = type(codec)(**{name: getattr(codec, name) for name in codec.__struct_fields__})
    made.__dict__.update({f"_bound_{name}": value for name, value in values.items()})
    return made
