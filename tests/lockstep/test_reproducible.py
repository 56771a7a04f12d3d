"""A run is a function of its run file: the same bits again, whatever ran before it."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest

CODECS = ["raw", "switching", "qsgd", {"id": "uniform", "range": 100}]
NOISY = {"problem": {"id": "least-squares", "batch": 2}, "topology": "w1"}

DIGEST = """
import hashlib, warnings
warnings.simplefilter("ignore")
from netopt import config
from netopt.core import packing
from netopt.engine import lockstep
run = {"problem": {"id": "least-squares", "batch": 2}, "topology": "w1", "algorithm": "qgd"}
out = lockstep(config.make({**run, "rounds": 40, "seed": 3, "record": {"frames": 9}}), None)
frames = b"".join(frame for *_, frame in out.frames)
print(packing.implementation, hashlib.sha256(out.x.tobytes() + frames).hexdigest())
"""


@pytest.mark.parametrize("codec", CODECS, ids=str)
def test_the_same_seed_gives_the_same_rows(rows, codec):
    assert rows(**NOISY, codecs={"mix": codec}) == rows(**NOISY, codecs={"mix": codec})


@pytest.mark.parametrize("codec", CODECS, ids=str)
def test_another_seed_gives_other_rows(rows, codec):
    first, second = (rows(**NOISY, codecs={"mix": codec}, seed=s) for s in (1, 2))
    assert first[-1] != second[-1]


def test_how_often_a_row_is_written_does_not_change_the_run(play):
    often = play(**NOISY, codecs={"mix": "switching"}, record={"every": 1})
    rarely = play(**NOISY, codecs={"mix": "switching"}, record={"every": 20, "frames": 3})
    assert often.x.tobytes() == rarely.x.tobytes()
    assert often.rows[-1]["loss"] == rarely.rows[-1]["loss"]
    assert len(often.rows) == 21


def test_numpys_global_generator_has_no_say(play):
    np.random.seed(1)  # noqa: NPY002
    first = play(**NOISY, codecs={"mix": "switching"}).x
    np.random.seed(2)  # noqa: NPY002
    assert play(**NOISY, codecs={"mix": "switching"}).x.tobytes() == first.tobytes()


def test_a_run_on_any_core_sends_the_same_frames_and_gets_the_same_bits():
    found = []
    for settings in ({}, {"NETOPT_NO_EXTENSION": "1"}, {"NETOPT_TIER": "portable"}):
        environment = {k: v for k, v in os.environ.items() if not k.startswith("NETOPT_")}
        command = [sys.executable, "-c", DIGEST]
        done = subprocess.run(command, env=environment | settings, capture_output=True, check=True)
        found.append(done.stdout.split())
    assert found[1][0] == b"numpy"
    assert found[0][1] == found[1][1] == found[2][1]


def test_what_the_checksum_covers_changes_nothing_but_the_checksum(play):
    kept = {"record": {"frames": 5}, "codecs": {"mix": "switching"}}
    whole = play(**NOISY, **kept)
    header = play(**NOISY, **kept, network={"checksum": "header"})
    assert header.x.tobytes() == whole.x.tobytes()
    for (*place, one), (*other, two) in zip(whole.frames, header.frames, strict=True):
        assert place == other
        assert one[:28] + one[32:] == two[:28] + two[32:]
        assert one[28:32] != two[28:32]


def test_the_summary_certifies_the_minimiser_that_distances_are_taken_to(play):
    logistic = {"id": "logistic", "data": "breast-cancer", "solve": True}
    assert 0 < play(problem=logistic, rounds=2).summary["certificate"] < 1e-14
    assert play(problem={**logistic, "solve": False}, rounds=2).summary["certificate"] is None
