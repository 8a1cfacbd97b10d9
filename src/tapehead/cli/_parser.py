"""Reading a command line: errors in one line, and the arguments that several commands share."""

import argparse
import filecmp
import shutil
import tempfile
from collections.abc import Collection, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NoReturn, TypeAlias

import torch

from tapehead._arguments import suggest
from tapehead.cli._commands import COMMANDS
from tapehead.cli._errors import CommandError, as_command_errors
from tapehead.pretrained import NAMES, find_pretrained
from tapehead.tasks import Size
from tapehead.training.environment import choose_device
from tapehead.training.errors import StorageError
from tapehead.training.options import LARGEST
from tapehead.training.run_dir import RESULT, explain_errors

Group: TypeAlias = argparse._ArgumentGroup  # noqa: SLF001 - argparse gives it no public name
"""Flags that stand together in the help."""

PRETRAINED = "pretrained:"
"""What stands before the name of a model that comes with the package."""

MAX_THREADS = 1024
"""More than any computer has cores; far more, and the system cannot start them."""


class Parser(argparse.ArgumentParser):
    """A parser whose errors are one line, with the option that may have been meant."""

    def __init__(self, name: str, takes: str | None = None, epilog: str = "") -> None:
        command = COMMANDS[name]
        words = f"{name} {command.takes if takes is None else takes}".strip()
        super().__init__(
            usage=f"tapehead {words} [options]", description=command.summary, epilog=epilog, allow_abbrev=False
        )

    def error(self, message: str) -> NoReturn:
        """Raise the error, rather than print the usage and exit."""
        message = message.removeprefix("argument ")
        flag, _, said = message.partition(": ")
        if said == "expected one argument":
            message = f"{flag}: expected a value; one that begins with - is written {flag}=-..."
        raise CommandError(message)

    def flags(self) -> Collection[str]:
        """List the flags that it knows."""
        return [flag for flag in self._option_string_actions if flag.startswith("--")]

    def read(self, words: Sequence[str]) -> argparse.Namespace:
        """Read the words after the command.

        Raises:
            CommandError: They are not what the command takes.
        """
        for word in words:
            if word.endswith("=--"):  # argparse would take the value away
                raise CommandError(f"{word[:-3]}: expected a value, not '--'")
        chosen, unknown = self.parse_known_args(words)
        if unknown:
            raise CommandError(self.describe_unknown(unknown[0].split("=")[0]))
        return chosen

    def describe_unknown(self, word: str) -> str:
        """Say that a word is not known."""
        if word in self.flags():
            return f"{word}: expected options before --, not after it"
        kind = "option" if word.startswith("-") else "argument"
        return f"{word}: this command has no such {kind}{suggest(word, self.flags())}"


def read_count(word: str, least: int = 1, most: int = LARGEST) -> int:
    """Read a whole number from `least` to `most`."""
    number = int(word) if word.isdecimal() and len(word) < 20 else -1
    if not least <= number <= most:
        raise argparse.ArgumentTypeError(f"expected a whole number from {least} to {most}, not {word!r}")
    return number


def read_threads(word: str) -> int:
    """Read a number of threads."""
    return read_count(word, most=MAX_THREADS)


def read_path(word: str) -> Path:
    """Read a path; an empty one, which may be a variable that was not set, is an error."""
    if not word:
        raise argparse.ArgumentTypeError("expected a path, not ''")
    return Path(word)


def read_run(word: str) -> Path:
    """Read the path of a run directory; `pretrained:NAME` is copied to one first, since commands write into it.

    Raises:
        ArgumentTypeError: There is no such model, or something else, or a damaged copy, where it is copied to.
        CommandError: It cannot be copied.
    """
    if not word.startswith(PRETRAINED):
        return read_path(word)
    name = word.removeprefix(PRETRAINED)
    try:
        source = find_pretrained(name)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error).removeprefix("name: ")) from None
    path = Path("runs") / f"pretrained-{name}"
    try:
        _copy_run(source, path)
    except StorageError as problem:
        raise CommandError(f"{word}: is copied to {path} first, for what is written into it: {problem}", 1) from None
    copied = [file.name for file in source.iterdir()]
    same, changed, missing = filecmp.cmpfiles(source, path, copied, shallow=False)
    if RESULT not in same:
        raise argparse.ArgumentTypeError(f"expected a copy of {word} in {path}, not something else; move it away")
    if changed or missing:
        files = ", ".join(sorted(changed + missing))
        said = f"{files} of the copy in {path} is damaged; remove that directory, and it is copied again"
        raise argparse.ArgumentTypeError(said)
    return path


def _copy_run(source: Path, path: Path) -> None:
    """Copy a run directory, unless there is something of that name.

    Raises:
        StorageError: It cannot be written.
    """
    if path.exists():
        return
    with explain_errors(path):
        path.parent.mkdir(exist_ok=True)
        half = Path(tempfile.mkdtemp(prefix=f".{path.name}-", dir=path.parent))  # so that no half copy is left
        shutil.copytree(source, half / path.name, copy_function=shutil.copyfile)
        with suppress(OSError):  # another command was faster
            (half / path.name).rename(path)
        shutil.rmtree(half)


def read_size(word: str) -> Size:
    """Read a size: whole numbers with an x between, as 20 or 10x20."""
    try:
        return tuple(map(read_count, word.split("x")))
    except argparse.ArgumentTypeError:
        raise argparse.ArgumentTypeError(
            f"expected whole numbers from 1 to {LARGEST} with an x between, as 20 or 10x20, not {word!r}"
        ) from None


def add_threads(parser: Parser | Group, default: str = "one per core") -> None:
    """Add how many threads compute; the default is said in words."""
    parser.add_argument("--threads", type=read_threads, metavar="N", help=f"CPU threads [{default}]")


def add_device(parser: Parser | Group) -> None:
    """Add where the model runs."""
    parser.add_argument(
        "--device", default="cpu", metavar="DEVICE", help="cpu, cuda, cuda:N, or auto: cuda if there is one [cpu]"
    )


def use_device(chosen: argparse.Namespace) -> torch.device:
    """Set the number of threads, and find the device.

    Raises:
        CommandError: There is no such device here.
    """
    if chosen.threads is not None:
        torch.set_num_threads(chosen.threads)
    with as_command_errors():
        return choose_device(chosen.device)


_RUN_IN_WORDS = (
    "run directory; or a trained model of the package, which is copied to runs/: "
    f"{', '.join(PRETRAINED + name for name in NAMES)}"
)


def add_run(parser: Parser) -> None:
    """Add the run directory."""
    parser.add_argument("run", type=read_run, metavar="RUN", help=f"the {_RUN_IN_WORDS}")


def add_runs(parser: Parser) -> None:
    """Add one run directory or several."""
    parser.add_argument("runs", type=read_run, nargs="+", metavar="RUN", help=f"one or more: a {_RUN_IN_WORDS}")


def add_json(parser: Parser | Group) -> None:
    """Add the choice of JSON."""
    parser.add_argument("--json", action="store_true", help="print one JSON document and nothing else")


def read_seconds(word: str) -> float:
    """Read a number of seconds."""
    try:
        seconds = float(word)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds < float("inf"):
        raise argparse.ArgumentTypeError(f"expected a finite number of seconds > 0, not {word!r}")
    return seconds
