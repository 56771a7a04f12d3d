"""A frame taken apart, against bitarray and the codec's own formula."""

from __future__ import annotations

import json
import struct

import numpy as np
import pytest
from bitarray import bitarray
from bitarray.util import ba2int

from netopt import frame, yamlfile
from netopt.codecs import Codec, Segment
from netopt.codecs.raw import Raw
from netopt.core import packing
from netopt.errors import ConfigError, FrameError
from netopt.frame import HEADER_BYTES, Header, parse, seal
from netopt.keys import Key, Purpose
from netopt.registry import build
from netopt.report import captures
from netopt.report.inspect import frame_view, frames_list
from netopt.report.text import plain


def lines(folder):
    return [json.loads(line) for line in (folder / "frames.jsonl").read_text().splitlines()]


def rewrite(folder, rows):
    (folder / "frames.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))


def rows_of(text, columns):
    split = (line.split() for line in text.splitlines())
    found = [words for words in split if len(words) == columns and words[0].isdigit()]
    return [words for words in found if columns == 2 or ".." in words[1]]


@pytest.mark.parametrize("bits", [1, 3, 5, 8, 13, 16, 27, 32])
def test_values_are_the_bits_in_the_stream(bits):
    rng = np.random.default_rng(bits)
    symbols = rng.integers(0, 2**bits, 21, dtype=np.uint64).astype(np.uint32)
    out = np.zeros(4 + packing.packed_bytes(21, bits), np.uint8)
    packing.pack_into(symbols, bits, out, 4)
    stream = bitarray(endian="little")
    stream.frombytes(out.tobytes())
    whole = int.from_bytes(out.tobytes(), "little")
    found = list(captures.values(out.tobytes(), Segment("symbol", 21, bits, "symbol"), 32))
    assert [value.value for value in found] == symbols.tolist()
    for value in found:
        assert value.bits == stream[value.start : value.end].to01()
        assert value.value == ba2int(stream[value.start : value.end])
        assert value.value == whole >> value.start & (2**bits - 1)
        assert value.end - value.start == bits


@pytest.mark.parametrize(
    ("form", "dtype"), [("float16", "<f2"), ("float32", "<f4"), ("float64", "<f8")]
)
def test_numbers_are_read_as_numpy_reads_them(form, dtype):
    data = np.array([0.1, -3.5, 1e-3], dtype=dtype)
    segment = Segment("x", 3, 8 * data.itemsize, form)
    assert [v.value for v in captures.values(data.tobytes(), segment, 0)] == data.tolist()


def test_header_fields_lie_as_the_table_of_the_frame_says(runs):
    data = bytes.fromhex(lines(runs["qgd"])[0]["hex"])
    fields = captures.fields(data)
    assert b"".join(field.raw for field in fields) == data[:HEADER_BYTES]
    assert [field.name for field in fields] == ["magic", "version", *Header._fields, "crc"]
    assert tuple(field.value for field in fields[2:-1]) == parse(np.frombuffer(data, np.uint8))
    assert fields[-1].value == struct.unpack("<I", data[28:32])[0]
    # The documented table and the struct that reads the bytes must not drift apart.
    table = [line.split()[:3] for line in frame.__doc__.splitlines() if line[:1].isdigit()]
    assert table == [[str(f.offset), str(len(f.raw)), f.name] for f in fields]
    assert all(field.meaning for field in fields)


def test_a_frame_of_symbols(runs):
    text = plain(frame_view(runs["qgd"], 11, values=4))
    line = lines(runs["qgd"])[11]
    data = bytes.fromhex(line["hex"])
    header = parse(np.frombuffer(data, np.uint8))
    key = Key(3, Purpose.ROUNDING, header.round, header.exchange, header.sender)
    vector = build(Codec, "switching").decode(data[HEADER_BYTES:], 10, key)
    stream = int.from_bytes(data[HEADER_BYTES:], "little")
    for i, row in enumerate(rows_of(text, 5)[:4]):
        symbol = stream >> (32 + 5 * i) & 31
        bits = f"{symbol:05b}"[::-1]
        first = 32 + 5 * i
        assert row == [str(i), f"{first}..{first + 4}", bits, str(symbol), repr(float(vector[i]))]
    assert header.round == 1  # an odd round: the half grid
    assert "symbol: 10 x 5 bit, symbol" in text
    assert "... 6 more (all of them with --all)" in text
    assert "pad: bits 82..87 = 000000 ✓" in text
    scale = struct.unpack("<f", data[32:36])[0]
    assert f"0..31   {data[32:36].hex(' ')}   {scale!r}" in text
    assert f"{header.codec:#06x} ✓ {{id: switching" in text
    crc = struct.unpack("<I", data[28:32])[0]
    assert f"{crc:#010x} ✓" in text
    edge = f"edge {line['src']} -> {line['dst']}"
    assert text.startswith(f"frame 11: round 1, exchange 0, {edge}, channel mix\n")


def test_all_values(runs):
    text = plain(frame_view(runs["qgd"], 0, whole=True, values=1))
    assert len(rows_of(text, 5)) == 10
    assert "more" not in text


def test_a_frame_of_two_vectors(runs):
    text = plain(frame_view(runs["tracking"], 0, whole=True))
    data = bytes.fromhex(lines(runs["tracking"])[0]["hex"])
    # 32 + 10 x 4 bit are 9 bytes a vector.
    assert len(data) == HEADER_BYTES + 2 * 9
    codec = build(Codec, {"id": "qsgd", "levels": 7})
    head, *parts = text.split("\nvector ")
    assert "vectors" in head
    for part, shown in enumerate(parts):
        payload = data[HEADER_BYTES + 9 * part : HEADER_BYTES + 9 * (part + 1)]
        vector = codec.decode(payload, 10, Key(3, Purpose.ROUNDING, sender=0, part=part))
        assert shown.startswith(f"{part} of 2\npayload, 9 bytes: {payload.hex(' ')}\n")
        assert [row[4] for row in rows_of(shown, 5)] == [repr(float(v)) for v in vector]
        assert "pad: none, the payload ends at a byte" in shown
    assert len(parts) == 2


def test_a_frame_of_numbers(runs):
    text = plain(frame_view(runs["dgd"], 9, values=10))
    data = bytes.fromhex(lines(runs["dgd"])[9]["hex"])[HEADER_BYTES:]
    numbers = np.frombuffer(data, "<f4")
    rows = rows_of(text, 8)
    assert len(rows) == 10
    for i, row in enumerate(rows):
        first = f"{32 * i}..{32 * i + 31}"
        value = repr(float(numbers[i]))
        assert row == [str(i), first, *data[4 * i : 4 * i + 4].hex(" ").split(), value, value]


def test_a_payload_without_a_layout_is_only_decoded(copy, private_registry):
    class Lengthy(Raw):
        """Pretends that its size depends on the data."""

        id = "lengthy"

        def nbits(self, n):
            return None

    folder = copy("dgd")
    wrote = Lengthy(dtype="float32")
    run = yamlfile.read(folder / "run.yaml")
    run["codecs"] = {"mix": wrote.config()}
    (folder / "run.yaml").write_text(yamlfile.dump(run))
    rows = lines(folder)
    data = np.frombuffer(bytes.fromhex(rows[0]["hex"]), np.uint8).copy()
    seal(data, parse(data)._replace(codec=wrote.fingerprint()))
    rows[0]["hex"] = data.tobytes().hex()
    rewrite(folder, rows)
    shown = [row[1] for row in rows_of(plain(frame_view(folder)), 2)]
    assert shown == [repr(float(value)) for value in data[HEADER_BYTES:].view("<f4")]


def test_another_codec_than_that_of_the_run_file_is_marked(copy):
    folder = copy("qgd")
    file = folder / "run.yaml"
    file.write_text(file.read_text().replace("levels: 10", "levels: 11"))
    text = plain(frame_view(folder))
    assert "✗ {id: switching" in text
    assert text.endswith(
        "The codec in run.yaml is not the one that wrote this frame: it is not decoded.\n"
    )


def test_frames_list(runs, copy):
    folder = copy("qgd")
    rows = lines(folder)
    rows[1]["hex"] = rows[1]["hex"][:-2] + "ff"
    rewrite(folder, rows)
    shown = [line.split() for line in plain(frames_list(folder)).splitlines()]
    shown = [words for words in shown if words and words[0].isdigit()]
    assert len(shown) == 12
    for i, (words, row) in enumerate(zip(shown, rows, strict=True)):
        where = [str(row[name]) for name in ("round", "exchange", "src")]
        size = str(len(row["hex"]) // 2)
        assert words == [str(i), *where, "->", str(row["dst"]), size, "✗" if i == 1 else "✓"]


def test_no_frames(runs):
    for show in (frame_view, frames_list):
        with pytest.raises(ConfigError) as error:
            show(runs["logistic"])
        assert str(error.value) == (
            f"'{runs['logistic']}' has no captured frames; run it again with "
            "'record: {frames: 3}'"
        )


@pytest.mark.parametrize("index", [12, -1])
def test_no_such_frame(runs, index):
    with pytest.raises(ConfigError) as error:
        frame_view(runs["qgd"], index)
    assert str(error.value) == (
        f"'{runs['qgd']}' has no frame {index}; it captured 12, numbered 0 to 11"
    )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda text: text[:20], "a frame has at least 32 bytes, got 10"),
        (lambda text: text[:-2], "the header announces 43 bytes, got 42"),
        (lambda text: "ff" + text[2:], "a frame starts with b'NOPT', got b'\\xffOPT'"),
    ],
)
def test_a_damaged_frame(copy, change, message):
    folder = copy("qgd")
    rows = lines(folder)
    rows[2]["hex"] = change(rows[2]["hex"])
    rewrite(folder, rows)
    with pytest.raises(FrameError) as error:
        frame_view(folder, 2)
    assert str(error.value) == f"'{folder / 'frames.jsonl'}' line 3: {message}"


def test_a_flipped_bit(copy):
    folder = copy("qgd")
    rows = lines(folder)
    data = bytearray.fromhex(rows[0]["hex"])
    data[-1] ^= 1
    rows[0]["hex"] = data.hex()
    rewrite(folder, rows)
    with pytest.raises(FrameError) as error:
        frame_view(folder)
    crc = struct.unpack("<I", data[28:32])[0]
    place = f"'{folder / 'frames.jsonl'}' line 1"
    assert str(error.value) == f"{place}: checksum {crc:#010x} does not match the frame's content"


def test_a_fitted_codecs_frame_is_shown_without_values(runs):
    first = captures.pick(runs["star"], 0)
    assert (first.round, first.source, first.target) == (0, 1, 0), "not one of the set-up"
    text = plain(frame_view(runs["star"]))
    payload = first.data[32:]
    assert f"payload, {len(payload)} bytes: {payload[:16].hex(' ')}" in text
    assert " ".join(text.split()).endswith(
        "varying-steps is fitted to the problem before round 0, and the fit is not recorded: no "
        "values can be shown."
    )


@pytest.mark.parametrize(
    ("row", "why"),
    [
        ({"round": 0}, "no 'hex'"),
        (
            {"round": 0, "exchange": 0, "src": 0, "dst": 1, "hex": "xy"},
            "non-hexadecimal number found in fromhex() arg at position 0",
        ),
    ],
)
def test_a_line_that_is_no_frame(copy, row, why):
    folder = copy("qgd")
    rewrite(folder, [row])
    with pytest.raises(ConfigError) as error:
        frames_list(folder)
    assert str(error.value) == (
        f"'{folder / 'frames.jsonl'}' line 1 is not a captured frame with round, exchange, "
        f"src, dst and hex ({why})"
    )
