"""The resolved run file says every option, and gives the same run again."""

from __future__ import annotations

import json

import pytest
import yaml

from netopt import config, yamlfile
from netopt.engine import lockstep

RUNS = [
    {"problem": "saddle", "topology": "w1", "algorithm": "qgd"},
    {"problem": "quadratic", "topology": "ring", "algorithm": "gradient-tracking", "seed": 4},
    {
        "problem": {"id": "least-squares", "kappa": 3, "batch": 4},
        "topology": {"id": "erdos-renyi", "size": 6, "p": 0.6, "seed": 3, "weights": "max-degree"},
        "algorithm": {"id": "dgd", "lr": "1e-3"},
        "codecs": {"mix": {"id": "switching", "levels": 3}},
        "description": "one of each: a number as text, a batch, a random graph",
        "stop": {"bits": "1 Mbit"},
    },
]


def rows(file, directory):
    """The rows of a run as they lie on disk, less the seconds they took."""
    lockstep(config.make(config.read(file), file.parent), directory)
    lines = (directory / "metrics.jsonl").read_text().splitlines()
    return [json.dumps({**json.loads(line), "seconds": 0}) for line in lines]


@pytest.mark.parametrize("raw", RUNS, ids=lambda r: str(r["topology"]))
def test_the_resolved_file_gives_the_same_rows_and_itself_again(tmp_path, raw):
    first, second = tmp_path / "first", tmp_path / "second"
    (tmp_path / "run.yaml").write_text(yaml.safe_dump({**raw, "rounds": 30}))
    before = rows(tmp_path / "run.yaml", first)
    assert len(before) == 4
    assert rows(first / "run.yaml", second) == before
    assert (second / "run.yaml").read_bytes() == (first / "run.yaml").read_bytes()
    assert (second / "edges.csv").read_bytes() == (first / "edges.csv").read_bytes()


def test_every_option_is_said():
    resolved = config.make(RUNS[0]).resolved
    assert list(resolved) == [
        "description", "seed", "rounds", "problem", "topology", "algorithm", "codecs",
        "network", "stop", "record",
    ]  # fmt: skip
    options = {"levels": 10, "norm": "l2", "floor": 0.1, "block": 0, "stream": "fast"}
    assert resolved["codecs"] == {"mix": {"id": "switching", **options}}
    assert resolved["algorithm"]["schedule"]["t0"] == 10
    assert resolved["network"] == {
        "driver": "mpi", "clock": "none", "compute": None, "tick": None, "timeout": 60.0,
        "checksum": "frame",
    }  # fmt: skip


def test_a_resolved_file_can_be_written_and_read_as_yaml():
    resolved = config.make(RUNS[2]).resolved
    assert yamlfile.parse(yamlfile.dump(resolved), "here") == json.loads(json.dumps(resolved))
