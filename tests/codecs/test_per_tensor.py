"""The codec per tensor: its payload is put together from those of the codec inside, by hand."""

from __future__ import annotations

import contextlib
import json

import laws
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from netopt import config
from netopt.codecs import Codec, nbytes
from netopt.codecs.per_tensor import MOST, stream
from netopt.core import packing, reference
from netopt.engine import lockstep
from netopt.errors import ConfigError, FrameError
from netopt.keys import BROADCAST
from netopt.problems.quadratic import Quadratic
from netopt.registry import build, discover
from netopt.report.inspect import frame_view
from netopt.report.text import plain

SIZES = (5, 1, 20, 7)
N = sum(SIZES)
INNER = [{"id": name} for name in discover(Codec) if name != "per-tensor"]
INNER += [{"id": "randk", "k": 2, "indices": "sent"}, {"id": "switching", "levels": 1100}]
INNER += [{"id": "qsgd", "floor": 1e-30, "levels": 4}, {"id": "randk", "unbiased": False}]
inside = pytest.mark.parametrize("spec", INNER, ids=lambda s: "-".join(map(str, s.values())))


def parts():
    ends = np.cumsum(SIZES)
    return [slice(end - size, end) for size, end in zip(SIZES, ends, strict=True)]


def shaped(spec, sizes=SIZES):
    return build(Codec, {"id": "per-tensor", "codec": spec}).shaped(sizes)


def vectors():
    return [*laws.vectors(N).values(), np.concatenate([laws.vectors(5)["random"], np.zeros(N - 5)])]


@inside
def test_a_payload_is_those_of_the_tensors_one_after_the_other(spec):
    codec, one = shaped(spec), build(Codec, spec)
    for x in vectors():
        made = [one.encode(x[p], stream(laws.key(1), t)) for t, p in enumerate(parts())]
        table = b""
        if any(one.nbits(size) is None for size in SIZES):
            table = np.array([len(payload) for payload in made[:-1]], "<u4").tobytes()
        payload = codec.encode(x, laws.key(1))
        assert payload == table + b"".join(made)
        keys = [stream(laws.key(1), t) for t in range(len(SIZES))]
        wanted = [
            one.decode(data, size, k) for data, size, k in zip(made, SIZES, keys, strict=True)
        ]
        got = codec.decode(payload, N, laws.key(1))
        assert got.tobytes() == np.concatenate(wanted).tobytes()


@inside
def test_the_laws_of_codecs_hold_for_many_tensors(spec):
    codec = shaped(spec)
    laws.config_builds_it_again(Codec, codec)
    laws.refuses_what_is_not_finite(codec, N)
    for x in vectors():
        laws.payload_is_exactly_nbits(codec, x)
        laws.payload_is_all_that_is_written(codec, x)
        laws.decoding_repeats(codec, x, 1)
        data = np.frombuffer(codec.encode(x, laws.key()), np.uint8)
        added, start = np.linspace(-3, 3, N), np.linspace(-3, 3, N)
        codec.accumulate(data, laws.key(), -0.7, added)
        assert added.tobytes() == (start - 0.7 * codec.decode(data, N, laws.key())).tobytes()
    for x in (laws.vectors(N)["random"], laws.peaked(N)):
        laws.constants_bound_the_error(codec, x)


@inside
def test_one_tensor_is_coded_as_without(spec):
    one, x = build(Codec, spec), laws.vectors(33)["random"]
    for codec in (build(Codec, {"id": "per-tensor", "codec": spec}), shaped(spec, (33,))):
        assert codec.encode(x, laws.key()) == one.encode(x, laws.key())
        assert codec.nbits(33) == one.nbits(33)
        assert one.nbits(33) is None or codec.layout(33) == one.layout(33)
        assert codec.covering(33) == one.covering(33)
        assert codec.unbiased == one.unbiased


@pytest.mark.parametrize("spec", [{"id": "switching", "levels": 2}, {"id": "randk", "k": 3}])
def test_the_mean_over_keys_is_the_vector(spec):
    x = 0.6 * np.sign(laws.vectors(N)["random"])  # no coordinate is almost on the grid
    for parity in (0, 1):
        laws.mean_is_the_vector(shaped(spec), x, parity, 1024)


def test_each_tensor_has_its_own_norm():
    x = np.concatenate([np.full(5, 1e-3), [1.0], np.full(20, 1e3), np.zeros(7)])
    codec = shaped({"id": "switching", "levels": 1100, "floor": 1e-30})
    error = codec.decode(codec.encode(x, laws.key()), N, laws.key()) - x
    for part in parts():
        assert np.abs(error[part]).max() <= np.linalg.norm(x[part]) / 1100 * (1 + 1e-6) + 1e-30


def test_qgds_network_needs_32_and_12_bits():
    """Ten tensors of the CNN of Bo and Wang on CIFAR-10: 302 566 parameters at l = 1100."""
    sizes = (2400, 32, 51200, 64, 204800, 128, 43008, 84, 840, 10)
    codec = shaped({"id": "switching", "levels": 1100}, sizes)
    assert sum(sizes) == 302_566
    assert codec.nbits(302_566) == 10 * 32 + 12 * 302_566  # all even: no bit fills a byte up


def test_equal_tensors_are_rounded_differently():
    x = np.tile(laws.vectors(64)["random"], 3)
    codec = shaped("switching", (64, 64, 64))
    got = codec.decode(codec.encode(x, laws.key()), 192, laws.key()).reshape(3, 64)
    assert not (got[0] == got[1]).all()
    assert not (got[1] == got[2]).all()


def test_common_coordinates_are_those_of_all_senders_but_not_of_all_tensors():
    codec = shaped({"id": "randk", "k": 8, "indices": "common", "unbiased": False}, (64, 64))
    assert codec.linear()
    assert not shaped("switching").linear()
    kept = [
        np.flatnonzero(codec.decode(codec.encode(np.ones(128), k), 128, k))
        for k in (laws.key(sender=1), laws.key(sender=2))
    ]
    assert np.array_equal(*kept)
    assert not np.array_equal(kept[0][:8], kept[0][8:] - 64)


def test_no_two_streams_of_a_round_are_the_same():
    tensors = [0, 1, 2, 255, 256, MOST - 1]
    senders = [0, 1, 2, 0x7FFF, 0xFFFF, BROADCAST]
    keys = [stream(laws.key(sender=s), t) for s in senders for t in tensors]
    assert len({key.sender for key in keys}) == len(keys)
    assert all(0 <= key.sender < 2**32 for key in keys)
    assert len({key.words(4).tobytes() for key in keys}) == len(keys)
    assert stream(laws.key(), 0) == laws.key()


def test_both_cores_give_the_same_bytes(monkeypatch):
    x = laws.vectors(N)["random"]
    first = shaped("switching").encode(x, laws.key())
    monkeypatch.setattr(packing, "pack_into", reference.pack_into)
    monkeypatch.setattr(packing, "unpack_into", reference.unpack_into)
    assert shaped("switching").encode(x, laws.key()) == first


@inside
@settings(max_examples=20, deadline=None, derandomize=True)
@given(seed=st.integers(0, 99), flips=st.lists(st.integers(0, 10**4), min_size=1, max_size=9))
def test_damaged_payloads_are_survived(spec, seed, flips):
    codec = shaped(spec)
    x = np.random.default_rng(seed).uniform(-1, 1, N)
    payload = bytearray(codec.encode(x, laws.key(seed)))
    for flip in flips:
        payload[flip // 8 % len(payload)] ^= 1 << flip % 8
    for data in (bytes(payload), bytes(payload[: flips[0] % len(payload)])):
        with contextlib.suppress(FrameError):
            assert np.isfinite(codec.decode(data, N, laws.key(seed))).all()


def test_a_table_of_lengths_that_does_not_fit_is_refused():
    codec = shaped({"id": "topk", "k": 1})
    good = codec.encode(laws.vectors(N)["random"], laws.key())
    for table in ([0, 0, 0], [2**32 - 1, 0, 0], [len(good), 1, 1]):
        with pytest.raises(FrameError):
            codec.decode(np.array(table, "<u4").tobytes() + good[12:], N, laws.key())
    with pytest.raises(FrameError, match="11 bytes have no table of 12"):
        codec.decode(good[:11], N, laws.key())


RUN = {
    "problem": {"id": "quadratic", "dimension": 12},
    "topology": "ring-5",
    "algorithm": {"id": "qgd"},
    "codecs": {"mix": {"id": "per-tensor", "codec": {"id": "switching", "levels": 10}}},
    "rounds": 3,
}


@pytest.fixture
def in_three(monkeypatch):
    monkeypatch.setattr(Quadratic, "tensors", lambda problem: (4, 1, problem.d - 5))


@pytest.mark.usefixtures("in_three")
def test_a_run_knows_the_tensors_of_its_problem():
    experiment = config.make(RUN)
    outcome = lockstep(experiment, None)
    each = 8 * (nbytes(32 + 4 * 5) + nbytes(32 + 5)) + 32 + 7 * 5
    assert experiment.codecs[0].nbits(12) == each
    assert outcome.sent.total().payload_bits == 3 * 10 * each
    assert experiment.resolved["codecs"]["mix"]["codec"]["levels"] == 10


@pytest.mark.usefixtures("in_three")
def test_a_captured_frame_is_shown_tensor_by_tensor(tmp_path):
    lockstep(config.make({**RUN, "record": {"frames": 1}}), tmp_path)
    text = plain(frame_view(tmp_path, 0, whole=True))
    for name in ("scale 0", "symbol 0", "fill 0", "scale 2", "symbol 2"):
        assert name in text


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        (
            {"codec": {"id": "per-tensor"}},
            "$.mix: per-tensor: 'codec' is per-tensor itself; name the one that codes a tensor",
        ),
        ({"codec": "topq"}, "$.mix.codec.id: no codec is called 'topq'; did you mean 'topk'?"),
        (
            {"codec": {"id": "switching", "level": 3}},
            "$.mix.codec.level: switching has no option 'level'; did you mean 'levels'?",
        ),
    ],
)
def test_bad_options(spec, message):
    with pytest.raises(ConfigError) as caught:
        build(Codec, {"id": "per-tensor", **spec}, "$.mix")
    assert str(caught.value) == message


def test_sizes_that_do_not_fit_are_refused():
    with pytest.raises(ConfigError, match="the tensors have 33 coordinates, got 32"):
        shaped("switching").nbits(32)
    with pytest.raises(ConfigError, match="at most 32768 tensors, got 32769"):
        shaped("switching", (1,) * (MOST + 1))
    assert json.dumps(shaped("switching").config())
