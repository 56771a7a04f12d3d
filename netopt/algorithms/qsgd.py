"""QSGD: workers send stochastic gradients that are quantized without bias, and nothing else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from netopt.agent import Agent, Channel, Message
from netopt.algorithms._star import Node, mean
from netopt.algorithms._stochastic import Decay, Descent, decayed
from netopt.codecs import Codec
from netopt.problems import Problem
from netopt.topologies import Topology


class Qsgd(Descent):
    """QSGD: x <- x - eta_k (1/n) sum_i Q(g_i), Q unbiased, g_i a stochastic gradient of f_i at x.

    eta_k = lr / (1 + decay k). No error is fed back: as Q is unbiased, its variance, omega times
    the gradient's square, is averaged out by n workers and small steps. The paper has no hub, all
    workers send to all; here the hub sends x down, raw unless told otherwise. The default is 4
    levels on each side of zero, relative to the Euclidean norm: 4 bits a coordinate.
    """

    id = "qsgd"
    reference = (
        "Alistarh, Grubic, Li, Tomioka and Vojnovic, QSGD: communication-efficient SGD via "
        "gradient quantization and encoding, NIPS 2017, algorithm 1"
    )
    channels = (Channel("up", {"id": "qsgd", "levels": 4, "floor": 1e-30}), Channel("down"))
    decay: Decay = 0.0

    def review(
        self, topology: Topology, problem: Problem, codecs: Sequence[Codec]
    ) -> Sequence[str]:
        """Warn of a codec that has a bias, which nothing here takes out."""
        if codecs[0].omega(problem.d) is not None:
            return ()
        return [
            f"qsgd needs an unbiased codec, and {codecs[0].id} has no variance bound omega with "
            "these options; use an unbiased one such as qsgd with floor: 1e-30, or ef-sgd"
        ]

    def serve(self, s: Node, me: Agent, messages: Mapping[int, Message]) -> None:
        """Step against the mean of the quantized gradients."""
        step = mean(me, messages, s.work)
        s.x -= np.multiply(step, decayed(self.lr, self.decay, me.round), out=step)
