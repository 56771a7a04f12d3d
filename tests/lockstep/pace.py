"""Asynchronous agents by brute force: a heap of events, links by hand, and the methods' boxes.

Nothing here is netopt's but the problem's gradients and what chance has for each frame.
"""

from __future__ import annotations

import heapq
from itertools import count

import numpy as np

from netopt.frame import HEADER_BYTES
from netopt.keys import Key, Purpose
from netopt.links.queue import fate


class World:
    """Agents' events in the order of time, and the links between them."""

    def __init__(self, experiment):
        self.graph, self.seed = experiment.topology, experiment.options.seed
        self.bits = 8 * (HEADER_BYTES + 8 * experiment.problem.d)
        self._heap, self._order = [], count()
        self._line, self._last, self._port = {}, {}, {}

    def at(self, moment, act, *details):
        heapq.heappush(self._heap, (moment, next(self._order), act, details))

    def run(self, horizon):
        """Let everything happen that comes before the horizon."""
        while self._heap and self._heap[0][0] < horizon:
            moment, _, act, details = heapq.heappop(self._heap)
            act(moment, *details)

    def arrival(self, i, j, now, place, bits=None):
        """Return when a frame that i sends now is at j; None if it is lost."""
        link, edge, bits = self.graph.link(i, j), (i, j), bits or self.bits
        chance = fate(link, Key(self.seed, Purpose.LINK, *place, i, j))
        begin, rate = now, self.graph.uplinks.get(i)
        end = now
        if rate:
            begin = max(now, self._port.get(i, 0.0))
            end = begin + bits / rate
            self._port[i] = begin + (1 + chance.resent) * (bits / rate)
        seconds = bits / link.rate if link.rate else 0.0
        done = max(max(begin, self._line.get(edge, 0.0)) + seconds, end)
        for _ in range(chance.resent):
            done += link.resend_after + max(seconds, end - begin)
        self._line[edge] = done
        came = max(done + link.latency + chance.jitter, self._last.get(edge, 0.0))
        self._last[edge] = came
        return None if chance.lost else came


class Gossip:
    """x_i <- w_ii x_i + sum_j w_ij xhat_j at each agent's own pace."""

    def __init__(self, experiment, x, pace):
        self.world, self.x, self.pace = World(experiment), x.copy(), pace
        graph = self.world.graph
        self.weights = graph.weights
        self.mail = {(j, i): [] for j, i in graph.edges}
        self.last, self.log, self.frames = {}, [], 0
        for i in range(graph.size):
            self.world.at(0.0, self.begin, i, 0)

    def begin(self, now, i, turn):
        self.frames += len(self.world.graph.successors(i))  # counted when it is begun
        self.world.at(now + self.pace[i], self.mix, i, turn)

    def mix(self, now, i, turn):
        for j in self.world.graph.successors(i):
            came = self.world.arrival(i, j, now, (turn, 0))
            if came is not None:
                self.mail[i, j].append((came, turn, self.x[i].copy()))
        sources, heard = self.world.graph.predecessors(i), {}
        for j in sources:
            new = [letter for letter in self.mail[j, i] if letter[0] < now]
            self.mail[j, i] = self.mail[j, i][len(new) :]
            if new:
                heard[j] = [(k, turn - k) for _, k, _ in new]
                self.last[j, i] = new[-1][2]
        self.log.append((i, turn, heard))
        total = self.weights[i, i] * self.x[i]
        for j in sources:
            total = total + self.weights[i, j] * self.last.get((j, i), self.x[i])
        self.x[i] = total
        self.world.at(now, self.begin, i, turn + 1)


class Diana:
    """The hub steps on each q_i that comes; all at one moment come together."""

    def __init__(self, experiment, x, pace, lr, alpha, short):
        self.world, self.x, self.pace = World(experiment), x.copy(), pace
        self.problem, self.lr, self.alpha, self.short = experiment.problem, lr, alpha, short
        self.n, d = len(x) - 1, x.shape[1]
        self.up = 8 * (HEADER_BYTES + (4 if short else 8) * d)
        self.h, self.g = np.zeros((self.n + 1, d)), np.zeros((self.n + 1, d))
        self.waiting, self.turn, self.log, self.frames = {}, 0, [], 0
        for i in range(1, self.n + 1):
            self.world.at(0.0, self.begin, i, 0)

    def begin(self, now, i, turn):
        q = self.problem.grad(i - 1, self.x[i], None) - self.h[i]
        if self.short:
            q = q.astype(np.float32).astype(np.float64)
        g = self.h[i] + q
        self.h[i] = self.h[i] + self.alpha * q
        self.frames += 1
        self.world.at(now + self.pace[i], self.send, i, turn, g)

    def send(self, now, i, turn, g):
        self.world.at(self.world.arrival(i, 0, now, (turn, 0), self.up), self.arrive, i, turn, g)

    def arrive(self, now, i, turn, g):
        if not self.waiting:
            self.world.at(now, self.serve)
        self.waiting[i] = (turn, g)

    def serve(self, now):
        self.log.append((0, self.turn, {i: [(k, self.turn - k)] for i, (k, _) in
                                        sorted(self.waiting.items())}))  # fmt: skip
        for i, (_, g) in self.waiting.items():
            self.g[i] = g
        self.x[0] = self.x[0] - self.lr * self.g.sum(axis=0) / self.n
        for i in sorted(self.waiting):
            came = self.world.arrival(0, i, now, (self.turn, 1))
            self.frames += 1
            self.world.at(came, self.learn, i, self.waiting[i][0], self.x[0].copy())
        self.turn, self.waiting = self.turn + 1, {}

    def learn(self, now, i, turn, x):
        self.x[i] = x
        self.world.at(now, self.begin, i, turn + 1)
