"""Captures know the frames that a run recorded, and how to take one apart without the packer.

Bits are read here with Python's integers, so that what is shown does not rest on the code that
wrote it.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from netopt import config
from netopt import frame as wire
from netopt.codecs import Codec, Segment, Vector
from netopt.errors import ConfigError, FrameError
from netopt.frame import Header
from netopt.keys import BROADCAST
from netopt.registry import build
from netopt.report.reading import configuration, existing, json_lines

_FORMATS = {"float16": "<e", "float32": "<f", "float64": "<d"}


class Captured(NamedTuple):
    """One line of frames.jsonl: where in the run it was sent, from whom to whom, and its bytes."""

    place: str
    round: int
    exchange: int
    source: int
    target: int
    data: bytes
    whole: bool  # whether the checksum covers the payload


class Field(NamedTuple):
    """One field of the header: its place, its bytes, its value and what it means."""

    offset: int
    raw: bytes
    name: str
    value: Any
    meaning: str


class Value(NamedTuple):
    """One value of a segment: the bits [start, end) of its payload, as sent, and what they say."""

    i: int
    start: int
    end: int
    bits: str
    value: int | float


def captured(run_directory: str | Path) -> list[Captured]:
    """Return the frames that a run recorded, in its order.

    Raises ConfigError if there are none, or for a line that is not one.
    """
    file = existing(run_directory) / "frames.jsonl"
    if not file.is_file():
        raise ConfigError(
            f"'{file.parent}' has no captured frames; run it again with 'record: {{frames: 3}}'"
        )
    network = configuration(file.parent).get("network", {})
    whole = network.get("checksum", "frame") == "frame"
    return [_captured(place, row, whole) for place, row in json_lines(file)]


def pick(run_directory: str | Path, index: int) -> Captured:
    """Return frame ``index`` of a run; ConfigError if it did not record so many."""
    frames = captured(run_directory)
    if not 0 <= index < len(frames):
        kept = f"it captured {len(frames)}, numbered 0 to {len(frames) - 1}"
        raise ConfigError(f"'{run_directory}' has no frame {index}; {kept}")
    return frames[index]


def parsed(frame: Captured) -> Header:
    """Return the header of a captured frame; FrameError that names its place if it is damaged."""
    try:
        return wire.parse(np.frombuffer(frame.data, dtype=np.uint8), frame.whole)
    except FrameError as error:
        raise FrameError(f"{frame.place}: {error}") from None


def fields(data: bytes) -> list[Field]:
    """Return the header's fields in wire order, with the meanings of netopt.frame's table."""
    form = wire._FIELDS.format + wire._CRC.format[-1]
    meanings = dict(re.findall(r"(?m)^\d+ +\d+ +(\w+) +(.*)$", wire.__doc__ or ""))
    names = ("magic", "version", *Header._fields, "crc")
    found, offset = [], 0
    for name, code in zip(names, re.findall(r"\d*[a-zA-Z]", form), strict=True):
        size = struct.calcsize("<" + code)
        raw = data[offset : offset + size]
        (value,) = struct.unpack("<" + code, raw)
        found.append(Field(offset, raw, name, value, meanings.get(name, "").replace("``", "`")))
        offset += size
    return found


def codec_of(run_directory: str | Path, header: Header) -> tuple[str, Codec]:
    """Return channel name and codec of a frame, built from run.yaml; FrameError if it has none."""
    channels = list(configuration(Path(run_directory))["codecs"].items())
    if header.channel >= len(channels):
        raise FrameError(f"channel {header.channel} expected below {len(channels)}")
    name, spec = channels[header.channel]
    codec = build(Codec, spec, f"$.codecs.{name}")
    if type(codec).shaped is not Codec.shaped:  # it depends on the tensors of the problem's x
        made = config.make(configuration(Path(run_directory)))
        codec = made.codecs[[channel.name for channel in made.algorithm.channels].index(name)]
    return name, codec


def payloads(data: bytes, header: Header) -> list[bytes]:
    """Return the payload of each vector of a frame."""
    return [payload for payload, _ in wire.parts_of(header, data, 0, BROADCAST)]


def decoded(codec: Codec, payload: bytes, frame: Captured, seed: int, part: int) -> Vector:
    """Return the vector that the receiver decodes from ``payload``, part ``part`` of a frame.

    Raises FrameError that names the frame's place if it cannot be decoded.
    """
    header = parsed(frame)
    receiver = BROADCAST if header.broadcast else frame.target
    _, key = wire.parts_of(header, frame.data, seed, receiver)[part]
    try:
        return codec.decode(payload, header.count, key)
    except FrameError as error:
        raise FrameError(f"{frame.place}: {error}") from None


def values(payload: bytes, segment: Segment, start: int) -> Iterator[Value]:
    """Yield the values of a segment that begins at bit ``start`` of a payload.

    ``bits`` are in the order in which they stand in the stream: the least significant first.
    """
    for index in range(segment.count):
        first = start + index * segment.bits
        number = _integer(payload, first, segment.bits)
        bits = format(number, f"0{segment.bits}b")[::-1]
        yield Value(index, first, first + segment.bits, bits, _meaning(number, segment))


def _integer(payload: bytes, start: int, bits: int) -> int:
    """Return the ``bits`` bits from bit ``start`` of a little-endian stream."""
    around = payload[start // 8 : (start + bits + 7) // 8]
    return int.from_bytes(around, "little") >> start % 8 & ((1 << bits) - 1)


def _meaning(number: int, segment: Segment) -> int | float:
    code = _FORMATS.get(segment.form)
    if code is None:
        return number
    value: float = struct.unpack(code, number.to_bytes(segment.bits // 8, "little"))[0]
    return value


def _captured(place: str, row: dict[str, Any], whole: bool) -> Captured:
    try:
        data = bytes.fromhex(row["hex"])
        where = [int(row[name]) for name in ("round", "exchange", "src", "dst")]
        return Captured(place, where[0], where[1], where[2], where[3], data, whole)
    except (KeyError, TypeError, ValueError) as error:
        what = f"no {error}" if isinstance(error, KeyError) else str(error)
        wanted = "round, exchange, src, dst and hex"
        raise ConfigError(f"{place} is not a captured frame with {wanted} ({what})") from None
