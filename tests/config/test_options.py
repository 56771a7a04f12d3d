"""Bad options at the top of a run file and in its groups; good ones in every way of writing."""

from __future__ import annotations

import pytest

from netopt import config
from netopt.config import parse_bits
from netopt.errors import ConfigError

BITS = "expected bits such as '10 Mbit' or '2 kB', got"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"round": 3}, "$.round: a run file has no option 'round'; did you mean 'rounds'?"),
        (
            {"zzz": 3},
            "$.zzz: a run file has no option 'zzz'; its options are problem, topology, algorithm, "
            "codecs, seed, rounds, network, stop, record, description",
        ),
        ({"rounds": 0}, "$.rounds: expected int >= 1; the value is 0"),
        ({"rounds": "ten"}, "$.rounds: expected int, got str; the value is 'ten'"),
        ({"rounds": 2**32}, "$.rounds: expected int <= 4294967295; the value is 4294967296"),
        ({"seed": -1}, "$.seed: expected int >= 0; the value is -1"),
        ({"seed": 1.5}, "$.seed: expected int, got float; the value is 1.5"),
        (
            {"seed": 2**63},
            "$.seed: expected int <= 9223372036854775807; the value is 9223372036854775808",
        ),
        ({"description": 3}, "$.description: expected str, got int; the value is 3"),
        ({"stop": 3}, "$.stop: stop is a mapping, got 3"),
        (
            {"stop": {"round": 3}},
            "$.stop.round: stop has no option 'round'; did you mean 'rounds'?",
        ),
        ({"stop": {"rounds": 0}}, "$.stop.rounds: expected int >= 1; the value is 0"),
        ({"stop": {"bits": "10 Mbits"}}, f"$.stop.bits: {BITS} '10 Mbits'"),
        ({"stop": {"bits": -5}}, f"$.stop.bits: {BITS} -5"),
        (
            {"stop": {"loss": "low"}},
            "$.stop.loss: expected float | null, got str; the value is 'low'",
        ),
        ({"record": {"every": 0}}, "$.record.every: expected int >= 1; the value is 0"),
        (
            {"record": {"frames": 10_001}},
            "$.record.frames: expected int <= 10000; the value is 10001",
        ),
        ({"network": {"timeout": 0}}, "$.network.timeout: expected float > 0.0; the value is 0"),
        (
            {"network": {"tmeout": 3}},
            "$.network.tmeout: network has no option 'tmeout'; did you mean 'timeout'?",
        ),
    ],
    ids=str,
)
def test_a_bad_option_is_named(refusal, changes, message):
    assert refusal(changes) == message


@pytest.mark.parametrize(
    ("gamma", "wanted"),
    [
        (2, "expected float <= 1.0, or codec or theory; the value is 2"),
        (0, "expected float > 0.0, or codec or theory; the value is 0"),
        (
            "cdec",
            "expected one of codec, theory, or a number; the value is 'cdec'; "
            "did you mean 'codec'?",
        ),
    ],
)
def test_a_number_or_a_word_is_told_what_it_may_be(refusal, gamma, wanted):
    changes = {"algorithm": {"id": "choco-sgd", "gamma": gamma}}
    assert refusal(changes) == f"$.algorithm.gamma: {wanted}"


@pytest.mark.parametrize("name", ["problem", "topology", "algorithm"])
def test_a_missing_part_is_named(refusal, name):
    assert refusal({}, drop=name) == f"$: a run file needs the option '{name}'"


@pytest.mark.parametrize("text", [1e-3, "1e-3", "1.0e-3", "0.001"])
def test_a_number_may_be_written_in_any_way(make, text):
    experiment = make(algorithm={"id": "dgd", "lr": text}, stop={"loss": text})
    assert experiment.algorithm.lr == 1e-3
    assert experiment.options.stop.loss == 1e-3


@pytest.mark.parametrize(
    ("text", "bits"),
    [
        (12000, 12_000),
        ("12000", 12_000),
        ("1 bit", 1),
        ("10 Mbit", 10_000_000),
        ("2 kB", 16_000),
        ("1.5kbit", 1500),
        ("1e3 B", 8000),
        ("2 TB", 16 * 10**12),
        (" 3 Gbit ", 3 * 10**9),
    ],
)
def test_bits_have_decimal_units_and_a_byte_has_eight(make, text, bits):
    assert make(stop={"bits": text}).stop_bits == bits


@pytest.mark.parametrize(
    "text", ["", "Mbit", "10 mbit", "10 MiB", "1.2.3 bit", "ten bit", "-1 bit"]
)
def test_bits_in_another_unit_or_form_are_refused(text):
    with pytest.raises(ConfigError) as caught:
        parse_bits(text, "$.stop.bits")
    assert str(caught.value) == f"$.stop.bits: {BITS} {text!r}"


def test_infinitely_many_bits_are_refused():
    with pytest.raises(ConfigError) as caught:
        parse_bits("1e400 bit", "$.stop.bits")
    assert str(caught.value) == f"$.stop.bits: {BITS} '1e400 bit'"


def test_the_smaller_number_of_rounds_counts(make):
    assert make(rounds=20, stop={"rounds": 7}).rounds == 7
    assert make(rounds=5, stop={"rounds": 7}).rounds == 5
    assert make(rounds=5).rounds == 5


def test_reading_a_mapping_leaves_it_alone():
    raw = {"algorithm": {"id": "dgd"}}
    config.read(raw, ["algorithm.lr=0.5"])
    assert raw == {"algorithm": {"id": "dgd"}}
