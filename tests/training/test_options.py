"""Options read off a signature: which there are, which values fit them, and what is said about those that do not."""

import math
from dataclasses import dataclass
from inspect import Parameter
from types import NoneType
from typing import Any, Literal, Optional, Union

import pytest
import torch
from torch import Tensor

from tapehead.training.options import (
    LARGEST,
    Option,
    complete,
    convert,
    fits,
    in_words,
    json_type,
    options_of,
    suggest,
)

Color = Literal["red", "green", 3]
Pair = tuple[float, float]

JSON_TYPES: list[tuple[Any, Any]] = [
    (bool, bool),
    (int, int),
    (float, float),
    (str, str),
    (NoneType, NoneType),
    (Color, Color),
    (Pair, Pair),
    (tuple[int, str], tuple[int, str]),
    (float | None, float | None),
    (Optional[int], int | None),  # noqa: UP045 - as older signatures write it
    (Union[int, str], int | str),  # noqa: UP007
    (float | Tensor, float),
    (tuple[float | Tensor, float | Tensor], Pair),
    (bool | Tensor | None, bool | None),
    (Tensor, None),
    (Tensor | None, None),
    (list[int], None),
    (dict[str, int], None),
    (tuple[int, ...], None),
    (tuple[Tensor, int], None),
    (torch.device | None, None),
    (Any, None),
    (Parameter.empty, None),
]


@pytest.mark.parametrize(("hint", "expected"), JSON_TYPES, ids=[str(hint) for hint, _ in JSON_TYPES])
def test_of_a_type_the_part_is_taken_that_json_can_hold(hint, expected):
    assert json_type(hint) == expected


NAN, INF = math.nan, math.inf
FITS: list[tuple[Any, list[Any], list[Any]]] = [
    # type, values that fit, values that do not
    (bool, [True, False], [0, 1, None, "True", 1.0]),
    (int, [0, -3, 10**30], [True, False, 1.0, "1", None, [1]]),
    (float, [0.5, -1.0, 0, 7, 1e308], [True, NAN, INF, -INF, 10**400, "0.5", None, [0.5]]),
    (str, ["", "a"], [None, 3, True, ["a"]]),
    (NoneType, [None], [0, "", False, "none"]),
    (Color, ["red", "green", 3], ["blue", "RED", 3.0, True, None, "3"]),
    (Literal[1], [1], [True, 1.0, "1"]),
    (Pair, [(0.9, 0.5), [0.9, 0.5], [1, 0]], [0.9, (0.9,), [0.9, 0.5, 0.1], [0.9, NAN], [0.9, True], "ab", None]),
    (float | None, [None, 1.0, 1], [True, "1", NAN]),
    (int | str, [1, "1"], [True, 1.0, None]),
    (bool | int, [True, 1], [1.0, "1"]),
]  # fmt: skip


@pytest.mark.parametrize(("hint", "good", "bad"), FITS, ids=[str(hint) for hint, _, _ in FITS])
def test_values_fit_a_type_exactly_but_for_whole_numbers_among_floats_and_lists_among_tuples(hint, good, bad):
    assert [value for value in good if not fits(value, hint)] == []
    assert [value for value in bad if fits(value, hint)] == []


CONVERTED: list[tuple[Any, Any, Any]] = [
    (1, float, 1.0),
    (1, int, 1),
    (True, bool, True),
    ("1", str, "1"),
    ([1, 2], Pair, (1.0, 2.0)),
    ((1, "a"), tuple[int, str], (1, "a")),
    (None, float | None, None),
    (1, float | None, 1.0),
    (1, int | float, 1),
    (1, float | int, 1),
    (True, int | bool, True),
    ("red", Color, "red"),
    (3, Color, 3),
    ([1, None], tuple[float | None, float | None], (1.0, None)),
    ([1, 2], Pair | None, (1.0, 2.0)),
]


@pytest.mark.parametrize(("value", "hint", "expected"), CONVERTED)
def test_a_value_becomes_one_of_its_type(value, hint, expected):
    converted = convert(value, hint)
    assert converted == expected
    assert type(converted) is type(expected)
    if isinstance(expected, tuple):
        assert list(map(type, converted)) == list(map(type, expected))


IN_WORDS: list[tuple[Any, str]] = [
    (bool, "True or False"),
    (int, "a whole number"),
    (float, "a finite number"),
    (str, "a string"),
    (NoneType, "None"),
    (Color, "one of 'red', 'green', 3"),
    (float | None, "a finite number or None"),
    (Pair, "2 values (a finite number, a finite number)"),
    (Literal["a"] | int | None, "one of 'a' or a whole number or None"),
]


@pytest.mark.parametrize(("hint", "expected"), IN_WORDS)
def test_a_type_is_named_in_words(hint, expected):
    assert in_words(hint) == expected


SUGGESTED: list[tuple[str, list[str], str]] = [
    ("memory_slot", ["memory_slots", "memory_width"], " (did you mean memory_slots?)"),
    ("--memory-slot", ["--memory-slots", "--memory-width"], " (did you mean --memory-slots?)"),
    ("--adress", ["--addressing", "--bits"], " (did you mean --addressing?)"),
    ("trian", ["train", "resume"], " (did you mean train?)"),
    ("--lr", ["--loss", "--bits"], ""),
    ("--device", ["--decay", "--seed"], ""),
    ("--epochs", ["--epsilon", "--eps", "--steps"], ""),
    ("--learning-rate", ["--lr", "--lr-schedule", "--gate-bias"], ""),
    ("x", [], ""),
]


@pytest.mark.parametrize(("word", "known", "expected"), SUGGESTED)
def test_a_word_is_suggested_only_where_it_is_much_like_the_one_that_came(word, known, expected):
    assert suggest(word, known) == expected


# ---------------------------------------------------------------------------------------------- of a whole signature


@dataclass(frozen=True, kw_only=True)
class Declared:
    """Something with options of every kind, and fields that are none."""

    needed: int
    rate: float = 1
    betas: Pair = (0.9, 0.5)
    color: Color = "red"
    limit: float | None = None
    weights: Tensor | None = None


def factory(first: int, /, second: int = 2, *rest: int, third: str = "c", untyped=3, **more: int) -> None:
    """A function with arguments of every kind."""


def written_as_text(*, size: "int" = 3, names: "list[str] | None" = None) -> None:
    """A function whose annotations are text."""


class WrittenAsText:
    """A class whose annotations are text."""

    def __init__(self, size: "int | None" = 3) -> None: ...


def test_the_options_of_a_class_are_its_keyword_arguments_that_json_can_hold():
    options = options_of(Declared)
    assert list(options) == ["needed", "rate", "betas", "color", "limit"]
    assert options["needed"] == Option("needed", int, Parameter.empty)
    assert options["limit"] == Option("limit", float | None, None)
    assert list(options_of(Declared, frozenset({"rate", "betas"}))) == ["needed", "color", "limit"]


def test_arguments_without_a_name_or_a_type_are_no_options():
    assert list(options_of(factory)) == ["second", "third"]


@pytest.mark.parametrize("written", [written_as_text, WrittenAsText])
def test_annotations_that_are_text_are_read(written):
    assert options_of(written)["size"].default == 3
    assert list(options_of(written)) == ["size"]


def test_what_is_not_given_has_its_default_and_all_is_converted():
    completed = complete("the thing", options_of(Declared), {"needed": 3, "betas": [1, 0]})
    assert completed == {"needed": 3, "rate": 1.0, "betas": (1.0, 0.0), "color": "red", "limit": None}
    assert isinstance(completed["rate"], float)
    assert isinstance(completed["betas"][0], float)


WRONG: list[tuple[dict[str, Any], type[Exception], str]] = [
    ({}, ValueError, "needed: expected a whole number, since the thing has no default for it"),
    ({"need": 1}, ValueError, "need: expected an option of the thing, which has no such one (did you mean needed?)"),
    ({"needed": 1, "zzz": 1}, ValueError, "zzz: expected an option of the thing, which has no such one"),
    ({"needed": True}, TypeError, "needed: expected a whole number, not True"),
    ({"needed": LARGEST + 1}, ValueError, "needed: expected a whole number <= 1000000, not 1000001"),
    ({"needed": -LARGEST - 1}, ValueError, "needed: expected a whole number >= -1000000, not -1000001"),
    ({"needed": 1, "rate": NAN}, TypeError, "rate: expected a finite number, not nan"),
    (
        {"needed": 1, "color": "gren"},
        ValueError,
        "color: expected one of 'red', 'green', 3, not 'gren' (did you mean green?)",
    ),
    ({"needed": 1, "color": 4}, TypeError, "color: expected one of 'red', 'green', 3, not 4"),
    ({"needed": 1, "limit": "no"}, TypeError, "limit: expected a finite number or None, not 'no'"),
    (
        {"needed": 1, "betas": (1.0,)},
        TypeError,
        "betas: expected 2 values (a finite number, a finite number), not (1.0,)",
    ),
]


@pytest.mark.reliability(6)
@pytest.mark.parametrize(("given", "error", "message"), WRONG)
def test_what_is_wrong_with_an_option_is_said(given, error, message):
    with pytest.raises(error) as caught:
        complete("the thing", options_of(Declared), given)
    assert str(caught.value) == message
