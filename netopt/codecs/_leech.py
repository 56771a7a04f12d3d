"""Leech's lattice: its basis, and the nearest of its points to many vectors at once.

Scaled by sqrt(8), its points are the integer vectors x_i = m + 2 w_i + 4 z_i with a parity m, a
word w of Golay's code and integers z whose sum has the parity m. Packing radius sqrt(8), covering
radius 4. A vector of 24 is 6 columns of 4, as in Curtis's MOG: w is of Golay's code if all columns
and the top row have the same parity o, and if the columns' sums over GF(4), where the rows weigh
0, 1, omega, omega^2, are a word h of the hexacode. Source: Conway and Sloane, Sphere Packings,
Lattices and Groups, chapters 4.11 and 11.

The search over m, o and h is exact. A column's cost is found for each of its 16 patterns; what
the two parity conditions (of the top row, of the sum of z) leave open is minimised over, column by
column, as sums in the group Z2 x Z2. The state 2 t + p is that of a top bit t and of a sum p.
"""

from __future__ import annotations

from functools import cache
from typing import Any, NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Places = npt.NDArray[np.intp]
T = TypeVar("T", bound=np.generic)

DIMENSION = 24
UNIT = 2.0**22
"""Vectors are first rounded to multiples of 1 / UNIT. Squared distances are then exact, so the
nearest point is the same on every machine, whatever the order in which a sum is taken."""
CHUNK = 32
"""Vectors worked on at a time, so that their tables stay in the cache."""
RESIDUES = np.array([[0.0, 2.0], [1.0, 3.0]])[:, :, None]
"""m + 2 w by m and w."""
PRODUCTS = ((0, 0, 0, 0), (0, 1, 2, 3), (0, 2, 3, 1), (0, 3, 1, 2))
"""Multiplication in GF(4), where 2 and 3 are omega and its square; addition is exclusive or."""
HEXACODE = np.array([[1, 0, 0, 1, 3, 2], [0, 1, 0, 1, 2, 3], [0, 0, 1, 1, 1, 1]])
XOR = np.arange(4)[:, None] ^ np.arange(4)


class Tables(NamedTuple):
    """Golay's code by hexacode, and where a step of the search finds the values that it adds.

    ``words`` are the 32 words of each o and h, shape (2, 64, 32, 24), bool. The others are places:
    ``rows`` of the four residues that are a pattern, in (m, w, column, row), shape (4, 2, 2, 2, 6,
    4) for row, t, m, o, column and s; ``left`` and ``right`` of the columns of a pair, in (state,
    m, o, column, s), shape (4, 2, 2, 3, 4, 4) for state, m, o, pair and both s; ``pairs`` of the
    three pairs of a hexaword, in (state, m, o, pair, 16), shape (3, 4, 2, 2, 64). The third pair's
    states are relative to (o, m), which the states of all columns add up to.
    """

    words: npt.NDArray[np.bool_]
    rows: Places
    left: Places
    right: Places
    pairs: Places


@cache
def tables() -> Tables:
    """Return the tables of the search; made once."""
    a, b, c = (digit.reshape(-1, 1) for digit in np.indices((4, 4, 4)))
    products = np.array(PRODUCTS)
    h = products[a, HEXACODE[0]] ^ products[b, HEXACODE[1]] ^ products[c, HEXACODE[2]]
    bits = np.indices((2, 2, 2, 2)).reshape(4, 16)
    patterns = np.empty((2, 4, 2, 4), np.intp)  # by o, s and t: the pattern's four bits
    patterns[bits.sum(axis=0) % 2, bits[1] ^ 2 * bits[2] ^ 3 * bits[3], bits[0]] = bits.T
    tops = np.indices((2,) * 6).reshape(6, 64).T
    words = np.empty((2, 64, 32, DIMENSION), bool)
    for o in (0, 1):
        some = tops[tops.sum(axis=1) % 2 == o]
        words[o] = patterns[o, h[:, None, :], some].reshape(64, 32, DIMENSION)
    row, t, m, o, column, s = np.indices((4, 2, 2, 2, 6, 4))
    rows = _place((2, 2, 6, 4), m, patterns[o, s, t, row], column, row)
    state, m, o, pair, one, other = np.indices((4, 2, 2, 3, 4, 4))
    left = _place((4, 2, 2, 6, 4), state, m, o, 2 * pair, one)
    right = _place((4, 2, 2, 6, 4), state, m, o, 2 * pair + 1, other)
    pair, state, m, o, word = np.indices((3, 4, 2, 2, 64))
    state ^= np.where(pair == 2, 2 * o + m, 0)
    both = 4 * h[word, 2 * pair] + h[word, 2 * pair + 1]
    return Tables(words, rows, left, right, _place((4, 2, 2, 3, 16), state, m, o, pair, both))


def _place(shape: tuple[int, ...], *at: Places) -> Places:
    """Return the places in a flattened array of this shape."""
    return np.asarray(np.ravel_multi_index(at, shape))


def basis() -> Floats:
    """Return a basis, one vector a row, shape (24, 24), integers; its determinant is +-2^36.

    One odd vector, eleven words of Golay's code with a single 1 among twelve places that determine
    a word, and the even vectors on the other twelve places.
    """
    words = tables().words.reshape(-1, DIMENSION)
    known: list[int] = []
    for place in range(DIMENSION):
        longer = [*known, place]
        if len(np.unique(words[:, longer] @ 2 ** np.arange(len(longer)))) == 2 ** len(longer):
            known = longer
    others = [place for place in range(DIMENSION) if place not in known]
    unit, last = np.eye(DIMENSION), others[-1]
    rows = [np.ones(DIMENSION) - 4 * unit[last]]
    for place in known[:-1]:
        (single,) = words[(words[:, known] == (np.array(known) == place)).all(axis=1)]
        rows.append(2.0 * single)
    rows += [4 * (unit[place] - unit[last]) for place in others[:-1]]
    return np.array([*rows, 8 * unit[last]])


def nearest(y: Floats) -> Floats:
    """Return the point of Leech's lattice nearest to each row of y, shape (m, 24), |y_ij| < 2^29.

    Of points that are equally near, always the same.
    """
    out = np.empty(y.shape)
    for start in range(0, len(y), CHUNK):
        found = classes(np.rint(y[start : start + CHUNK] * UNIT) / UNIT)
        best = hexaword_costs(found).reshape(len(found.cost), -1).argmin(axis=1)
        out[start : start + CHUNK] = _best_word(found, *np.unravel_index(best, (2, 2, 64)))
    return out


class Classes(NamedTuple):
    """For each vector, coordinate and residue modulo 4: the nearest integer with that residue.

    All have the axes vector, m, w and coordinate, shape (count, 2, 2, 24). ``integer`` is that
    integer, ``cost`` its squared distance, ``odd`` the parity of z, ``more`` what the next one with
    the same residue costs more, and ``step`` the way there, 4 or -4.
    """

    integer: Floats
    cost: Floats
    odd: npt.NDArray[np.bool_]
    more: Floats
    step: Floats


def classes(y: Floats) -> Classes:
    """Return the nearest integers by residue for the rows of y, shape (count, 24)."""
    shifted = y[:, None, None, :] - RESIDUES
    z = np.rint(0.25 * shifted)
    off = shifted - 4 * z
    odd = z != 2 * np.floor(0.5 * z)
    return Classes(4 * z + RESIDUES, off * off, odd, 16 - 8 * np.abs(off), np.copysign(4.0, off))


def hexaword_costs(found: Classes) -> Floats:
    """Return the least squared distance for each m, o and hexaword, shape (count, 2, 2, 64)."""
    columns = _column_costs(found)
    pairs = _joined(_at(columns, tables().left), _at(columns, tables().right))
    three = _at(pairs, tables().pairs)
    total = _joined(three[:, 0], three[:, 1])
    total += three[:, 2]
    return np.asarray(total.min(axis=1))


def _column_costs(found: Classes) -> Floats:
    """Return each column's cost, shape (count, 4, 2, 2, 6, 4) for state, m, o, column and s."""
    places = tables().rows
    cost, least = _at(found.cost, places).sum(axis=1), _at(found.more, places).min(axis=1)
    odd = np.logical_xor.reduce(_at(found.odd, places), axis=1)
    both = np.stack([cost + odd * least, cost + ~odd * least], axis=2)
    return both.reshape(len(cost), 4, 2, 2, 6, 4)


def _at(values: npt.NDArray[T], places: Places) -> npt.NDArray[T]:
    """Return each vector's values at these places, shape (count, *places.shape)."""
    return np.take(values.reshape(len(values), -1), places, axis=1)


def _joined(left: Floats, right: Floats) -> Floats:
    """Return the least sum of two costs by the sum of their states, which are axis 1."""
    best = left[:, :1] + right
    for state in (1, 2, 3):
        np.minimum(best, left[:, state : state + 1] + right[:, XOR[state]], out=best)
    return best


def _best_word(found: Classes, m: Any, o: Any, hexaword: Any) -> Floats:
    """Return the nearest point for each vector, its m, o and hexaword being known."""
    rows = np.arange(len(m))
    integer, cost, odd, more, step = (part[rows, m] for part in found)
    words = tables().words[o, hexaword]
    wrong = _chosen(words, odd).sum(axis=-1) % 2 != m[:, None]
    total = _chosen(words, cost).sum(axis=-1) + wrong * _chosen(words, more).min(axis=-1)
    best = total.argmin(axis=1)
    word = words[rows, best][:, None]
    point, again, steps = (_chosen(word, part)[:, 0] for part in (integer, more, step))
    place = again.argmin(axis=1)
    point[rows, place] += wrong[rows, best] * steps[rows, place]
    return point


def _chosen(words: npt.NDArray[np.bool_], part: Floats) -> Floats:
    """Return the values of the words' bits, ``part`` by w and coordinate: shape of ``words``."""
    return np.where(words, part[:, 1, None], part[:, 0, None])
