"""The command line: train, resume, evaluate, plot, bench, doctor."""

import os
import signal
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import NamedTuple

from tapehead import __version__
from tapehead.cli._errors import CommandError, require
from tapehead.cli._parser import Parser, nearest
from tapehead.training.errors import TrainingError

__all__ = ["COMMANDS", "main"]


class Command(NamedTuple):
    """Something that can be asked for; the module of its name in this package does it."""

    summary: str
    takes: str
    needs: tuple[str, ...]  # modules of the extra `cli`


COMMANDS = {
    "train": Command("Train a model on a task.", "TASK", ("rich",)),
    "resume": Command("Go on with a run that was stopped.", "RUN", ("rich",)),
    "evaluate": Command("Try a trained model on questions of many sizes.", "RUN", ("rich",)),
    "plot": Command("Draw how runs went, and what a model does.", "RUN ...", ("matplotlib",)),
    "bench": Command("Measure how fast a training step is here.", "", ("rich",)),
    "doctor": Command("Say what is installed, and what is missing.", "", ()),
}


def main(words: Sequence[str] | None = None) -> int:
    """Do what a command line says.

    Args:
        words: The words after `tapehead`; None: those of this process.

    Returns:
        The exit status: 0, 1 if it could not be done, 2 if it was asked wrongly, 128 + n if signal n ended it.
    """
    try:
        return _obey(list(sys.argv[1:] if words is None else words))
    except (CommandError, TrainingError) as error:
        return _complain(error, error.status)
    except MemoryError as error:
        return _complain(f"out of memory: {error}", 1)
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # whoever read what is printed has gone
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 128 + int(signal.SIGPIPE)


def _obey(words: list[str]) -> int:
    if not words or words[0] in ("-h", "--help"):
        print(_overview())
        return 0
    if words[0] == "--version":
        print(f"tapehead {__version__}")
        return 0
    name, *rest = words
    if name not in COMMANDS:
        raise CommandError(f"{name!r}: expected one of {', '.join(COMMANDS)}{nearest(name, list(COMMANDS))}")
    command = COMMANDS[name]
    require(*command.needs)
    _find_own_tasks()
    module = import_module(f"tapehead.cli.{name}")
    parser = Parser(f"{name} {command.takes}".strip(), command.summary)
    module.add_arguments(parser)
    module.do(parser.read(rest))
    sys.stdout.flush()  # here, whoever is to read it may have gone
    return 0


def _find_own_tasks() -> None:
    """Let modules be found in the current folder as well, but after all that is installed."""
    if "" not in sys.path:
        sys.path.append("")


def _overview() -> str:
    return "\n".join(
        [
            "usage: tapehead COMMAND ...",
            "",
            *(f"  {name:10} {command.summary}" for name, command in COMMANDS.items()),
            "",
            "tapehead COMMAND --help says what each takes. To begin with:",
            "",
            "  tapehead train copy --seed 1 --out runs/copy",
            "  tapehead evaluate runs/copy --lengths 20 40 120",
        ]
    )


def _complain(error: Exception | str, status: int) -> int:
    print(f"tapehead: {' '.join(str(error).split())}", file=sys.stderr)
    return status
