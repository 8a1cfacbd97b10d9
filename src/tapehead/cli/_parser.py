"""Reading a command line: complaints in one line, and a flag for every field of `Run`."""

import argparse
from collections.abc import Callable, Sequence
from dataclasses import fields
from difflib import get_close_matches
from pathlib import Path
from typing import Any, NoReturn

from tapehead.cli._errors import CommandError
from tapehead.models import MODELS
from tapehead.tasks import TASKS
from tapehead.training._knobs import MANY, Knob, Owner, knob_of
from tapehead.training.optimisers import OPTIMISERS
from tapehead.training.recipes import describe
from tapehead.training.run import Run

GROUPS: dict[Owner, str] = {"run": "training", "task": "task", "model": "model", "optimiser": "optimiser"}

USUAL: dict[Owner, dict[str, Run]] = {
    "task": {task: describe(task=task, model="ntm", seed=1).complete() for task in TASKS},
    "model": {model: describe(task="copy", model=model, seed=1).complete() for model in MODELS},
    "optimiser": {name: describe(task="copy", model="ntm", seed=1, optimiser=name).complete() for name in OPTIMISERS},
}
"""What a run is where the command line says no more than this, for the help."""


class Parser(argparse.ArgumentParser):
    """A parser that complains in one line, and says which word may have been meant."""

    def __init__(self, command: str, summary: str) -> None:
        super().__init__(usage=f"tapehead {command} [options]", description=summary, allow_abbrev=False)

    def error(self, message: str) -> NoReturn:
        """Raise the complaint, rather than print the usage and leave."""
        raise CommandError(message.removeprefix("argument "))

    def read(self, words: Sequence[str]) -> argparse.Namespace:
        """Read the words after the command.

        Raises:
            CommandError: They are not what the command takes.
        """
        chosen, unknown = self.parse_known_args(words)
        if unknown:
            word = unknown[0].split("=")[0]
            raise CommandError(f"{unknown[0]!r}: expected no such argument{nearest(word, self._option_string_actions)}")
        return chosen


def nearest(word: str, known: Sequence[str] | dict[str, Any]) -> str:
    """Name the known word that is most like this one, if any is."""
    near = get_close_matches(word, list(known), n=1, cutoff=0.5)
    return f" (did you mean {near[0]}?)" if near else ""


def add_fields(parser: Parser) -> None:
    """Add a flag for every field of `Run` but the task, which needs none."""
    groups = {owner: parser.add_argument_group(title) for owner, title in GROUPS.items()}
    for described in fields(Run):
        if described.name == "task":
            continue
        knob, flag = knob_of(described), "--" + described.name.replace("_", "-")
        said = knob.purpose + _default(described.name, knob)
        if knob.kind == "flag":
            groups[knob.owner].add_argument(
                flag, action=argparse.BooleanOptionalAction, default=argparse.SUPPRESS, help=said
            )
        else:
            groups[knob.owner].add_argument(
                flag, type=reader(described.name, knob), default=argparse.SUPPRESS, help=said, metavar=_metavar(knob)
            )


def chosen_fields(chosen: argparse.Namespace) -> dict[str, Any]:
    """Give the fields of `Run` that were set on the command line."""
    return {described.name: vars(chosen)[described.name] for described in fields(Run) if described.name in chosen}


def reader(name: str, knob: Knob) -> Callable[[str], Any]:
    """Make what turns a word into the value of a knob."""

    def read(word: str) -> Any:
        value = _number(word, knob)
        try:
            knob.check(name, value)
        except (TypeError, ValueError) as error:
            raise argparse.ArgumentTypeError(str(error).removeprefix(f"{name}: ")) from None
        return value

    return read


def _number(word: str, knob: Knob) -> Any:
    """Read a number where the knob wants one; what is none is left to the knob's check."""
    convert = {"count": int, "number": float}.get(knob.kind, str)
    try:
        return convert(word)
    except ValueError:
        return word


def _metavar(knob: Knob) -> str:
    if knob.kind == "choice":
        return "|".join(knob.choices)
    return "N" if knob.kind == "count" else "X"


def _default(name: str, knob: Knob) -> str:
    """Say for the help what a run has that nothing else is said of, by task, model or optimiser where these differ."""
    if knob.owner == "run":
        return f" [{getattr(USUAL['model']['ntm'], name)}]"
    values = {kind: getattr(run, name) for kind, run in USUAL[knob.owner].items() if getattr(run, name) is not None}
    if len(values) == len(USUAL[knob.owner]) and len(set(values.values())) == 1:
        return f" [{next(iter(values.values()))}]"
    return f" [{', '.join(f'{kind}: {value}' for kind, value in values.items())}]" if values else ""


def whole_number(word: str, most: int = MANY) -> int:
    """Read a whole number from 1 to `most`."""
    number = int(word) if word.isdecimal() and len(word) < 20 else 0
    if not 1 <= number <= most:
        raise argparse.ArgumentTypeError(f"expected a whole number >= 1 and <= {most}, not {word!r}")
    return number


def folder(word: str) -> Path:
    """Read a folder's path; an empty one, which may be a variable that was not set, is none."""
    if not word:
        raise argparse.ArgumentTypeError("expected a path, not ''")
    return Path(word)


MOST_THREADS = 1024
"""More than any machine has cores; far more, and the system cannot start them."""


def threads(word: str) -> int:
    """Read a number of threads."""
    return whole_number(word, MOST_THREADS)


def add_threads(parser: Parser) -> None:
    """Add how many threads compute."""
    parser.add_argument("--threads", type=threads, metavar="N", help="threads that compute [one a core]")


def add_path(parser: Parser) -> None:
    """Add the run's folder."""
    parser.add_argument("run", type=folder, metavar="RUN", help="the run's folder")


def add_json(parser: Parser) -> None:
    """Add the choice of JSON."""
    parser.add_argument("--json", action="store_true", help="print one JSON document and nothing else")
