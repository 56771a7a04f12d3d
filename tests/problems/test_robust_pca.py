"""Robust PCA of films against the rules written out, a known background, and pictures on disk."""

import math

import numpy as np
import pytest
from PIL import Image

from netopt import config
from netopt.errors import ConfigError
from netopt.problems import Problem, _scene
from netopt.problems.robust_pca import RobustPca
from netopt.registry import build


def prepared(agents=3, seed=4, **options):
    problem = RobustPca(**options)
    problem.prepare(agents, seed)
    return problem


def films(problem):
    """The D_i: all of the residual is moving if everything may be."""
    everything = build(Problem, {**problem.config(), "keep": 1.0})
    everything.prepare(problem.agents, 4)
    return [everything.sparse(i, np.zeros(everything.d)) for i in range(problem.agents)]


def background(problem, x):
    cut = problem.frames * problem.rank
    return x[:cut].reshape(problem.frames, -1), x[cut:].reshape(problem.rank, -1)


def passing(residual, keep):
    """The largest of each row and column, by sorting lists."""
    rows, columns = residual.shape
    kept = np.zeros(residual.shape)
    of_row, of_column = math.floor(keep * columns), math.floor(keep * rows)
    for i in range(rows):
        for j in range(columns):
            size = abs(residual[i, j])
            first = sum(abs(other) > size for other in residual[i].tolist()) < of_row
            second = sum(abs(other) > size for other in residual[:, j].tolist()) < of_column
            if first and second:
                kept[i, j] = residual[i, j]
    return kept


@pytest.mark.parametrize("keep", [0.2, 0.05, 0.5])
def test_what_passes_is_large_in_both_row_and_column(keep):
    problem = prepared(pixels=(3, 3), keep=keep)
    x = np.random.default_rng(0).standard_normal(problem.d)
    u, v = background(problem, x)
    for rank, film in enumerate(films(problem)):
        assert np.array_equal(problem.sparse(rank, x), passing(film - u @ v, keep))
    assert problem.sparse(0, x).any() == (keep * 12 >= 1)


def test_loss_and_gradient_written_out():
    problem = prepared(pixels=(3, 3), l2=0.3)
    x = np.random.default_rng(0).standard_normal(problem.d)
    u, v = background(problem, x)
    for rank, film in enumerate(films(problem)):
        e = u @ v + passing(film - u @ v, 0.2) - film
        wanted = np.linalg.norm(e) ** 2 + 0.3 * (np.linalg.norm(u) ** 2 + np.linalg.norm(v) ** 2)
        assert problem.agent_loss(rank, x) == pytest.approx(wanted, rel=1e-14)
        slopes = [2 * e @ v.T + 0.6 * u, 2 * u.T @ e + 0.6 * v]
        flat = np.concatenate([slope.ravel() for slope in slopes])
        np.testing.assert_allclose(problem.grad(rank, x, None), flat, rtol=1e-12, atol=1e-12)


def test_metrics_written_out():
    problem = prepared()
    x = problem.start()
    u, v = background(problem, x)
    errors = [
        np.linalg.norm(film - u @ v - problem.sparse(rank, x)) / np.linalg.norm(film)
        for rank, film in enumerate(films(problem))
    ]
    assert problem.metrics(x)["relative_error"] == pytest.approx(np.mean(errors), rel=1e-13)
    assert set(problem.metrics(x)) == {"relative_error", "background_error"}


def test_the_start_is_singular_vectors_of_the_mean_film():
    problem = prepared()
    u, v = background(problem, problem.start())
    mean = np.mean(films(problem), axis=0)
    np.testing.assert_allclose(u.T @ u, np.eye(3), atol=1e-13)
    np.testing.assert_allclose(v @ v.T, np.eye(3), atol=1e-13)
    top = np.linalg.svd(mean, compute_uv=False)[:3]
    np.testing.assert_allclose(u.T @ mean @ v.T, np.diag(top), atol=1e-12)


def test_zero_is_a_saddle():
    problem = prepared(at="saddle", pixels=(3, 3), rank=1)
    x = problem.start()
    assert not x.any()
    assert not problem.gradient(x, None).any()
    hessian = np.array([problem.hessian_vector(x, v) for v in np.eye(problem.d)])
    still = np.mean([film - passing(film, 0.2) for film in films(problem)], axis=0)
    top = np.linalg.svd(still, compute_uv=False)[0]
    assert np.linalg.eigvalsh(hessian)[[0, -1]] == pytest.approx([0.02 - 2 * top, 0.02 + 2 * top])


def test_an_exact_fit_that_nothing_passes_still_bends():
    """Residuals of 0 that S does not hold count in the Hessian: with keep = 0 it is that of PCA."""
    problem = prepared(agents=1, noise=0.0, keep=0.0, l2=0.0, rank=2)
    problem._films = problem.low_rank(np.arange(1.0, problem.d + 1))[np.newaxis]
    x, v = np.arange(1.0, problem.d + 1), np.ones(problem.d)
    u, w = background(problem, x)
    du, dw = background(problem, v)
    change = du @ w + u @ dw
    wanted = np.concatenate([(2 * change @ w.T).ravel(), (2 * u.T @ change).ravel()])
    np.testing.assert_allclose(problem.hessian_vector(x, v), wanted, rtol=1e-12)


def test_descent_parts_the_background_from_what_passes():
    problem = prepared()
    x = problem.start()
    assert problem.metrics(x)["background_error"] > 0.9
    for _ in range(1500):
        x -= 3e-3 * problem.gradient(x, None)
    found = problem.metrics(x)
    assert found["background_error"] < 0.03
    assert found["relative_error"] < 0.03


def test_a_scene_has_a_background_of_rank_two_and_passers_by():
    film = _scene.film(np.random.default_rng(1), 30, (12, 10), 0.0)
    assert film.frames.shape == film.background.shape == (30, 360)
    assert np.linalg.matrix_rank(film.background) == 2
    assert 0 <= film.background.min() < film.background.max() <= 1
    covered = (film.frames != film.background).reshape(30, 12, 10, 3).any(axis=3)
    per_frame = covered.sum(axis=(1, 2))
    assert per_frame.min() >= 4  # squares of 2 by 2, three of them, which may hide one another
    assert per_frame.max() <= 12
    assert (covered[1:] != covered[:-1]).any(axis=(1, 2)).all()  # they move at every frame
    noisy = _scene.film(np.random.default_rng(1), 30, (12, 10), 0.05).frames
    assert np.std(noisy - film.frames) == pytest.approx(0.05, rel=0.05)


def test_frames_go_to_the_agents_in_turn():
    one, three = (prepared(agents=n, frames=6 // n, rank=1) for n in (1, 3))
    (whole,), parts = films(one), films(three)
    for rank, part in enumerate(parts):
        assert np.array_equal(part, whole[rank::3])


@pytest.fixture
def folder(tmp_path):
    """Six pictures of 5 by 4 pixels, PNG and PPM, not written in the order of their names."""
    rng = np.random.default_rng(0)
    pictures = rng.integers(0, 256, (6, 4, 5, 3), dtype=np.uint8)
    for n in (3, 0, 5, 1, 4, 2):
        ending = "ppm" if n == 4 else "PNG"
        Image.fromarray(pictures[n]).save(tmp_path / f"frame-{n}.{ending}")
    (tmp_path / "notes.txt").write_text("no picture")
    return tmp_path, pictures.reshape(6, -1) / 255


def of_pictures(folder, agents=3, frames=2, rank=1):
    problem = RobustPca(data=f"images:{folder}", frames=frames, rank=rank, keep=1.0)
    problem.prepare(agents, 0)
    return problem


def test_pictures_are_frames_in_the_order_of_their_names(folder):
    problem = of_pictures(folder[0])
    assert problem.d == 2 + 60
    for rank in range(3):
        film = problem.sparse(rank, np.zeros(problem.d))
        np.testing.assert_allclose(film, folder[1][rank::3], rtol=1e-15)
    assert set(problem.metrics(problem.start())) == {"relative_error"}


def test_jpeg_and_grey_pictures_are_read(tmp_path):
    grey = np.full((4, 5), 51, np.uint8)
    Image.fromarray(grey).save(tmp_path / "a.jpg")
    Image.fromarray(grey).save(tmp_path / "b.png")
    problem = of_pictures(tmp_path, agents=1)
    np.testing.assert_allclose(problem.sparse(0, np.zeros(problem.d)), 0.2, atol=2 / 255)


def test_a_folder_is_found_beside_the_run_file(folder):
    problem = {"id": "robust-pca", "data": f"images:{folder[0].name}", "frames": 1, "rank": 1}
    run = {"problem": problem, "topology": "w1", "algorithm": "dgd"}
    made = config.make(run, folder[0].parent)
    assert made.problem.data == f"images:{folder[0]}"


def refused(reason, **options):
    with pytest.raises(ConfigError) as caught:
        prepared(**options)
    assert str(caught.value) == reason


def test_pictures_that_are_no_film_are_refused(folder):
    place, data = folder[0], f"images:{folder[0]}"
    at = "$.problem.data: "
    refused(
        f"{at}the folder '{place}' has 6 pictures, and 3 agents with 12 frames each need 36",
        data=data,
    )
    Image.new("RGB", (5, 5)).save(place / "frame-1.png")
    (place / "frame-1.PNG").unlink()
    refused(
        f"{at}'{place}/frame-1.png' has 5 x 5 pixels and '{place}/frame-0.PNG' has 5 x 4; "
        "all pictures of a film are of one size",
        data=data,
        frames=2,
    )
    (place / "frame-0.PNG").write_bytes(b"nothing")
    with pytest.raises(
        ConfigError, match=r"^\$\.problem\.data: cannot read the picture '.*0\.PNG'"
    ):
        prepared(data=data, frames=2)


def test_a_folder_without_pictures_is_refused(tmp_path):
    refused(
        f"$.problem.data: the folder '{tmp_path}' has no picture (.png, .jpg, .jpeg, .ppm)",
        data=f"images:{tmp_path}",
    )
    refused(
        f"$.problem.data: '{tmp_path}/film' is not a folder of pictures",
        data=f"images:{tmp_path}/film",
    )
    for data in ("film", "images", "images:"):
        refused(f"$.problem.data: expected 'scene' or 'images:FOLDER', got '{data}'", data=data)


def test_a_rank_that_a_film_cannot_have_is_refused():
    refused(
        "$.problem.rank: a rank of 13 is more than 12 frames of 192 numbers have; "
        "expected at most 12",
        rank=13,
    )
