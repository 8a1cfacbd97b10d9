"""A run directory of which one file holds anything: reading it, and going on with it."""

import contextlib
import os
from collections.abc import Callable
from pathlib import Path

import torch

from tapehead.experiments import records
from tapehead.training.errors import StoppedError, TrainingError
from tapehead.training.loaded_run import load_run
from tapehead.training.run_dir import EVALUATIONS, append_rows
from tests.fuzz.edits import UNCHANGED, WHOLE, edited
from tests.fuzz.silent import SilentLoadError
from tests.training.tiny import digests, resume, stop_after, tiny_config, train

FINISHED, STOPPED = "finished", "stopped"
ALLOWED = (TrainingError, ValueError, TypeError)


def ignore(_: str) -> None:
    """A warning is no finding."""


def prepare(folder: Path) -> tuple[list[bytes], Callable[[bytes], None]]:
    """Train a tiny run, stop another, and make the function that puts an input in the place of one of their files.

    An input's first byte says of which, and the rest is an edit of it.
    """
    os.fsync = lambda _: None  # this takes time, and is for computers that lose their power
    records.find_recipe = lambda _: None  # so does this, which reads nothing
    whole, path = folder / "whole", folder / "run"
    result = train(tiny_config(), whole / FINISHED)
    with contextlib.suppress(StoppedError):
        train(tiny_config(), whole / STOPPED, should_stop=stop_after(10))
    for name in (FINISHED, STOPPED):
        append_rows(whole / name / EVALUATIONS, [{"length": 3, "memory_slots": 5, "errors": 1.5}])
    names = sorted(str(each.relative_to(whole)) for each in whole.rglob("*") if each.is_file() and each.name != "lock")
    files = {run: contents(whole / run) for run in (FINISHED, STOPPED)}
    expected = digests(whole / FINISHED), result._replace(seconds=0)
    models = [weights(load_run(whole / name, ignore).model) for name in (FINISHED, STOPPED)]
    models.append(weights_at_step(folder / "earlier", 8))

    def take(data: bytes) -> None:
        if not data:
            return
        run, _, name = names[data[0] % len(names)].partition("/")
        restore(path, files[run] | {name: edited(files[run][name], data[1:])})
        loaded, ended = read(path), go_on(path)
        if loaded is not None and loaded not in models:
            raise SilentLoadError(f"{run}-{name}-read", loaded.keys())
        if ended is not None and ended != expected:
            raise SilentLoadError(f"{run}-{name}-resumed", ended)

    edits = [(UNCHANGED, WHOLE + (whole / name).read_bytes()) for name in names]
    return [bytes([number]) + edit for number, both in enumerate(edits) for edit in both], take


def contents(path: Path) -> dict[str, bytes]:
    return {str(each.relative_to(path)): each.read_bytes() for each in path.rglob("*") if each.is_file()}


def restore(path: Path, files: dict[str, bytes]) -> None:
    """Make a directory hold these files and no others; those that it holds already are left alone, to save time."""
    there = contents(path)
    for name in there.keys() - files.keys():
        (path / name).unlink()
    for name, data in files.items():
        if there.get(name) != data:
            (path / name).parent.mkdir(parents=True, exist_ok=True)
            (path / name).write_bytes(data)


def weights(model: torch.nn.Module) -> dict[str, bytes]:
    return {name: tensor.numpy().tobytes() for name, tensor in model.state_dict().items()}


def weights_at_step(path: Path, step: int) -> dict[str, bytes]:
    """Give the weights that a run of the same configuration has after a step."""
    with contextlib.suppress(StoppedError):
        train(tiny_config(), path, should_stop=stop_after(step))
    return weights(load_run(path, ignore).model)


def read(path: Path) -> dict[str, bytes] | None:
    """Read all that is in the directory, and give the weights if it is a run with some."""
    with contextlib.suppress(*ALLOWED):
        records.record_run(path)
    try:
        return weights(load_run(path, ignore).model)
    except ALLOWED:
        return None


def go_on(path: Path) -> tuple[object, object] | None:
    """Go on with the run where that can be done, and give how it ends."""
    try:
        result = resume(path, warn=ignore)
    except ALLOWED:
        return None
    return digests(path), result._replace(seconds=0)
