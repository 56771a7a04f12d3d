"""What the numpy transcriptions of decentralized methods share: codecs called as on the wire."""

from __future__ import annotations

import numpy as np

from netopt.keys import Key, Purpose

SEED = 1
SHUFFLED = {"id": "quadratic", "curvature": "shuffled"}
"""Agents disagree about the minimum and about the curvature, so that no error cancels."""


def sent(codec, x, k):
    """Return what each agent's row of x becomes in round k: decode(encode(x_i)), shape (N, d)."""
    keys = [Key(SEED, Purpose.ROUNDING, k, 0, i) for i in range(len(x))]
    pairs = zip(x, keys, strict=True)
    return np.stack([codec.decode(codec.encode(v, key), len(v), key) for v, key in pairs])


def gradients(problem, x):
    """Return each agent's gradient at its row of x, shape (N, d)."""
    return np.stack([problem.grad(i, v, None) for i, v in enumerate(x)])


def shrunk(codec, d):
    """Return the factor that makes an unbiased codec a contraction: 1/(1 + omega), 1 for others."""
    omega = codec.omega(d)
    return 1.0 if omega is None else 1 / (1 + omega)


def rows(states, name):
    """Return a field of all agents' states as rows."""
    return np.stack([getattr(state, name) for state in states])
