"""Frames as they were when they were written down: the same bytes, for ever, on every machine.

``python -m tests.frames.test_golden`` writes tests/golden/frames.json anew; a change there is a
change of the wire format and needs a new version number in frame.py.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from netopt.codecs import Codec, nbytes
from netopt.errors import FrameError
from netopt.frame import HEADER_BYTES, Header, parse, seal
from netopt.keys import Key, Purpose
from netopt.registry import build

FILE = Path(__file__).parents[1] / "golden" / "frames.json"
X = [0.0, 1.0, -1.0, 0.5, -0.25, 0.125, 1 / 3]
SPECS = [{"id": "raw"}, {"id": "raw", "dtype": "float32"}, {"id": "raw", "dtype": "float16"}]
SPECS += [{"id": "qsgd", "levels": n} for n in (1, 10, 1100)]
SPECS += [{"id": "switching", "levels": n} for n in (1, 2, 10, 32, 64, 1100)]
SPECS += [{"id": "uniform", "bits": n} for n in (1, 8, 13, 32)]
SPECS += [{"id": "qsgd", "norm": "linf", "block": 64, "stream": "philox"}]
SPECS += ["sign", "ternary", "min-max", {"id": "min-max", "bits": 5, "rounding": "fast"}]
SPECS += [{"id": "dithering", "coding": c} for c in ("omega", "gamma", "fixed")]
SPECS += [{"id": "dithering", "levels": 1100, "norm": "l2", "stream": "philox"}]
SPECS += ["varying-steps", "blocks", "natural", {"id": "topk", "k": 3}, "rand-tau"]
SPECS += [{"id": "topk", "k": 5, "dtype": "float64"}, {"id": "rand-tau", "tau": 6}]
SPECS += [{"id": "randk", "k": 3, "indices": sent} for sent in ("shared", "sent")]
SPECS += [{"id": "uniform", "bits": 2.5}]
SPECS += [{"id": "lattice", "lattice": name, "bits": 4} for name in ("e8", "leech")]
SPECS += ["sign-bits", {"id": "randk", "k": 3, "indices": "common", "unbiased": False}]
PLACES = [(4, 0), (5, 2)]  # an even and an odd round; exchange


def vector(codec):
    """Return X, repeated for codecs that take many coordinates together."""
    return np.resize(X, 33) if codec.id == "lattice" else np.array(X)


def frame(spec, round_, exchange):
    """Seal a vector by hand, as agent 3 does with seed 7, for all its neighbours."""
    codec = build(Codec, spec)
    x = vector(codec)
    payload = np.zeros(nbytes(codec.max_nbits(len(x))), np.uint8)
    key = Key(7, Purpose.ROUNDING, round_, exchange, 3)
    bits = codec.encode_into(x, key, payload)
    payload = payload[: nbytes(bits)].tobytes()
    sizes = (len(x), len(payload), 8 * len(payload) - bits)
    header = Header(1, codec.fingerprint(), round_, exchange, 3, *sizes, channel=0, broadcast=1)
    buffer = np.frombuffer(bytes(HEADER_BYTES) + payload, np.uint8).copy()
    seal(buffer, header)
    return buffer


def entry(spec, round_, exchange):
    """What the file says of one frame: what it is, its bytes, and what they mean."""
    codec, data = build(Codec, spec), frame(spec, round_, exchange)
    key = Key(7, Purpose.ROUNDING, round_, exchange, 3)
    values = codec.decode(data[HEADER_BYTES:], len(vector(codec)), key)
    return {
        "codec": codec.config(),
        "round": round_,
        "exchange": exchange,
        "hex": data.tobytes().hex(),
        "values": [value.hex() for value in values.tolist()],
    }


def write():
    """Write the file anew."""
    entries = [entry(spec, *place) for spec in SPECS for place in PLACES]
    lines = ",\n".join(json.dumps(e) for e in entries)
    FILE.write_text(f"[\n{lines}\n]\n")


GOLDEN = json.loads(FILE.read_text()) if FILE.exists() else []
each = pytest.mark.parametrize("golden", GOLDEN, ids=lambda g: f"{g['codec']}-{g['round']}")


def test_every_codec_has_golden_frames():
    known = {(json.dumps(build(Codec, s).config()), *p) for s in SPECS for p in PLACES}
    assert {(json.dumps(g["codec"]), g["round"], g["exchange"]) for g in GOLDEN} == known


@each
def test_encoding_gives_the_bytes_written_down(golden):
    data = frame(golden["codec"], golden["round"], golden["exchange"])
    assert data.tobytes().hex() == golden["hex"]


@each
def test_the_bytes_written_down_decode_to_the_values_written_down(golden):
    data = np.frombuffer(bytes.fromhex(golden["hex"]), np.uint8)
    header, codec = parse(data), build(Codec, golden["codec"])
    assert header[1:5] == (codec.fingerprint(), golden["round"], golden["exchange"], 3)
    key = Key(7, Purpose.ROUNDING, header.round, header.exchange, header.sender)
    values = codec.decode(data[HEADER_BYTES:], header.count, key)
    assert [value.hex() for value in values.tolist()] == golden["values"]
    assert codec.nbits(header.count) in (header.payload_bits, None)


@each
def test_an_agent_makes_and_reads_the_frame_written_down(agent, golden):
    data = np.frombuffer(bytes.fromhex(golden["hex"]), np.uint8)
    x = vector(build(Codec, golden["codec"]))
    sender, receiver = (agent(golden["codec"], rank, d=len(x)) for rank in (3, 4))
    for me in (sender, receiver):
        me.round, me.exchange = golden["round"], golden["exchange"]
    assert sender.encode("mix", x).frame.tobytes() == data.tobytes()
    decoded = receiver.decode(receiver.accept(data, 3))
    assert [value.hex() for value in decoded.tolist()] == golden["values"]
    with pytest.raises(FrameError, match="sender 0 expected, got 3"):
        receiver.accept(data, 0)


if __name__ == "__main__":
    write()
