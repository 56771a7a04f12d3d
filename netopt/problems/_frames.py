"""Reads a folder of pictures as the frames of a film."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from netopt.errors import ConfigError
from netopt.problems import Vector

ENDINGS = (".png", ".jpg", ".jpeg", ".ppm")


def read(name: str, most: int) -> Vector:
    """Return the first ``most`` pictures of a folder, sorted by name, as rows, brightness 0 to 1.

    Shape (frames, height * width * 3) float64, channels last; grey pictures have three equal
    channels. Raises ConfigError that names the folder or file if there is no picture, one cannot be
    read, or its size is not that of the first.
    """
    folder = Path(name).expanduser()
    if not folder.is_dir():
        raise ConfigError(f"'{name}' is not a folder of pictures")
    files = sorted(file for file in folder.iterdir() if file.suffix.lower() in ENDINGS)
    if not files:
        raise ConfigError(f"the folder '{name}' has no picture ({', '.join(ENDINGS)})")
    pictures = [_picture(file) for file in files[:most]]
    for file, picture in zip(files, pictures, strict=False):
        if picture.shape != pictures[0].shape:
            raise ConfigError(
                f"'{file}' has {_size(picture)} pixels and '{files[0]}' has {_size(pictures[0])}; "
                "all pictures of a film are of one size"
            )
    return np.stack([picture.ravel() for picture in pictures])


def _picture(file: Path) -> Vector:
    from PIL import Image  # late: only films need it

    try:
        with Image.open(file) as picture:
            return np.asarray(picture.convert("RGB"), dtype=np.float64) / 255
    except (OSError, SyntaxError, ValueError) as error:  # PIL's own errors are all of these
        raise ConfigError(f"cannot read the picture '{file}': {error}") from error


def _size(picture: Vector) -> str:
    return f"{picture.shape[1]} x {picture.shape[0]}"
