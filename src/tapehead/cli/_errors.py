"""Errors of a command line, in one line for whoever typed it."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec


class CommandError(Exception):
    """The command cannot be run; the message says why, in one line.

    Attributes:
        status: The exit status: 2 if the command line is wrong, 1 if something is missing.
        of_one: Of several processes that torchrun has started only some meet with it.
    """

    def __init__(self, message: str, status: int = 2, *, of_one: bool = False) -> None:
        super().__init__(message)
        self.status, self.of_one = status, of_one


@contextmanager
def as_command_errors() -> Iterator[None]:
    """Turn a Type- or ValueError into a CommandError; used only around what reads and checks the command line."""
    try:
        yield
    except (TypeError, ValueError) as error:
        raise CommandError(str(error)) from error


def require(*modules: str, extra: str = "cli") -> None:
    """Raise unless these modules of an extra are installed."""
    for module in modules:
        if find_spec(module) is None:
            said = f"this needs {module}, which is not installed: pip install 'tapehead[{extra}]'"
            raise CommandError(said, status=1)


def warn(message: str) -> None:
    """Print a warning to standard error."""
    print(f"tapehead: warning: {message}", file=sys.stderr)
