"""Every combination is built as ``netopt run`` would build it, and named if it cannot be."""

from __future__ import annotations

import pytest

from netopt import config, engine, yamlfile
from netopt.errors import ConfigError
from netopt.sweep import _playing
from netopt.sweep._grid import LONGEST

REFUSED = {
    ("seed=0,1", "codecs.mix.levels=4,0"): (
        "seed=0, levels=0: $.codecs.mix.levels: expected int >= 1; the value is 0"
    ),
    ("codecs.mix.levels=4,8", "codecs.mix.level=3"): (
        "levels=4: $.codecs.mix.level: qsgd has no option 'level'; did you mean 'levels'?"
    ),
    ("seed=1,-1",): "seed=-1: $.seed: expected int >= 0; the value is -1",
    ("algorithm.id=dgd,dgdd",): (
        "algorithm=dgdd: $.algorithm.id: no algorithm is called 'dgdd'; did you mean 'dgd'?"
    ),
    ("rounds=0",): "$.rounds: expected int >= 1; the value is 0",
    ("seed=3,0..4",): (
        "seed=3 and seed=3 are the same run; give each value once, and set a whole component "
        "before its options"
    ),
    ("algorithm.lr=0.1,0.2", "algorithm=dgd"): (
        "lr=0.1 and lr=0.2 are the same run; give each value once, and set a whole component "
        "before its options"
    ),
}
WRONG = {
    ("network.driver=mpi",): ("--set network.driver: choose the driver of a sweep with --driver"),
    ("network.driver=mpi,lockstep",): (
        "--set network.driver: choose the driver of a sweep with --driver"
    ),
}


@pytest.mark.parametrize("words", REFUSED)
def test_a_combination_that_is_no_run_is_named(words, grid):
    with pytest.raises(ConfigError) as refused:
        grid(*words).check()
    assert str(refused.value) == REFUSED[words]


@pytest.mark.parametrize("words", WRONG)
def test_the_driver_is_an_option_of_the_sweep(words, grid):
    with pytest.raises(ConfigError) as refused:
        grid(*words)
    assert str(refused.value) == WRONG[words]


def test_every_run_is_resolved_as_run_does_it(grid, file):
    """The oracle is ``config.make`` for each of them, also where the sweep builds only one seed."""
    cells, _ = grid("seed=0..2", "codecs.mix={id: qsgd, levels: 2},raw", "rounds=9").check()
    assert len(cells) == 6
    for cell in cells:
        made = config.make(config.read(file, cell.overrides), file.parent)
        assert cell.resolved == yamlfile.parse(yamlfile.dump(made.resolved), "")
        assert cell.ranks == 3
    assert [cell.resolved["seed"] for cell in cells] == [0, 0, 1, 1, 2, 2]
    assert [cell.resolved["codecs"]["mix"]["id"] for cell in cells] == ["qsgd", "raw"] * 3


def test_names_tell_the_values_and_are_those_of_files(grid):
    some = grid("seed=0,1", "codecs.mix={id: qsgd, levels: 2},{id: 'qsgd', levels: 2}", "rounds=9")
    names = [cell.name for cell in some.cells()]
    assert len(set(names)) == 4
    assert all(name.startswith("seed=0,mix=-id-qsgd-levels-2-") for name in names[:2])
    assert [cell.name for cell in grid("problem.scale=-1,1").cells()] == ["scale=-1", "scale=1"]
    (first, _) = grid(f"description={'x' * 300},y").cells()
    assert len(first.name) == LONGEST + 9
    assert [cell.name for cell in grid().cells()] == ["run"]


def test_too_many_runs_are_refused_by_their_number_alone(grid):
    many = grid("seed=0..999999999", "rounds=1..1000")
    with pytest.raises(ConfigError) as refused:
        many.limit(agreed=False)
    assert str(refused.value) == (
        "that makes 1000000000000 runs (1000000000 seed x 1000 rounds); give --yes if you mean it"
    )
    with pytest.raises(ConfigError, match=r"; at most 1000000 are possible$"):
        many.limit(agreed=True)
    grid("seed=0..19999").limit(agreed=True)


def test_the_axes_to_average_over(grid):
    words = ("seed=0,1", "codecs.mix.levels=2,4")
    assert grid(*words).over == {0}
    assert grid(*words, over=("levels", "seed")).over == {0, 1}
    assert grid(*words, over=("codecs.mix.levels",)).over == {1}
    assert grid(*words, over=("none",)).over == set()
    assert grid("codecs.mix.levels=2,4").over == set()
    with pytest.raises(ConfigError) as refused:
        grid(*words, over=("level",))
    assert str(refused.value) == (
        "--over level: no such axis is swept; the axes are seed, codecs.mix.levels"
    )


def test_a_warning_is_given_once_with_its_run(grid):
    words = ("algorithm={id: dq-gd, lr: 90.0}", "topology={id: star, size: 2}", "codecs=")
    _, warnings = grid(*words, "seed=0..2", "rounds=5,6").check()
    (text,) = warnings
    assert text.startswith("seed=0, rounds=5: dq-gd diverges with lr = 90, whatever the codec: ")


def test_what_is_in_the_way_is_not_replaced(grid, tmp_path):
    some = grid("seed=0,1")
    cells, _ = some.check()
    assert len(_playing.plan(some, cells, tmp_path, ()).waiting) == 2
    directory = tmp_path / "runs" / "seed=1"
    directory.mkdir(parents=True)
    (directory / "letters.txt").write_text("keep me")
    with pytest.raises(ConfigError) as refused:
        _playing.plan(some, cells, tmp_path, ())
    assert str(refused.value) == (
        f"'{directory}' is in the way and is no run; move it, or choose --out"
    )


def test_a_finished_run_is_known_again_whatever_its_options_are_made_of(grid, tmp_path):
    """A tuple, such as where the saddle starts, comes back from YAML as a list."""
    some = grid("problem={id: saddle, at: [1.0, -1.0]}", "codecs=", "seed=1,2")
    cells, _ = some.check()
    engine.lockstep(config.make(cells[1].resolved), tmp_path / "runs" / cells[1].name)
    plan = _playing.plan(some, cells, tmp_path, ())
    assert (plan.waiting, plan.done) == ([cells[0]], [cells[1]])
