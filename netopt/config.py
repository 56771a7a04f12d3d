"""The run file: YAML and overrides in, an ``Experiment`` of built components out.

Nothing is written and nothing is started before the whole of it is valid.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import deepcopy
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from netopt import quantities, resources
from netopt.algorithms import Algorithm
from netopt.codecs import Codec, nbytes
from netopt.compute import Compute
from netopt.errors import ConfigError
from netopt.frame import MOST_BYTES
from netopt.messages import Channel
from netopt.options import RunOptions, settle, stop_seconds
from netopt.problems import Problem
from netopt.registry import build, fill, suggest
from netopt.topologies import Topology, file_of, load
from netopt.topologies import read as read_topology

NONE: Mapping[str, Any] = {}
_SOURCES = ("libsvm:", "images:")


class Experiment(NamedTuple):
    """A run file made into objects; ``resolved`` gives it again, every option said.

    ``tick`` are the seconds of an asynchronous method's round, 0 for others; ``stop_seconds`` those
    of the clock at which the run ends.
    """

    options: RunOptions
    topology: Topology
    problem: Problem
    algorithm: Algorithm
    codecs: tuple[Codec, ...]
    rounds: int
    stop_bits: int | None
    resolved: dict[str, Any]
    compute: Compute
    stop_seconds: float | None = None
    tick: float = 0.0
    warnings: tuple[str, ...] = ()


def read(source: str | Path | Mapping[str, Any], overrides: Sequence[str] = ()) -> dict[str, Any]:
    """Return the raw mapping of a run file, or of a mapping, with ``a.b=c`` overrides applied.

    Raises ConfigError for a missing or malformed file and for an override without '='.
    """
    from netopt import yamlfile  # late: PyYAML is not for ranks that are told what it says

    raw = deepcopy(dict(source)) if isinstance(source, Mapping) else yamlfile.read(Path(source))
    for item in overrides:
        place, separator, text = item.partition("=")
        if not separator or not all(place.split(".")):
            raise ConfigError(f"--set takes a.b=c, got '{item}'")
        override(raw, place, yamlfile.parse(text, f"--set {item}"))
    return raw


class Source(NamedTuple):
    """A run file as it stands: its mapping, its folder, and topology files already parsed."""

    raw: dict[str, Any]
    folder: str
    parsed: Mapping[str, Mapping[Any, Any]] = NONE


def source(file: str | Path, overrides: Sequence[str] = ()) -> Source:
    """Return a run file (a path or a shipped name) with overrides; errors as locate and read."""
    path = locate(file)
    return Source(read(path, overrides), str(path.parent))


def pack(source: Source) -> bytes:
    """Return a run file, with the topology file that it names, as bytes for other ranks.

    None of them then parses YAML. Empty if msgpack cannot tell exactly what the YAML says, such as
    a date. Raises ConfigError if there is no such topology file.
    """
    file = file_of(source.raw.get("topology"), source.folder)
    told = [
        source.raw,
        source.folder,
        {str(file): read_topology(file, "$.topology")} if file else {},
    ]
    try:
        data = msgspec.msgpack.encode(told)
        return data if msgspec.msgpack.decode(data) == told else b""
    except (msgspec.MsgspecError, TypeError, ValueError, OverflowError, RecursionError):
        return b""


def unpack(data: bytes) -> Source:
    """Return what ``pack`` was given."""
    return Source(*msgspec.msgpack.decode(data))


def locate(file: str | Path) -> Path:
    """Return the path of a run file: a path, or the name of a shipped experiment such as ``demo``.

    Raises ConfigError with a suggestion if there is neither.
    """
    path = Path(file)
    if path.is_file() or path.suffix in (".yaml", ".yml"):
        return path
    shipped = resources.folder("experiments") / f"{file}.yaml"
    if shipped.exists():
        return shipped
    known = resources.names("experiments")
    hint = suggest(str(file), known) or f"; shipped experiments are {', '.join(known) or 'none'}"
    raise ConfigError(f"no file '{file}'{hint}")


def new_directory(source: Path) -> Path:
    """Make and return a new run directory: runs/NAME, else runs/NAME-2, and so on.

    Making it claims it: two runs that start at once get two. ConfigError if it cannot be made.
    """
    base = Path("runs") / source.stem
    try:
        base.parent.mkdir(exist_ok=True)
        number = 1
        while not _claim(path := base.with_name(f"{base.name}-{number}") if number > 1 else base):
            number += 1
        return path
    except OSError as error:
        raise ConfigError(f"cannot make '{base}': {error.strerror}; choose --out") from None


def _claim(path: Path) -> bool:
    try:
        path.mkdir()
    except FileExistsError:
        return False
    return True


def override(raw: dict[str, Any], place: str, value: Any) -> None:
    """Set the dotted ``place`` in a raw mapping; a component named by its id becomes one."""
    *parents, last = place.split(".")
    here = raw
    for name in parents:
        below = here.get(name)
        if isinstance(below, str):
            below = {"id": below}
        if below is not None and not isinstance(below, dict):
            raise ConfigError(f"--set {place}: '{name}' is {below!r}, not a mapping")
        here[name] = below = {} if below is None else below
        here = below
    here[last] = value


def make(
    raw: Mapping[str, Any],
    folder: Path | None = None,
    parsed: Mapping[str, Mapping[str, Any]] = NONE,
) -> Experiment:
    """Build every component of a run; relative topology files are looked for in ``folder``.

    Topology files that are already ``parsed``, by path, are not read.
    Raises ConfigError that names the place, the value and the cure.
    """
    options = fill(RunOptions, raw, "$", "a run file")
    topology = load(options.topology, "$.topology", folder, parsed)
    if topology.size < 2:
        raise ConfigError(
            "a run needs at least two agents, and this graph has one; give a larger size",
            "$.topology",
        )
    if topology.size > 2**16:
        raise ConfigError(f"{topology.size} agents do not fit 16-bit ranks", "$.topology")
    algorithm = build(Algorithm, options.algorithm, "$.algorithm")
    algorithm.check(topology)
    compute = settle(options, topology, algorithm)
    codecs = codecs_of(algorithm, options.codecs)
    problem = build(Problem, _beside(options.problem, folder), "$.problem")
    try:
        problem.prepare(len(algorithm.workers(topology)), options.seed)
    except MemoryError:
        raise ConfigError("its data do not fit into memory; make it smaller", "$.problem") from None
    shaped = _shaped(algorithm, codecs, problem)
    _check_frames(algorithm, shaped, problem.d)
    warnings = tuple(algorithm.review(topology, problem, shaped))
    rounds = min(options.rounds, options.stop.rounds or options.rounds)
    bits = None if options.stop.bits is None else parse_bits(options.stop.bits, "$.stop.bits")
    resolved = said(options, topology, problem, algorithm, codecs)
    parts = (options, topology, problem, algorithm, shaped)
    seconds = stop_seconds(options.stop.emulated_seconds, options.network.clock)
    timing = compute, seconds, float(options.network.tick or 0.0)
    return Experiment(*parts, rounds, bits, resolved, *timing, warnings)


def codecs_of(algorithm: Algorithm, given: Mapping[str, Any]) -> tuple[Codec, ...]:
    """Return the codec of each channel, as given by its name or its own; ConfigError if wrong."""
    names = [channel.name for channel in algorithm.channels if not channel.telling]
    for name in given:
        if name not in names:
            hint = suggest(name, names) or f"; its channels are {', '.join(names)}"
            raise ConfigError(f"{algorithm.id} has no channel '{name}'{hint}", f"$.codecs.{name}")
    return tuple(
        build(Codec, given.get(channel.name, channel.default), f"$.codecs.{channel.name}")
        for channel in algorithm.channels
    )


def _shaped(algorithm: Algorithm, codecs: Sequence[Codec], problem: Problem) -> tuple[Codec, ...]:
    """Return the codecs for the tensors that the problem's x is made of."""
    sizes = problem.tensors()

    def fit(channel: Channel, codec: Codec) -> Codec:
        try:
            return codec if channel.telling else codec.shaped(sizes)
        except ConfigError as error:
            raise error.under(f"$.codecs.{channel.name}") from None

    return tuple(map(fit, algorithm.channels, codecs))


def _beside(problem: Any, folder: Path | None) -> Any:
    """Return a problem's mapping with its data found beside the run file, if they are there.

    Such data are ``libsvm:PATH``, ``images:PATH`` and paths that end in .npy.
    """
    data = problem.get("data") if isinstance(problem, dict) else None
    if folder is None or not isinstance(data, str):
        return problem
    source, colon, path = data.partition(":") if data.startswith(_SOURCES) else ("", "", data)
    known = bool(path) if colon else path.endswith(".npy")
    if not (known and (folder / path).exists()):
        return problem
    return {**problem, "data": f"{source}{colon}{(folder / path).absolute()}"}


def _check_frames(algorithm: Algorithm, codecs: Sequence[Codec], d: int) -> None:
    """Raise ConfigError unless every channel's frame can be told by its header."""
    if d < 1:
        raise ConfigError("there is nothing to optimize: d = 0 coordinates", "$.problem")
    for channel, codec in zip(algorithm.channels, codecs, strict=True):
        path = f"$.codecs.{channel.name}"
        if channel.vectors > 1 and codec.nbits(d) is None:
            raise ConfigError(
                f"{algorithm.id} sends {channel.vectors} vectors a frame, which a codec of varying "
                f"length such as {codec.id} cannot tell apart; use one of fixed length",
                path,
            )
        size = channel.vectors * nbytes(codec.max_nbits(d))
        if size > MOST_BYTES:
            raise ConfigError(f"a frame of {size} bytes is too large; at most {MOST_BYTES}", path)


def said(
    options: RunOptions,
    topology: Topology,
    problem: Problem,
    algorithm: Algorithm,
    codecs: Sequence[Codec],
) -> dict[str, Any]:
    """Return the run file that says every option, in the order a reader expects."""
    plain = msgspec.to_builtins(options)
    pairs = zip(algorithm.channels, codecs, strict=True)
    network = options.network
    compute = network.compute.config() if network.compute else None
    parts = {
        "problem": problem.config(),
        "topology": topology.spec,
        "algorithm": algorithm.config(),
        "codecs": {c.name: k.config() for c, k in pairs if not c.telling},
        "network": {**plain["network"], "compute": compute},
    }
    order = ("description", "seed", "rounds", *parts, "stop", "record")
    return dict(msgspec.to_builtins({name: parts.get(name, plain[name]) for name in order}))


def parse_bits(value: int | str, path: str) -> int:
    """Return the bits in ``12000`` or in text with a unit, such as ``10 Mbit`` or ``2 kB``."""
    try:
        return quantities.bits(value)
    except ValueError as error:
        raise ConfigError(str(error), path) from None
