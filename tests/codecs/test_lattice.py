"""Lattice codes against enumeration, the known numbers of the lattices, and their own bound."""

from __future__ import annotations

import itertools
import math

import laws
import numpy as np
import pytest
from numpy.testing import assert_array_equal

from netopt.codecs import Codec, Segment, _e8, _leech
from netopt.codecs.lattice import Lattice
from netopt.errors import ConfigError, FrameError, RangeError
from netopt.registry import build

KEY = laws.key()
RATES = [1, 2, 3, 4, 6, 8, 16, 24]
KINDS = [("e8", 8), ("leech", 24)]

each_rate = pytest.mark.parametrize("rate", RATES)
each_kind = pytest.mark.parametrize(("kind", "dimension"), KINDS)


def lattice(bits, kind="e8", radius=1.0) -> Lattice:
    return build(Codec, {"id": "lattice", "lattice": kind, "bits": bits, "range": radius})


def sent(codec, x):
    return codec.decode(codec.encode(x, KEY), len(x), KEY)


def sphere(count, dimension, seed=0):
    x = np.random.default_rng(seed).standard_normal((count, dimension))
    return x / np.linalg.norm(x, axis=1, keepdims=True)


def points_of(kind):
    return next(lattice(1, kind)._parts(24))[0]


# ---- the lattices ----


@each_kind
def test_the_basis_is_of_the_lattice_and_its_inverse_is_exact(kind, dimension):
    points = points_of(kind)
    assert points.dimension == dimension
    assert_array_equal(points.basis @ points.inverse, np.eye(dimension))
    assert_array_equal(points.nearest(points.basis), points.basis)
    volume = abs(np.linalg.det(points.basis))
    packing_radius = {"e8": 0.5**0.5, "leech": 1}[kind]  # at volume 1
    assert points.radius / volume ** (1 / dimension) == pytest.approx(packing_radius)


def test_the_words_are_golays_code():
    words = _leech.tables().words.reshape(-1, 24)
    weights = words.sum(axis=1)
    assert {w: int((weights == w).sum()) for w in range(25) if (weights == w).any()} == (
        {0: 1, 8: 759, 12: 2576, 16: 759, 24: 1}
    )
    known = {word.tobytes() for word in words}
    assert len(known) == 4096
    assert all((words[17] ^ word).tobytes() in known for word in words)


def test_the_nearest_point_of_leech_is_the_nearest_over_all_of_golays_code():
    y = np.random.default_rng(1).uniform(-20, 20, (30, 24))
    for row, found in zip(y, _leech.nearest(y), strict=True):
        assert math.dist(row, found) ** 2 == pytest.approx(_least_distance(row), rel=1e-5)


def _least_distance(y):
    """Return the squared distance to Leech's lattice by trying 2 x 4096 classes of points."""
    words, best = _leech.tables().words.reshape(-1, 24), math.inf
    for m in (0, 1):
        z = np.rint((y - m - 2 * words) / 4)
        off = np.abs(y - m - 2 * words - 4 * z)
        repair = np.where(z.sum(axis=1) % 2 == m, 0, ((4 - off) ** 2 - off**2).min(axis=1))
        best = min(best, ((off**2).sum(axis=1) + repair).min())
    return best


def test_the_nearest_point_of_e8_is_the_nearest_of_all():
    y = np.random.default_rng(1).uniform(0, 1, (300, 8))
    corners = np.array(list(itertools.product([0.0, 1.0], repeat=8)))
    even = corners[corners.sum(axis=1) % 2 == 0]
    for row, found in zip(y, _e8.nearest(y), strict=True):
        halves = corners - 0.5 + np.round(row)  # the two of each coordinate that are within 1
        candidates = np.concatenate([even, halves[halves.sum(axis=1) % 2 == 0]])
        distances = np.linalg.norm(candidates - row, axis=1)
        assert_array_equal(found, candidates[distances.argmin()])


@pytest.mark.parametrize(
    ("hole", "distance"),
    [([1] + [0] * 7, 1), ([0.5] * 4 + [0] * 4, 1), ([5 / 6] + [1 / 6] * 7, 8 / 9)],
    ids=["deep", "deep too", "shallow"],
)
def test_the_holes_of_e8_are_where_they_should_be(hole, distance):
    off = _e8.nearest(np.array([hole])) - hole
    assert (off * off).sum() == pytest.approx(distance, rel=1e-6)


def test_the_cosets_of_e8_modulo_2_are_1_and_120_and_135():
    codec = lattice(1, radius=0.5**0.5 * (1 + 2.0**-20) ** -1)  # the spacing is 1
    norms = []
    for coset in range(256):
        payload = bytes([coset])
        shortest = codec.decode(payload, 8, KEY)
        norms.append(round((shortest @ shortest) * 1e6) / 1e6)
        assert codec.encode(shortest, KEY) == payload
    assert {norm: norms.count(norm) for norm in norms} == {0: 1, 2: 120, 4: 135}


def test_a_deep_hole_of_leech_is_at_distance_4():
    hole = 4 * np.eye(24)[:1]
    assert math.dist(hole[0], _leech.nearest(hole)[0]) == 4


def test_the_cosets_of_leech_modulo_2_have_norm_4_6_or_8():
    codec = lattice(1, "leech", (1 + 2.0**-20) ** -1)  # the spacing is 1 / sqrt(8)
    payload = np.random.default_rng(4).bytes(3 * 800)
    shortest = codec.decode(payload, 24 * 800, KEY)
    assert codec.encode(shortest, KEY) == payload
    norms = (shortest.reshape(-1, 24) ** 2).sum(axis=1)
    assert np.abs(norms - np.round(norms)).max() < 1e-9
    bound = math.sqrt(math.log(2 / 1e-7) / (2 * 800))  # Hoeffding: below 1e-7 for each norm
    for norm, number in {4: 98_280, 6: 8_386_560, 8: 8_292_375}.items():
        assert abs(np.mean(np.round(norms) == norm) - number / 2**24) < bound
    assert np.isin(np.round(norms), (0, 4, 6, 8)).all()


# ---- the codec ----


@pytest.mark.parametrize("bits", range(1, 25))
@pytest.mark.parametrize("n", [1, 7, 8, 9, 24, 116])
def test_the_payload_is_n_r_bits(n, bits):
    for kind in ("e8", "leech"):
        codec = lattice(bits, kind)
        assert codec.nbits(n) == n * bits
        assert codec.layout(n) == (Segment("symbol", n, bits, "symbol"),)
        assert len(codec.encode(np.zeros(n), KEY)) == math.ceil(n * bits / 8)


@pytest.mark.parametrize(
    ("kind", "payload"),
    [
        ("e8", "bcbcfe1ecfcdfe0e2223fffe646743f308"),
        ("leech", "68fbc890a1beb0ae91ea0887646743f308"),
    ],
)
def test_the_bytes_are_those_once_written_down(kind, payload):
    x = (np.arange(33) * 37 % 101 - 50) / 101
    assert lattice(4, kind, 2.0).encode(x, KEY).hex() == payload


@each_kind
@each_rate
def test_the_whole_ball_is_sent_within_the_bound(kind, dimension, rate):
    codec = lattice(rate, kind, 3.0)
    count = 10_000 if kind == "e8" else 300
    for size in (1.0, 0.97, 0.5):
        x = 3 * size * sphere(count, dimension)
        errors = np.linalg.norm(sent(codec, x.reshape(-1)).reshape(x.shape) - x, axis=1) / 3
        assert errors.max() <= codec.covering(dimension)
        assert errors.max() > 0.7 * codec.covering(dimension) * (size if rate == 1 else 1)


@each_kind
@each_rate
def test_a_root_is_sent_up_to_the_range_and_no_farther(kind, dimension, rate):
    """In this direction the code ends at (2^R - 1) packing radii: the ball cannot be larger."""
    codec = lattice(rate, kind, 0.3)
    root = points_of(kind).basis[0 if kind == "leech" else 1]
    unit = root / np.linalg.norm(root)
    refusals = []
    for edge in (0.3 * unit, -0.3 * unit):
        assert np.linalg.norm(sent(codec, edge) - edge) <= 0.3 * codec.covering(dimension)
        try:
            codec.encode(edge * (1 + 2.0**-18), KEY)
        except RangeError as error:
            refusals.append(str(error))
    # For a small R one of them only: the very end and its negative are in one coset.
    assert set(refusals) == {
        f"lattice: a block of {dimension} coordinates has norm 0.300001, beyond the range 0.3; "
        "give a larger range"
    }


@each_kind
@each_rate
def test_what_is_beyond_the_range_is_sent_well_or_refused(kind, dimension, rate):
    codec, sizes = lattice(rate, kind), np.linspace(1, 3, 60)[:, None]
    tried = [(x, _or_none(codec, x)) for x in sizes * sphere(60, dimension)]
    found = [np.linalg.norm(got - x) for x, got in tried if got is not None]
    assert 0 < len(found) < len(tried)
    assert max(found) <= 2**0.5 / (2**rate - 1) * (1 + 2.0**-18)
    for far in (30.0, 1e9, 1e300):
        with pytest.raises(RangeError):
            codec.encode(far * tried[0][0], KEY)


def _or_none(codec, x):
    try:
        return sent(codec, x)
    except RangeError:
        return None


@pytest.mark.parametrize("radius", [1e-280, 1.0, 1e280])
def test_the_range_only_scales(radius):
    x = sphere(5, 8).reshape(-1)[:37]
    one, other = lattice(4), lattice(4, radius=radius)
    assert other.encode(x * radius, KEY) == one.encode(x, KEY)
    np.testing.assert_allclose(sent(other, x * radius) / radius, sent(one, x), rtol=1e-14)


def test_what_blocks_leave_over_is_sent_as_uniform_sends_it():
    x = np.random.default_rng(2).uniform(-1, 1, 15) * 0.35
    uniform = build(Codec, {"id": "uniform", "bits": 5})
    np.testing.assert_allclose(sent(lattice(5), x)[8:], sent(uniform, x[8:]), rtol=1e-15)
    x[9] = -1.0
    assert sent(lattice(5), x)[9] == -1 + 2.0**-5
    x[9] = np.nextafter(-1, -2)
    with pytest.raises(RangeError) as caught:
        lattice(5).encode(x, KEY)
    assert str(caught.value) == (
        "lattice: a coordinate of size 1 is outside [-1, 1]; give a larger range"
    )


def test_what_leech_leaves_over_is_sent_by_e8():
    x = np.random.default_rng(5).uniform(-1, 1, 116) * 0.2
    wanted = [*(sent(lattice(4, "leech"), x[i : i + 24]) for i in range(0, 96, 24))]
    wanted.append(sent(lattice(4), x[96:]))
    assert sent(lattice(4, "leech"), x).tobytes() == np.concatenate(wanted).tobytes()


@each_kind
def test_blocks_do_not_touch_one_another(kind, dimension):
    codec, x = lattice(3, kind), 0.9 * sphere(70, dimension)
    alone = np.concatenate([sent(codec, row) for row in x])
    assert sent(codec, x.reshape(-1)).tobytes() == alone.tobytes()


@each_rate
@pytest.mark.parametrize("n", [8, 16, 24, 116])
def test_covering_is_the_formula_and_below_the_scalars(n, rate):
    below = build(Codec, {"id": "uniform", "bits": rate}).covering(n)
    for kind, blocks in (("e8", n // 8), ("leech", n // 24 + n % 24 // 8)):
        wanted = math.sqrt(min(1, 2 * blocks / (2**rate - 1) ** 2) + n % 8 / 4**rate)
        assert lattice(rate, kind).covering(n) == pytest.approx(wanted, rel=1e-5)
        assert lattice(rate, kind).covering(n) < below
        below = wanted * (1 + 1e-5)


@pytest.mark.parametrize("rate", [3, 4, 6, 8])
@pytest.mark.parametrize(("kind", "dimension", "part"), [("e8", 8, 0.58), ("leech", 24, 0.34)])
def test_the_worst_error_found_is_far_below_the_scalars(kind, dimension, part, rate):
    x = sphere(480 * 24 // dimension, dimension).reshape(-1)
    errors = np.linalg.norm((sent(lattice(rate, kind), x) - x).reshape(-1, dimension), axis=1)
    assert errors.max() < part * math.sqrt(dimension) / 2**rate


@each_rate
def test_hostile_payloads_are_a_frame_error_or_a_point_of_the_code(rate):
    codec, rng = lattice(rate), np.random.default_rng(3)
    size, pad = math.ceil(33 * rate / 8), -33 * rate % 8
    for _ in range(50):
        data = rng.integers(0, 256, size, np.uint8)
        data[-1] &= 0xFF >> pad
        got = codec.decode(data, 33, KEY)
        farthest = 2**0.5 * 2**rate / (2**rate - 1)  # the deep holes of 2^R times the lattice
        assert np.linalg.norm(got[:32].reshape(-1, 8), axis=1).max() <= farthest * (1 + 2.0**-19)
        assert abs(got[32]) < 1
        if pad:
            data[-1] |= 0x80
            with pytest.raises(FrameError, match=r"^lattice: the .* pad bits after 33 values"):
                codec.decode(data, 33, KEY)
    with pytest.raises(FrameError, match=f"33 coordinates need {size} bytes"):
        codec.decode(data[:-1], 33, KEY)


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("bits", 0, "$.bits: expected int >= 1; the value is 0"),
        ("bits", 25, "$.bits: expected int <= 24; the value is 25"),
        ("range", 0, "$.range: expected float >= 1e-280; the value is 0"),
        ("lattice", "e7", "$.lattice: expected one of e8, leech; the value is 'e7'"),
    ],
)
def test_options_out_of_bounds_are_refused(option, value, message):
    with pytest.raises(ConfigError) as caught:
        build(Codec, {"id": "lattice", option: value})
    assert str(caught.value).startswith(message)
