"""Dithering by the claims of its paper: steps, budgets, constants, and bits counted by hand."""

from __future__ import annotations

import math

import laws
import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import optimize

from netopt.codecs import Codec, Tuning
from netopt.core import packing
from netopt.registry import build

D, N, MU = 60, 4, 1e-2
DIAGONAL = np.random.default_rng(5).permutation(np.geomspace(1e-3, 2, D))
TABLE = {1: 1, 2: 3, 3: 3, 4: 6, 5: 6, 6: 6, 7: 6, 8: 7, 15: 7, 16: 11, 31: 11}
"""Lengths of Elias omega codes, from Elias's own table."""


def told(aim="diana", diagonal=DIAGONAL, workers=N, mu=MU):
    return Tuning(workers, diagonal, mu, aim)


def tuned(spec, aim="diana", diagonal=DIAGONAL, workers=N):
    codec = build(Codec, spec)
    tuning = told(aim, diagonal, workers)
    return codec.tuned(tuning, len(diagonal), codec.tune(tuning))


def drawn(codec, x, draws=2000):
    keys = [laws.key(0, seed) for seed in range(draws)]
    return np.array([codec.decode(codec.encode(x, k), len(x), k) for k in keys])


def omega_bits(value):
    """Elias's recursion, one group at a time."""
    total = 1
    while value > 1:
        total, value = total + value.bit_length(), value.bit_length() - 1
    return total


def gamma_bits(value):
    return 2 * value.bit_length() - 1


def bits_by_hand(values, scales, norms, bits):
    """32 a norm, then for each non-zero the gap (the first: index + 1), a sign and the level."""
    total, last = 32 * norms, -1
    for j in np.flatnonzero(values):
        total += bits(int(j) - last) + 1 + bits(round(abs(values[j]) / scales[j]))
        last = int(j)
    return total


# ---- the steps ----


@pytest.mark.parametrize("aim", ["dcgd", "diana"])
def test_the_steps_spend_the_budget(aim):
    h = build(Codec, "varying-steps").tune(told(aim))
    assert_allclose(np.linalg.norm(1 / h), D / N, rtol=1e-6)
    assert (h.astype(np.float32) == h).all()


def test_for_dcgd_plus_cal_l_is_n_times_the_trace_over_d():
    codec = tuned("varying-steps", "dcgd")
    assert_allclose(codec.cal_l(DIAGONAL, 2.0), N * DIAGONAL.sum() / D, rtol=1e-6)


def test_uniform_steps_are_n_over_the_root_of_d():
    codec = tuned({"id": "varying-steps", "steps": "uniform"})
    assert codec.tune(told()) is None
    assert_allclose(codec.spacing(D), N / math.sqrt(D), rtol=1e-15)
    assert_allclose(codec.cal_l(DIAGONAL, 2.0), N / math.sqrt(D) * np.linalg.norm(DIAGONAL))


@pytest.mark.parametrize("aim", ["dcgd", "diana"])
def test_no_other_steps_of_the_same_budget_are_better(aim):
    """scipy's minimiser over log h on the sphere ||h^(-1)|| = d / n finds no lower value."""
    diagonal, n, mu = np.array([1.0, 0.02, 0.3, 5.0, 0.001, 0.1, 2.0, 0.7, 0.05]), 3, 0.05

    def value(h):
        cal_l = np.sum((diagonal * h) ** 2)
        return cal_l if aim == "dcgd" else np.sum(h**2) + cal_l / (n * mu) ** 2

    def on_the_sphere(logs):
        inverse = np.exp(-logs)
        return 1 / (inverse * (len(diagonal) / n) / np.linalg.norm(inverse))

    ours = build(Codec, "varying-steps").tune(Tuning(n, diagonal, mu, aim))
    found = optimize.minimize(
        lambda logs: math.log(value(on_the_sphere(logs))), np.zeros(9), options={"gtol": 1e-9}
    )
    best = on_the_sphere(found.x)
    assert_allclose(value(ours), value(best), rtol=1e-6)
    assert_allclose(ours, best, rtol=1e-3)


def block_budget(codec):
    h, sizes = codec.heights(D), codec.sizes(D)
    return np.sum(1 / h**2 + np.sqrt(sizes) / h)


@pytest.mark.parametrize("steps", ["smooth", "uniform"])
@pytest.mark.parametrize("aim", ["dcgd", "diana"])
@pytest.mark.parametrize("blocks", [1, 4, 7, 60])
def test_blocks_spend_their_budget(aim, steps, blocks):
    codec = tuned({"id": "blocks", "steps": steps, "blocks": blocks}, aim)
    assert_allclose(block_budget(codec), D / N, rtol=1e-6)
    assert codec.sizes(D).tolist() == [D // blocks] * (blocks - 1) + [
        D - D // blocks * (blocks - 1)
    ]


def test_smooth_blocks_equalise_what_they_minimise():
    """The largest of h_l ||l_l||, and of h_l sqrt(d_l) + h_l ||l_l|| / (n mu), is all of them."""
    for aim in ("dcgd", "diana"):
        codec = tuned("blocks", aim)
        sizes = np.linalg.norm(DIAGONAL.reshape(N, -1), axis=1)
        a = sizes if aim == "dcgd" else np.sqrt(D / N) + sizes / (N * MU)
        assert np.ptp(codec.heights(D) * a) < 1e-6 * (codec.heights(D) * a).max()


def test_uniform_blocks_have_the_published_step():
    """t = beta / B - 1 and h = (sqrt(d_b) + sqrt(d_b + 4 t)) / (2 t), for equal blocks."""
    codec = tuned({"id": "blocks", "steps": "uniform"})
    t, each = (D / N + N) / N - 1, D // N
    h = (math.sqrt(each) + math.sqrt(each + 4 * t)) / (2 * t)
    assert_allclose(codec.heights(D), h, rtol=1e-12)
    assert codec.tune(told()) is None


@pytest.mark.parametrize("aim", ["dcgd", "diana"])
def test_the_published_delta_bounds_that_of_blocks_within_a_quarter(aim):
    sizes, left = np.full(N, D // N), D / N
    norms = np.linalg.norm(DIAGONAL.reshape(N, -1), axis=1)
    if aim == "dcgd":
        a = norms
        first, whole = np.sqrt(sizes) @ a / left, np.linalg.norm(DIAGONAL)
        published = first + whole / math.sqrt(left)
    else:
        a = np.sqrt(sizes) + norms / (N * MU)
        first, t1 = np.sqrt(sizes) @ a, 1 + np.linalg.norm(DIAGONAL) / (N * MU * math.sqrt(D))
        published = first / (2 * left) + math.sqrt((first / (2 * left)) ** 2 + D * t1**2 / left)
    ours = tuned("blocks", aim).heights(D) * a
    assert (ours <= published * (1 + 1e-6)).all()
    assert (published <= 1.26 * ours).all()


def test_standard_levels_are_the_floor_of_root_d_over_n():
    for d in (16, 17, 63, 64, 65, 1024, 10**6 - 1, 10**6):
        codec = tuned("dithering", diagonal=np.ones(d))
        assert codec.count(d) == math.floor(math.sqrt(d) / N)
        blocks = tuned({"id": "blocks", "steps": "standard"}, diagonal=np.ones(d))
        assert (blocks.heights(d) == 1 / codec.count(d)).all()
    assert build(Codec, "dithering").count(60) == 7
    assert tuned({"id": "dithering", "levels": 9}).count(60) == 9


# ---- what they send ----

SPECS = [
    {"id": "dithering"},
    {"id": "dithering", "levels": 1},
    {"id": "varying-steps"},
    {"id": "varying-steps", "steps": "uniform"},
    {"id": "blocks"},
    {"id": "blocks", "steps": "standard"},
]
each = pytest.mark.parametrize("spec", SPECS, ids=lambda s: "-".join(map(str, s.values())))
RNG = np.random.default_rng(1)


def scales_of(codec, x):
    """Return the float32 norm of each coordinate, as it is sent."""
    count = codec.scales(len(x))
    sent = np.frombuffer(codec.encode(x, laws.key())[: 4 * count], "<f4").astype(float)
    return np.repeat(sent, codec.sizes(len(x))) if codec.id == "blocks" else sent


def hard_vectors(h):
    """Ordinary vectors, and those for which the bounds are nearly reached."""
    return [RNG.standard_normal(D), RNG.standard_normal(D) ** 5, 1 / h, DIAGONAL * h, np.ones(D)]


@each
@pytest.mark.parametrize("norm", ["l2", "linf"])
def test_non_zeros_are_as_many_as_expected_and_within_the_budget(spec, norm):
    """Of independent coordinates Hoeffding allows sqrt(D log(10^7) / (2 draws)) more or less."""
    codec = tuned({**spec, "norm": norm}, "dcgd")
    h = codec.spacing(D) * np.ones(D)
    budget = np.linalg.norm(1 / h)
    if spec["id"] == "blocks":
        budget = np.sum(np.sqrt(codec.sizes(D)) / codec.heights(D))
    for x in hard_vectors(h):
        expected = np.minimum(1, np.abs(x) / (scales_of(codec, x) * h)).sum()
        counts = np.count_nonzero(drawn(codec, x, 200), axis=1)
        assert abs(counts.mean() - expected) <= math.sqrt(D * math.log(2e7) / 400)
        assert norm == "linf" or expected <= budget * (1 + 1e-12)


@each
@pytest.mark.parametrize("norm", ["l2", "linf"])
def test_the_expected_error_is_within_the_constants(spec, norm):
    """Values are one of two neighbours; their variance by hand is bounded by omega and cal_l."""
    codec, reached = tuned({**spec, "norm": norm}), []
    h = codec.spacing(D) * np.ones(D)
    for x in hard_vectors(h):
        delta = scales_of(codec, x) * h
        u = np.abs(x) / delta % 1
        variance = delta**2 * u * (1 - u)
        found = variance.sum() / codec.omega(D), DIAGONAL @ variance / codec.cal_l(DIAGONAL, 2.0)
        reached.append(np.array(found) / (x @ x))
        places = drawn(codec, x, 50) / delta
        assert np.abs(places - np.round(places)).max() < 1e-9
        assert (np.abs(places - x / delta) < 1 + 1e-9).all()
    assert np.max(reached) <= 1
    assert norm == "linf" or np.max(reached, axis=0).min() > 0.3


@each
@pytest.mark.parametrize("coding", ["omega", "gamma"])
@pytest.mark.parametrize("norm", ["l2", "linf"])
def test_the_bits_are_those_counted_by_hand(spec, coding, norm):
    codec = tuned({**spec, "coding": coding, "norm": norm})
    bits = omega_bits if coding == "omega" else gamma_bits
    for x in (*hard_vectors(np.ones(D)), np.zeros(D), np.eye(1, D, D - 1)[0]):
        out = np.zeros(laws.nbytes(codec.max_nbits(D)), np.uint8)
        used = codec.encode_into(x, laws.key(), out)
        values = codec.decode(out[: laws.nbytes(used)], D, laws.key())
        scales = scales_of(codec, x) * codec.spacing(D) * np.ones(D)
        assert used == bits_by_hand(values, scales, codec.scales(D), bits)


@pytest.mark.parametrize("workers", [1, 2, 7])
@pytest.mark.parametrize("coding", ["omega", "gamma"])
def test_room_is_made_for_every_tuning(workers, coding):
    """One block a coordinate, smoothness that is all in one coordinate, and a full budget."""
    for spec in ({"id": "varying-steps"}, {"id": "blocks"}, {"id": "blocks", "blocks": 60}):
        for power in (0, 1, 4):
            codec = tuned({**spec, "coding": coding}, "dcgd", DIAGONAL**power, workers)
            assert codec.max_nbits(D) <= build(Codec, codec.config()).max_nbits(D)
    assert max(omega_bits(m) - gamma_bits(m) for m in range(1, 2**16)) == 2


def test_lengths_by_hand_are_those_of_the_table():
    assert {value: omega_bits(value) for value in TABLE} == TABLE


@pytest.mark.parametrize(("n", "s"), [(1, 1), (2, 3), (12, 1), (5, 4), (6, 3)])
@pytest.mark.parametrize("coding", ["omega", "gamma"])
def test_the_largest_payload_is_that_of_all_coordinates_at_the_top(n, s, coding):
    codec = build(Codec, {"id": "dithering", "levels": s, "coding": coding})
    code = ("omega", "gamma").index(coding)
    grids = np.array(np.meshgrid(*[range(s + 1)] * n)).reshape(n, -1).T.astype(np.int32)
    most = max(packing.levels_bits(np.ascontiguousarray(levels), code) for levels in grids)
    assert codec.max_nbits(n) == 32 + most


@pytest.mark.parametrize(("bits", "more"), [(omega_bits, 1), (gamma_bits, -1)])
def test_a_gap_across_a_border_costs_no_more_than_an_end_of_block(bits, more):
    pairs = [(z, g) for z in range(300) for g in range(1, 300)]
    excess = [bits(z + g) - bits(z + 1) - bits(g) for z, g in pairs]
    assert max(excess) == more
    assert np.mean(excess) < -10


@pytest.mark.parametrize("norm", ["l2", "linf"])
@pytest.mark.parametrize("levels", [1, 7, 10])
def test_in_a_fixed_width_it_is_qsgd(levels, norm):
    codec = build(Codec, {"id": "dithering", "levels": levels, "norm": norm, "coding": "fixed"})
    other = build(Codec, {"id": "qsgd", "levels": levels, "norm": norm, "floor": 1e-30})
    for x in hard_vectors(np.ones(D)):
        assert codec.encode(x, laws.key()) == other.encode(x, laws.key())
    assert codec.nbits(D) == other.nbits(D) == 32 + D * math.ceil(math.log2(2 * levels + 1))


@each
@pytest.mark.parametrize("size", [1e-20, 1e-38, 1e-39, 1e30])
def test_vectors_of_any_size_are_sent_without_bias(spec, size):
    laws.mean_is_the_vector(build(Codec, spec), laws.vectors(9)["random"] * size, 0, 300)


@pytest.mark.parametrize("size", [1.0, 0.1, 1e-37, 1e38, 3.0000001])
def test_the_scale_is_the_least_float32_not_below_the_norm(size):
    for x in (np.array([size]), RNG.uniform(-size, size, 5)):
        scale = scales_of(build(Codec, "dithering"), x)[0]
        assert np.nextafter(np.float32(scale), np.float32(0)) < np.abs(x).max() <= scale


def test_a_linf_vector_on_the_grid_arrives_unchanged():
    x = np.array([8.0, -1, 0, 3, 5, -8, 2])
    for s in (8, 16, 1024):
        codec = build(Codec, {"id": "dithering", "levels": s})
        assert (drawn(codec, x, 50) == x).all()
