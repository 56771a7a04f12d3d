"""Messages stay what they were, whatever an agent encodes before or after sending them."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np

import netopt
from netopt.agent import Exchange

JOB = {"problem": "quadratic", "topology": "ring-5", "algorithm": "qgd", "rounds": 30}


def test_a_trial_encoding_in_the_next_exchange_spoils_no_message(network):
    """Agent 0 resumes first and encodes before the others have read what it sent."""
    heard = {}

    def round_(s, me):
        s.x = s.x + me.rank + 1.0
        inbox = yield me.share(me.encode("mix", s.x))
        me.encode("mix", 100 * s.x)
        me.encode("mix", 200 * s.x)
        heard[me.rank] = {j: me.decode(inbox[j])[0] for j in inbox}

    network(round_).play(0)
    assert heard == {i: {(i - 1) % 5: (i - 1) % 5 + 1, (i + 1) % 5: (i + 1) % 5 + 1} for i in heard}
    assert len(heard) == 5


def test_each_neighbour_may_get_a_message_of_its_own(network):
    heard = {}

    def round_(s, me):
        out = {j: me.encode("mix", s.x + 10 * me.rank + j, to=j) for j in me.successors}
        inbox = yield Exchange(out, me.predecessors)
        heard[me.rank] = {j: me.decode(inbox[j])[0] for j in inbox}

    network(round_).play(0)
    assert all(got == {j: 10 * j + i for j in got} for i, got in heard.items())


def test_runs_in_threads_do_not_share_random_numbers():
    alone = netopt.run(JOB).x
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        with ThreadPoolExecutor(4) as pool:
            together = [job.result().x for job in [pool.submit(netopt.run, JOB) for _ in range(4)]]
    finally:
        sys.setswitchinterval(before)
    assert all(np.array_equal(alone, x) for x in together)


def test_each_gradient_of_a_round_draws_a_batch_of_its_own(network):
    seen = []

    def round_(s, me):
        yield Exchange()
        seen.append([me.grad(s.x).tobytes() for _ in range(3)])

    noisy = network(round_, problem={"id": "logistic", "batch": 4})
    noisy.play(0)
    noisy.play(0)
    assert all(len(set(three)) == 3 for three in seen)
    assert seen[:5] == seen[5:], "and the same ones when the round is played again"
