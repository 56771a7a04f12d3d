"""What --set means: lists and ranges, what a comma separates, and what is refused."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from netopt.errors import ConfigError
from netopt.sweep import _axes

VALUES = {
    "0..3": ["0", "1", "2", "3"],
    "-2..2..2": ["-2", "0", "2"],
    "5..1..-2": ["5", "3", "1"],
    "7..7": ["7"],
    "0..2,9": ["0", "1", "2", "9"],
    "2, 10,32": ["2", "10", "32"],
    "qgd,dgd": ["qgd", "dgd"],
    "{id: qsgd, levels: 2},raw": ["{id: qsgd, levels: 2}", "raw"],
    "[1, 2],[3, [4, 5]]": ["[1, 2]", "[3, [4, 5]]"],
    "\"a, b\",'c, d'": ['"a, b"', "'c, d'"],
    "{id: x, say: 'a}, b'},y": ["{id: x, say: 'a}, b'}", "y"],
    "it's,so": ["it's", "so"],
    "1e-3,0.5": ["1e-3", "0.5"],
    "libsvm:../rows.txt,digits": ["libsvm:../rows.txt", "digits"],
}
SINGLE = ["3", "raw", "[1, 2]", "{id: qsgd, levels: 2}", "'a,b'", "", "10 Mbit", "../rows.yaml"]
REFUSED = {
    "seed": "--set takes a.b=c, got 'seed'",
    "a..b=1,2": "--set takes a.b=c, got 'a..b=1,2'",
    "seed=5..0": "--set seed=5..0: the range '5..0' is empty; did you mean 0..5?",
    "seed=0..5..-1": "--set seed=0..5..-1: the range '0..5..-1' is empty; did you mean 0..5..1?",
    "seed=0..9..0": "--set seed=0..9..0: the range '0..9..0' goes in steps of 0; give another step",
    "seed=1,,2": "--set seed=1,,2: a value between commas is missing; quote a text with one",
    "seed=1,": "--set seed=1,: a value between commas is missing; quote a text with one",
}


@pytest.mark.parametrize("text", VALUES)
def test_values_of_an_axis(text):
    (axis,) = _axes.parse([f"a.b={text}"])
    assert (axis.place, axis.varied) == ("a.b", True)
    assert list(axis.texts()) == VALUES[text]
    assert axis.size == len(VALUES[text])


@pytest.mark.parametrize("text", SINGLE)
def test_one_value_is_an_ordinary_override(text):
    (axis,) = _axes.parse([f"a.b={text}"])
    assert (axis.varied, list(axis.texts())) == (False, [text])


@pytest.mark.parametrize("word", REFUSED)
def test_what_is_refused(word):
    with pytest.raises(ConfigError) as refused:
        _axes.parse([word])
    assert str(refused.value) == REFUSED[word]


@pytest.mark.parametrize("text", ["0..x", "a..b", "..5", "0..", "0.5..2", "0..1..2..3", "1e3..2e3"])
def test_a_range_is_of_whole_numbers(text):
    with pytest.raises(ConfigError) as refused:
        _axes.parse([f"seed={text}"])
    assert str(refused.value) == (
        f"--set seed={text}: '{text}' is no range; give whole numbers a..b or a..b..step, such as "
        "0..49, or a list"
    )


def test_text_that_is_no_yaml_is_refused_with_its_word():
    with pytest.raises(ConfigError, match=r"^'--set a=\{id: qgd' line 2: "):
        _axes.parse(["a={id: qgd"])


@pytest.mark.parametrize("second", ["seed=3", "seed=4..5"])
def test_a_place_that_is_varied_is_set_once(second):
    for words in (["seed=1,2", second], [second, "seed=1,2"]):
        with pytest.raises(ConfigError, match=r"^--set seed: it is varied, and set a second time"):
            _axes.parse(words)


def test_an_ordinary_override_may_be_replaced_as_in_run():
    assert [axis.word for axis in _axes.parse(["a=1", "a=2"])] == ["1", "2"]


def test_a_range_is_counted_without_being_made():
    (axis,) = _axes.parse(["seed=0..99999999999999999"])
    assert axis.size == 10**17


@settings(max_examples=100, deadline=None)
@given(st.integers(-40, 40), st.integers(-40, 40), st.integers(-7, 7).filter(bool))
def test_a_range_has_both_ends(first, last, step):
    """The oracle counts by hand."""
    values, now = [], first
    while (now <= last) if step > 0 else (now >= last):
        values.append(str(now))
        now += step
    word = f"seed={first}..{last}..{step}"
    if not values:
        with pytest.raises(ConfigError, match="is empty"):
            _axes.parse([word])
        return
    (axis,) = _axes.parse([word])
    assert (list(axis.texts()), axis.size) == (values, len(values))
    (again,) = _axes.parse([f"seed={axis.word}"])
    assert list(again.texts()) == values


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet="ab,{}[]()'\": ", max_size=12))
def test_splitting_loses_nothing(text):
    assert ",".join(_axes.split(text)) == text


def test_labels_are_as_short_as_can_be():
    places = ["codecs.up.levels", "codecs.down.levels", "algorithm.id", "algorithm.lr", "seed"]
    assert _axes.labels(places) == ["up.levels", "down.levels", "algorithm", "lr", "seed"]
    assert _axes.labels(["problem", "problem.id", "codecs.problem"]) == [
        "problem",
        "problem.id",
        "codecs.problem",
    ]
