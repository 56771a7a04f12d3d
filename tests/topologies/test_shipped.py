"""The shipped files, their README, and what a first import costs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from netopt import resources
from netopt.errors import ConfigError
from netopt.registry import discover
from netopt.topologies import Generator, load
from netopt.topologies.__main__ import draw, table, wired

FOLDER = resources.folder("topologies")


@pytest.mark.parametrize("name", resources.names("topologies"))
def test_a_shipped_file_loads_by_name_from_anywhere(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    graph = load(name)
    assert graph.name == name
    assert graph.size > 1
    assert graph.doubly_stochastic
    by_path = load(str(FOLDER / f"{name}.yaml"))
    assert by_path.edges == graph.edges


def test_every_kind_of_graph_is_shipped():
    shipped = {str(load(name).spec["id"]) for name in resources.names("topologies")}
    assert shipped == set(discover(Generator)) - {"edges"}


def test_no_shipped_file_hides_a_generator():
    assert not set(resources.names("topologies")) & set(discover(Generator))


def test_the_readme_shows_what_the_code_computes():
    readme = (FOLDER / "README.md").read_text("utf-8")
    assert table() in readme
    assert wired() in readme


def test_the_readmes_own_examples_load(tmp_path):
    blocks = (FOLDER / "README.md").read_text("utf-8").split("```yaml\n")[1:]
    file = tmp_path / "mine.yaml"
    for block in blocks:
        file.write_text(block.split("```")[0], "utf-8")
        graph = load("mine.yaml", folder=tmp_path)
        assert graph.name == "mine"
        assert graph.doubly_stochastic
    assert len(blocks) == 4


def test_the_gallery_is_small_and_can_be_drawn_again(tmp_path):
    draw(tmp_path / "gallery.png")
    for folder in (tmp_path, FOLDER):
        content = (folder / "gallery.png").read_bytes()
        assert content.startswith(b"\x89PNG")
        assert len(content) < 150_000


def test_a_path_is_relative_to_the_run_files_folder(tmp_path):
    (tmp_path / "mine.yaml").write_text("description: two\nid: path\nsize: 2\n", "utf-8")
    assert load("mine.yaml", folder=tmp_path).edges == ((0, 1), (1, 0))
    assert load(str(tmp_path / "mine.yaml"), folder="elsewhere").size == 2


def test_a_generators_id_takes_its_defaults():
    assert load("torus").spec == load({"id": "torus"}).spec


def test_resources_are_found_in_a_wheel_first(tmp_path, monkeypatch):
    place = tmp_path / "netopt" / "shipped" / "topologies"
    place.mkdir(parents=True)
    (place / "only.yaml").write_text("id: ring\n", "utf-8")
    monkeypatch.setattr("netopt.__file__", str(tmp_path / "netopt" / "__init__.py"))
    assert resources.folder("topologies") == place
    assert resources.names("topologies") == ("only",)
    with pytest.raises(ConfigError, match=r"^the shipped experiments are missing; install netopt"):
        resources.folder("experiments")


def test_an_unknown_kind_of_resource_is_refused():
    message = r"^nothing is shipped as 'graphs'; choose from topologies, experiments$"
    with pytest.raises(ConfigError, match=message):
        resources.folder("graphs")


@pytest.mark.parametrize("name", ["ring-8", "erdos-renyi-16", "barbell-3-2", "abilene"])
def test_no_graph_pays_for_heavy_imports(name):
    code = (
        f"import sys, netopt.topologies.ring; netopt.topologies.load({name!r});"
        "print(sorted({'networkx', 'scipy', 'matplotlib', 'PIL'} & set(sys.modules)))"
    )
    root = Path(resources.__file__).parents[1]
    out = subprocess.run(
        [sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True
    )
    assert out.stdout.strip() == "[]"
