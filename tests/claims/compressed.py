"""Escapes of compressed SGD from an exact strict saddle, played round by round; all in lockstep.

``python tests/claims/compressed.py`` plays the study's settings and prints the table.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from typing import Any

import numpy as np

from netopt import config
from netopt.engine import lockstep
from netopt.keys import BROADCAST, Key, Purpose
from netopt.reproduce.compressed_sgd._escapes import (
    CURVATURE,
    LEFT,
    LR,
    NOISE,
    NOISY,
    SETTINGS,
    Setting,
    interval,
    slowdown,
)

CORES = 2


def common(k: int, dtype: str = "float32") -> dict[str, Any]:
    """RandomK on coordinates common to all agents, not scaled."""
    return {"id": "randk", "indices": "common", "unbiased": False, "k": k, "dtype": dtype}


def noise(t: int, d: int, r: float, seed: int = 1) -> np.ndarray:
    """The artificial noise of round t, which all agents draw."""
    generator = Key(seed, Purpose.NOISE, t, 0, BROADCAST).generator()
    return r / np.sqrt(d) * generator.standard_normal(d)


def rounds(setting: Setting, seed: int) -> float:
    """The round in which a run of a setting is half of the way down; inf if it never is."""
    outcome = lockstep(config.make(setting.run(seed)), None)
    reached = outcome.rows[-1]["loss"] <= LEFT
    return float(outcome.rows[-1]["round"]) if reached else float("inf")


def play(settings: Sequence[Setting], cores: int = CORES) -> dict[tuple[str, str], list[float]]:
    """Play all seeds of the settings in ``cores`` processes."""
    with ProcessPoolExecutor(cores) as pool:
        jobs = {
            (s.series, s.group): [pool.submit(rounds, s, seed) for seed in range(1, s.seeds + 1)]
            for s in settings
        }
        return {name: [job.result() for job in row] for name, row in jobs.items()}


def alone(d: int, seeds: int, rng: np.random.Generator) -> np.ndarray:
    """Rounds until the direction that leads down is half of the way down, without netopt.

    Uncompressed SGD on that one coordinate, x <- x - eta (c (x^3 - x) + xi); the others only add
    a loss of about eta r^2 / 4. Looked at every ten rounds, as a run is.
    """
    x, found = np.zeros(seeds), np.full(seeds, np.inf)
    for t in range(1, 4001):
        xi = NOISE / np.sqrt(d) * rng.standard_normal(seeds)
        x = x - LR * (CURVATURE * (x**3 - x) + xi)
        if t % 10 == 0:
            loss = CURVATURE / 4 * x**2 * (x**2 - 2) + LR * NOISE**2 / 4
            found = np.where(np.isinf(found) & (loss <= LEFT), t, found)
    return found


def table(results: dict[tuple[str, str], list[float]]) -> Iterator[str]:
    """Yield the table line by line."""
    base = np.median(results[NOISY[0].series, NOISY[0].group])
    yield "method, start: left of seeds, median [95 % interval], times SGD's, theory"
    for one in SETTINGS:
        found = results.get((one.series, one.group))
        if found is None:
            continue
        left = int(np.isfinite(found).sum())
        text = f"{one.series:24} {one.group:20} {left:2}/{len(found)}"
        if left == len(found):
            low, high = interval(found)
            ratio = np.median(found) / base
            theory = "" if one.mu is None else f"{slowdown(one.mu):.3f}"
            text += f"  {np.median(found):6g} [{low:g}, {high:g}]  {ratio:.3f}  {theory}"
        yield text


if __name__ == "__main__":
    began = time.perf_counter()
    print("\n".join(table(play(SETTINGS))))
    print(f"{time.perf_counter() - began:.0f} s in {CORES} processes")
