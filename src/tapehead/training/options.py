"""The options of a task, model, optimizer or curriculum, read off its signature: declared there and nowhere else."""

import sys
from collections.abc import Callable, Mapping
from functools import cache, reduce
from inspect import Parameter, formatannotation, signature
from operator import or_
from types import NoneType, UnionType
from typing import Any, Literal, NamedTuple, TypeAlias, Union, get_args, get_origin

from tapehead._arguments import suggest

Options: TypeAlias = dict[str, Any]
"""Options by name, with values that JSON can hold."""

LARGEST = 10**6
"""Whole numbers are at most this: more is a slip of the finger, and would end in a failed allocation."""


class Option(NamedTuple):
    """One keyword argument of a function or class, with a value that JSON can hold.

    Attributes:
        name: Its name.
        type: bool, int, float, str, None, a Literal of these, a tuple of fixed length, or a union.
        default: Its default; `Parameter.empty` where it has none.
    """

    name: str
    type: Any
    default: Any

    def check(self, value: object) -> Any:
        """Give the value as the option's own type, or raise.

        Raises:
            TypeError: The value is of the wrong type.
            ValueError: It is a string that is none of the choices.
        """
        if not fits(value, self.type):
            listed = get_args(self.type) if get_origin(self.type) is Literal else ()
            hint = suggest(value, listed) if isinstance(value, str) else ""
            error = ValueError if listed and isinstance(value, str) else TypeError
            raise error(f"{self.name}: expected {in_words(self.type)}, not {value!r}{hint}")
        return convert(value, self.type)


@cache
def options_of(factory: Callable[..., Any], without: frozenset[str] = frozenset()) -> dict[str, Option]:
    """List the options of a function or class: its keyword arguments whose values JSON can hold.

    Args:
        factory: What is called with them.
        without: Arguments that are no options.
    """
    found = {}
    for name, parameter in _parameters(factory).items():
        hint = json_type(parameter.annotation)
        if name in without or hint is None or parameter.kind not in _BY_KEYWORD:
            continue
        found[name] = Option(name, hint, parameter.default)
    return found


@cache
def unsettable_of(factory: Callable[..., Any], without: frozenset[str] = frozenset()) -> dict[str, Option]:
    """List the arguments of a function or class that are no options, since JSON holds no values of their types.

    Args:
        factory: What is called with them.
        without: Arguments that are left out.
    """
    return {
        name: Option(name, parameter.annotation, parameter.default)
        for name, parameter in _parameters(factory).items()
        if name not in without and parameter.kind in _BY_KEYWORD and json_type(parameter.annotation) is None
    }


def name_type(hint: Any) -> str:
    """Name a type that JSON holds no values of, for a message."""
    return "no declared type" if hint is Parameter.empty else f"the type {formatannotation(hint)}"


_BY_KEYWORD = {Parameter.KEYWORD_ONLY, Parameter.POSITIONAL_OR_KEYWORD}


def _parameters(factory: Callable[..., Any]) -> Mapping[str, Parameter]:
    """Return the parameters of a function or of a class's constructor, with annotations that are types, not strings.

    Raises:
        ValueError: An annotation is the name of something that is not there.
    """
    try:
        return signature(factory, eval_str=True).parameters
    except NameError as problem:
        name = getattr(factory, "__name__", repr(factory))
        raise ValueError(f"{name}: expected annotations that can be evaluated, not this: {problem}") from problem


def complete(owner: str, known: Mapping[str, Option], given: Mapping[str, Any]) -> Options:
    """Check options against those that are known, and add the defaults of the others.

    Args:
        owner: Whose options they are, in words, for messages.
        known: The options that there are.
        given: The values of some of them.

    Raises:
        TypeError: A value is of the wrong type.
        ValueError: An option is unknown, missing, or out of range.
    """
    for name in given:
        if name not in known:
            raise ValueError(f"{name}: expected an option of {owner}, which has no such one{suggest(name, known)}")
    for name, option in known.items():
        if option.default is Parameter.empty and name not in given:
            raise ValueError(f"{name}: expected {in_words(option.type)}, since {owner} has no default for it")
    for name, value in given.items():
        if isinstance(value, int) and abs(value) > LARGEST:
            bound = f"<= {LARGEST}" if value > 0 else f">= {-LARGEST}"
            raise ValueError(f"{name}: expected a whole number {bound}, not {value}")
    return {name: option.check(given.get(name, option.default)) for name, option in known.items()}


# -------------------------------------------------------------------------------------------- types that JSON can hold


def json_type(hint: Any) -> Any:
    """Give the part of a type that JSON can hold, as `float` of `float | Tensor`; None where there is none."""
    origin, members = get_origin(hint), get_args(hint)
    if hint in {bool, int, float, str, NoneType} or origin is Literal:
        return hint
    if origin is tuple and Ellipsis not in members:
        parts = [json_type(member) for member in members]
        return None if None in parts else tuple.__class_getitem__(tuple(parts))
    if origin in {Union, UnionType}:
        parts = [part for member in members if (part := json_type(member)) is not None]
        return reduce(or_, parts) if set(parts) - {NoneType} else None
    return None


def fits(value: object, hint: Any) -> bool:
    """Say whether a value, as JSON or the command line gives it, is of a type that `json_type` gave."""
    origin, members = get_origin(hint), get_args(hint)
    if origin is Literal:
        return any(type(value) is type(member) and value == member for member in members)
    if origin in {Union, UnionType}:
        return any(fits(value, member) for member in members)
    if origin is tuple:
        alike = isinstance(value, list | tuple) and len(value) == len(members)
        return alike and all(map(fits, value, members))  # type: ignore[call-overload]
    if hint is float and isinstance(value, int | float) and not isinstance(value, bool):
        return abs(value) <= sys.float_info.max
    return type(value) is hint


def convert(value: Any, hint: Any) -> Any:
    """Make a value that fits a type one of that type: whole numbers become floats, lists tuples."""
    origin, members = get_origin(hint), get_args(hint)
    if origin in {Union, UnionType}:
        exact = [member for member in members if fits(value, member) and member is type(value)]
        return value if exact else convert(value, next(member for member in members if fits(value, member)))
    if origin is tuple:
        return tuple(map(convert, value, members))
    return float(value) if hint is float else value


def in_words(hint: Any) -> str:
    """Name a type for a message."""
    origin, members = get_origin(hint), get_args(hint)
    if origin is Literal:
        return f"one of {', '.join(map(repr, members))}"
    if origin in {Union, UnionType}:
        return " or ".join(in_words(member) for member in members)
    if origin is tuple:
        return f"{len(members)} values ({', '.join(map(in_words, members))})"
    return {bool: "True or False", int: "a whole number", float: "a finite number", str: "a string", NoneType: "None"}[
        hint
    ]
