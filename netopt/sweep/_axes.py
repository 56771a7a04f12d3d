"""Axes know what is varied: ``--set`` words with several values, as lists or ranges.

``a,b,c`` is a list (commas within brackets, braces and quotes do not count), ``a..b`` whole numbers
with both ends, ``a..b..step`` every step-th of them; a list may hold ranges. A word with one value
is an ordinary override.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from netopt import yamlfile
from netopt.errors import ConfigError

_RANGE = re.compile(r"(-?\d{1,18})\.\.(-?\d{1,18})(?:\.\.(-?\d{1,18}))?")
_OPEN, _CLOSED = "[{(", "]})"


class Axis(NamedTuple):
    """One word of ``--set``: its dotted ``place``, and each value as text or as a range of them."""

    place: str
    pieces: Sequence[str | range]
    varied: bool

    @property
    def size(self) -> int:
        """Return the number of values; nothing is expanded for it."""
        return sum(1 if isinstance(piece, str) else _length(piece) for piece in self.pieces)

    def texts(self) -> Iterator[str]:
        """Yield every value as it would stand in an ordinary ``--set``."""
        for piece in self.pieces:
            yield from [piece] if isinstance(piece, str) else map(str, piece)

    @property
    def word(self) -> str:
        """Return the values as the user may write them again.

        >>> parse(["seed=0..49,99"])[0].word
        '0..49,99'
        """
        return ",".join(
            piece if isinstance(piece, str) else _written(piece) for piece in self.pieces
        )


def parse(words: Sequence[str]) -> list[Axis]:
    """Return one axis for each ``a.b=VALUES``, in order.

    Raises ConfigError for a word without '=', an empty value, an empty or malformed range, text
    that is no YAML, and a place that is varied and set once more.

    >>> [list(axis.texts()) for axis in parse(["seed=0..6..3", "codecs.up={a: [1, 2]},raw"])]
    [['0', '3', '6'], ['{a: [1, 2]}', 'raw']]
    """
    axes = [_axis(word) for word in words]
    for i, axis in enumerate(axes):
        if axis.varied and any(other.place == axis.place for j, other in enumerate(axes) if j != i):
            raise ConfigError(
                f"--set {axis.place}: it is varied, and set a second time; put all values into one "
                f"list, such as --set {axis.place}=a,b"
            )
    return axes


def labels(places: Sequence[str]) -> list[str]:
    """Return a short name for each place: its end, as long as tells it from the others.

    >>> labels(["seed", "codecs.mix.levels", "algorithm.id"])
    ['seed', 'levels', 'algorithm']
    """
    parts = [place.removesuffix(".id").split(".") for place in places]

    def shortest(own: list[str], place: str) -> str:
        for n in range(1, len(own) + 1):
            if sum(part[-n:] == own[-n:] for part in parts) == 1:
                return ".".join(own[-n:])
        return place

    return list(map(shortest, parts, places))


def _axis(word: str) -> Axis:
    place, separator, text = word.partition("=")
    if not separator or not all(place.split(".")):
        raise ConfigError(f"--set takes a.b=c, got '{word}'")
    texts = [piece.strip() for piece in split(text)]
    if len(texts) > 1 and not all(texts):
        raise ConfigError(f"--set {word}: a value between commas is missing; quote a text with one")
    pieces = [_piece(piece, word) for piece in texts]
    varied = len(pieces) > 1 or isinstance(pieces[0], range)
    return Axis(place, pieces, varied)


def split(text: str) -> list[str]:
    """Return the text's parts between commas, but those within brackets, braces and quotes.

    >>> split("{id: qsgd, levels: 2},raw,'a,b'")
    ['{id: qsgd, levels: 2}', 'raw', "'a,b'"]
    """
    parts, depth, quote, fresh = [""], 0, "", True
    for letter in text:
        if letter == "," and depth <= 0 and not quote:
            parts.append("")
            fresh = True
            continue
        parts[-1] += letter
        if quote:
            quote = "" if letter == quote else quote
        elif letter in "'\"" and fresh:  # elsewhere it is an apostrophe
            quote = letter
        else:
            depth += (letter in _OPEN) - (letter in _CLOSED)
        fresh = letter in " ,:" + _OPEN and (fresh or letter != " ")
    return parts


def _piece(text: str, word: str) -> str | range:
    if ".." in text and not re.search(r"[/\\'\"\[{(:]", text):
        return _range(text, word)
    yamlfile.parse(text, f"--set {word}")
    return text


def _range(text: str, word: str) -> range:
    match = _RANGE.fullmatch(text)
    if match is None:
        raise ConfigError(
            f"--set {word}: '{text}' is no range; give whole numbers a..b or a..b..step, such as "
            "0..49, or a list"
        )
    first, last = int(match[1]), int(match[2])
    step = 1 if match[3] is None else int(match[3])
    if step == 0:
        raise ConfigError(f"--set {word}: the range '{text}' goes in steps of 0; give another step")
    found = range(first, last + (1 if step > 0 else -1), step)
    if not found:
        cure = f"{last}..{first}" if step == 1 else f"{first}..{last}..{-step}"
        raise ConfigError(f"--set {word}: the range '{text}' is empty; did you mean {cure}?")
    return found


def _length(numbers: range) -> int:
    """Return the length also of a range that is too long for ``len``."""
    return (numbers[-1] - numbers.start) // numbers.step + 1


def _written(numbers: range) -> str:
    step = "" if numbers.step == 1 else f"..{numbers.step}"
    return f"{numbers.start}..{numbers[-1]}{step}"
