"""IDX files know images and labels as MNIST has them: four files in a folder, gzipped or plain.

A file is 0, 0, the type of its entries (8: uint8), the number of dimensions, each dimension as a
big-endian 32-bit number, and the entries.
"""

from __future__ import annotations

import gzip
import math
import struct
import zlib
from pathlib import Path

import numpy as np

from netopt.data._images import Images, Pixels
from netopt.errors import ConfigError


def read(folder: Path, test: bool, cure: str) -> Images:
    """Return the training or the ``test`` images of a folder, one channel each.

    ``cure`` ends the ConfigError for a missing file. Raises ConfigError too for a file that is cut
    short, too long, or not of the kind, and if there are more images than labels or fewer.
    """
    part = "t10k" if test else "train"
    pixels = _array(folder, f"{part}-images-idx3-ubyte", 3, cure)
    labels = _array(folder, f"{part}-labels-idx1-ubyte", 1, cure)
    if len(pixels) != len(labels):
        raise ConfigError(
            f"'{folder}' has {len(pixels)} {part} images but {len(labels)} labels; it is damaged"
        )
    return Images(pixels[:, np.newaxis], labels.astype(np.int64))


def _array(folder: Path, name: str, dimensions: int, cure: str) -> Pixels:
    file = next((f for f in (folder / name, folder / f"{name}.gz") if f.is_file()), None)
    if file is None:
        raise ConfigError(f"there is no file '{folder / name}' or '{name}.gz' beside it; {cure}")
    content = _content(file)
    head = 4 + 4 * dimensions
    if len(content) < head:
        raise ConfigError(f"'{file}' is cut short: {len(content)} bytes, at least {head} expected")
    magic, *shape = struct.unpack_from(f">{1 + dimensions}I", content)
    if magic != 0x800 + dimensions:
        raise ConfigError(
            f"'{file}' is not an IDX file of {dimensions} dimensions: it starts with {magic:#010x} "
            f"instead of {0x800 + dimensions:#010x}"
        )
    if len(content) != head + math.prod(shape):
        raise ConfigError(
            f"'{file}' has {len(content)} bytes, but its header promises "
            f"{head + math.prod(shape)}; fetch it again"
        )
    return np.frombuffer(content, np.uint8, offset=head).reshape(shape)


def _content(file: Path) -> bytes:
    try:
        content = file.read_bytes()
        return gzip.decompress(content) if file.suffix == ".gz" else content
    except (OSError, EOFError, zlib.error) as error:  # a damaged gzip file is an OSError
        raise ConfigError(f"'{file}' cannot be read: {error}") from error
