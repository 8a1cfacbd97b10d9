"""A flag for every option of a run: of its task, model, optimizer and curriculum as chosen, and its own."""

import argparse
import re
from collections import Counter
from collections.abc import Callable
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin

from docstring_parser import parse

from tapehead.cli._parser import Parser
from tapehead.training.components import KINDS, Component, find, known_options
from tapehead.training.config import RunConfig, run_options
from tapehead.training.options import Option, in_words
from tapehead.training.recipes import Settings

TRAINING = "training"
"""The group of a run's own options, beside those of its components."""


class OptionFlags:
    """The flags of one run's options, which depend on what the run is made of.

    Args:
        shown: The run that has the defaults of the help, made of the chosen components.
    """

    def __init__(self, shown: RunConfig) -> None:
        self.shown = shown
        self.groups = {kind: known_options(kind, getattr(shown, kind).name) for kind in KINDS} | {
            TRAINING: run_options()
        }
        self._count = Counter(name for options in self.groups.values() for name in options)

    def add_to(self, parser: Parser) -> None:
        """Add them, a group for each component; a flag that is not given leaves no trace."""
        for group, options in self.groups.items():
            component = None if group == TRAINING else getattr(self.shown, group)
            title = group if component is None else f"{group} {component.name}"
            defaults = vars(self.shown) if component is None else component.options
            factory = RunConfig if component is None else find(group, component.name)
            flags, described = parser.add_argument_group(title), describe_options(factory)
            for name, option in options.items():
                said = " ".join([described.get(name, ""), f"[{in_brief(defaults[name])}]"]).strip()
                add_flag(flags, self.flag(group, name, parser), f"{group}.{name}", option, said.replace("%", "%%"))

    def flag(self, group: str, name: str, parser: Parser) -> str:
        """Spell a flag; one that would mean two things has its group's name in front."""
        flag = "--" + name.replace("_", "-")
        ambiguous = self._count[name] > 1 or flag in parser.flags()
        return f"--{group}-{flag[2:]}" if ambiguous and group != TRAINING else flag

    def settings(self, chosen: argparse.Namespace) -> Settings:
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
                settings[group] = Component(getattr(self.shown, group).name, given)
        return settings


def add_flag(flags: argparse._ArgumentGroup, flag: str, destination: str, option: Option, described: str) -> None:
    """Add the flag of one option."""
    common: dict[str, Any] = {"dest": destination, "default": argparse.SUPPRESS, "help": described}
    if bool in (option.type, *get_args(option.type)):
        flags.add_argument(flag, action=argparse.BooleanOptionalAction, **common)
    elif get_origin(option.type) is tuple:
        members = get_args(option.type)
        flags.add_argument(flag, type=make_reader(option, members[0]), nargs=len(members), metavar="X", **common)
    else:
        flags.add_argument(flag, type=make_reader(option, option.type), metavar=metavar(option.type), **common)


def make_reader(option: Option, hint: Any) -> Callable[[str], Any]:
    """Make the function that turns a word into an option's value."""

    def read(word: str) -> Any:
        try:
            return Option(option.name, hint, option.default).check(convert_word(word, hint))
        except (TypeError, ValueError) as error:
            raise argparse.ArgumentTypeError(str(error).removeprefix(f"{option.name}: ")) from None

    return read


def convert_word(word: str, hint: Any) -> Any:
    """Turn a word into a value of a type where it looks like one; else it is left to the option's check."""
    members = get_args(hint) if get_origin(hint) in {Union, UnionType} else (hint,)
    if NoneType in members and word.lower() == "none":
        return None
    if int in members and re.fullmatch(r"[+-]?[0-9]{1,18}", word):
        return int(word)
    if float in members:
        try:
            return float(word)
        except ValueError:
            return word
    return word


def metavar(hint: Any) -> str:
    """Show a type in a usage line."""
    if get_origin(hint) in {Union, UnionType}:
        return "|".join(metavar(member) for member in get_args(hint))
    if get_origin(hint) is Literal:
        return "|".join(map(str, get_args(hint)))
    return {int: "N", float: "X", str: "TEXT", NoneType: "none"}.get(hint, in_words(hint))


def describe_options(factory: Callable[..., Any]) -> dict[str, str]:
    """Give the first sentence about every argument of a function or class, from its docstring."""
    described = {param.arg_name: param.description or "" for param in parse(factory.__doc__ or "").params}
    return {name: first_sentence(" ".join(text.split())) for name, text in described.items()}


def first_sentence(text: str) -> str:
    """Cut a text after its first sentence, without the full stop and without a default in brackets."""
    text = re.sub(r"\s*\(default:.*$|[`_](?=[` ]|$)|`", "", text)
    return re.split(r"(?<=[\w)\]`])\.\s+(?=[A-Z])", text, maxsplit=1)[0].rstrip(".")


def in_brief(value: Any) -> str:
    """Write a default as the command line would take it."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, tuple):
        return " ".join(map(in_brief, value))
    return "none" if value is None else str(value)
