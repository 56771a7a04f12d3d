"""Images know how pixels become rows: uint8 as they are stored, numbers in [0, 1] when used."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from netopt.data import Data, Recipe, thin

Pixels = npt.NDArray[np.uint8]


class Images(NamedTuple):
    """Images with a label each: ``pixels`` (m, channels, height, width) uint8, ``labels`` (m,).

    A pixel over ``white`` is in [0, 1]; 60 000 images of 28 x 28 take 47 MB as they are, and eight
    times that as float64.
    """

    pixels: Pixels
    labels: npt.NDArray[Any]
    white: int = 255


def table(images: Images, recipe: Recipe, seed: int) -> Data:
    """Return features (m, channels height width) float64 in [0, 1] and float64 labels.

    Only the rows that ``recipe`` leaves are converted.
    """
    kept = thin(len(images.labels), recipe.most, seed)
    pixels = images.pixels[kept]
    features = pixels.reshape(len(pixels), -1) / float(images.white)
    return Data(features, images.labels[kept].astype(np.float64))
