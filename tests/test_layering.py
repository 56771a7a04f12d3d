"""Imports go one way: a layer knows those below it, and neither its siblings nor those above."""

from __future__ import annotations

import ast
import functools
import os
import subprocess
import sys
from pathlib import Path

import pytest

import netopt
from netopt import config

ROOT = Path(netopt.__file__).parent
LAYERS = [
    ["errors"],
    ["registry", "keys", "yamlfile", "resources", "speech", "quantities", "mpi"],
    ["core"],
    ["data", "schedules", "mixing", "links"],
    ["topologies", "problems", "codecs", "compute"],
    ["frame"],
    ["messages"],
    ["codings"],
    ["agent"],
    ["algorithms"],
    ["options"],
    ["config"],
    ["ledger"],
    ["network"],
    ["recorder"],
    ["engine", "launcher", "progress"],
    ["notebook", "report", "fabric"],
    ["bench"],
    ["worker"],
    ["command", "reproduce"],
    ["sweep", "audit"],
    ["__main__"],
]
"""From the bottom to the top; parts in one row do not know each other."""

HEIGHT = {part: height for height, layer in enumerate(LAYERS) for part in layer}
HEAVY = ["click", "rich", "networkx", "scipy", "sklearn", "matplotlib"]
ROOTS = ["yaml", "csv"]
"""What only the root of a run needs: it reads and writes files."""
LATE = ["argparse", "difflib", "gettext", "gzip", "pkgutil", "shutil", "threadpoolctl", "tempfile"]
"""What no rank needs whose run file is right: together a tenth of its start-up."""


def modules(root=ROOT):
    return sorted(p for p in root.rglob("*.py") if p.name != "__init__.py" or p.parent != root)


def part_of(name):
    """The layer's name of a module such as netopt.codecs.raw; '' for netopt itself."""
    return name.split(".")[1] if "." in name else ""


def imported(file):
    """Yield every module that a file imports anywhere, also inside functions."""
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}: relative import"
            module = node.module or ""
            yield from (
                (f"{module}.{a.name}" for a in node.names) if module == "netopt" else [module]
            )


def name_of(file, root=ROOT):
    return ".".join(["netopt", *file.relative_to(root).with_suffix("").parts])


@functools.cache
def edges(root=ROOT):
    """Return (importing part, imported part) of all imports within netopt, each once."""
    return {
        (part_of(name_of(file, root)), part_of(module))
        for file in modules(root)
        for module in imported(file)
        if module.split(".")[0] == "netopt" and part_of(module) in HEIGHT
    }


def test_every_part_has_its_layer():
    parts = {part_of(name_of(file)) for file in modules()}
    assert parts - set(HEIGHT) == set()
    assert set(HEIGHT) - parts == set()


@pytest.mark.parametrize("part", HEIGHT)
def test_a_part_imports_only_what_lies_below_it(part):
    targets = {target for source, target in edges() if source == part and target != part}
    wrong = {target for target in targets if HEIGHT[target] >= HEIGHT[part]}
    assert wrong == set(), f"netopt.{part} must not import {sorted(wrong)}"


@pytest.mark.parametrize(
    ("library", "owner"),
    [("mpi4py", "mpi.py"), ("netopt.core._bitpack", "core/packing.py")],
)
def test_a_library_has_one_owner(library, owner):
    users = {
        file.relative_to(ROOT).as_posix()
        for file in modules()
        if any(name == library or name.startswith(f"{library}.") for name in imported(file))
    }
    assert users == {owner}


def test_the_order_is_seen_to_be_broken_if_it_is(tmp_path):
    """The test itself: an import inside a function, in the wrong direction, is found."""
    for folder in ("codecs", "core"):
        (tmp_path / folder).mkdir()
    (tmp_path / "core" / "bad.py").write_text("def f():\n    from netopt.codecs import raw\n")
    (tmp_path / "codecs" / "worse.py").write_text("import netopt.problems.saddle\n")
    assert edges(tmp_path) == {("core", "codecs"), ("codecs", "problems")}


RANK = """
import sys
import netopt.worker
words, told = sys.argv[2:], bytes.fromhex(sys.argv[1])
assert netopt.worker._limit_threads()
from netopt.network.lockstep import Lockstep
network = Lockstep(netopt.worker.prepare(netopt.worker.read_order(["none.yaml"]), 8, told))
network.play(0)
print([name for name in words if name in sys.modules])
"""


def test_a_rank_pays_for_no_heavy_library():
    """It plays a round of what it was told, a topology by name, without a file to read."""
    logistic = {"id": "logistic", "data": "digits"}
    raw = {"problem": logistic, "topology": "ring-8", "algorithm": "qgd"}
    told = config.pack(config.Source(raw, "."))
    command = [sys.executable, "-c", RANK, told.hex(), *HEAVY, *ROOTS, *LATE]
    env = {**os.environ, "NETOPT_WARNED": "1"}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=env)
    assert (done.stdout, done.stderr) == ("[]\n", "")


def test_the_version_is_known_without_importing_anything():
    code = "import sys, netopt; print(netopt.__version__, 'numpy' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == f"{netopt.__version__} False\n"
