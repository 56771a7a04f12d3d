"""Every registered component, found by itself, against the laws of its kind."""

from __future__ import annotations

from functools import partial

import laws
import numpy as np
import pytest

import netopt.codecs
from netopt import config
from netopt.algorithms import Algorithm
from netopt.codecs import Codec
from netopt.core import codes, grid, packing, reference, steps, streams
from netopt.engine import lockstep
from netopt.mixing import Mixing
from netopt.problems import Problem
from netopt.registry import build, discover, find, load_file
from netopt.schedules import Schedule
from netopt.topologies import Generator

KINDS = (Codec, Schedule, Algorithm, Problem, Mixing, Generator)
COMPONENTS = [pytest.param(b, n, id=f"{b.kind}-{n}") for b in KINDS for n in discover(b)]
SPECS = [{"id": n, **o} for n, cls in discover(Codec).items() for o in laws.option_sets(cls)]
FEW = [{"id": n, **o} for n, cls in discover(Codec).items() for o in laws.few_option_sets(cls)]
# The floor of QGD is above what has a relative error.
FEW += [
    {"id": "qsgd", "floor": 1e-30, "levels": s, "norm": p} for s in (1, 4) for p in ("l2", "linf")
]
SIZES = (1, 2, 7, 33)
NUMPY = {
    reference: "pack_into unpack_into",
    grid: "Grid",
    codes: "levels_put levels_get levels_bits numbers_put numbers_get",
    steps: "dither undither",
}
"""What a codec takes from the core, by the module of its numpy reference."""

every = pytest.mark.parametrize(("base", "name"), COMPONENTS)
every_codec = pytest.mark.parametrize(
    "codec", SPECS, ids=lambda s: "-".join(map(str, s.values())), indirect=True
)

few_codecs = pytest.mark.parametrize(
    "codec", FEW, ids=lambda s: "-".join(map(str, s.values())), indirect=True
)


@pytest.fixture
def codec(request) -> Codec:
    return build(Codec, request.param)


def all_vectors():
    return [x for n in SIZES for x in laws.vectors(n).values()]


@every
def test_the_config_builds_it_again(base, name):
    laws.config_builds_it_again(base, laws.default(base, name))


@every
def test_it_says_what_it_is_and_what_its_options_are(base, name):
    laws.documents_itself(find(base, name))


@every
def test_its_file_is_named_after_its_id(base, name):
    laws.is_found_by_file_name(find(base, name))


@every
def test_a_misspelt_option_is_refused_with_a_suggestion(base, name):
    laws.refuses_unknown_option(base, name)


@every_codec
def test_the_config_of_every_option_set_builds_it_again(codec):
    laws.config_builds_it_again(Codec, codec)


@every_codec
def test_a_payload_is_exactly_nbits(codec):
    for x in all_vectors():
        laws.payload_is_exactly_nbits(codec, x)


@every_codec
def test_a_payload_is_all_that_is_written(codec):
    for x in all_vectors():
        laws.payload_is_all_that_is_written(codec, x)


@every_codec
@pytest.mark.parametrize("round_", [0, 1])
def test_decoding_repeats(codec, round_):
    for x in all_vectors():
        laws.decoding_repeats(codec, x, round_)


def in_numpy(codec, monkeypatch):
    """Return the same codec on the core's numpy reference."""
    for module, names in NUMPY.items():
        for name in names.split():
            monkeypatch.setattr(packing, name, getattr(module, name))
    return build(Codec, codec.config())


@every_codec
def test_both_cores_give_the_same_bytes_and_read_them_alike(codec, monkeypatch):
    k, samples = laws.key(1), all_vectors()
    payloads = [codec.encode(x, k) for x in samples]
    decoded = [codec.decode(p, len(x), k) for p, x in zip(payloads, samples, strict=True)]
    other = in_numpy(codec, monkeypatch)
    for x, payload, y in zip(samples, payloads, decoded, strict=True):
        assert other.encode(x, k) == payload
        assert other.decode(payload, len(x), k).tobytes() == y.tobytes()


@every_codec
def test_accumulating_is_decoding_scaling_and_adding(codec):
    for x in all_vectors():
        data = np.frombuffer(codec.encode(x, laws.key()), np.uint8)
        y, start = codec.decode(data, len(x), laws.key()), np.linspace(-3, 3, len(x))
        first, added = np.full(len(x), np.nan), start.copy()
        codec.accumulate(data, laws.key(), 0.3, first, True)
        codec.accumulate(data, laws.key(), -0.7, added)
        assert first.tobytes() == (0.3 * y).tobytes()
        assert added.tobytes() == (start + -0.7 * y).tobytes()


@every_codec
def test_what_is_not_finite_is_refused(codec):
    laws.refuses_what_is_not_finite(codec)


@every_codec
def test_no_random_number_takes_a_symbol_off_the_grid(codec, monkeypatch):
    other = in_numpy(codec, monkeypatch)
    for number in (0, 2**16 - 1):
        fill = partial(np.full, fill_value=number, dtype=np.uint16)
        for module in (streams, packing):
            monkeypatch.setattr(module, "random16", lambda key, stream, n, fill=fill: fill(n))
        for x in all_vectors():
            laws.decoding_repeats(other, x, 0)
            laws.decoding_repeats(other, x, 1)


@pytest.mark.parametrize("name", discover(Codec))
def test_keys_choose_the_rounding_of_random_codecs_only(name):
    laws.keys_choose_the_rounding(build(Codec, name))


@pytest.mark.parametrize("name", [n for n, cls in discover(Codec).items() if cls.unbiased])
@pytest.mark.parametrize("parity", [0, 1])
def test_the_mean_over_keys_is_the_vector(name, parity):
    laws.mean_is_the_vector(build(Codec, name), laws.vectors(9)["random"], parity)
    laws.mean_is_the_vector(build(Codec, name), laws.vectors(9)["one"], parity)


@few_codecs
def test_constants_bound_the_error(codec):
    for x in (laws.vectors(9)["random"], laws.vectors(9)["equal"], laws.peaked(9), np.eye(1, 9)[0]):
        laws.constants_bound_the_error(codec, x)


@few_codecs
@pytest.mark.parametrize("aim", ["dcgd", "diana"])
def test_a_tuned_codec_obeys_the_laws_too(codec, aim):
    d = 64
    pair = laws.tuned_pair(codec, d, aim)
    if pair is None:
        return
    laws.tuning_is_private(codec, *pair)
    tuned = pair[0]
    for x in laws.vectors(d).values():
        laws.payload_is_exactly_nbits(tuned, x)
        laws.payload_is_all_that_is_written(tuned, x)
        laws.decoding_repeats(tuned, x, 1)
        laws.both_ends_agree(*pair, x)
    laws.refuses_what_is_not_finite(tuned, d)
    for x in (laws.vectors(d)["random"], laws.peaked(d)):
        laws.constants_bound_the_error(tuned, x, 128)


@few_codecs
def test_the_mean_over_keys_of_a_tuned_codec_is_the_vector(codec):
    x = laws.peaked(9)  # no coordinate so small that it is hardly ever sent
    if codec.unbiased and (getattr(codec, "blocks", None) or 0) <= 9:
        pair = laws.tuned_pair(codec, 9, "diana")
        if pair is not None:
            laws.mean_is_the_vector(pair[0], x, 0, 1000)


def test_fingerprints_tell_all_codecs_apart():
    codecs = [build(Codec, spec) for spec in FEW]  # 16 bits cannot tell hundreds apart
    texts = {codec.fingerprint(): str(codec.config()) for codec in codecs}
    assert sorted(texts.values()) == sorted({str(codec.config()) for codec in codecs})


USER_CODEC = '''"""A user's own codec."""
import numpy as np
from netopt.codecs import Codec, Segment

class Sign(Codec):
    """Sign: one bit a coordinate, +-1."""

    id = "sign-of-mine"

    def layout(self, n):
        return (Segment("symbol", n, 1, "symbol"),)

    def encode_into(self, x, key, out):
        from netopt.errors import RangeError
        if not np.isfinite(x).all():
            raise RangeError("not finite")
        bits = np.packbits(x >= 0, bitorder="little")
        out[: len(bits)] = bits
        return len(x)

    def decode_into(self, payload, key, out):
        out[:] = 2.0 * np.unpackbits(payload, bitorder="little")[: len(out)] - 1
'''


def obeys_the_laws(name):
    codec = laws.default(Codec, name)
    laws.config_builds_it_again(Codec, codec)
    laws.documents_itself(type(codec))
    laws.refuses_unknown_option(Codec, name)
    laws.keys_choose_the_rounding(codec)
    laws.refuses_what_is_not_finite(codec)
    for x in all_vectors():
        laws.payload_is_exactly_nbits(codec, x)
        laws.payload_is_all_that_is_written(codec, x)
        laws.decoding_repeats(codec, x, 0)


def test_a_users_file_adds_a_codec_that_a_run_uses(tmp_path, private_registry):
    file = tmp_path / "mine.py"
    file.write_text(USER_CODEC)
    load_file(file)
    obeys_the_laws("sign-of-mine")
    raw = {"problem": "saddle", "topology": "ring-5", "algorithm": "dgd", "rounds": 3}
    outcome = lockstep(config.make({**raw, "codecs": {"mix": "sign-of-mine"}}), None)
    assert outcome.sent.total().payload_bits == 3 * 10 * 2


def test_a_new_file_in_the_package_is_found_by_itself(tmp_path, private_registry, monkeypatch):
    (tmp_path / "sign_of_mine.py").write_text(USER_CODEC)
    monkeypatch.setattr(netopt.codecs, "__path__", [*netopt.codecs.__path__, str(tmp_path)])
    assert "sign-of-mine" in discover(Codec)
    laws.is_found_by_file_name(find(Codec, "sign-of-mine"))
    obeys_the_laws("sign-of-mine")
