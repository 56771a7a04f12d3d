"""Laws: what every component of a kind obeys, whoever wrote it.

``test_components.py`` puts every registered component through them, with every option set that
``option_sets`` finds in its annotations; a new component is tested without an edit here.
"""

from __future__ import annotations

import json
import math
import types
import typing
from collections.abc import Iterator
from typing import Any

import msgspec
import numpy as np
import pytest

from netopt.codecs import Codec, Tuning, Vector, nbytes
from netopt.errors import ConfigError, RangeError
from netopt.keys import Key, Purpose
from netopt.registry import Component, build

NEEDED: dict[tuple[str, str], dict[str, Any]] = {
    ("topology", "edges"): {"size": 3, "edges": [[0, 1], [1, 2]]},
    ("topology", "explicit"): {"matrix": [[0.5, 0.5], [0.5, 0.5]]},
    ("mixing", "explicit"): {"rows": [[0.5, 0.5], [0.5, 0.5]]},
}
"""Options of the components that cannot have defaults: the user's own data is all they are."""

NUMBERS = (*range(1, 33), 64, 1100, 2**20 - 1, 2**20)
"""Integers that an option is tried with, as far as its bounds allow."""

FEW = (1, 2, 7, 64)
"""Those of them that are tried where a test draws many times."""

SENTINEL = 0xA5


def default(base: type[Component], name: str) -> Component:
    """Return the component as a run file that names nothing but its id gets it."""
    return build(base, {"id": name, **NEEDED.get((base.kind, name), {})})


def option_sets(cls: type[Component]) -> Iterator[dict[str, Any]]:
    """Yield options to try: the defaults, then each choice and each integer, one at a time.

    Of an integer that may be null, so that another part of the codec chooses it, a few are enough.
    """
    yield {}
    for field in msgspec.structs.fields(cls):
        kinds = list(_kinds(field.type))
        numbers = FEW if types.NoneType in kinds else NUMBERS
        for kind in kinds:
            if typing.get_origin(kind) is typing.Literal:
                yield from ({field.name: choice} for choice in typing.get_args(kind))
            if kind is int:
                yield from ({field.name: n} for n in numbers if _allowed(n, field.type))
            if kind is bool:
                yield from ({field.name: choice} for choice in (False, True))


def few_option_sets(cls: type[Component]) -> Iterator[dict[str, Any]]:
    """Yield those of ``option_sets`` that name nothing, a choice, or a small number."""
    for options in option_sets(cls):
        if all(type(value) is not int or value in FEW for value in options.values()):
            yield options


def _kinds(annotation: Any) -> Iterator[Any]:
    """Yield the plain types of an annotation, through ``Annotated`` and unions."""
    if typing.get_origin(annotation) is typing.Annotated:
        yield from _kinds(typing.get_args(annotation)[0])
    elif typing.get_origin(annotation) in (typing.Union, types.UnionType):
        for part in typing.get_args(annotation):
            yield from _kinds(part)
    else:
        yield annotation


def _allowed(value: int, kind: Any) -> bool:
    try:
        msgspec.convert(value, kind)
    except msgspec.ValidationError:
        return False
    return True


def key(round_: int = 0, seed: int = 1, sender: int = 2) -> Key:
    """Return the key of a frame."""
    return Key(seed, Purpose.ROUNDING, round_, 0, sender)


def vectors(n: int) -> dict[str, Vector]:
    """Return vectors of n coordinates in [-1, 1], by name: the ordinary and the awkward."""
    rng = np.random.default_rng(n)
    found = {
        "random": rng.uniform(-1, 1, n),
        "zero": np.zeros(n),
        "signed zero": np.copysign(np.zeros(n), rng.uniform(-1, 1, n)),
        "denormal": rng.uniform(-1, 1, n) * 5e-310,
        "one": np.eye(1, n)[0],
        "minus one": -np.eye(1, n, n - 1)[0],
        "equal": np.full(n, n**-0.5 * (1 - 1e-15)),
    }
    return found


def config_builds_it_again(base: type[Component], thing: Component) -> None:
    """The configuration builds, also by way of JSON, an equal component."""
    again = build(base, json.loads(json.dumps(thing.config())))
    assert type(again) is type(thing)
    assert again == thing
    assert json.dumps(again.config()) == json.dumps(thing.config())


def documents_itself(cls: type[Component]) -> None:
    """The summary is a sentence, and each option is described or explained in the docstring."""
    assert cls.summary().endswith("."), f"{cls.__name__}: {cls.summary()!r} is no sentence"
    for field in msgspec.structs.fields(cls):
        notes = getattr(field.type, "__metadata__", ())
        described = any(getattr(note, "description", None) for note in notes)
        parts = typing.get_args(field.type) or (field.type,)
        component = any(isinstance(p, type) and issubclass(p, Component) for p in parts)
        explained = field.name in (cls.__doc__ or "")
        assert described or component or explained, f"{cls.id}: what is the option {field.name}?"


def is_found_by_file_name(cls: type[Component]) -> None:
    """The file is named after the id, so that a run imports only what it uses."""
    assert cls.__module__ == f"{cls.package}.{cls.id.replace('-', '_')}"


def refuses_unknown_option(base: type[Component], name: str) -> None:
    """A misspelt option is named with its path, and the right one is suggested if there is one."""
    known = list(default(base, name).__struct_fields__)
    wrong = f"{known[0]}x" if known else "x"
    cure = f"; did you mean '{known[0]}'?" if known else "; its options are none"
    with pytest.raises(ConfigError) as caught:
        build(base, {"id": name, wrong: 1}, "$.here")
    assert str(caught.value) == f"$.here.{wrong}: {name} has no option '{wrong}'{cure}"


def payload_is_exactly_nbits(codec: Codec, x: Vector) -> None:
    """The payload has the bits that it says, padded to bytes, and the layout adds up to them."""
    out = np.zeros(nbytes(codec.max_nbits(len(x))) + 9, np.uint8)
    used = codec.encode_into(x, key(), out)
    assert used <= codec.max_nbits(len(x))
    assert codec.nbits(len(x)) in (used, None)
    assert len(codec.encode(x, key())) == math.ceil(used / 8)
    if codec.nbits(len(x)) is not None:
        assert sum(part.count * part.bits for part in codec.layout(len(x))) == used


def payload_is_all_that_is_written(codec: Codec, x: Vector) -> None:
    """Nothing behind the payload is touched, and nothing that lay in the buffer shines through."""
    for fill in (SENTINEL, 0x00, 0xFF):
        out = np.full(nbytes(codec.max_nbits(len(x))) + 9, fill, np.uint8)
        end = nbytes(codec.encode_into(x, key(), out))
        assert out[:end].tobytes() == codec.encode(x, key())
        assert (out[end:] == fill).all()


def decoding_repeats(codec: Codec, x: Vector, round_: int) -> None:
    """The same payload gives the same finite vector, and neither side's input is changed."""
    before = x.copy()
    payload = codec.encode(x, key(round_))
    first = codec.decode(payload, len(x), key(round_))
    assert codec.encode(x, key(round_)) == payload
    assert x.tobytes() == before.tobytes()
    assert first.shape == x.shape
    assert np.isfinite(first).all()
    assert codec.decode(payload, len(x), key(round_)).tobytes() == first.tobytes()


def keys_choose_the_rounding(codec: Codec) -> None:
    """Seed, round and sender each change how a random codec rounds, and no other codec."""
    x = vectors(64)["random"]
    keys = [key(), key(seed=2), key(round_=2), key(sender=3)]
    assert len({codec.encode(x, k) for k in keys}) == (len(keys) if codec.unbiased else 1)


def refuses_what_is_not_finite(codec: Codec, n: int = 33) -> None:
    """NaN and infinity are a RangeError wherever they stand."""
    for bad in (np.nan, np.inf, -np.inf):
        for place in (0, 7, n - 1):
            x = vectors(n)["random"]
            x[place] = bad
            with pytest.raises(RangeError):
                codec.encode(x, key())


def mean_is_the_vector(codec: Codec, x: Vector, round_: int, draws: int = 4096) -> None:
    """Over ``draws`` seeds the mean of decode(encode(x)) is x.

    Hoeffding's inequality for draws within an interval of width w, with a Bonferroni correction for
    n coordinates: an unbiased codec fails for fewer than one in 10^6 choices of the seed. A place
    between two levels is a multiple of 2^-16, so a mean may be off by 2^-17 of a level.
    """
    keys = [key(round_, seed) for seed in range(draws)]
    drawn = np.array([codec.decode(codec.encode(x, k), len(x), k) for k in keys])
    width = np.ptp(drawn, axis=0)
    bound = width * math.sqrt(math.log(2 * len(x) / 1e-6) / (2 * draws))
    level = np.abs(drawn).max()
    assert (np.abs(drawn.mean(axis=0) - x) <= bound + 2.0**-17 * level).all()


def peaked(n: int) -> Vector:
    """Return the vector with the largest ||x||_1 ||x||_inf / ||x||^2, (1 + sqrt(n)) / 2."""
    x = np.full(n, -1 / (1 + math.sqrt(n)))
    x[n // 2] = 1.0
    return x


def constants_bound_the_error(codec: Codec, x: Vector, draws: int = 256) -> None:
    """E||Q(x) - x||^2 is at most omega ||x||^2 and (1 - alpha) ||x||^2, in L's norm cal_l ||x||^2.

    L is a random positive definite matrix. Of a mean of ``draws`` errors in [0, w] Hoeffding's
    inequality allows w sqrt(log(10^7) / (2 draws)) more: below one false alarm in 10^7. Constants
    of codecs that send float32 leave out its rounding: up to 2^-24 of every decoded value.
    """
    n = len(x)
    root = np.random.default_rng(n).standard_normal((n, n)) * np.geomspace(1, 0.1, n)
    matrix = root @ root.T
    diagonal, top = np.diag(matrix).copy(), float(np.linalg.eigvalsh(matrix)[-1])
    omega, cal_l, alpha = codec.omega(n), codec.cal_l(diagonal, top), codec.contraction(n)
    if (omega, cal_l, alpha) == (None, None, None):
        return
    keys = [key(0, seed) for seed in range(draws)]
    errors = np.array([codec.decode(codec.encode(x, k), n, k) for k in keys]) - x
    plain = np.square(errors).sum(axis=1)
    size = float(x @ x)
    for name, values, bound in (
        ("omega", plain, omega),
        ("contraction", plain, None if alpha is None else 1 - alpha),
        ("cal_l", np.einsum("ki,ij,kj->k", errors, matrix, errors), cal_l),
    ):
        if bound is not None:
            assert bound >= 0, name
            weight = top if name == "cal_l" else 1.0
            rounding = 2.0**-22 * bound + 2.0**-46 * weight
            assert _mean_is_at_most(values, (bound + rounding) * size), (
                f"{name} {bound:g} of {codec.config()}"
            )
    assert alpha is None or 0 < alpha <= 1


def _mean_is_at_most(values: Vector, bound: float) -> bool:
    slack = 0.0
    if np.ptp(values) > 0:  # without any spread nothing is drawn, and nothing is allowed
        slack = float(values.max()) * math.sqrt(math.log(1e7) / (2 * len(values)))
    return bool(values.mean() <= bound + slack)


def tuning(d: int, aim: str = "diana", workers: int = 2) -> Tuning:
    """Return what a method tells a codec about a worker whose features differ in size."""
    diagonal = np.random.default_rng(d).permutation(np.geomspace(0.05, 1, d))
    return Tuning(workers, diagonal, 1e-2, aim)


def tuned_pair(codec: Codec, d: int, aim: str) -> tuple[Codec, Codec] | None:
    """Return the codec tuned by a worker and by its receiver; None if nothing is to be tuned.

    What is sent is exact in float32, and the receiver knows no diagonal.
    """
    told = tuning(d, aim)
    parameters = codec.tune(told)
    sent = codec.tuned(told, d, parameters)
    if sent is codec:
        assert parameters is None, f"{codec.id} sends parameters and does not use them"
        return None
    if parameters is not None:
        assert parameters.dtype == np.float64
        assert parameters.ndim == 1
        assert 1 <= len(parameters) <= d, "a telling frame holds up to d numbers"
        assert (parameters.astype(np.float32) == parameters).all()
    assert sent.max_nbits(d) <= codec.max_nbits(d), "buffers are made before tuning"
    blind = told._replace(diagonal=None)
    return sent, codec.tuned(blind, d, None if parameters is None else parameters.copy())


def tuning_is_private(codec: Codec, sender: Codec, receiver: Codec) -> None:
    """A tuned codec has the options and the fingerprint of the one that it was made of."""
    before = json.dumps(codec.config())
    for one in (sender, receiver):
        assert one == codec
        assert json.dumps(one.config()) == before
        assert one.fingerprint() == codec.fingerprint()


def both_ends_agree(sender: Codec, receiver: Codec, x: Vector) -> None:
    """The receiver's codec reads what the sender's wrote, and would have written the same."""
    payload = sender.encode(x, key())
    assert receiver.encode(x, key()) == payload
    got = receiver.decode(payload, len(x), key())
    assert got.tobytes() == sender.decode(payload, len(x), key()).tobytes()
    assert receiver.max_nbits(len(x)) == sender.max_nbits(len(x))
