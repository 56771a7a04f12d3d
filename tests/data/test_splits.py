"""Every split gives every row to exactly one agent; all but pairs in parts of almost one size."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from netopt.data import Data
from netopt.data.splits import hold_out, split
from netopt.errors import ConfigError

CUT = ("iid", "by-class", "sorted-by-norm")
"""The splits that cut one order of all rows."""


def table(rows):
    rng = np.random.default_rng(rows)
    return Data(rng.standard_normal((rows, 3)), rng.integers(0, 4, rows))


@pytest.mark.parametrize("how", [*CUT, "dirichlet", "dirichlet:0.001", "dirichlet:1e6"])
@given(agents=st.integers(1, 20), more=st.integers(0, 60), seed=st.integers(0, 2**64 - 1))
def test_every_row_goes_to_exactly_one_agent(how, agents, more, seed):
    parts = split(how, table(agents + more), agents, seed)
    sizes = [len(part) for part in parts]
    assert len(parts) == agents
    assert max(sizes) - min(sizes) <= 1
    assert sizes == sorted(sizes, reverse=True)
    assert sorted(np.concatenate(parts)) == list(range(agents + more))


@pytest.mark.parametrize("how", CUT)
@given(agents=st.integers(1, 20), more=st.integers(0, 60))
def test_equal_parts_are_the_first_rows_of_the_same_order(how, agents, more):
    data = table(agents + more)
    size = (agents + more) // agents
    order = np.concatenate(split(how, data, agents, 3))
    parts = split(how, data, agents, 3, equal=True)
    assert [len(part) for part in parts] == [size] * agents
    assert np.array_equal(np.concatenate(parts), order[: size * agents])


@given(rows=st.integers(0, 60), fraction=st.floats(0, 1), seed=st.integers(0, 2**64 - 1))
def test_every_row_is_either_trained_on_or_held_out(rows, fraction, seed):
    train, test = hold_out(rows, fraction, seed)
    assert len(test) == int(fraction * rows)
    assert sorted([*train, *test]) == list(range(rows))
    assert list(train) == sorted(train)
    assert list(test) == sorted(test)


def test_iid_depends_on_the_seed_only():
    data = table(50)
    one, again, two = (np.concatenate(split("iid", data, 5, seed)) for seed in (1, 1, 2))
    assert np.array_equal(one, again)
    assert not np.array_equal(one, two)
    assert not np.array_equal(one, np.arange(50))
    assert not np.array_equal(hold_out(50, 0.2, 1)[1], np.sort(one[:10]))


def test_by_class_is_stable_and_sorted():
    data = Data(np.zeros((6, 1)), np.array([2, 1, 2, 0, 1, 0]))
    assert [part.tolist() for part in split("by-class", data, 3, 0)] == [[3, 5], [1, 4], [0, 2]]


def test_sorted_by_norm_dense_and_sparse():
    from scipy.sparse import csr_array

    rows = np.array([[3.0, 4.0], [0.0, 1.0], [0.0, -6.0], [1.0, 0.0], [0.0, 0.0]])
    for features in (rows, csr_array(rows)):
        parts = split("sorted-by-norm", Data(features, np.zeros(5)), 2, 0)
        assert [part.tolist() for part in parts] == [[4, 1, 3], [0, 2]]


def counts(parts, labels, classes=10):
    return np.array([np.bincount(labels[part], minlength=classes) for part in parts])


@given(size=st.integers(8, 40), seed=st.integers(0, 2**64 - 1))
def test_pairs_give_half_of_a_pair_and_an_eighth_of_the_others(size, seed):
    labels = np.random.default_rng(size).permutation(np.repeat(np.arange(10), 4 * size))
    parts = split("pairs", Data(np.zeros((40 * size, 1)), labels), 5, seed)
    assert sorted(np.concatenate(parts)) == list(range(40 * size))
    owned = counts(parts, labels).reshape(5, 5, 2).sum(axis=2)
    assert np.array_equal(owned, size * (np.ones((5, 5)) + 3 * np.eye(5)))
    assert not np.array_equal(parts[0], split("pairs", Data(0, labels), 5, seed ^ 1)[0])


def test_dirichlets_shares_have_its_mean_and_variance():
    """Agent 0's shares of two classes are a Beta(alpha p, alpha (1 - p)) variable.

    By Hoeffding, a mean over 1000 seeds, of the share or of its squared deviation, misses its value
    by more than 0.089 with a probability below 2 exp(-2 1000 0.089^2) < 2.7e-7; there are four.
    """
    labels = np.repeat([0, 1], [300, 700])
    for alpha in (0.2, 8.0):
        parts = [split(f"dirichlet:{alpha}", Data(0, labels), 4, s)[0] for s in range(1000)]
        share = np.array([np.mean(labels[part] == 0) for part in parts])
        variance = 0.21 / (alpha + 1) * (1 - 1 / 250) + 0.21 / 250  # 250 rows are drawn by it
        assert np.mean(share) == pytest.approx(0.3, abs=0.089)
        assert np.mean((share - 0.3) ** 2) == pytest.approx(variance, abs=0.089)


def test_alpha_chooses_between_one_class_and_the_mixture_of_all():
    labels = np.repeat(np.arange(10), 100)
    few = counts(split("dirichlet:0.001", Data(0, labels), 10, 1), labels)
    assert (few.max(axis=1) >= 50).sum() >= 8
    assert ((few > 0).sum(axis=1) <= 4).all()
    even = counts(split("dirichlet:1e6", Data(0, labels), 2, 1), labels)
    assert even.min() > 20  # of a hundred: a binomial variable of 500 draws at 1/10 is 50 +- 7
    first, again, other = (split("dirichlet", Data(0, labels), 3, s)[0] for s in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize("how", ["pairs", "dirichlet:0.3"])
def test_equal_skewed_parts_lose_their_last_rows(how):
    labels = np.random.default_rng(1).integers(0, 10, 203)
    parts = split(how, Data(0, labels), 5, 7)
    cut = split(how, Data(0, labels), 5, 7, equal=True)
    fewest = min(map(len, parts))
    assert [part.tolist() for part in cut] == [part[:fewest].tolist() for part in parts]


@pytest.mark.parametrize(
    ("how", "agents", "message"),
    [
        ("byclass", 2, "no split is called 'byclass'; did you mean 'by-class'?"),
        (
            "x",
            2,
            "no split is called 'x'; choose from iid, by-class, sorted-by-norm, pairs, dirichlet",
        ),
        ("pairs:3", 2, "no split is called 'pairs:3'; did you mean 'pairs'?"),
        (
            "dirichlet:x",
            2,
            "dirichlet needs a number from 0.001 to 1e6 after its colon, as in 'dirichlet:0.3', "
            "got 'dirichlet:x'",
        ),
        (
            "dirichlet:0",
            2,
            "dirichlet needs a number from 0.001 to 1e6 after its colon, as in 'dirichlet:0.3', "
            "got 'dirichlet:0'",
        ),
        (
            "pairs",
            3,
            "the split by pairs gives each of N agents its own pair of 2 N classes; 3 agents and "
            "4 classes do not fit, use dirichlet:0.5",
        ),
        ("iid", 8, "7 rows do not go round 8 agents"),
    ],
)
def test_errors(how, agents, message):
    with pytest.raises(ConfigError) as caught:
        split(how, table(7), agents, 0)
    assert str(caught.value) == message
