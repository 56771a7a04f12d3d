"""DCD-PSGD: agents know their neighbours' models exactly, since those move by what was sent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import numpy as np
from msgspec import Meta

from netopt.agent import Agent, Channel, Vector
from netopt.algorithms import Algorithm, Round, State
from netopt.algorithms._estimates import deviation
from netopt.codecs import Codec
from netopt.problems import Problem
from netopt.topologies import Topology

FINE = {"id": "qsgd", "levels": 127, "norm": "linf", "block": 64, "floor": 1e-30}
"""8 bits a coordinate and a scale for each 64: omega is at most 64 / (4 127^2) = 0.00099."""


@dataclass(slots=True)
class Replicas(State):
    """``mixed`` is sum_j w_ij x_j of the replicas x_j, ``work`` an array to work in, shape (d,)."""

    mixed: Vector
    work: Vector


class DcdPsgd(Algorithm):
    """DCD-PSGD: x_i += C(z_i), where z_i = sum_j w_ij x_j - lr grad f_i(x_i) - x_i.

    Neighbours add the same C(z_j) to replicas of x_j, which are therefore exact; of them an agent
    keeps only the weighted sum, moved by sum_j w_ij C(z_j). Nothing corrects what C loses of z_i:
    in theory (a symmetric W, C unbiased) sqrt(omega) has to be below delta / (2 ||I - W||), delta
    the spectral gap, which is 0.005 for omega on ring-8. The default codec has 0.001; it takes 8.5
    bits a coordinate. lr = 0.03 as for DGD, which this is if nothing is compressed.
    """

    id = "dcd-psgd"
    reference = (
        "Tang, Gan, Zhang, Zhang and Liu, Communication compression for decentralized training, "
        "NeurIPS 2018, algorithm 1 (DCD-PSGD)"
    )
    channels = (Channel("mix", FINE),)
    lr: Annotated[float, Meta(gt=0, description="gamma, step size")] = 0.03

    def review(
        self, topology: Topology, problem: Problem, codecs: Sequence[Codec]
    ) -> Sequence[str]:
        """Warn of a codec that theory does not cover on this graph."""
        codec, omega = codecs[0], codecs[0].omega(problem.d)
        most = (topology.spectral_gap / (2 * deviation(topology))) ** 2
        if omega is not None and omega < most:
            return ()
        wrong = "has none" if omega is None else f"has up to {omega:.3g}"
        return (
            f"{self.id} needs an unbiased codec with an omega below {most:.2g} on "
            f"'{topology.name}', and {codec.id} {wrong} with these options: the error may grow",
        )

    def start(self, me: Agent) -> Replicas:
        """Return x_0, from which all replicas start."""
        x = me.problem.start()
        return Replicas(x.copy(), x * me.weights.sum(), np.empty_like(x))

    def round(self, s: Replicas, me: Agent) -> Round:
        """Send C(z_i), add it to x_i, and what came to the replicas."""
        half = np.multiply(me.grad(s.x), self.lr, out=s.work)
        np.subtract(s.mixed, half, out=half)
        z = np.subtract(half, s.x, out=half)
        message = me.encode("mix", z)
        me.add(message, 1.0, s.x)
        inbox = yield me.share(message)
        s.mixed += me.mix(message, inbox, s.work)
