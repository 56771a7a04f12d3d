"""Draws a film whose background is known: a still picture in slowly changing light, and passers-by.

Drawn, not filmed, so that it needs no download and the truth behind the passers-by is there to
compare with.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from netopt.problems import Vector

_WAVES = 4
_PASSERS = 3


class Film(NamedTuple):
    """Frames as rows, shape (frames, height * width * 3), channels last; and what is behind them.

    ``background`` is None where nobody knows it. Brightness is from 0 to 1, but for the noise.
    """

    frames: Vector
    background: Vector | None


def film(rng: np.random.Generator, frames: int, pixels: tuple[int, int], noise: float) -> Film:
    """Return a drawn film of ``frames`` pictures of ``pixels`` (height, width) in three colours.

    The background has rank two: one picture that gets brighter and darker, and a shade that comes
    and goes across it. Three squares, a fifth as wide as the shorter side, move over it and return
    at the other side. Noise is normal with standard deviation ``noise``.
    """
    background = _background(rng, frames, pixels)
    seen = background.copy()
    for _ in range(_PASSERS):
        seen[_passer(rng, frames, pixels)] = rng.random(3)
    seen += noise * rng.standard_normal(seen.shape)
    return Film(seen.reshape(frames, -1), background.reshape(frames, -1))


def _background(rng: np.random.Generator, frames: int, pixels: tuple[int, int]) -> Vector:
    """Return frames of the empty scene, shape (frames, height, width, 3), within [0, 1]."""
    y, x = (np.linspace(0, 1, n) for n in pixels)
    picture = np.zeros((*pixels, 3))
    for _ in range(_WAVES):
        across, down, phase = rng.uniform(-3, 3, 3)
        wave = np.cos(2 * np.pi * (down * y[:, np.newaxis] + across * x) + phase)
        picture += wave[:, :, np.newaxis] * rng.random(3)
    picture = 0.5 + 0.25 * picture / np.abs(picture).max()
    time = np.linspace(0, 2 * np.pi, frames)[:, np.newaxis, np.newaxis, np.newaxis]
    light = 1 + 0.15 * np.sin(time + rng.uniform(0, 2 * np.pi))
    shade = 0.1 * np.cos(time + rng.uniform(0, 2 * np.pi)) * x[:, np.newaxis]
    return np.asarray(light * picture + shade)


def _passer(rng: np.random.Generator, frames: int, pixels: tuple[int, int]) -> Vector:
    """Return where a square is, shape (frames, height, width) bool: it moves on at each frame."""
    side = max(1, min(pixels) // 5)
    time = np.arange(frames)
    covered = []
    for n in pixels:
        speed = rng.choice([-1, 1]) * rng.uniform(1, 1 + n / 8)
        corner = np.floor(rng.uniform(0, n) + speed * time).astype(np.int64)
        covered.append((np.arange(n) - corner[:, np.newaxis]) % n < side)
    return np.asarray(covered[0][:, :, np.newaxis] & covered[1][:, np.newaxis, :])
