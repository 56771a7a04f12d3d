"""The catalogue names everything, and each example in it can be copied and run."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
import pytest
import yaml
from msgspec import Meta

from netopt import resources
from netopt.errors import ConfigError
from netopt.links import Link, make
from netopt.links.presets import ABOUT, PRESETS
from netopt.registry import build, discover
from netopt.report.components import KINDS, block, flow, listing, show
from netopt.report.options import mentioned, options, prose, readable
from netopt.report.samples import example
from netopt.report.text import plain
from netopt.schedules import Schedule
from netopt.topologies import load

EVERY = [(kind, name) for kind, base in KINDS.items() for name in discover(base)]


def squeezed(text):
    return " ".join(text.split())


def test_listing_names_every_component():
    text = squeezed(plain(listing()))
    for kind, name in EVERY:
        summary = discover(KINDS[kind])[name].summary().replace("``", "`")
        assert squeezed(f"{name} {summary}") in text
    for name in resources.names("topologies"):
        assert name in text


def test_listing_without_shipped_files(monkeypatch):
    monkeypatch.setattr(resources, "_CHECKOUT", {})
    text = plain(listing())
    assert "qgd" in text
    assert "shipped" not in text


@pytest.mark.parametrize(("kind", "name"), EVERY)
def test_show_says_all_that_the_class_says(kind, name):
    cls = discover(KINDS[kind])[name]
    text = squeezed(plain(show(kind, name)))
    assert squeezed(prose(cls).replace("``", "`")) in text
    assert squeezed(cls.reference) in text
    for option in options(cls):
        assert option.name in text
        assert (
            option.description.split()[0].replace("``", "`") in text if option.description else True
        )


@pytest.mark.parametrize(("kind", "name"), EVERY)
def test_example_builds_the_component(kind, name):
    cls = discover(KINDS[kind])[name]
    text = block(example(cls))
    assert text in plain(show(kind, name)).replace("\n  ", "\n")
    part = yaml.safe_load(text)
    assert part == example(cls)
    found = {
        "codec": lambda: part["codecs"]["mix"],
        "schedule": lambda: part["algorithm"]["schedule"],
        "mixing": lambda: part["topology"]["weights"],
        "compute": lambda: part["network"]["compute"],
    }.get(kind, lambda: part[kind])()
    assert type(build(KINDS[kind], found)) is cls
    if kind in ("topology", "mixing"):
        assert load(part["topology"]).size >= 2


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_of_a_link_is_listed_and_shown_with_its_numbers(name):
    link = make(name, "$").config()
    listed = squeezed(plain(listing()))
    assert f"{name} {ABOUT[name]}: {link['rate']}, {link['latency']}" in listed
    text = squeezed(plain(show("link", name)))
    assert text.startswith(f"link {name} {ABOUT[name]}; typical values.")
    for option in options(Link):
        assert f"{option.name} {flow(link[option.name])} {option.description}" in text
    example_of = yaml.safe_load(plain(show("link", name)).split("example\n")[1])
    graph = load(example_of["topology"])
    assert all(graph.link(*edge) == make(name, "$") for edge in graph.edges)


def test_a_preset_in_one_line_says_what_tells_it_from_others():
    listed = squeezed(plain(listing()))
    assert "200 Mbit/s, 1.5 ms and up to 3 ms more, half duplex" in listed
    assert "17 Mbit/s, 20 ms and up to 10 ms more, 0.004 of frames lost" in listed


def test_codec_in_full():
    text = plain(show("codec", "uniform"))
    assert text.splitlines()[0] == "codec uniform"
    assert "  unbiased: no" in text
    assert "bits     number, > 0 and <= 32       8         bits of one coordinate, also" in text
    assert "range    number, > 0 and <= 1e+300   1.0       r, the largest coordinate" in text
    assert text.endswith("""\
example
  codecs:
    mix:
      id: uniform
      bits: 8
      range: 1.0
""")


def test_algorithm_tells_its_channels_and_the_default_of_a_component():
    text = plain(show("algorithm", "qgd"))
    assert "  channel mix: 1 vector a frame, codec switching by default\n" in text
    assert "  needs doubly stochastic weights: yes\n" in text
    assert "{id: sample-and-hold, c_e: 1.0," in text


def test_units_have_a_column_if_there_are_any(private_registry):
    class Warm(Schedule):
        """Warm."""

        id = "warm"
        wait: Annotated[float, Meta(description="how long", extra={"unit": "s"})] = 1.0

    (option,) = options(Warm)
    assert option == ("wait", "number", 1.0, "s", "how long")
    assert "option   type     default   unit   meaning" in plain(show("schedule", "warm"))


@pytest.mark.parametrize(
    ("annotation", "text"),
    [
        (int, "int"),
        (Annotated[int, Meta(ge=1)], "int, >= 1"),
        (Annotated[int, Meta(ge=0, le=2**63 - 1)], "int, 0 to 2^63 - 1"),
        (Annotated[int, Meta(ge=1, lt=2**20)], "int, >= 1 and < 2^20"),
        (Annotated[int, Meta(ge=2, multiple_of=2)], "int, >= 2, a multiple of 2"),
        (Annotated[float, Meta(gt=0, lt=1)], "number, > 0 and < 1"),
        (Annotated[int, Meta(ge=1)] | None, "int, >= 1 or null"),
        (Literal["a", "b"], "a | b"),
        (bool, "true | false"),
        (str, "text"),
        (list[tuple[int, float]], "list of [int, number]"),
        (Schedule, "schedule"),
        (Schedule | None, "schedule or null"),
        (Any, "anything"),
    ],
)
def test_types_in_words(annotation, text):
    assert readable(annotation) == text


def test_lists_in_a_docstring():
    class Documented:
        """A thing.

        Words.

        - ``a``: one
          more.
        - ``b``: two.

        The end.
        """

    assert mentioned(Documented) == {"a": "one more", "b": "two"}
    assert prose(Documented) == "A thing.\n\nWords.\n\nThe end."


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (msgspec.NODEFAULT, "required"),
        (None, "null"),
        (True, "true"),
        (1e-6, "1.0e-06"),
        ("a: b", "'a: b'"),
        ({"id": "x", "y": [1, 2.0]}, "{id: x, y: [1, 2.0]}"),
    ],
)
def test_values_as_yaml(value, text):
    assert flow(value) == text


@pytest.mark.parametrize(
    ("kind", "name", "message"),
    [
        ("codecs", "raw", "there is no kind of component called 'codecs'; did you mean 'codec'?"),
        (
            "zzz",
            "raw",
            "there is no kind of component called 'zzz'; choose from problem, topology, mixing, "
            "algorithm, codec, schedule, compute, link",
        ),
        ("link", "wfi", "no link is called 'wfi'; did you mean 'wifi'?"),
        ("link", "", f"no link is called ''; choose from {', '.join(PRESETS)}"),
        ("codec", "unifrom", "no codec is called 'unifrom'; did you mean 'uniform'?"),
    ],
)
def test_errors(kind, name, message):
    with pytest.raises(ConfigError) as error:
        show(kind, name)
    assert str(error.value) == message
