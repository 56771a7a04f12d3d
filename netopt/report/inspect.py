"""Inspection shows a frame that really travelled: its header by field, its payload bit by bit."""

from __future__ import annotations

from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from netopt.codecs import Codec, Segment, Vector
from netopt.errors import FrameError
from netopt.frame import Header
from netopt.report import captures
from netopt.report.captures import Captured, Value
from netopt.report.components import flow
from netopt.report.reading import configuration

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table

VALUES = 16
"""Values of a segment that are shown unless all are asked for."""
RIGHT = ("i", "index", "offset", "bits", "symbol", "bytes of frame")
HEX_BYTES = 16
"""Bytes of a payload that are shown as they are."""


class Part(NamedTuple):
    """One vector of a frame: its payload, its segments and what the receiver decodes."""

    payload: bytes
    layout: tuple[Segment, ...]
    vector: Vector


def frames_list(run_directory: str | Path) -> RenderableType:
    """Return a table of the frames that a run captured, damaged ones marked.

    Raises ConfigError if it captured none.
    """
    table = _table("index", "round", "exchange", "edge", "bytes of frame", "intact")
    for index, frame in enumerate(captures.captured(run_directory)):
        edge = f"{frame.source} -> {frame.target}"
        intact = "✓" if _intact(frame) else "✗"
        row = (index, frame.round, frame.exchange, edge, len(frame.data), intact)
        table.add_row(*map(str, row))
    return table


def frame_view(
    run_directory: str | Path, index: int = 0, whole: bool = False, values: int = VALUES
) -> RenderableType:
    """Return captured frame ``index`` as tables: the header, then each vector's payload.

    ``values`` values of each segment are shown, all of them if ``whole``. Raises ConfigError for a
    run without captured frames or without so many, and FrameError for a frame that is damaged.
    """
    from rich.console import Group
    from rich.text import Text

    frame = captures.pick(run_directory, index)
    header = captures.parsed(frame)
    channel, codec = captures.codec_of(run_directory, header)
    known = codec.fingerprint() == header.codec
    title = (
        f"frame {index}: round {frame.round}, exchange {frame.exchange}, "
        f"edge {frame.source} -> {frame.target}, channel {channel}"
    )
    parts: list[RenderableType] = [Text(title, style="bold")]
    parts.append(_header_table(frame.data, codec, known))
    if not known:
        text = "The codec in run.yaml is not the one that wrote this frame: it is not decoded."
        return Group(*parts, Text(text))
    if type(codec).tuned is not Codec.tuned:
        text = "is fitted to the problem before round 0, and the fit is not recorded"
        last = Text(f"\n{codec.id} {text}: no values can be shown.")
        return Group(*parts, _hex(header, frame), last)
    limit = None if whole else values
    for number_, part in enumerate(_parts(run_directory, frame, header, codec)):
        if header.vectors > 1:
            parts.append(Text(f"\nvector {number_} of {header.vectors}", style="bold"))
        parts += _payload(part, limit)
    return Group(*parts)


def _parts(run_directory: str | Path, frame: Captured, header: Header, codec: Codec) -> list[Part]:
    seed = configuration(Path(run_directory))["seed"]
    # A payload whose size depends on the data has no layout that its length alone would tell.
    layout = () if codec.nbits(header.count) is None else codec.layout(header.count)
    return [
        Part(payload, layout, captures.decoded(codec, payload, frame, seed, i))
        for i, payload in enumerate(captures.payloads(frame.data, header))
    ]


def _header_table(data: bytes, codec: Codec, known: bool) -> Table:
    table = _table("offset", "bytes", "field", "value", "meaning")
    for field in captures.fields(data):
        value = str(field.value)
        if field.name == "magic":
            value = field.value.decode()
        elif field.name == "codec":
            value = f"{field.value:#06x} {'✓' if known else '✗'} {flow(codec.config())}"
        elif field.name == "crc":
            value = f"{field.value:#010x} ✓"  # or else the frame would not have been parsed
        raw = field.raw.hex(" ")
        table.add_row(str(field.offset), raw, field.name, value, field.meaning)
    return table


def _hex(header: Header, frame: Captured) -> RenderableType:
    """Return the first bytes of a frame's payloads."""
    from rich.text import Text

    return Text("\n".join(map(_first_bytes, captures.payloads(frame.data, header))))


def _first_bytes(payload: bytes) -> str:
    rest = len(payload) - HEX_BYTES
    more = f" ... {rest} more" if rest > 0 else ""
    return f"payload, {len(payload)} bytes: {payload[:HEX_BYTES].hex(' ')}{more}"


def _payload(part: Part, limit: int | None) -> list[RenderableType]:
    """Return the payload's first bytes, its segments and its pad bits."""
    from rich.text import Text

    found: list[RenderableType] = [Text(_first_bytes(part.payload))]
    start = 0
    for segment in part.layout:
        found += _segment(part, segment, start, limit)
        start += segment.count * segment.bits
    if not part.layout:
        return [*found, _vector_table(part.vector, limit)]
    return [*found, Text(_pad(part.payload, start))]


def _segment(part: Part, segment: Segment, start: int, limit: int | None) -> list[RenderableType]:
    """Return a segment's table, with the decoded coordinates where it has one value for each."""
    from rich.text import Text

    coordinates = part.vector if segment.count == len(part.vector) else None
    names = ("i", "bits", "as sent", segment.name)
    table = _table(*names, *(() if coordinates is None else ("decoded",)))
    for value in islice(captures.values(part.payload, segment, start), limit):
        extra = () if coordinates is None else (repr(float(coordinates[value.i])),)
        table.add_row(*_cells(part.payload, segment, value), *extra)
    what = f"\n{segment.name}: {segment.count} x {segment.bits} bit, {segment.form}"
    return [Text(what), table, *_more(segment.count - table.row_count)]


def _cells(payload: bytes, segment: Segment, value: Value) -> tuple[str, ...]:
    """Return index, bit range, the bits (of a number the bytes) as sent, and what they mean."""
    sent = value.bits
    if segment.form != "symbol" and value.start % 8 == 0:
        sent = payload[value.start // 8 : value.end // 8].hex(" ")
    return str(value.i), f"{value.start}..{value.end - 1}", sent, repr(value.value)


def _vector_table(vector: Vector, limit: int | None) -> RenderableType:
    from rich.console import Group

    table = _table("i", "decoded")
    for index, value in enumerate(vector[:limit]):
        table.add_row(str(index), repr(float(value)))
    return Group(table, *_more(len(vector) - table.row_count))


def _more(hidden: int) -> list[RenderableType]:
    return [f"  ... {hidden} more (all of them with --all)"] if hidden else []


def _pad(payload: bytes, used: int) -> str:
    """Return the bits after the last value, which the decoder has found to be zero."""
    count = 8 * len(payload) - used
    if not count:
        return "\npad: none, the payload ends at a byte"
    bits = format(payload[-1] >> (8 - count), f"0{count}b")[::-1]
    return f"\npad: bits {used}..{used + count - 1} = {bits} {'✗' if '1' in bits else '✓'}"


def _intact(frame: Captured) -> bool:
    try:
        captures.parsed(frame)
    except FrameError:
        return False
    return True


def _table(*names: str) -> Table:
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for name in names:
        table.add_column(name, justify="right" if name in RIGHT else "left")
    return table
