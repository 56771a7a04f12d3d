"""Run files on disk, and overrides from the command line."""

from __future__ import annotations

from pathlib import Path

import pytest

from netopt import config
from netopt.errors import ConfigError

GOOD = "problem: quadratic\ntopology: ring-5\nalgorithm: dgd\n"


def message_of(source, *overrides):
    with pytest.raises(ConfigError) as caught:
        config.read(source, overrides)
    return str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: 1\nb: [1, 2\nc: 3\n", "'{}' line 3: did not find expected ',' or ']'"),
        ("a: b: c\n", "'{}' line 1: mapping values are not allowed in this context"),
        ("a:\n\tb: 1\n", "'{}' line 2: found character that cannot start any token"),
        ("seed: 1\nrounds: 3\nseed: 2\n", "'{}' line 3: the key 'seed' stands here a second time"),
        (
            "algorithm:\n  id: dgd\n  lr: 1\n  lr: 2\n",
            "'{}' line 4: the key 'lr' stands here a second time",
        ),
        ("- a\n", "'{}' must hold a mapping, got list"),
        ("", "'{}' must hold a mapping, got NoneType"),
        (
            "a: !!python/object:os.system 1\n",
            "'{}' line 1: could not determine a constructor for the tag "
            "'tag:yaml.org,2002:python/object:os.system'",
        ),
    ],
)
def test_bad_yaml_is_refused_with_file_and_line(tmp_path, text, message):
    file = tmp_path / "run.yaml"
    file.write_text(text)
    assert message_of(file) == message.format(file)


def test_a_file_that_is_not_there_not_a_file_or_not_text_is_refused(tmp_path):
    assert message_of(tmp_path / "none.yaml") == f"no file '{tmp_path / 'none.yaml'}'"
    assert message_of(tmp_path) == f"cannot read '{tmp_path}': Is a directory"
    (tmp_path / "bits.yaml").write_bytes(b"\xff\xfe\x00")
    wanted = f"'{tmp_path / 'bits.yaml'}' is not text in UTF-8: invalid start byte"
    assert message_of(tmp_path / "bits.yaml") == wanted


def test_a_topology_file_is_found_beside_the_run_file(tmp_path):
    (tmp_path / "mine.yaml").write_text("description: three in a row\nid: path\nsize: 3\n")
    (tmp_path / "run.yaml").write_text(GOOD)
    raw = config.read(tmp_path / "run.yaml", ["topology=mine.yaml"])
    topology = config.make(raw, tmp_path).topology
    assert (topology.name, topology.size) == ("mine", 3)


@pytest.mark.parametrize("item", ["rounds", "=3", "a..b=1", ".a=1", "a.=1", ""])
def test_an_override_without_a_place_or_a_value_is_refused(item):
    assert message_of({}, item) == f"--set takes a.b=c, got '{item}'"


def test_an_override_below_a_value_is_refused():
    wanted = "--set seed.x: 'seed' is 3, not a mapping"
    assert message_of({"seed": 3}, "seed.x=1") == wanted
    assert message_of({"codecs": [1]}, "codecs.mix.bits=1") == (
        "--set codecs.mix.bits: 'codecs' is [1], not a mapping"
    )


def test_an_override_that_is_not_yaml_is_refused():
    wanted = "'--set seed={' line 2: did not find expected node content"
    assert message_of({}, "seed={") == wanted


def test_overrides_reach_components_named_by_id_alone(tmp_path):
    file = tmp_path / "run.yaml"
    file.write_text(GOOD)
    changes = ["algorithm.lr=2e-2", "problem.kappa=3", "codecs.mix.id=qsgd", "codecs.mix.levels=3"]
    experiment = config.make(config.read(file, [*changes, "network.driver=lockstep", "seed=5"]))
    assert experiment.algorithm.lr == 0.02
    assert experiment.problem.kappa == 3
    chosen = experiment.codecs[0].config()
    assert (chosen["id"], chosen["levels"], chosen["floor"]) == ("qsgd", 3, 0.1)
    assert experiment.options.network.driver == "lockstep"
    assert experiment.options.seed == 5


def test_a_later_override_wins_and_a_value_may_hold_an_equals_sign():
    raw = config.read({"seed": 1}, ["seed=2", "seed=3", "description=a=b"])
    assert raw == {"seed": 3, "description": "a=b"}


def test_an_override_may_name_a_whole_component():
    raw = config.read({"algorithm": "dgd"}, ["algorithm={id: qgd, schedule: constant}"])
    assert raw == {"algorithm": {"id": "qgd", "schedule": "constant"}}


def test_what_the_root_tells_the_other_ranks_is_what_the_file_says(tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    (tmp_path / "mine.yaml").write_text("{id: path, size: 3, description: mine}")
    file.write_text(
        "problem: {id: quadratic, kappa: 1.0e+2, dimension: 7}\n"
        "topology: mine.yaml\nalgorithm: {id: dgd, lr: 1e-3}\nseed: 0x10\ndescription: \u00e9\n"
    )
    source = config.source(file, ["rounds=3"])
    told = config.unpack(config.pack(source))
    assert told[:2] == source[:2]
    (tmp_path / "mine.yaml").unlink()  # nobody reads it again
    made = config.make(told.raw, Path(told.folder), told.parsed)
    assert (made.topology.name, made.topology.size, made.rounds) == ("mine", 3, 3)
    assert made.resolved["topology"] == {
        "id": "path",
        "size": 3,
        "weights": made.resolved["topology"]["weights"],
    }


@pytest.mark.parametrize("said", ["{1: 2}", "[!!binary AAAA]", "1.0", ".inf", "~", "on", "[{}]"])
def test_whatever_msgpack_knows_is_told_exactly(said: str, tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    file.write_text(f"problem: quadratic\nodd: {said}\n")
    source = config.source(file)
    assert repr(config.unpack(config.pack(source))) == repr(config.Source(*source[:2], {}))


@pytest.mark.parametrize("said", ["2026-11-25", ".nan", f"{2**70}", "!!set {a, b}", "&a [*a]"])
def test_what_cannot_be_told_exactly_is_left_for_every_rank_to_read(
    said: str, tmp_path: Path
) -> None:
    file = tmp_path / "a.yaml"
    file.write_text(f"problem: quadratic\nodd: {said}\n")
    assert config.pack(config.source(file)) == b""


def test_a_topology_file_that_is_missing_is_not_told() -> None:
    with pytest.raises(ConfigError) as caught:
        config.pack(config.Source({"topology": "none.yaml"}, "there"))
    assert str(caught.value) == "$.topology: no file 'there/none.yaml'"
