"""The gallery knows how to show the shipped topologies: ``python -m netopt.topologies FOLDER``.

It draws FOLDER/gallery.png and prints the tables of topologies/README.md.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from netopt import resources
from netopt.registry import build
from netopt.topologies import Generator, Topology, load
from netopt.topologies._files import read, shipped
from netopt.topologies.sites import Sites

HEADER = """\
| name | agents | edges | degree | diameter | spectral gap | what it is |
| --- | ---: | ---: | ---: | ---: | ---: | --- |
"""
WIRED = """\
| name | rate | cable, km | latency of an edge, ms | across the graph, ms |
| --- | ---: | ---: | ---: | ---: |
"""


def table() -> str:
    """Return a Markdown table of the shipped topologies, every number measured."""
    return HEADER + "".join(_row(name) for name in resources.names("topologies"))


def wired() -> str:
    """Return a Markdown table of the shipped topologies that have links, every number measured."""
    rows = [_links(graph) for graph in map(load, resources.names("topologies")) if graph.wired]
    return WIRED + "".join(rows)


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


def _links(graph: Topology) -> str:
    import networkx as nx

    generator = build(Generator, graph.spec)
    cables = generator.laid() if isinstance(generator, Sites) else []
    latencies = {edge: 1000 * float(link.latency) for edge, link in graph.links.items()}
    ways = nx.DiGraph()
    ways.add_weighted_edges_from((*edge, latency) for edge, latency in latencies.items())
    across = max(max(far.values()) for _, far in nx.all_pairs_dijkstra_path_length(ways))
    rates = {link.config()["rate"] for link in graph.links.values()}
    cells = [
        graph.name,
        " to ".join(sorted(rates)),
        f"{sum(cable.length for cable in cables):.0f}",
        f"{min(latencies.values()):.1f} to {max(latencies.values()):.1f}",
        f"{across:.1f}",
    ]
    return f"| {' | '.join(cells)} |\n"


def _sketch(axes: Any, graph: Topology) -> None:
    import networkx as nx

    arrows = nx.DiGraph()
    arrows.add_nodes_from(range(graph.size))
    arrows.add_edges_from(graph.edges)
    plain = arrows.to_undirected()
    style = {"node_size": 90, "node_color": "#1f4e79", "edge_color": "#7f7f7f", "font_size": 6}
    nx.draw_networkx(
        arrows if graph.directed else plain,
        _layout(graph, plain),
        ax=axes,
        font_color="white",
        arrowsize=7,
        arrows=True,
        **style,
    )
    axes.set_title(graph.name, fontsize=9)


def _layout(graph: Topology, plain: Any) -> Any:
    """Return where each agent is drawn: as on a map if it has a place on the earth."""
    import networkx as nx

    if "sites" in graph.spec:
        north, east = (_spread(axis) for axis in zip(*graph.spec["sites"].values(), strict=True))
        return dict(enumerate(zip(east, north, strict=True)))
    return nx.circular_layout(plain) if graph.directed else nx.kamada_kawai_layout(plain)


def _spread(degrees: Sequence[float]) -> list[float]:
    """Return 0 to 1 in the order of ``degrees``, between their values and equal steps.

    Equal steps keep a far city from pressing all others together.
    """
    low, high = min(degrees), max(degrees)
    ranks = sorted(degrees)
    step = max(len(ranks) - 1, 1)
    return [0.3 * (d - low) / (high - low) + 0.7 * ranks.index(d) / step for d in degrees]


if __name__ == "__main__":
    draw(Path(sys.argv[1] if len(sys.argv) > 1 else ".", "gallery.png"))
    print(table(), wired(), sep="\n", end="")
