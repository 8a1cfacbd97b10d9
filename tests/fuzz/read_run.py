"""A run directory of which one file holds anything: reading it, and going on with it.

What `tapehead` does not turn into a line that says what is wrong is a finding, and so is whatever differs from what the
undamaged directory gives while nothing is said.
"""

import contextlib
import io
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

from tapehead.cli import main
from tapehead.experiments import records
from tapehead.experiments.records import Record
from tapehead.training.errors import StoppedError, TrainingError
from tapehead.training.loaded_run import load_run
from tapehead.training.run_dir import EVALUATIONS, append_rows, read_config
from tapehead.training.step import Learner
from tests.fuzz.edits import UNCHANGED, WHOLE, edited
from tests.fuzz.silent import SilentLoadError
from tests.training.tiny import digests, stop_after, tiny_config, train

FINISHED, STOPPED = "finished", "stopped"
Weights: TypeAlias = dict[str, bytes]


class Whole(NamedTuple):
    """What an undamaged directory gives."""

    record: Record
    weights: Weights
    earlier: list[Weights]  # those of other checkpoints of the run
    end: tuple[Any, ...]


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
    earlier = [weights_at_step(folder / str(step), step) for step in (8, 10)]
    end = digests(whole / FINISHED), result._asdict() | {"seconds": 0}
    expected = {run: Whole(read_record(whole / run), read_weights(whole / run)[0], earlier, end) for run in files}
    assert not any(each.record.note for each in expected.values())

    def take(data: bytes) -> None:
        if not data:
            return
        run, _, name = names[data[0] % len(names)].partition("/")
        restore(path, files[run] | {name: edited(files[run][name], data[1:])})
        if is_configured(path):
            look_at_record(path, expected[run], f"{run}-{name}")
            look_at_weights(path, expected[run], f"{run}-{name}")
        look_at_end(path, expected[run], f"{run}-{name}")

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


def weights_at_step(path: Path, step: int) -> Weights:
    """Give the weights that a run of the same configuration has after a step."""
    with contextlib.suppress(StoppedError):
        train(tiny_config(), path, should_stop=stop_after(step))
    return read_weights(path)[0]


def read_weights(path: Path) -> tuple[Weights, list[str]]:
    """Give the weights of a run, and what is said about them."""
    said: list[str] = []
    state = load_run(path, said.append).model.state_dict()
    return {name: tensor.numpy().tobytes() for name, tensor in state.items()}, said


def read_record(path: Path) -> Record:
    return records.record_run(path, name="run")


def is_configured(path: Path) -> bool:
    """Say whether a model can be made as run.json says: only there is a Type- or ValueError told in one line."""
    try:
        Learner(read_config(path))
    except (TrainingError, TypeError, ValueError):
        return False
    return True


def look_at_record(path: Path, whole: Whole, name: str) -> None:
    """Make the record; an evaluation that is gone, and what the run ran on, need not be told."""
    record = read_record(path)
    gained = [row for row in record.evaluations if row not in whole.record.evaluations]
    if not record.note and (gained or claims(record) != claims(whole.record)):
        raise SilentLoadError(f"{name}-record", record)


def claims(record: Record) -> tuple[Any, ...]:
    return record.config, record.result, record.curve


def look_at_weights(path: Path, whole: Whole, name: str) -> None:
    """Read the weights; those of another checkpoint are right if something is said."""
    try:
        given, said = read_weights(path)
    except TrainingError:
        return
    if given != whole.weights and not (said and given in whole.earlier):
        raise SilentLoadError(f"{name}-weights", said)


def look_at_end(path: Path, whole: Whole, name: str) -> None:
    """Go on with the run: it ends as the undamaged one does, or in one line that says why not."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        status = main(["resume", "--json", "--device=cpu", "--checkpoint-every=4", str(path)])
    if status:
        last = err.getvalue().splitlines()[-1]
        assert last.startswith("tapehead: "), last
        assert not last.startswith("tapehead: warning: "), last
        assert not out.getvalue(), out.getvalue()
        return
    result = json.loads(out.getvalue()) | {"seconds": 0}
    del result["run"]
    if (digests(path), result) != whole.end:
        raise SilentLoadError(f"{name}-resumed", result)
