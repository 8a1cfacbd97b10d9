"""The command `tapehead`: starts the command line, whose imports take a second or two.

It is a package of its own so that `tapehead --version` answers at once and Ctrl-C during the imports ends in one line.
"""

import os
import signal
import sys
from importlib.metadata import version
from io import TextIOWrapper
from types import FrameType

__all__ = ["end_on_interrupt", "is_module_run", "main"]


def main() -> int:
    """Run the command line of this process.

    Returns:
        The exit status; see `tapehead.cli.main`.
    """
    _prepare_streams()
    if sys.argv[1:] == ["--version"]:
        print(f"tapehead {version('tapehead')}")
        return 0
    end_on_interrupt()
    from tapehead.cli import main as run  # noqa: PLC0415 - this is what takes so long

    if signal.getsignal(signal.SIGINT) is _end:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        return run()
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # all is done and said; the process ends now


def is_module_run() -> bool:
    """Return whether this process is `python -m tapehead` and has not run `tapehead/__main__.py` yet."""
    return sys.argv[:1] == ["-m"] and sys.orig_argv[-len(sys.argv)] in {"tapehead", "-mtapehead"}


def end_on_interrupt() -> None:
    """Make Ctrl-C end this process at once, in one line, until `main` runs the command; for the time of the imports."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # it may be ignored, as under nohup
        signal.signal(signal.SIGINT, _end)


def _prepare_streams() -> None:
    """Make streams that any text can be printed to: a closed one leads nowhere, as /dev/null does."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode))  # noqa: SIM115, PTH123 - open until the process ends
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # a path may hold bytes that are no text


def _end(_number: int, _frame: FrameType | None) -> None:
    """End the process at once: an exception could be caught by whatever is being imported."""
    os.write(2, b"tapehead: interrupted\n")
    os._exit(130)
