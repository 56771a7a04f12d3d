"""Every split gives every row to exactly one agent, in parts of almost one size."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from netopt.data import Data
from netopt.data.splits import SPLITS, hold_out, split
from netopt.errors import ConfigError


def table(rows):
    rng = np.random.default_rng(rows)
    return Data(rng.standard_normal((rows, 3)), rng.integers(0, 4, rows))


@pytest.mark.parametrize("how", SPLITS)
@given(agents=st.integers(1, 20), more=st.integers(0, 60), seed=st.integers(0, 2**64 - 1))
def test_every_row_goes_to_exactly_one_agent(how, agents, more, seed):
    parts = split(how, table(agents + more), agents, seed)
    sizes = [len(part) for part in parts]
    assert len(parts) == agents
    assert max(sizes) - min(sizes) <= 1
    assert sizes == sorted(sizes, reverse=True)
    assert sorted(np.concatenate(parts)) == list(range(agents + more))


@pytest.mark.parametrize("how", SPLITS)
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


@pytest.mark.parametrize(
    ("how", "agents", "message"),
    [
        ("byclass", 2, "no split is called 'byclass'; did you mean 'by-class'?"),
        ("x", 2, "no split is called 'x'; choose from iid, by-class, sorted-by-norm"),
        ("iid", 8, "7 rows do not go round 8 agents"),
    ],
)
def test_errors(how, agents, message):
    with pytest.raises(ConfigError) as caught:
        split(how, table(7), agents, 0)
    assert str(caught.value) == message
