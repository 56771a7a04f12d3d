"""The step sizes at which plain methods stop converging, as their docstrings give them."""

from __future__ import annotations

import numpy as np
import pytest

KAPPA = 10.0  # the smoothness L of every agent's quadratic
GRAPHS = ["ring-5", "ring-8", "hypercube-3", "star-8", "path-5"]


def limit_of_dgd(least):
    """W - lr A has eigenvalues above -1 for lr L < 1 + lambda_min(W)."""
    return (1 + least) / KAPPA


def limit_of_tracking(least):
    """Jury's criterion for each eigenvalue w of a symmetric W, with a = lr L.

    x+ = w x - lr y, y+ = w y + L (x+ - x) has trace 2 w - a and determinant w^2 - a, so that
    1 + trace + determinant = (1 + w)^2 - 2 a; the other two conditions always hold.
    """
    return (1 + least) ** 2 / 2 / KAPPA


LIMITS = {"dgd": limit_of_dgd, "gradient-tracking": limit_of_tracking}


def growth(make, watch, name, topology, factor):
    """How much longer a step is after 300 rounds than after 150, at ``factor`` times the limit."""
    least = np.linalg.eigvalsh(make(topology=topology).topology.weights)[0]
    algorithm = {"id": name, "lr": float(factor * LIMITS[name](least))}
    network, _ = watch(make(topology=topology, algorithm=algorithm))
    steps = {}
    for k in range(300):
        before = network.estimates()
        network.play(k)
        steps[k + 1] = np.linalg.norm(network.estimates() - before)
    return steps[300] / steps[150]


@pytest.mark.parametrize("topology", GRAPHS)
@pytest.mark.parametrize("name", LIMITS)
def test_steps_grow_above_the_limit_and_shrink_below_it(make, watch, name, topology):
    assert growth(make, watch, name, topology, 0.9) < 0.9
    assert growth(make, watch, name, topology, 1.1) > 2
