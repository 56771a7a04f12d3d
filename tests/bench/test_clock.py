"""netopt bench clock: its cases, its verdicts, and one case that the kernel really plays."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from netopt import config
from netopt.bench import clock
from netopt.bench.clock_cases import FEWEST, MOST, RATES, SIZES, TINY, Case, cases
from netopt.errors import ConfigError
from netopt.fabric import _requirements
from netopt.frame import HEADER_BYTES
from netopt.network.lockstep import Lockstep
from netopt.report import plan


def test_the_cases_are_two_graphs_at_all_rates_with_all_sizes():
    found = cases(None, None, quick=False)
    assert len(set(found)) == len(found) == 2 * len(RATES) * len(SIZES)
    assert {case.frame for case in cases(None, None, quick=True)} < set(SIZES)
    assert [case.rate for case in cases("64", "1 Mbit/s,2 MB/s", quick=False)] == [
        "1 Mbit/s", "16 Mbit/s", "1 Mbit/s", "16 Mbit/s",
    ]  # fmt: skip


@pytest.mark.parametrize("case", cases("40,1024,65536", None, quick=False), ids=str)
def test_every_frame_of_a_case_has_its_size(case):
    told = plan.plan(config.make(case.run()))
    frames = {channel.frame_bytes for channel in told.channels if channel.frames_per_round}
    assert frames == {case.frame - (case.frame - HEADER_BYTES) % 8}
    assert FEWEST <= case.rounds <= MOST


@pytest.mark.parametrize("graph", ["ring", "star"])
def test_a_round_of_a_case_takes_what_its_links_take(graph):
    """With no time for computing: each exchange is one frame of 1408 + 32 bytes in a packet."""
    case = Case(graph, 4, "10 Mbit/s", 1440)
    raw = case.run() | {"network": {"clock": "virtual", "compute": {"id": "fixed", "seconds": 0}}}
    network = Lockstep(config.make(raw))
    network.setup()
    network.play(0)
    assert network.emulated() == pytest.approx(case.exchanges * (1440 + 66) * 8 / 1e7, rel=1e-12)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("8", None), f"--sizes takes bytes of a frame, {TINY} to 16777216, got '8'"),
        (("big", None), f"--sizes takes bytes of a frame, {TINY} to 16777216, got 'big'"),
        (
            (None, "fast"),
            "--rates: expected a rate such as '100 Mbit/s' or '250 kbit/s', got 'fast'",
        ),
    ],
)
def test_sizes_and_rates_that_make_no_sense_are_refused(words, message):
    with pytest.raises(ConfigError) as caught:
        cases(*words, quick=False)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("frame", "wall", "held"),
    [
        (65_536, 1.049, True), (65_536, 1.051, False), (65_536, 0.949, False),
        (1024, 1.199, True), (1024, 1.201, False), (1024, 0.799, False),
    ],
)  # fmt: skip
def test_the_verdict_is_5_percent_for_large_frames_and_20_for_small_ones(
    monkeypatch, frame, wall, held
):
    """The hosts take 0.25 of a second, the links 0.75."""
    times = {None: (0.25, 0.0), "1 Mbit/s": (wall, 0.75)}
    monkeypatch.setattr(clock, "_play", lambda case: times[case.rate])
    monkeypatch.setattr(clock._run, "check", lambda topology: None)
    seen = []
    rows = clock.measure([Case("star", 4, "1 Mbit/s", frame)], 3, lambda *of: seen.append(of))
    (row,) = rows
    assert (row["host"], row["ratio"], row["held"]) == (0.25, pytest.approx(wall), held)
    assert seen == [(1, 2), (2, 2)]
    assert clock.table(rows).row_count == 1


def test_answers_take_a_share_of_links_with_frames_both_ways():
    """Three packets of 1448 bytes at most, 33 bytes of answers to each."""
    assert Case("ring", 4, "1 Mbit/s", 4000).answers == pytest.approx(3 * 33 * 8 / 1e6)
    assert Case("star", 4, "1 Mbit/s", 4000).answers == Case("ring", 4, None, 4000).answers == 0


@pytest.mark.serial
def test_the_kernel_plays_a_case(tmp_path):
    try:
        _requirements.check(True)
    except ConfigError as error:
        pytest.skip(str(error))
    file = tmp_path / "rows.json"
    words = ["--sizes", "65536", "--rates", "100 Mbit/s", "--repeats", "1", "--json", str(file)]
    command = [sys.executable, "-m", "netopt", "bench", "clock", *words]
    done = subprocess.run(command, capture_output=True, text=True, timeout=200, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    rows = json.loads(file.read_text())
    rows = rows if isinstance(rows, list) else rows["rows"]
    assert [row["graph"] for row in rows] == ["ring", "star"]
    burst = 1514 + 2500  # bytes that a full bucket lets through at once, in each exchange
    for row in rows:
        exchanges = 2 if row["graph"] == "star" else 1
        assert row["kernel"] > exchanges * 8 * (65_536 - burst) / 1e8
