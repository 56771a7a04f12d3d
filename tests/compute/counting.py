"""An oracle for operations: arrays that count what numpy does with them, entry by entry."""

from __future__ import annotations

import numpy as np

FREE = {"conjugate", "invert", "logical_and", "bitwise_and"}
COMPARISONS = 3
"""What finding the k-th largest of n takes an entry, on average."""


class Counting(np.ndarray):
    """An array whose operations, and those of what comes out of it, are counted in ``total``."""

    total = 0.0

    def __array_ufunc__(self, ufunc, method, *inputs, out=None, **options):
        plain = [_plain(value) for value in inputs]
        if out is not None:
            options["out"] = tuple(_plain(value) for value in out)
        result = getattr(ufunc, method)(*plain, **options)
        if ufunc is np.matmul:
            Counting.total += 2.0 * np.asarray(result).size * plain[0].shape[-1]
        elif method == "reduce":
            Counting.total += np.asarray(plain[0]).size
        elif ufunc.__name__ not in FREE:
            Counting.total += np.asarray(result).size
        if out is not None:
            return out[0]
        return counting(result) if isinstance(result, np.ndarray) else result

    def __array_function__(self, function, types, arguments, options):
        plain = _plain(arguments)
        into = options.get("out")
        if isinstance(into, np.ndarray):
            options = {**options, "out": into.view(np.ndarray)}
        if function is np.sum:  # it would reduce a ufunc of its own
            Counting.total += plain[0].size
        result = function(*plain, **options)
        if function is np.tensordot:
            shared = np.sqrt(plain[0].size * plain[1].size / result.size)
            Counting.total += 2.0 * result.size * shared
        elif function is np.dot:
            Counting.total += 2.0 * plain[0].size
        elif function is np.partition:
            Counting.total += float(COMPARISONS * plain[0].size)
        if into is not None:
            return into
        return counting(result) if isinstance(result, np.ndarray) else result


def counting(array):
    """Return a view of an array that counts."""
    return np.asarray(array).view(Counting)


def _plain(value):
    if isinstance(value, Counting):
        return value.view(np.ndarray)
    if isinstance(value, tuple | list):
        return type(value)(map(_plain, value))
    return value


def operations(problem, rank, x, key=None):
    """Return the operations of one gradient."""
    before, asarray = Counting.total, np.asarray
    np.asarray = np.asanyarray  # which lets an array go on counting
    try:
        problem.grad(rank, counting(x), key)
    finally:
        np.asarray = asarray
    return Counting.total - before
