"""What the README claims can be run, and its tables are those of the code."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import netopt
from netopt import frame, resources

README = Path(netopt.__file__).parents[1] / "README.md"
pytestmark = pytest.mark.skipif(not README.exists(), reason="the README is not installed")


def blocks(language: str) -> list[str]:
    """Return the README's code blocks in one language."""
    return re.findall(rf"```{language}\n(.*?)```", README.read_text("utf-8"), re.DOTALL)


def test_the_component_in_the_readme_runs(tmp_path: Path) -> None:
    (code,) = [block for block in blocks("python") if "class Direction" in block]
    (tmp_path / "direction.py").write_text(code, encoding="utf-8")
    result = netopt.run(
        resources.folder("experiments") / "digits-qgd.yaml",
        load=[tmp_path / "direction.py"],
        rounds=3,
        **{"codecs.mix": {"id": "direction", "scale": 0.1}},
    )
    assert result.summary["last"]["payload_bits"] == 3 * 16 * 650


def test_the_run_file_in_the_readme_is_complete(tmp_path: Path) -> None:
    (text,) = blocks("yaml")
    (tmp_path / "my.yaml").write_text(text, encoding="utf-8")
    result = netopt.run(tmp_path / "my.yaml", rounds=2, **{"codecs.mix.levels": 32})
    mix = result.config["codecs"]["mix"]
    assert (mix["id"], mix["levels"], mix["floor"]) == ("switching", 32, 0.1)


def test_the_header_table_is_that_of_the_code() -> None:
    rows = re.findall(r"^\| (\d+) \| (\d+) \| (\w+) \| (.+) \|$", README.read_text("utf-8"), re.M)
    table = [line.split(maxsplit=3) for line in (frame.__doc__ or "").splitlines()]
    documented = [row for row in table if len(row) == 4 and row[0].isdigit()]
    wanted = [(*row[:3], row[3].replace("``", "`")) for row in documented]
    assert [tuple(row) for row in rows] == wanted


def test_every_path_that_the_readme_links_exists() -> None:
    for target in re.findall(r"\]\(([^)#:]+)\)", README.read_text("utf-8")):
        assert (README.parent / target).exists(), target
