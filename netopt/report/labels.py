"""Labels know what to call a run, a column and an axis in a figure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from netopt.codecs import Codec
from netopt.errors import ConfigError
from netopt.registry import build
from netopt.report.reading import RunFiles

COLUMNS = {
    "loss": "loss at the network mean",
    "grad_norm": "gradient norm at the network mean",
    "consensus": "consensus error",
    "distance": "distance to the nearest minimiser",
    "accuracy": "test accuracy",
    "lambda_min": "smallest eigenvalue of the Hessian at the network mean",
    "payload_bits": "payload bits",
    "wire_bytes": "bytes on the wire",
    "setup_bytes": "bytes of the set-up",
    "seconds": "wall seconds",
    "emulated_seconds": "emulated seconds",
    "round": "round",
}

SOME = 1000
"""Coordinates over which the bits of one are counted; a block's scale is shared by fewer."""


def legend(runs: Sequence[RunFiles]) -> list[str]:
    """Return a label for each run, made from its algorithm and codecs, such as 'qgd, qsgd 5 bit'.

    Runs that would share a label also get the name of their directory, or if that is no help its
    path.
    """
    short = [label(run.config) for run in runs]
    named = [f"{text} ({run.directory.name})" for text, run in zip(short, runs, strict=True)]
    full = [f"{text} ({run.directory})" for text, run in zip(short, runs, strict=True)]
    many, still = Counter(short), Counter(named)
    return [
        s if many[s] == 1 else n if still[n] == 1 else f
        for s, n, f in zip(short, named, full, strict=True)
    ]


def label(config: Mapping[str, Any]) -> str:
    """Return 'algorithm, codec width bit' for a resolved run file."""
    codecs = config["codecs"].values()
    return f"{config['algorithm']['id']}, {' + '.join(dict.fromkeys(map(_codec, codecs)))}"


def _codec(spec: Mapping[str, Any]) -> str:
    """Return a codec's id with the bits of one coordinate, or alone if they depend on the data."""
    try:
        codec = build(Codec, spec)
        some, more = codec.nbits(SOME), codec.nbits(2 * SOME)
        form = codec.layout(1)[-1].form
    except (ConfigError, TypeError):  # of a user's file that is not loaded; without a layout
        return str(spec["id"])
    if some is None or more is None:
        return str(spec["id"])
    kind = "" if form == "symbol" else f" {form}"
    return f"{spec['id']}{kind} {(more - some) / SOME:g} bit"
