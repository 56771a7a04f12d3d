"""The command line of the benchmarks, ``netopt bench pack | round | start | star | link | ...``."""

from __future__ import annotations

from typing import Any

import click

from netopt.speech import show


@click.group()
def bench() -> None:
    """Measure netopt itself on this machine."""


@bench.command()
@click.option("--quick", is_flag=True, help="Fewer sizes and widths: seconds instead of minutes.")
@click.option("--json", "file", metavar="FILE", help="Write the measured rows to a file.")
def pack(quick: bool, file: str | None) -> None:
    """Throughput of packer and codecs beside memcpy, numpy and what else is installed."""
    from netopt.bench import suite

    suite.run(quick, file, show)


@bench.command("round")
@click.option("--quick", is_flag=True, help="d = 100 and 10 000 only: within 30 seconds.")
@click.option("--json", "file", metavar="FILE", help="Write the rows there as well.")
def round_(quick: bool, file: str | None) -> None:
    """Milliseconds a round on a ring of 8, beside MPI's bare neighbourhood collective."""
    from netopt.bench import output
    from netopt.bench import round as measured
    from netopt.bench.round_cases import cases

    output.check_writable(file)
    rows = measured.measure(cases(quick), measured.progress())
    show(measured.table(rows))
    output.write(file, rows)


@bench.command()
@click.option("--json", "file", metavar="FILE", help="Write the rows there as well.")
def start(file: str | None) -> None:
    """Seconds of 8 ranks to their first round, beside a script that imports numpy and mpi4py."""
    from netopt.bench import output
    from netopt.bench import start as measured

    output.check_writable(file)
    rows = measured.measure(watch=measured.progress())
    show(measured.table(rows, output.machine()))
    output.write(file, rows)


@bench.command()
@click.option("--data", metavar="NAME", help="breast-cancer, libsvm:PATH, ...; drawn if not given.")
@click.option("--agents", type=click.IntRange(min=1), help="Workers; 4, or as published.")
@click.option("--rounds", type=click.IntRange(min=1), help="Iterations of a turn; 500.")
@click.option("--hub-works", is_flag=True, help="The hub is one of the workers.")
@click.option("--quick", is_flag=True, help="Turns of 100 iterations, and three of them.")
@click.option("--json", "file", metavar="FILE", help="Write the rows there as well.")
def star(
    data: str | None,
    agents: int | None,
    rounds: int | None,
    hub_works: bool,
    quick: bool,
    file: str | None,
) -> None:
    """Microseconds an iteration with a hub, beside plain GD, and the parts that take them."""
    from netopt.bench import output
    from netopt.bench import star as measured
    from netopt.bench.round import progress
    from netopt.bench.star_cases import case_of

    output.check_writable(file)
    rows = measured.measure(case_of(data, agents, hub_works, rounds, quick), progress())
    show(measured.render(rows))
    output.write(file, rows)


@bench.command()
@click.option("--dimension", type=float, default=1e7, show_default=True, help="d, coordinates.")
@click.option("--agents", type=click.IntRange(min=2), default=4, show_default=True, help="Ranks.")
@click.option("--algorithm", default="qgd", show_default=True, help="An id, or YAML with options.")
@click.option("--codec", default="{id: qsgd, levels: 7}", show_default=True, help="As algorithm.")
@click.option("--json", "file", metavar="FILE", help="Write the rows there as well.")
def memory(dimension: float, agents: int, algorithm: str, codec: str, file: str | None) -> None:
    """Peak memory of each rank under mpirun, beyond that of the interpreter, in d float32."""
    from netopt import yamlfile
    from netopt.bench import memory as measured
    from netopt.bench import output
    from netopt.bench.memory_cases import Case

    output.check_writable(file)
    parts = (yamlfile.parse(algorithm, "--algorithm"), yamlfile.parse(codec, "--codec"))
    # What is no whole number is refused in the run file's own words.
    d: Any = int(dimension) if dimension.is_integer() else dimension
    rows = measured.measure(Case(*parts, agents, d))
    show(measured.table(rows))
    output.write(file, rows)


@bench.command()
@click.argument("topology", required=False)
@click.option("--edge", "edges", multiple=True, metavar="0-1", help="Only this edge; repeatable.")
@click.option("--sizes", metavar="1,64KiB,...", help="Message sizes; powers of two to 4 MiB.")
@click.option("--limit", metavar="TIME", help="Most time of a size in a test; 3 s.")
@click.option("--clock", type=click.Choice(["none", "real"]), default="none", show_default=True)
@click.option("--fabric", is_flag=True, help="Let the kernel have the links (as root).")
@click.option("--json", "file", metavar="FILE", help="Write the rows there as well.")
@click.option("--plot", "figure", metavar="FILE", help="Draw them: a .png, .pdf or .svg file.")
def link(
    topology: str | None,
    edges: tuple[str, ...],
    sizes: str | None,
    limit: str | None,
    clock: str,
    fabric: bool,
    file: str | None,
    figure: str | None,
) -> None:
    """Latency, bandwidth and message rate of each edge, as the OSU benchmarks define them.

    TOPOLOGY is a name, a YAML file, a run file, or a mapping such as '{id: ring, size: 4, link:
    lan}'; two agents if not given. Without options messages take what MPI takes on this machine;
    with --clock real they are held back as in a run, with --fabric the kernel shapes the links.
    """
    from netopt.bench import figures, link_cases, link_figure, link_tables, output
    from netopt.bench import link as measured
    from netopt.bench.round import progress

    output.check_writable(file)
    figures.check_figure(figure)
    graph = link_cases.topology_of(topology)
    case = link_cases.case_of(graph, edges, sizes, limit, clock)._replace(fabric=fabric)
    rows = measured.measure(case, graph, progress())
    show(link_tables.render(rows))
    output.write(file, rows)
    if figure is not None:
        link_figure.draw(rows, figure)


@bench.command("break-even")
@click.option("--d", "d", type=float, default=1e6, show_default=True, help="Coordinates.")
@click.option("--codec", "codecs", multiple=True, help="An id, or YAML with options; repeatable.")
@click.option(
    "--check",
    "clock",
    type=click.Choice(["real", "virtual", "none"]),
    default="real",
    show_default=True,
    help="The clock whose links hold the speeds to a measurement.",
)
@click.option("--limit", metavar="TIME", help="Most time of a codec on one link; 6 s.")
@click.option("--quick", is_flag=True, help="Fewer turns, and 1.5 s of each codec on a link.")
@click.option("--json", "file", metavar="FILE", help="Write the rows there as well.")
@click.option("--plot", "figure", metavar="FILE", help="Draw them: a .png, .pdf or .svg file.")
def break_even(
    d: float,
    codecs: tuple[str, ...],
    clock: str,
    limit: str | None,
    quick: bool,
    file: str | None,
    figure: str | None,
) -> None:
    """The link speed below which each codec pays, from measured parts, and checked over links."""
    from netopt.bench import break_even as measured
    from netopt.bench import break_even_cases, break_even_figure, break_even_tables, figures, output
    from netopt.bench.round import progress

    output.check_writable(file)
    figures.check_figure(figure)
    case = break_even_cases.case_of(d, codecs, limit, quick)
    rows = measured.measure(case, clock, progress())
    show(break_even_tables.render(rows))
    output.write(file, rows)
    if figure is not None:
        break_even_figure.draw(rows, figure)


@bench.command()
@click.option("--sizes", metavar="1024,65536,...", help="Bytes of a frame; 1 KiB to 1 MiB.")
@click.option("--rates", metavar="RATE,...", help="Rates of the links; 10 and 100 Mbit/s.")
@click.option("--repeats", type=click.IntRange(min=1), default=3, show_default=True)
@click.option("--quick", is_flag=True, help="Every other size.")
@click.option("--json", "file", metavar="FILE", help="Write the rows there as well.")
def clock(
    sizes: str | None, rates: str | None, repeats: int, quick: bool, file: str | None
) -> None:
    """The virtual clock beside the wall, over links that the kernel shapes (as root)."""
    from netopt.bench import clock as measured
    from netopt.bench import output
    from netopt.bench.clock_cases import cases
    from netopt.bench.round import progress

    output.check_writable(file)
    rows = measured.measure(cases(sizes, rates, quick), repeats, progress())
    show(measured.table(rows))
    output.write(file, rows)
