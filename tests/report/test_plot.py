"""Figures: the curves that they hold, the bytes that they are, and the errors."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import numpy as np
import pytest

from netopt.errors import ConfigError
from netopt.report import plot as module
from netopt.report.labels import legend
from netopt.report.plot import Curve, logarithmic, plot, points
from netopt.report.reading import load

START = {".png": b"\x89PNG", ".pdf": b"%PDF", ".svg": b"<?xml"}


def test_points_are_the_columns(runs):
    rows = [json.loads(line) for line in (runs["qgd"] / "metrics.jsonl").read_text().splitlines()]
    for name, column in (("bytes", "wire_bytes"), ("rounds", "round"), ("seconds", "seconds")):
        x, y = points(load(runs["qgd"]), "loss", name)
        assert x.tolist() == [row[column] for row in rows]
        assert y.tolist() == [row["loss"] for row in rows]


def test_figure_has_each_curve_in_the_unit_of_its_axis(runs):
    names = ("qgd", "dgd")
    curves = [Curve(name, *points(load(runs[name]), "loss", "bytes")) for name in names]
    axes = module._figure(curves, "loss", "bytes", "A title").axes[0]
    assert axes.get_xlabel() == "bytes on the wire, all edges, headers included (kB)"
    assert axes.get_title(loc="left") == "A title"
    for line, curve in zip(axes.lines, curves, strict=True):
        kept = curve.x > 0 if axes.get_xscale() == "log" else curve.x >= 0
        np.testing.assert_allclose(line.get_xdata(), curve.x[kept] / 1000)
        np.testing.assert_array_equal(line.get_ydata(), curve.y[kept])


def test_a_log_axis_leaves_zero_out():
    curve = Curve("a", np.array([0.0, 1.0, 100.0]), np.array([0.0, 1e-9, 1.0]))
    axes = module._figure([curve], "consensus", "bytes", None).axes[0]
    assert (axes.get_xscale(), axes.get_yscale()) == ("log", "log")
    assert axes.lines[0].get_xdata().tolist() == [1.0, 100.0]
    axes = module._figure([curve], "consensus", "rounds", None).axes[0]
    assert axes.get_xscale() == "linear"


@pytest.mark.parametrize(
    ("values", "log"),
    [([1, 31], False), ([1, 32], True), ([-1, 1, 100], False), ([0, 0], False), ([0, 1], False)],
)
def test_logarithmic_beyond_a_decade_and_a_half(values, log):
    assert logarithmic([np.array(values, dtype=float)]) is log


def test_eight_runs_look_different():
    curves = [Curve(f"{i}", np.arange(3.0), np.arange(3.0) + i) for i in range(40)]
    lines = module._figure(curves, "loss", "rounds", None).axes[0].lines
    looks = {
        (line.get_color(), line._unscaled_dash_pattern[1], line.get_marker()) for line in lines
    }
    assert len(looks) == 40


@pytest.mark.parametrize("suffix", START)
def test_the_same_runs_give_the_same_bytes(runs, tmp_path, suffix):
    first, second = tmp_path / f"a{suffix}", tmp_path / f"b{suffix}"
    assert plot([runs["qgd"], runs["dgd"]], first) == first
    # In another process, since neither its hash seed nor its backend must matter.
    code = "import sys; from netopt.report.plot import plot; plot(sys.argv[2:], sys.argv[1])"
    environment = {**os.environ, "PYTHONHASHSEED": "7", "MPLBACKEND": "svg", "DISPLAY": ":99"}
    arguments = [sys.executable, "-c", code, second, runs["qgd"], runs["dgd"]]
    subprocess.run([str(a) for a in arguments], check=True, env=environment)
    assert first.read_bytes() == second.read_bytes()
    assert first.read_bytes().startswith(START[suffix])


def test_labels_name_algorithm_and_codec(runs):
    names = ("qgd", "dgd", "tracking")
    assert legend([load(runs[name]) for name in names]) == [
        "qgd, switching 5 bit",
        "dgd, raw float32 32 bit",
        "gradient-tracking, qsgd 4 bit",
    ]


def test_equal_labels_get_the_directory(runs, copy):
    pair = [load(runs["qgd"]), load(runs["logistic"])]
    assert legend(pair) == ["qgd, switching 5 bit (qgd)", "qgd, switching 5 bit (logistic)"]
    other = copy("qgd")
    assert legend([load(runs["qgd"]), load(other)]) == [
        f"qgd, switching 5 bit ({runs['qgd']})",
        f"qgd, switching 5 bit ({other})",
    ]


def test_a_codec_that_is_not_loaded_is_named(runs):
    run = load(runs["qgd"])
    config = {**run.config, "codecs": {"mix": {"id": "my-own"}}}
    assert legend([run._replace(config=config)]) == ["qgd, my-own"]


def known(row):
    return ", ".join(name for name, value in row.items() if value is not None)


def message(*arguments, **options):
    with pytest.raises(ConfigError) as error:
        plot(*arguments, **options)
    return str(error.value)


def test_errors(runs, tmp_path):
    run, out = runs["logistic"], tmp_path / "a.png"
    row = load(run).rows[0]
    assert message([run], out, y="los") == f"'{run}' has no column 'los'; did you mean 'loss'?"
    assert message([run], out, y="zzz") == (
        f"'{run}' has no column 'zzz'; choose from {', '.join(row)}"
    )
    assert message([run], out, y="distance") == (
        f"'{run}': distance is not known for this problem; choose from {known(row)}"
    )
    assert message([run], out, x="byte") == "the x axis cannot be 'byte'; did you mean 'bytes'?"
    assert message([], out) == "no run to plot; give one run directory or more"
    assert message([run], tmp_path / "a.jpg") == (
        f"'{tmp_path / 'a.jpg'}' must end in .png, .pdf, .svg, got '.jpg'"
    )
    assert message([run], tmp_path / "a") == (
        f"'{tmp_path / 'a'}' must end in .png, .pdf, .svg, got no suffix"
    )
    assert message([run], tmp_path / "no" / "a.png") == (
        f"cannot write '{tmp_path / 'no' / 'a.png'}': No such file or directory; "
        "give a file in a folder that exists"
    )


def test_emulated_seconds_are_an_axis_with_a_unit_that_fits(runs, tmp_path):
    x, _ = points(load(runs["wired"]), "loss", "emulated")
    rows = load(runs["wired"]).rows
    assert x.tolist() == [row["emulated_seconds"] for row in rows]
    curve = Curve("run", x, x)
    assert module._unit([curve], "emulated") == (1.0, " (s)")
    assert module._unit([curve._replace(x=x / 1000)], "emulated") == (1e-3, " (ms)")
    assert plot([runs["wired"]], tmp_path / "a.svg", x="emulated").stat().st_size > 1000
    axes = module._figure([curve], "loss", "emulated", None).axes[0]
    assert axes.get_xlabel() == "emulated time (s)"


def test_a_run_without_a_clock_has_no_emulated_axis(runs, copy, tmp_path):
    old = copy("qgd")  # of a version that did not write the column
    lines = [json.loads(line) for line in (old / "metrics.jsonl").read_text().splitlines()]
    lines = [{k: v for k, v in line.items() if k != "emulated_seconds"} for line in lines]
    (old / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    for run in (runs["qgd"], old):
        with pytest.raises(ConfigError) as caught:
            plot([run], tmp_path / "a.png", x="emulated")
        assert str(caught.value) == (
            f"'{run}' has no emulated_seconds: it had no clock; give its topology links, or "
            "network.clock: virtual"
        )
