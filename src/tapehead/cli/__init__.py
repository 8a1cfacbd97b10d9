"""The command line: train, resume, evaluate, verify, plot, export, sample, sweep, figure, suite, bench, doctor."""

import os
import re
import signal
import sys
from collections.abc import Sequence
from importlib import import_module

import torch.distributed as dist

from tapehead import __version__
from tapehead._arguments import suggest
from tapehead.cli._commands import COMMANDS
from tapehead.cli._errors import CommandError, require
from tapehead.training.errors import TrainingError

__all__ = ["main"]


def main(words: Sequence[str] | None = None) -> int:
    """Run a command line.

    Args:
        words: The words after `tapehead`; None: those of this process.

    Returns:
        The exit status: 0, 1 if it could not be done, 2 if the command line is wrong, 128 + n if signal n ended it.
    """
    try:
        return _run_and_report(list(sys.argv[1:] if words is None else words))
    except BrokenPipeError:  # whoever read what is printed has gone
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 128 + getattr(signal, "SIGPIPE", 13)
    except OSError as error:  # such as a full disk behind the standard output
        return _print_error(f"{error.filename or 'the output'}: {error.strerror}", 1)


def _run_and_report(words: list[str]) -> int:
    """Run a command line, and print in one line why it cannot be done."""
    try:
        return _run(words)
    except (CommandError, TrainingError) as error:
        return error.status if _is_told_by_another(error) else _print_error(error, error.status)
    except MemoryError as error:
        return _print_error(f"out of memory: {error}", 1)
    except RuntimeError as error:  # torch's way to say that memory is short
        wanted = re.search(r"tried to allocate [^.(]*", str(error), re.IGNORECASE)
        if wanted is None:
            raise
        return _print_error(f"out of memory: {wanted[0]}", 1)
    except SystemExit as end:  # argparse, after --help
        return int(end.code or 0)
    except KeyboardInterrupt:
        return _print_error("interrupted", 130)


def _is_told_by_another(error: CommandError | TrainingError) -> bool:
    """Say whether another process of this computer, started by torchrun as this one, prints the same error."""
    return _is_by_torchrun() and dist.get_node_local_rank() > 0 and not error.of_one


def _is_by_torchrun() -> bool:
    """Say whether torchrun has started this process; not every build of torch can be started so."""
    return dist.is_available() and dist.is_torchelastic_launched()


def _run(words: list[str]) -> int:
    if not words or words[0] in ("-h", "--help"):
        print(_overview())
        return 0
    if words[0] == "--version":
        print(f"tapehead {__version__}")
        return 0
    name, *rest = words
    if name not in COMMANDS:
        raise CommandError(f"{name!r}: expected one of {', '.join(COMMANDS)}{suggest(name, COMMANDS)}")
    if _is_by_torchrun() and not COMMANDS[name].shared:
        raise CommandError(f"{name}: runs in one process, and cannot be started by torchrun; train and resume can")
    require(*COMMANDS[name].needs)
    if "" not in sys.path:  # classes of one's own are found in the current folder as well, after all that is installed
        sys.path.append("")
    import_module(f"tapehead.cli.{name}").run(rest)
    sys.stdout.flush()  # here, whoever is to read it may have gone
    return 0


def _overview() -> str:
    return "\n".join(
        [
            "usage: tapehead COMMAND ...",
            "",
            *(f"  {name:10} {command.summary}" for name, command in COMMANDS.items()),
            "",
            "tapehead COMMAND --help lists the options of each. To begin with:",
            "",
            "  tapehead train copy --seed 1 --out runs/copy",
            "  tapehead evaluate runs/copy --sizes 20 40 120",
        ]
    )


def _print_error(error: Exception | str, status: int) -> int:
    print(f"tapehead: {' '.join(str(error).split())}", file=sys.stderr)
    return status
