"""What is complete is not played again; what is not, is; and what is in the way stays."""

from __future__ import annotations

import json

import pytest

from netopt import config
from netopt.errors import ConfigError, NetoptError
from netopt.report import reading
from netopt.reproduce import _playing, _study
from netopt.reproduce._cases import Case


def test_a_second_call_plays_nothing_and_other_cases_are_added(case, play, tmp_path):
    first = case(seed=1)
    assert play([first]) == ["gd-seed-1"]
    made = (tmp_path / "runs" / "gd-seed-1" / "metrics.jsonl").stat().st_mtime_ns
    assert play([first, case(seed=2)]) == ["gd-seed-2"]
    assert play([first, case(seed=2)]) == []
    assert (tmp_path / "runs" / "gd-seed-1" / "metrics.jsonl").stat().st_mtime_ns == made
    run = reading.load(tmp_path / "runs" / "gd-seed-2")
    assert [row["round"] for row in run.rows] == [0, 2, 4]
    assert run.config["seed"] == 2


def test_what_is_not_finished_is_replaced(case, play, tmp_path):
    play([case()])
    directory = tmp_path / "runs" / "gd-seed-1"
    (directory / "summary.json").unlink()
    assert play([case()]) == ["gd-seed-1"]
    summary = json.loads((directory / "summary.json").read_text())
    (directory / "summary.json").write_text(json.dumps({**summary, "stopped_by": "interrupt"}))
    assert play([case()]) == ["gd-seed-1"]
    (directory / "metrics.jsonl").write_text("{")
    assert play([case()]) == ["gd-seed-1"]
    assert play([case()]) == []


def test_a_changed_option_is_played_anew(case, play, tmp_path):
    play([case()])
    assert play([case(rounds=6)]) == ["gd-seed-1"]
    assert reading.load(tmp_path / "runs" / "gd-seed-1").rows[-1]["round"] == 6
    assert play([case(rounds=6, codecs={"up": {"id": "raw", "dtype": "float64"}})]) == []
    assert play([case(rounds=6, codecs={"up": {"id": "raw", "dtype": "float32"}})])


def test_an_option_that_is_a_tuple_is_known_again(case, play):
    start = {"id": "saddle", "at": [1.0, -1.0]}
    tuples = case(problem=start, algorithm={"id": "gd", "lr": 0.1})
    assert play([tuples]) == ["gd-seed-1"]
    assert play([tuples]) == []


def test_the_driver_is_part_of_what_was_played(case, play, tmp_path):
    play([case()])
    assert len(_playing.plan([case()], tmp_path, "mpi").jobs) == 1
    assert _playing.plan([case()], tmp_path, "lockstep").done == 1


def test_nothing_that_is_no_run_is_replaced(case, tmp_path):
    directory = tmp_path / "runs" / "gd-seed-1"
    directory.mkdir(parents=True)
    (directory / "letters.txt").write_text("keep me")
    with pytest.raises(ConfigError) as refused:
        _playing.plan([case()], tmp_path, "lockstep")
    assert str(refused.value) == (
        f"'{directory}' is in the way and is no run; move it, or choose --out"
    )


def test_a_run_that_fails_is_named_and_the_others_stay(case, play, tmp_path, capfd):
    bad = case(series="GD, too fast", algorithm={"id": "gd", "lr": 1e90}, rounds=40)
    with pytest.raises(NetoptError) as failed:
        play([case(), bad, case(seed=2)])
    file = tmp_path / "cases" / "gd-too-fast-seed-1.yaml"
    assert str(failed.value) == (
        f"the run 'gd-too-fast-seed-1' ended with exit code 3; see above, and try netopt run {file}"
    )
    assert "netopt: error: round 2: the loss at the network mean is" in capfd.readouterr().err
    assert _playing.plan([case(), bad, case(seed=2)], tmp_path, "lockstep").done == 1


def test_an_interruption_ends_what_runs_and_keeps_what_is_complete(case, play, tmp_path):
    def interrupt(job, rounds):
        if job.case.seed == 2:
            raise KeyboardInterrupt

    cases = [case(), case(seed=2, rounds=10**7), case(seed=3)]
    with pytest.raises(KeyboardInterrupt):
        play(cases, interrupt)
    plan = _playing.plan(cases, tmp_path, "lockstep")
    assert [job.case.seed for job in plan.jobs] == [2, 3]


def test_two_cases_of_one_name_are_refused(case, tmp_path):
    with pytest.raises(ConfigError, match=r"^two cases are called 'gd-seed-1'; the study must"):
        _playing.plan([case(), case(rounds=5)], tmp_path, "lockstep")


def test_a_case_that_is_no_run_is_refused_before_anything_is_written(case, tmp_path):
    with pytest.raises(ConfigError, match=r"^\$\.problem\.dimension: "):
        _playing.plan([case(problem={"id": "quadratic", "dimension": 0})], tmp_path, "lockstep")
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize("name", _study.names())
def test_a_run_file_is_resolved_as_a_run_does_it(name):
    """The oracle is ``config.make``, which also prepares the data; one case of each method."""
    study = _study.find(name)
    for module in study.needs:
        pytest.importorskip(module)
    cases = {(c.group, c.series): c for c in study.short()}
    for one in cases.values():
        assert _playing.resolve(one.run) == config.make(one.run).resolved


def test_a_name_tells_group_series_place_and_seed():
    case = Case("DIANA+, quant+", {"seed": 3}, 0.5, "mu = 0.1")
    assert case.name == "mu-0.1-diana-plus-quant-plus-at-0.5-seed-3"


def test_a_case_may_ask_for_lockstep_itself(case, tmp_path):
    """Both are planned for MPI; one of them is played in one process all the same."""
    alone = case(seed=2)._replace(driver="lockstep")
    plan = _playing.plan([case(), alone], tmp_path, "mpi")
    assert [(job.driver, job.processes) for job in plan.jobs] == [("mpi", 3), ("lockstep", 1)]
    _playing.play(plan._replace(jobs=plan.jobs[1:]), 1, lambda job, rounds: None)
    assert reading.load(tmp_path / "runs" / alone.name).manifest["driver"] == "lockstep"
    assert [job.case.seed for job in _playing.plan([case(), alone], tmp_path, "mpi").jobs] == [1]


def test_a_topology_may_be_named(case):
    assert _playing.size_of(case(topology="w1")) == 5


def test_a_shortened_case_keeps_four_rows_and_the_places_of_its_eigenvalues(case):
    run = _study.shortened(case(rounds=1000, record={"every": 50, "lambda_min": 100}), 20).run
    assert (run["rounds"], run["record"]) == (20, {"every": 5, "lambda_min": 100})
    assert _study.shortened(case()).run["record"] == {"every": 1}


@pytest.mark.parametrize("name", ["links/time-to-accuracy", "dq-gd/contraction"])
def test_a_case_is_known_again_with_all_that_a_run_settles(name):
    case = _study.find(name).short()[0]
    raw = _playing.with_driver(case, "lockstep")
    assert _playing.resolve(raw) == config.make(raw).resolved
