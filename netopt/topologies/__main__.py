"""The gallery knows how to show the shipped topologies: ``python -m netopt.topologies FOLDER``.

It draws FOLDER/gallery.png and prints the table of topologies/README.md.
"""

from __future__ import annotations

import io
import sys
from pathlib import Path
from typing import Any

from netopt import resources
from netopt.topologies import Topology, load
from netopt.topologies._files import read, shipped

HEADER = """\
| name | agents | edges | degree | diameter | spectral gap | what it is |
| --- | ---: | ---: | ---: | ---: | ---: | --- |
"""


def table() -> str:
    """Return a Markdown table of the shipped topologies, every number measured."""
    return HEADER + "".join(_row(name) for name in resources.names("topologies"))


def draw(file: Path) -> None:
    """Draw every shipped topology into one PNG ``file``; arrows are directed edges."""
    from matplotlib.figure import Figure
    from PIL import Image

    names = resources.names("topologies")
    columns = 4
    rows = -(-len(names) // columns)
    figure = Figure(figsize=(2.2 * columns, 2.3 * rows), layout="constrained")
    for axes, name in zip(figure.subplots(rows, columns, squeeze=False).flat, names, strict=False):
        _sketch(axes, load(name))
    for axes in figure.axes:
        axes.set_axis_off()
    drawn = io.BytesIO()
    figure.savefig(drawn, format="png", dpi=100)
    # Few colours need no more than a palette, and a quarter of the bytes.
    Image.open(drawn).convert("RGB").quantize(32).save(file, optimize=True)


def _row(name: str) -> str:
    graph = load(name)
    few, many = min(graph.degrees), max(graph.degrees)
    edges = f"{len(graph.edges)} directed" if graph.directed else f"{len(graph.edges) // 2}"
    numbers = [
        f"[{name}]({name}.yaml)",
        f"{graph.size}",
        edges,
        f"{few}" if few == many else f"{few} to {many}",
        f"{graph.diameter}",
        f"{graph.spectral_gap:.3f}",
    ]
    return f"| {' | '.join(numbers)} | {read(shipped(name))['description']} |\n"


def _sketch(axes: Any, graph: Topology) -> None:
    import networkx as nx

    arrows = nx.DiGraph()
    arrows.add_nodes_from(range(graph.size))
    arrows.add_edges_from(graph.edges)
    plain = arrows.to_undirected()
    style = {"node_size": 90, "node_color": "#1f4e79", "edge_color": "#7f7f7f", "font_size": 6}
    nx.draw_networkx(
        arrows if graph.directed else plain,
        nx.circular_layout(plain) if graph.directed else nx.kamada_kawai_layout(plain),
        ax=axes,
        font_color="white",
        arrowsize=7,
        arrows=True,
        **style,
    )
    axes.set_title(graph.name, fontsize=9)


if __name__ == "__main__":
    draw(Path(sys.argv[1] if len(sys.argv) > 1 else ".", "gallery.png"))
    print(table(), end="")
