"""A flag for every option of a run: of its task, model, optimizer and curriculum as chosen, and its own."""

import argparse
import re
from collections import Counter
from collections.abc import Callable, Collection
from contextlib import suppress
from functools import reduce
from inspect import Parameter
from operator import or_
from types import NoneType, UnionType
from typing import Any, Literal, TypeAlias, Union, get_args, get_origin

from docstring_parser import parse

from tapehead.cli._parser import Parser
from tapehead.models import BACKENDS
from tapehead.training.components import KINDS, Component, find, known_options, unsettable_options
from tapehead.training.config import RunConfig, run_options
from tapehead.training.options import Option, in_words, name_type
from tapehead.training.recipes import Settings

TRAINING = "training"
"""The group of a run's own options, beside those of its components."""

Key: TypeAlias = tuple[str, str]
"""An option's group, which is a key of KINDS or TRAINING, and its name."""


class OptionFlags:
    """The flags of one run's options, which depend on what the run is made of.

    Args:
        shown: Settings with a `Component` of each kind; the help shows their values as defaults.
        reserved: Flags that mean something else already.
    """

    def __init__(self, shown: Settings, reserved: Collection[str]) -> None:
        self.shown = shown
        known = {kind: known_options(kind, shown[kind].name) for kind in KINDS} | {TRAINING: run_options()}
        self.groups = {
            group: {name: option for name, option in options.items() if can_be_typed(option.type)}
            for group, options in known.items()
        }
        self.unsettable = {
            kind: unsettable_options(kind, shown[kind].name)
            | {name: option for name, option in known[kind].items() if not can_be_typed(option.type)}
            for kind in KINDS
        }
        self._check_needed()
        self.options: dict[Key, Option] = {
            (group, name): option for group, options in self.groups.items() for name, option in options.items()
        }
        self.prefixed = find_ambiguous(self.options, reserved)

    def add_to(self, parser: Parser) -> None:
        """Add them, a group for each component; a flag that is not given leaves no trace."""
        for group, options in self.groups.items():
            component: Component | None = self.shown.get(group)
            title = group if component is None else f"{group} {component.name}"
            set_here = self.shown if component is None else component.options
            factory = RunConfig if component is None else find(group, component.name)
            flags = parser.add_argument_group(title, self._describe_unsettable(group))
            described = describe_options(factory)
            for name, option in options.items():
                default = set_here.get(name, option.default)
                shown = "required" if default is Parameter.empty else in_brief(default)
                said = " ".join([described.get(name, ""), f"[{shown}]"]).strip().replace("%", "%%")
                flag = spell_flags((group, name), option, prefix=(group, name) in self.prefixed)[0]
                add_flag(flags, flag, (group, name), option, said)

    def _check_needed(self) -> None:
        """Raise if a component needs an argument that the command line cannot set."""
        for kind, options in self.unsettable.items():
            for name, option in options.items():
                if option.default is Parameter.empty:
                    component = self.shown[kind]
                    reason = f"{name_type(option.type)}, which the command line cannot set"
                    raise ValueError(f"{kind}: expected {component.name} to have a default for {name}: it has {reason}")

    def _describe_unsettable(self, group: str) -> str | None:
        """Say which arguments of a component only Python can set."""
        listed = [f"{name} ({name_type(option.type)})" for name, option in self.unsettable.get(group, {}).items()]
        return f"set in Python only: {', '.join(listed)}".replace("%", "%%") if listed else None

    def explain(self, flag: str) -> str | None:
        """Say why there is no such flag though a component has such an option; None where none has."""
        alike = {flag, flag.replace("--no-", "--", 1), flag.replace("--", "--no-", 1)}
        meant = [
            spell_flags(key, self.options[key], prefix=True)[0]
            for key in self.prefixed
            if alike & set(spell_flags(key, self.options[key]))
        ]
        if meant:
            return f"{flag}: ambiguous, expected {' or '.join(meant)}"
        for kind, options in self.unsettable.items():
            for name, option in options.items():
                if flag in {to_flag(name), to_flag(f"{kind}_{name}")}:
                    owner = f"the {kind} {self.shown[kind].name}"
                    return f"{flag}: {owner} has it with {name_type(option.type)}, which the command line cannot set"
        return None

    def settings(self, chosen: argparse.Namespace) -> dict[str, Any]:
        """Give what was set on the command line, for `recipes.configure`."""
        values = vars(chosen)
        settings: dict[str, Any] = {}
        for group, options in self.groups.items():
            given = {name: values[f"{group}.{name}"] for name in options if f"{group}.{name}" in values}
            if group == TRAINING:
                settings |= given
            elif group in {"task", "model"}:
                settings[group] = given
            else:
                settings[group] = Component(self.shown[group].name, given)
        return settings


def to_flag(name: str) -> str:
    """Write an option's name as a flag."""
    return "--" + name.replace("_", "-")


def spell_flags(key: Key, option: Option, *, prefix: bool = False) -> list[str]:
    """List the flags of an option: one that is on or off has two, the second with `no-`.

    Args:
        key: The option's group and name.
        option: The option.
        prefix: Whether the group's name stands in front.
    """
    name = "_".join(key) if prefix else key[1]
    return [to_flag(name), *([to_flag(f"no_{name}")] if is_on_or_off(option) else [])]


def find_ambiguous(options: dict[Key, Option], reserved: Collection[str]) -> list[Key]:
    """List the options whose flags would mean two things; a run's own options keep theirs."""
    ambiguous: list[Key] = []
    while True:
        flags = {key: spell_flags(key, option, prefix=key in ambiguous) for key, option in options.items()}
        count = Counter(reserved) + Counter(flag for spelled in flags.values() for flag in spelled)
        more = [
            key
            for key, spelled in flags.items()
            if key[0] != TRAINING and key not in ambiguous and any(count[flag] > 1 for flag in spelled)
        ]
        if not more:
            return ambiguous
        ambiguous += more


def is_on_or_off(option: Option) -> bool:
    """Say whether an option is a bool, so that its flags take no value."""
    return bool in list_members(option.type)


def list_members(hint: Any) -> tuple[Any, ...]:
    """List the members of a union; of any other type, itself."""
    return get_args(hint) if get_origin(hint) in {Union, UnionType} else (hint,)


def can_be_typed(hint: Any) -> bool:
    """Say whether the words after a flag can be a value of this type: one word, or as many as a tuple has values."""
    words = get_args(hint) if get_origin(hint) is tuple else (hint,)
    return words != () and not any(get_origin(member) is tuple for word in words for member in list_members(word))


def add_flag(flags: argparse._ArgumentGroup, flag: str, key: Key, option: Option, described: str) -> None:
    """Add the flag of one option."""
    common: dict[str, Any] = {"dest": ".".join(key), "default": argparse.SUPPRESS, "help": described}
    if is_on_or_off(option):
        flags.add_argument(flag, action=argparse.BooleanOptionalAction, **common)
    elif get_origin(option.type) is tuple:
        members = get_args(option.type)
        flags.add_argument(
            flag, type=make_reader(option, reduce(or_, members)), nargs=len(members), metavar="X", **common
        )
    else:
        shown = "|".join(BACKENDS) if key == ("model", "backend") else metavar(option.type)
        flags.add_argument(flag, type=make_reader(option, option.type), metavar=shown, **common)


def make_reader(option: Option, hint: Any) -> Callable[[str], Any]:
    """Make the function that turns a word into an option's value."""

    def read(word: str) -> Any:
        try:
            return Option(option.name, hint, option.default).check(convert_word(word, hint))
        except (TypeError, ValueError) as error:
            reason = str(error).removeprefix(f"{option.name}: ").replace(" or None, not", " or none, not")
            raise argparse.ArgumentTypeError(reason) from None

    return read


def convert_word(word: str, hint: Any) -> Any:
    """Turn a word into a value of a type where it looks like one; else it is left to the option's check."""
    members = list_members(hint)
    if NoneType in members and word.lower() == "none":
        return None
    for choice in (choice for member in members if get_origin(member) is Literal for choice in get_args(member)):
        if word == str(choice):
            return choice
    if bool in members and word in {"True", "False"}:
        return word == "True"
    if int in members and re.fullmatch(r"[+-]?[0-9]{1,4000}", word):  # longer ones Python does not read
        return int(word)
    with suppress(ValueError):
        return float(word) if float in members else word
    return word


def metavar(hint: Any) -> str:
    """Show a type in a usage line."""
    if len(list_members(hint)) > 1:
        return "|".join(map(metavar, list_members(hint)))
    if get_origin(hint) is Literal:
        return "|".join(map(str, get_args(hint)))
    return {int: "N", float: "X", str: "TEXT", NoneType: "none"}.get(hint, in_words(hint))


def describe_options(factory: Callable[..., Any]) -> dict[str, str]:
    """Give the first sentence about every argument of a function or class, from its docstring."""
    described = {param.arg_name: param.description or "" for param in parse(factory.__doc__ or "").params}
    return {name: first_sentence(" ".join(text.split())) for name, text in described.items()}


def first_sentence(text: str) -> str:
    """Cut a text after its first sentence, without the full stop or a default in brackets, and with `none` as typed."""
    text = re.sub(r"\bNone\b", "none", re.sub(r"\s*\(default:.*$|[`_](?=[` ]|$)|`", "", text))
    return re.split(r"(?<=[\w)\]`])\.\s+(?=[A-Z])", text, maxsplit=1)[0].rstrip(".")


def in_brief(value: Any) -> str:
    """Write a default as the command line would take it."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, tuple):
        return " ".join(map(in_brief, value))
    return "none" if value is None else str(value)
