"""EF21: error feedback for biased compressors, such as top-k."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from netopt.agent import Agent, Channel, Message, Vector
from netopt.algorithms._smooth import Quantized
from netopt.algorithms._star import HUB, Node, smoothest, smoothness
from netopt.codecs import Codec
from netopt.errors import ConfigError
from netopt.problems import Problem


@dataclass(slots=True)
class Tracking(Node):
    """``g`` is a worker's g_i, ``mean`` the hub's g = (1/n) sum_i g_i, shape (d,)."""

    g: Vector
    mean: Vector


class Ef21(Quantized):
    """EF21: c_i = C(grad f_i(x) - g_i), g_i += c_i, g += (1/n) sum_i c_i, x <- x - gamma g.

    For a contraction, E||C(v) - v||^2 <= (1 - a) ||v||^2, which may be biased. In theory
    gamma = 1/(L + Ltilde sqrt(beta / theta)) with theta = 1 - sqrt(1 - a),
    beta = (1 - a)/(1 - sqrt(1 - a)) and Ltilde^2 = (1/n) sum_i L_i^2. All g_i start at 0, so that
    the first message carries C(grad f_i(x_0)), the paper's g_i^0, and x moves at once.
    """

    id = "ef21"
    reference = "Richtarik, Sokolov and Fatkhullin, EF21, NeurIPS 2021, algorithm 2 and theorem 1"
    channels = (Channel("up", "topk"), Channel("down"))

    def start(self, me: Agent) -> Any:
        """Return x_0, g_i = g = 0 and gamma."""
        s = super().start(me)
        return Tracking(s.x, s.work, s.lr, np.zeros(me.d), np.zeros(me.d))

    def theory(self, problem: Problem, codec: Codec, n: int) -> float:
        """Return gamma = 1/(L + Ltilde sqrt(beta / theta))."""
        top = smoothness(problem)
        smoothest(problem)  # says what to do if there is no L_i
        each = [problem.smoothness(shard) or 0.0 for shard in range(problem.agents)]
        tilde = math.sqrt(sum(value**2 for value in each) / len(each))
        theta = 1 - math.sqrt(1 - contraction_of(codec, problem.d))
        beta = (1 - theta) ** 2 / theta
        return 1 / (top + tilde * math.sqrt(beta / theta))

    def message(self, s: Tracking, me: Agent) -> Message:
        """Send c_i = C(grad f_i(x) - g_i), and keep g_i += c_i."""
        message = me.encode("up", np.subtract(me.grad(s.x), s.g, out=s.work), HUB)
        me.add(message, 1.0, s.g)
        return message

    def serve(self, s: Tracking, me: Agent, messages: Mapping[int, Message]) -> None:
        """Keep g += mean c_i and step against it."""
        weight = 1.0 / len(messages)
        for message in messages.values():
            me.add(message, weight, s.mean)
        s.x -= np.multiply(s.mean, s.lr, out=s.work)


def contraction_of(codec: Codec, d: int) -> float:
    """Return the codec's contraction constant for d coordinates; ConfigError if it has none."""
    found = codec.contraction(d)
    if found is None:
        raise ConfigError(
            f"codec {codec.id} is not known to be a contraction with these options, so there is no "
            "step size in theory; choose one such as topk, or give lr a number",
            "$.codecs.up",
        )
    return found
