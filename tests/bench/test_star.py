"""The benchmark of an iteration with a hub: what its rows say, and that its parts are a whole."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import numpy as np
import pytest

from netopt import __main__ as command_line
from netopt import launcher
from netopt.bench import star, star_split
from netopt.bench.star_cases import BASE, METHODS, PLUS, Case, case_of, experiments
from netopt.bench.star_split import PARTS, PLACES, PRODUCTS, Split, timers
from netopt.errors import ConfigError
from netopt.network.lockstep import Lockstep

ROWS = "\n".join(
    f"{1 if i % 3 else -1} " + " ".join(f"{j}:{(7 * i + 5 * j) % 11 - 5.5}" for j in range(1, 7))
    for i in range(14)
)


@pytest.fixture
def small(tmp_path):
    """A case of two workers that is over at once: 14 rows of 6 numbers."""
    file = tmp_path / "fourteen"
    file.write_text(ROWS)
    return Case(f"libsvm:{file}", 2, False, 5, 2)


def run(*words):
    """Run the command line; return the exit code."""
    with pytest.raises(SystemExit) as done:
        command_line.main(["bench", "star", *words])
    return done.value.code


def sample(method, seconds, split, d=60):
    """Return what the root prints of a turn; timers add a tenth."""
    slowest = max(row[0] for row in split)
    told = {"seconds": seconds, "timed_seconds": slowest, "split": split}
    return {"method": method, **told, "up_bits": 100.0, "d": d, "mpi": "an MPI"}


def rank(total, **parts):
    """Return a rank's seconds in total and of each part."""
    return [total, *(parts.get(name, 0.0) for name in PARTS)]


def test_a_call_within_a_timed_call_counts_for_its_own_part_only(monkeypatch):
    """A clock that only the calls move: 1 s of encoding, 4 s of waiting inside, 2 s of encoding."""
    now = [0.0]
    monkeypatch.setattr(star_split, "perf_counter", lambda: now[0])
    split = Split()

    def spend(seconds):
        now[0] += seconds

    wait = split.timed("wait", spend)

    def encode():
        spend(1)
        wait(seconds=4)
        spend(2)
        return "done"

    assert split.timed("encode", encode)() == "done"
    wait(8)
    with pytest.raises(ZeroDivisionError):
        split.timed("decode", lambda: (spend(16), wait(32), 1 / 0))()
    assert split.seconds == dict.fromkeys(PARTS, 0.0) | {"encode": 3, "wait": 44, "decode": 16}


@pytest.mark.parametrize("name", [method.name for method in METHODS])
def test_timers_see_the_work_and_leave_no_trace(small, name):
    """The same bits of x with and without; afterwards every method and module is the old one."""
    experiment = experiments(small)[name]
    plain, timed, split = Lockstep(experiment), Lockstep(experiment), Split()
    before = [getattr(owner, attribute) for _, owner, attribute in PLACES]
    for network in (plain, timed):
        network.setup()
    for k in range(4):
        plain.play(k)
        with timers(split):
            timed.play(k)
    assert plain.estimates().any()
    assert plain.estimates().tobytes() == timed.estimates().tobytes()
    assert [getattr(owner, attribute) for _, owner, attribute in PLACES] == before
    assert all(vars(module)["np"] is np for module in PRODUCTS)
    seen = {part for part, seconds in split.seconds.items() if seconds > 0}
    assert seen - {"products"} == {"gradient", "encode", "decode"}
    assert ("products" in seen) == (experiment.algorithm.id == "diana-plus")


@pytest.mark.parametrize("hub_works", [False, True])
def test_rows_are_medians_and_their_parts_add_up(hub_works):
    case = Case(workers=3 if hub_works else 2, hub_works=hub_works)
    split = [
        rank(8.0, wait=5.0, decode=2.0),
        rank(6.0, gradient=3.0, wire=1.0),
        rank(7.0, gradient=2.0, products=4.0),
    ]
    samples = []
    for k, seconds in enumerate((1.0, 2.0, 9.0)):
        for method, factor in zip(METHODS, (1, 2, 3, 4), strict=True):
            late = [[value * (1 + k) for value in row] for row in split]
            samples.append(sample(method.name, factor * seconds, late))
    rows = star.rows_of(case, samples)
    assert [row["name"] for row in rows] == [method.name for method in METHODS]
    assert [row["seconds"] for row in rows] == [2.0, 4.0, 6.0, 8.0]
    assert [row["ratio"] for row in rows] == [1.0, 2.0, 3.0, 4.0]
    for row in rows:
        assert row["timed_seconds"] == row["hub"]["total"] == 16.0, "of the turn in the middle"
        assert row["hub"]["rest"] == pytest.approx(2 * 1.0)
        workers = split if hub_works else split[1:]
        assert row["worker"]["gradient"] == pytest.approx(2 * 5 / len(workers))
        for agent in ("hub", "worker"):
            parts = [row[agent][head] for head in star.HEADS]
            assert sum(parts) == pytest.approx(row[agent]["total"], rel=1e-12)


@pytest.mark.parametrize("hub_works", [False, True])
def test_a_small_run_says_where_its_time_went(small, hub_works):
    """Under MPI; the bits sent up are those of the same run in one process."""
    try:
        launcher.check()
    except ConfigError as error:
        pytest.skip(str(error))
    seen, case = [], small._replace(hub_works=hub_works)
    rows = star.measure(case, lambda done, of: seen.append((done, of)))
    assert seen == [(i, 8) for i in range(1, 9)]
    for row, experiment in zip(rows, experiments(case).values(), strict=True):
        assert (row["ranks"], row["d"], row["rounds"]) == (2 if hub_works else 3, 6, 5)
        assert row["ratio"] == row["seconds"] / rows[0]["seconds"]
        assert row["up_bits"] == bits_up(experiment)
        assert row["mpi"]
        assert row["load"] >= 0
        for agent in ("worker", "hub"):
            parts = row[agent]
            assert tuple(parts) == (*PARTS, "rest", "total")
            assert sum(parts[head] for head in star.HEADS) == pytest.approx(parts["total"])
            assert min(parts.values()) >= 0, "no time is counted twice"
            assert 0 < parts["total"] <= row["timed_seconds"] * (1 + 1e-12)
            assert min(parts[name] for name in ("encode", "decode", "wire", "rest")) > 0
            assert (parts["products"] > 0) == (row["algorithm"] == "diana-plus")
            assert (parts["gradient"] > 0) == (agent == "worker" or hub_works)
    assert star.render(rows).renderables[0].row_count == len(METHODS)


def bits_up(experiment):
    """Return the mean payload of a message to the hub, from a run in one process."""
    network = Lockstep(experiment)
    network.setup()
    for k in range(experiment.rounds):
        network.play(k)
    sent, _, _ = network.books()
    up = [row[1] for (_, to), row in zip(sent.edges, sent.counts, strict=True) if to == 0]
    return sum(up) / (len(up) * experiment.rounds)


def test_all_methods_share_one_problem_prepared_as_in_the_paper(small):
    made = experiments(small)
    problems = {id(experiment.problem) for experiment in made.values()}
    assert len(problems) == 1
    problem = made[PLUS].problem
    assert [len(part.labels) for part in problem._parts] == [7, 7]
    norms = [np.linalg.norm(part.features, axis=1) for part in problem._parts]
    assert np.abs(np.concatenate([part.features for part in problem._parts])).max(1).tolist() == (
        [1.0] * 14
    )
    assert norms[0].max() <= norms[1].min() or norms[1].max() <= norms[0].min()


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ((None, None, False, None, False), Case("gaussian", 4, False, 500, 9)),
        (("libsvm:/data/w8a", None, False, None, False), Case("libsvm:/data/w8a", 8)),
        (("libsvm:a8a.txt", 6, True, 70, True), Case("libsvm:a8a.txt", 6, True, 70, 3)),
    ],
)
def test_what_is_not_given_follows_the_data(given, wanted):
    assert case_of(*given) == wanted


@pytest.mark.parametrize(
    ("d", "workers", "seconds", "wanted"),
    [
        (60, 4, 1.5e-4, (0.15, 0.15, True)),
        (60, 4, 1.51e-4, (0.15, 0.151, False)),
        (123, 8, 3e-4, (3.0, 3.0, True)),
        (300, 8, 3.1e-4, (3.0, 3.1, False)),
        (60, 6, 1e-4, None),
        (61, 4, 1e-4, None),
    ],
)
def test_targets_are_for_their_data_only(d, workers, seconds, wanted):
    split = [rank(1.0), rank(1.0)]
    times = {method.name: 1e-4 for method in METHODS} | {PLUS: seconds}
    samples = [sample(name, value, split, d) for name, value in times.items()]
    judged = star.targets(star.rows_of(Case(workers=workers), samples))
    found = [(row["wanted"], pytest.approx(row["measured"]), row["held"]) for row in judged]
    assert found == ([] if wanted is None else [wanted])


@pytest.mark.parametrize("load", [0.25, 3.0])
def test_the_command_shows_the_rows_and_writes_them(load, tmp_path, monkeypatch, capsys):
    split = [rank(2e-4, wait=1e-4), rank(2e-4, gradient=1e-4)]
    samples = [sample(method.name, 1.25e-4, split) for method in METHODS]
    rows = [{**row, "load": load} for row in star.rows_of(Case(), samples)]
    monkeypatch.setattr(star, "measure", lambda case, watch: rows)
    assert not run("--json", str(tmp_path / "rows.json"))
    assert json.loads(Path(tmp_path, "rows.json").read_text()) == rows
    shown = " ".join(capsys.readouterr().out.split())
    for words in (
        "125.0",
        "wait",
        "0.125",
        "yes",
        "5 ranks on",
        f"load {load:.1f} before; an MPI",
        f"numpy {np.__version__}",
    ):
        assert words in shown
    assert ("measure again on an idle one" in shown) == (load == 3.0)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--json", "/no/such/folder/rows.json"], "cannot write '/no/such/folder/rows.json'"),
        (["--data", "libsvm:/no/such"], "cannot read the LIBSVM file '/no/such'"),
        (["--agents", "9"], "n = 9 workers are more than sqrt(d) = 7.75"),
        (["--agents", "1", "--hub-works"], "needs at least two agents"),
    ],
)
def test_bad_input_is_refused_in_one_line_before_mpi_starts(words, told, monkeypatch, capsys):
    monkeypatch.setattr(star, "printed_by", lambda *told: pytest.fail("started"))
    assert run(*words) == 2
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 1
    assert said[0].startswith("netopt: error: ")
    assert told in said[0]


def test_a_launcher_that_fails_is_told_in_one_line(small, monkeypatch, tmp_path):
    broken = tmp_path / "mpirun"
    broken.write_text(
        '#!/bin/sh\ncase "$1" in --version) exit 0;; esac\necho no slots >&2\nexit 7\n'
    )
    broken.chmod(0o755)
    monkeypatch.setenv("NETOPT_MPIRUN", str(broken))
    handler = signal.getsignal(signal.SIGTERM)
    with pytest.raises(ConfigError) as caught:
        star.measure(small)
    assert str(caught.value) == "mpirun ended with exit code 7: no slots"
    assert signal.getsignal(signal.SIGTERM) is handler


def test_the_base_of_the_ratio_is_uncompressed():
    (base,) = [method for method in METHODS if method.name == BASE]
    assert (base.algorithm, base.codec) == ("gd", "raw")
