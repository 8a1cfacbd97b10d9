"""Calling `tapehead` as a shell does, in processes that need not start Python anew each time."""

import contextlib
import io
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import torch

from tapehead.cli import main
from tests.processes import PROCESSES, elsewhere
from tests.training.tiny import TINY, TINY_NTM, TINY_TASKS


def flags(options: Mapping[str, object]) -> list[str]:
    """Write options as flags."""
    return [f"--{name.replace('_', '-')}={value}" for name, value in options.items()]


TINY_MODEL_FLAGS = flags(TINY | TINY_NTM)
TINY_FLAGS = [*TINY_MODEL_FLAGS, *flags(TINY_TASKS["copy"])]


class Said(NamedTuple):
    """What a command left behind: its exit status and what it printed."""

    status: int
    out: str
    err: str


def tapehead(*words: str | Path) -> Said:
    """Call `tapehead` with these words."""
    return tapeheads([words])[0]


def tapeheads(lines: Sequence[Sequence[str | Path]], folder: Path = Path()) -> list[Said]:
    """Call `tapehead` once for each line, one after the other in one process, in this folder."""
    return elsewhere(_call, [list(map(str, words)) for words in lines], folder)


def started(words: Sequence[str | Path], err: Path) -> PROCESSES.Process:
    """Start `tapehead` with these words and do not wait for it; standard error goes to a file."""
    process = PROCESSES.Process(target=_call_and_exit, args=(list(map(str, words)), err))
    process.start()
    return process


def _call(lines: list[list[str]], folder: Path) -> list[Said]:
    torch.set_num_threads(1)
    os.chdir(folder)
    said = []
    for words in lines:
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            status = main(words)
        said.append(Said(status, out.getvalue(), err.getvalue()))
    return said


def _call_and_exit(words: list[str], err: Path) -> None:
    torch.set_num_threads(1)
    with err.open("w") as file, contextlib.redirect_stderr(file), contextlib.redirect_stdout(io.StringIO()):
        status = main(words)
    sys.exit(status)
