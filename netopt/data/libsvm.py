"""Reads a file in LIBSVM format: a row a line, ``label index:value index:value ...``.

Indices start at 1 and ascend; what is not named is 0; blank lines and what follows a ``#`` do not
count. A good file is checked and converted as a whole; only a bad one is read line by line, to say
where it is bad. Source: C.-C. Chang and C.-J. Lin, *LIBSVM*, ACM TIST 2011.
"""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from netopt.data import Data, Recipe
from netopt.errors import ConfigError

SPARSE_BELOW = 0.25
"""Share of non-zeros below which the features are a CSR matrix; above, dense is faster."""

_LARGEST_INDEX = 2**31 - 1
_INDEX = re.compile(r"[0-9]+")


def load(argument: str, seed: int, recipe: Recipe) -> Data:
    """Return the rows of the file ``argument``, nothing scaled, labels as they stand in the file.

    Features have shape (rows, largest index), sparse if less than a quarter is stored. Raises
    ConfigError that names file, line and token for anything that is not the format.
    """
    text = _read(Path(argument).expanduser())
    table = _table(text)
    if table is None:
        raise ConfigError(_complaint(argument, text))
    return table


def _read(file: Path) -> bytes:
    try:
        text = file.read_bytes()
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise ConfigError(f"cannot read the LIBSVM file '{file}': {reason}") from error
    if b"#" in text:
        text = re.sub(rb"#[^\n]*", b"", text)
    if not text.strip():
        raise ConfigError(f"the LIBSVM file '{file}' has no rows")
    return text


def _table(text: bytes) -> Data | None:
    """Return the data, or None if ``text`` breaks any rule of the format."""
    pairs = _pairs_per_row(text)
    if pairs is None:
        return None
    numbers = _numbers(text)
    if b"_" in text or len(numbers) != len(pairs) + 2 * pairs.sum():
        return None
    first = np.cumsum(1 + 2 * pairs) - (1 + 2 * pairs)
    mask = np.ones(len(numbers), dtype=bool)
    mask[first] = False
    index, values = numbers[mask][0::2], numbers[mask][1::2]
    if not (np.isfinite(numbers).all() and _indices_are_good(index, pairs)):
        return None
    return Data(_matrix(index.astype(np.int64) - 1, values, pairs), numbers[first])


def _pairs_per_row(text: bytes) -> npt.NDArray[np.int64] | None:
    """Return how many ``index:value`` each row has, or None if a row is not a label and pairs.

    A row's first token must hold no colon and every other token exactly one, after digits.
    """
    code = np.frombuffer(b"\n" + text, dtype=np.uint8)
    blank = (code == 32) | ((code >= 9) & (code <= 13))
    starts = np.flatnonzero(blank[:-1] & ~blank[1:]) + 1
    line = np.searchsorted(np.flatnonzero(code == 10), starts)
    is_first = np.diff(line, prepend=-1) > 0
    colons, others = np.flatnonzero(code == 58), np.flatnonzero(~is_first)
    if not np.array_equal(np.searchsorted(starts, colons, side="right") - 1, others):
        return None
    digits = np.cumsum((code >= 48) & (code <= 57))
    if not np.array_equal(digits[colons] - digits[starts[others] - 1], colons - starts[others]):
        return None
    return np.diff(np.flatnonzero(is_first), append=len(starts)) - 1


def _numbers(text: bytes) -> npt.NDArray[np.float64]:
    # float and not np.fromstring, which reads '2-3' as two numbers; but float takes '1_0'.
    try:
        return np.array([float(token) for token in text.replace(b":", b" ").split()])
    except ValueError:
        return np.empty(0)


def _indices_are_good(index: npt.NDArray[np.float64], pairs: npt.NDArray[np.int64]) -> bool:
    if not index.size:
        return True
    rises = np.diff(index) > 0
    ends = np.cumsum(pairs)[:-1]
    rises[ends[(ends > 0) & (ends < len(index))] - 1] = True  # a new row starts afresh
    return bool(rises.all() and index.min() >= 1 and index.max() <= _LARGEST_INDEX)


def _matrix(columns: npt.NDArray[np.int64], values: Any, pairs: npt.NDArray[np.int64]) -> Any:
    shape = (len(pairs), int(columns.max()) + 1 if columns.size else 0)
    if columns.size < SPARSE_BELOW * shape[0] * shape[1]:
        from scipy.sparse import csr_array

        width = np.int32 if columns.size <= _LARGEST_INDEX else np.int64  # half the memory to read
        bounds = np.concatenate([[0], np.cumsum(pairs)]).astype(width)
        return csr_array((values, columns.astype(width), bounds), shape=shape)
    dense = np.zeros(shape)
    dense[np.repeat(np.arange(len(pairs)), pairs), columns] = values
    return dense


def _complaint(file: str, text: bytes) -> str:
    """Return what is wrong with the first bad token, and where."""
    for number, line in enumerate(text.split(b"\n"), start=1):
        before = 0
        for place, raw in enumerate(line.split()):
            token = raw.decode("latin-1")
            if place == 0:
                wrong = "" if _is_number(raw) else "expected a finite label"
            else:
                wrong, before = _pair_fault(token, before)
            if wrong:
                return f"line {number} of the LIBSVM file '{file}': {wrong}, got '{token}'"
    return f"'{file}' is not a LIBSVM file"


def _pair_fault(token: str, before: int) -> tuple[str, int]:
    """Return what is wrong with ``index:value`` after index ``before`` (or ''), and the index."""
    index, colon, value = token.partition(":")
    if not (colon and _INDEX.fullmatch(index)):
        return "expected index:value", before
    if not before < int(index) <= _LARGEST_INDEX:
        return f"expected an index from {before + 1} to {_LARGEST_INDEX}", before
    return ("" if _is_number(value.encode("latin-1")) else "expected a finite value"), int(index)


def _is_number(token: bytes) -> bool:
    try:
        return math.isfinite(float(token)) and b"_" not in token
    except ValueError:
        return False
