"""The LIBSVM reader against scikit-learn's, and what it says of files that are not the format."""

import io
import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from netopt.data import libsvm, load
from netopt.errors import ConfigError

DATA = Path(os.environ.get("NETOPT_DATA", Path(__file__).parents[3] / "shared" / "data"))
GOOD = "+1 1:0.5 3:-2\n\n-1 2:1e-3  # a comment\r\n 1\n"


def dense(data):
    return data.features if isinstance(data.features, np.ndarray) else data.features.toarray()


@pytest.fixture
def write(tmp_path):
    def written(text):
        file = tmp_path / "file.svm"
        file.write_bytes(text.encode("latin-1"))
        return file

    return written


def test_a_small_file(write):
    data = load(f"libsvm:{write(GOOD)}", 0)
    assert dense(data).tolist() == [[0.5, 0, -2], [0, 1e-3, 0], [0, 0, 0]]
    assert data.labels.tolist() == [1, -1, 1]
    assert data.classes == ()


@pytest.mark.parametrize("columns", [1, 40])
def test_few_non_zeros_stay_sparse(write, columns):
    file = write("".join(f"{row} {row % columns + 1}:{row + 1}\n" for row in range(80)))
    data = load(f"libsvm:{file}", 0)
    assert isinstance(data.features, np.ndarray) == (columns == 1)
    assert data.features.shape == (80, columns)
    assert dense(data)[np.arange(80), np.arange(80) % columns].tolist() == list(range(1, 81))


def test_the_indices_of_sparse_rows_take_four_bytes(write):
    from netopt.problems.logistic import Logistic

    file = write("".join(f"{row % 2} {row % 40 + 1}:{row + 1}\n" for row in range(80)))
    assert load(f"libsvm:{file}", 0).features.indices.dtype == np.int32
    problem = Logistic(data=f"libsvm:{file}", scale="row-max", intercept=True)
    problem.prepare(3, 1)
    for part in problem._parts:
        assert part.features.indices.dtype == part.features.indptr.dtype == np.int32


def test_rows_without_features(write):
    file = write("1\n-1\n")
    data = load(f"libsvm:{file}", 0)
    assert data.features.shape == (2, 0)


@pytest.mark.parametrize("name", ["splice", "a8a", "w8a"])
def test_real_files_read_as_scikit_learn_reads_them(name):
    if not (DATA / name).is_file():
        pytest.skip(f"the LIBSVM file {name} is not here")
    from sklearn.datasets import load_svmlight_file

    features, labels = load_svmlight_file(str(DATA / name))
    data = load(f"libsvm:{DATA / name}", 0)
    assert isinstance(data.features, np.ndarray) == (name == "splice")
    assert np.array_equal(dense(data), features.toarray())
    assert np.array_equal(data.labels, labels)


rows = st.tuples(
    st.floats(-1e6, 1e6),
    st.dictionaries(st.integers(1, 30), st.floats(allow_nan=False, allow_infinity=False)),
)


@given(st.lists(rows, min_size=1, max_size=12))
@settings(deadline=None)
def test_any_good_file_reads_as_scikit_learn_reads_it(table):
    from sklearn.datasets import load_svmlight_file

    text = "\n".join(
        " ".join([repr(label), *(f"{i}:{v!r}" for i, v in sorted(pairs.items()))])
        for label, pairs in table
    ).encode()
    data = libsvm._table(text)
    features, labels = load_svmlight_file(
        io.BytesIO(text), n_features=max(data.features.shape[1], 1), zero_based=False
    )
    assert np.array_equal(dense(data), features.toarray()[:, : data.features.shape[1]])
    assert np.array_equal(data.labels, labels)


@given(st.text("01239:. \n-e_n+\x00\xa0", min_size=1, max_size=20))
@settings(max_examples=1000)
def test_the_quick_check_and_the_slow_one_agree(text):
    for whole in (text, f"1 1:2 {text}", f"1 1:{text} 4:5"):
        refused = libsvm._table(whole.encode("latin-1")) is None
        complaint = libsvm._complaint("f", whole.encode("latin-1"))
        assert refused == (complaint != "'f' is not a LIBSVM file")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1 1:2\nx 1:2", "line 2 of the LIBSVM file '{}': expected a finite label, got 'x'"),
        ("1:2 2:3", "line 1 of the LIBSVM file '{}': expected a finite label, got '1:2'"),
        ("nan 1:2", "line 1 of the LIBSVM file '{}': expected a finite label, got 'nan'"),
        ("1\n\n1 12", "line 3 of the LIBSVM file '{}': expected index:value, got '12'"),
        ("1 qid:3 1:2", "line 1 of the LIBSVM file '{}': expected index:value, got 'qid:3'"),
        ("1 -1:2", "line 1 of the LIBSVM file '{}': expected index:value, got '-1:2'"),
        ("1 :2 3:", "line 1 of the LIBSVM file '{}': expected index:value, got ':2'"),
        ("1 1.0:2", "line 1 of the LIBSVM file '{}': expected index:value, got '1.0:2'"),
        (
            "1 0:2",
            "line 1 of the LIBSVM file '{}': expected an index from 1 to 2147483647, got '0:2'",
        ),
        (
            "1 2:2 2:3",
            "line 1 of the LIBSVM file '{}': expected an index from 3 to 2147483647, got '2:3'",
        ),
        (
            "1 2:2\n1 5:1 4:3",
            "line 2 of the LIBSVM file '{}': expected an index from 6 to 2147483647, got '4:3'",
        ),
        (
            "1 2147483648:1",
            "line 1 of the LIBSVM file '{}': expected an index from 1 to 2147483647, "
            "got '2147483648:1'",
        ),
        ("1 1:nan", "line 1 of the LIBSVM file '{}': expected a finite value, got '1:nan'"),
        ("1 1:1e999", "line 1 of the LIBSVM file '{}': expected a finite value, got '1:1e999'"),
        ("1 1:2:3", "line 1 of the LIBSVM file '{}': expected a finite value, got '1:2:3'"),
        ("1 1:2-3 2:", "line 1 of the LIBSVM file '{}': expected a finite value, got '1:2-3'"),
        ("1 1:1_0", "line 1 of the LIBSVM file '{}': expected a finite value, got '1:1_0'"),
        ("1 1:", "line 1 of the LIBSVM file '{}': expected a finite value, got '1:'"),
        ("", "the LIBSVM file '{}' has no rows"),
        (" \n# nothing\n", "the LIBSVM file '{}' has no rows"),
    ],
)
def test_bad_files(write, text, message):
    file = write(text)
    with pytest.raises(ConfigError) as caught:
        load(f"libsvm:{file}", 0)
    assert str(caught.value) == message.format(file)


def test_files_that_cannot_be_read(tmp_path):
    for path, reason in [
        (tmp_path / "none", "no such file or directory"),
        (tmp_path, "is a directory"),
    ]:
        with pytest.raises(ConfigError) as caught:
            load(f"libsvm:{path}", 0)
        assert str(caught.value) == f"cannot read the LIBSVM file '{path}': {reason}"
