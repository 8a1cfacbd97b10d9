"""What goes wrong before anything is done, as one line for whoever typed it."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec


class CommandError(Exception):
    """The command cannot be done; the message says why, in one line.

    Attributes:
        status: What the process exits with: 2 if it was asked wrongly, 1 if something is missing.
    """

    def __init__(self, message: str, status: int = 2) -> None:
        super().__init__(message)
        self.status = status


@contextmanager
def asked_wrongly() -> Iterator[None]:
    """Take a Type- or ValueError for a fault of the command line; used only around the reading of what it says."""
    try:
        yield
    except (TypeError, ValueError) as error:
        raise CommandError(str(error)) from error


def require(*modules: str) -> None:
    """Raise unless these modules of the extra `cli` are installed."""
    for module in modules:
        if find_spec(module) is None:
            raise CommandError(f"this needs {module}, which is not installed: pip install 'tapehead[cli]'", status=1)


def warn(message: str) -> None:
    """Say on standard error what is not as it should be, though the command goes on."""
    print(f"tapehead: warning: {message}", file=sys.stderr)
