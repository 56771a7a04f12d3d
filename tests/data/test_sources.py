"""The sources against scikit-learn, and the front door's errors."""

import importlib.util

import numpy as np
import pytest

from netopt.data import Data, Recipe, breast_cancer, classify, digits, load, packaged
from netopt.errors import ConfigError


def same_bits(one, two):
    assert one.dtype == two.dtype == np.float64
    assert one.shape == two.shape
    assert one.tobytes() == np.ascontiguousarray(two).tobytes()


def test_digits_are_scikit_learns():
    from sklearn.datasets import load_digits

    pixels, labels = load_digits(return_X_y=True)
    data = load("digits", 0)
    same_bits(data.features, pixels / 16)
    assert np.array_equal(data.labels, labels)
    assert data.features.flags.c_contiguous
    assert (data.features.min(), data.features.max()) == (0, 1)


def test_small_numbers_are_read_from_text_as_pythons_split_reads_them():
    text = "\n".join(f"{i},{99 - i},0" for i in range(100))
    wanted = [float(word) for word in text.replace("\n", ",").split(",")]
    for end in ("", "\n", "\r\n"):
        same_bits(digits._numbers((text + end).encode()), np.array(wanted))


def test_breast_cancer_is_scikit_learns():
    from sklearn.datasets import load_breast_cancer

    raw, labels = load_breast_cancer(return_X_y=True)
    same_bits(breast_cancer._table(), np.column_stack([raw, labels]).astype(np.float64))
    data = load("breast-cancer", 0)
    assert np.array_equal(data.labels, labels)
    assert data.features.flags.c_contiguous
    np.testing.assert_allclose(data.features.mean(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(data.features.std(axis=0), 1)


@pytest.mark.parametrize("source", [digits, breast_cancer])
def test_where_the_file_is_elsewhere_scikit_learn_is_asked(source, monkeypatch):
    direct = source.load("", 0, Recipe())
    monkeypatch.setattr(packaged, "find", lambda data, file: None)
    asked = source.load("", 0, Recipe())
    same_bits(direct.features, asked.features)
    same_bits(direct.labels, asked.labels)


def test_a_file_that_is_not_there_is_none():
    assert packaged.find("digits", "no-such-file.csv") is None


@pytest.mark.parametrize("name", ["digits", "breast-cancer"])
def test_without_scikit_learn_the_cure_is_named(name, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ConfigError) as caught:
        load(name, 0)
    assert str(caught.value) == (
        f"data '{name}' is a file of scikit-learn, which is not installed; pip install scikit-learn"
    )


@pytest.mark.parametrize(("rows", "columns", "kappa"), [(50, 7, 30.0), (4, 4, 2.0), (9, 1, 5.0)])
def test_synthetic_has_the_spectrum_asked_for(rows, columns, kappa):
    data = load("synthetic", 3, Recipe(rows, columns, kappa, noise=0.0))
    values = np.linalg.eigvalsh(data.features.T @ data.features / rows)[::-1]
    wanted = kappa ** (-np.arange(columns) / max(columns - 1, 1))
    np.testing.assert_allclose(values, wanted, rtol=1e-12)
    best, *_ = np.linalg.lstsq(data.features, data.labels, rcond=None)
    np.testing.assert_allclose(data.features @ best, data.labels, atol=1e-12)


def test_synthetic_noise_has_the_deviation_asked_for():
    quiet, loud = (load("synthetic", 3, Recipe(4000, noise=noise)) for noise in (0.0, 2.0))
    assert np.array_equal(quiet.features, loud.features)
    assert np.std(loud.labels - quiet.labels) == pytest.approx(2, rel=0.1)


def test_synthetic_depends_on_the_seed():
    one, again, two = (load("synthetic", seed) for seed in (1, 1, 2))
    assert np.array_equal(one.features, again.features)
    assert np.array_equal(one.labels, again.labels)
    assert not np.array_equal(one.features, two.features)
    assert not np.array_equal(one.labels, two.labels)


def test_synthetic_classes_are_signs():
    values, signs = (load("synthetic", 1, Recipe(classes=classes)) for classes in (False, True))
    assert np.array_equal(np.sign(values.labels), signs.labels)


@pytest.mark.parametrize(
    ("name", "power", "variance"), [("gaussian", 1, 1.0), ("heavy-tailed", 5, 945.0)]
)
def test_drawn_entries_are_powers_of_normal_numbers(name, power, variance):
    """Kolmogorov's bound 2 exp(-2 n t^2): a correct program fails below 1e-6 in all."""
    from scipy.stats import kstest, norm

    data = load(name, 4, Recipe(300, 50))
    assert data.features.shape == (300, 50)
    assert data.labels.shape == (300,)
    roots = np.sign(data.features) * np.abs(data.features) ** (1 / power)
    for sample in (roots.ravel(), data.labels):
        allowed = np.sqrt(np.log(2 / 2.5e-7) / (2 * sample.size))
        assert kstest(sample, norm.cdf).statistic <= allowed
    points, weights = np.polynomial.hermite_e.hermegauss(20)
    assert weights @ points ** (2 * power) / weights.sum() == pytest.approx(variance)
    assert np.corrcoef(roots[:, 0], data.labels)[0, 1] ** 2 < 0.1  # sqrt(300) r is 5.5 there


def test_heavy_tailed_is_the_fifth_power_of_gaussian():
    plain, heavy = load("gaussian", 4), load("heavy-tailed", 4)
    np.testing.assert_allclose(heavy.features, plain.features**5, rtol=1e-14)
    assert np.array_equal(heavy.labels, plain.labels)


@pytest.mark.parametrize("name", ["gaussian", "heavy-tailed", "concentrated"])
def test_drawn_data_depend_on_the_seed_and_their_classes_are_signs(name):
    one, again, two = (load(name, seed, Recipe(40, 9)) for seed in (1, 1, 2))
    for first, second, third in zip(one[:2], again[:2], two[:2], strict=True):
        assert np.array_equal(first, second)
        assert not np.array_equal(first, third)
    classes = load(name, 1, Recipe(40, 9, classes=True))
    assert np.array_equal(np.sign(one.labels), classes.labels)
    assert np.array_equal(one.features, classes.features)


@pytest.mark.parametrize(("rows", "columns"), [(64, 16), (103, 30), (5, 3), (2, 10)])
def test_concentrated_rows_live_on_the_block_of_their_group(rows, columns):
    groups = int(columns**0.5)
    data = load("concentrated", 3, Recipe(rows, columns, noise=0.0))
    width = columns // groups
    for group, part in enumerate(np.array_split(data.features, groups)):
        end = columns if group == groups - 1 else (group + 1) * width
        wanted = np.full(columns, 2.0**-10)
        wanted[group * width : end] = 1.0
        for row in part:
            assert np.array_equal(row * row, wanted)
    if rows >= columns:
        best = np.linalg.lstsq(data.features, data.labels, rcond=None)[0]
        np.testing.assert_allclose(data.features @ best, data.labels, atol=1e-11)


def test_concentrated_makes_block_quantizers_good():
    """T_B is (1 + 7/1024)/sqrt(8) of T_1 up to 1e-5: close to the least there is, 1/sqrt(8)."""
    square = load("concentrated", 3, Recipe(800, 64)).features[100:200] ** 2
    diagonal = square.mean(axis=0)
    blocks = np.linalg.norm(diagonal.reshape(8, 8), axis=1)
    single, block = np.linalg.norm(diagonal) / 8, np.sqrt(8) * blocks.sum() / 64
    assert block / single == pytest.approx((1 + 7 / 1024) / np.sqrt(8), rel=1e-5)


@pytest.mark.parametrize(
    ("raw", "labels", "classes"),
    [
        ([0, 1, 1], [-1, 1, 1], (0.0, 1.0)),
        ([2, 1, 2], [1, -1, 1], (1.0, 2.0)),
        ([-1, 1, -1], [-1, 1, -1], (-1.0, 1.0)),
        ([7, 3, 5, 7], [2, 0, 1, 2], (3.0, 5.0, 7.0)),
    ],
)
def test_classes_are_numbered_in_ascending_order(raw, labels, classes):
    data = classify(Data(np.zeros((len(raw), 1)), np.array(raw, dtype=float)))
    assert data.labels.tolist() == labels
    assert data.labels.dtype == np.int64
    assert data.classes == classes


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        ([1, 0.5], "labels must be whole numbers to be classes, got 0.5"),
        ([3, 3], "classification needs two classes or more, got 1: 3"),
        ([], "classification needs two classes or more, got 0: none"),
    ],
)
def test_labels_that_are_no_classes(raw, message):
    with pytest.raises(ConfigError) as caught:
        classify(Data(np.zeros((len(raw), 1)), np.array(raw, dtype=float)))
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("digitz", "no data set is called 'digitz'; did you mean 'digits'?"),
        (
            "svhn",
            "no data set is called 'svhn'; choose from breast-cancer, cifar10, concentrated, "
            "digits, fashion-mnist, gaussian, heavy-tailed, libsvm, mnist, synthetic",
        ),
        ("digits:3", "data 'digits' takes no argument, got '3'"),
        ("libsvm", "data 'libsvm' needs the path of a file, as in 'libsvm:data/a9a'"),
        ("libsvm:", "data 'libsvm' needs the path of a file, as in 'libsvm:data/a9a'"),
    ],
)
def test_names_that_are_no_data_sets(name, message):
    with pytest.raises(ConfigError) as caught:
        load(name, 0)
    assert str(caught.value) == message
