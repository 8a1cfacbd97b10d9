"""tapehead evaluate: both metrics of a trained model, by size."""

import json
from argparse import Namespace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from rich.console import Console
from rich.progress import track
from rich.table import Table

from tapehead.cli._errors import CommandError, asked_wrongly, warn
from tapehead.cli._parser import Parser, add_json, add_path, add_threads, whole_number
from tapehead.cli._table import new_table, print_table
from tapehead.models._memory import MemoryModel
from tapehead.tasks import Size, Task
from tapehead.training.data import batch_of_size
from tapehead.training.errors import StorageError
from tapehead.training.folder import EVALUATIONS, append_rows
from tapehead.training.generalise import generalisation
from tapehead.training.trained import Trained, load_trained

SEQUENCES = 192
"""As many as Collier & Beel 2018 take for each point of their tables."""


def add_arguments(parser: Parser) -> None:
    """Add what `evaluate` takes."""
    add_path(parser)
    parser.add_argument(
        "--lengths",
        type=size,
        nargs="+",
        metavar="L",
        help="sizes of question that are tried, as 20, or 10x20 where a size is two numbers [the papers' points]",
    )
    parser.add_argument(
        "--sequences", type=whole_number, default=SEQUENCES, metavar="N", help=f"questions of each [{SEQUENCES}]"
    )
    parser.add_argument(
        "--memory-slots", type=whole_number, metavar="N", help="try the machine on a tape of N slots [its own]"
    )
    add_threads(parser)
    add_json(parser)


def do(chosen: Namespace) -> None:
    """Evaluate."""
    if chosen.threads is not None:
        torch.set_num_threads(chosen.threads)
    with asked_wrongly():
        trained = load_trained(chosen.run, warn)
        sizes = [checked_size(wanted, trained.task) for wanted in chosen.lengths or trained.task.further]
        if chosen.memory_slots is not None:
            trained = on_tape(trained, chosen.memory_slots)
    told = Console(stderr=True)
    waiting = track(sizes, "evaluating", console=told, transient=True, disable=not told.is_terminal)
    rows = [measured(trained, wanted, chosen.sequences) for wanted in waiting]
    record(chosen.run, rows)
    if chosen.json:
        print(json.dumps({"run": str(chosen.run), "scores": rows}))
    else:
        print_table(table(trained, chosen.run, rows))


def record(path: Path, rows: list[dict[str, Any]]) -> None:
    """Keep what was measured in the run's folder; if that is somebody else's, saying it must do."""
    try:
        append_rows(path / EVALUATIONS, rows)
    except StorageError as problem:
        warn(f"{problem}; these numbers are not recorded")


def size(word: str) -> Size:
    """Read a size: whole numbers with an x between."""
    return tuple(map(whole_number, word.split("x")))


def checked_size(wanted: Size, task: Task, flag: str = "--lengths") -> Size:
    """Raise unless this is a size of the task's questions."""
    if len(wanted) != len(task.size_names):
        raise CommandError(f"{flag}: expected {'x'.join(task.size_names)}, not {spelt(wanted)!r}")
    batch_of_size(task, wanted, 1, np.random.default_rng(0))  # raises where there is no such question
    return wanted


def spelt(wanted: Size) -> str:
    """Write a size as the command line does."""
    return "x".join(map(str, wanted))


def on_tape(trained: Trained, memory_slots: int) -> Trained:
    """Give a trained machine a tape of another length; what is drawn for it belongs to the run's seed."""
    if not isinstance(trained.model, MemoryModel):
        raise CommandError(f"--memory-slots: expected nothing, since the model {trained.run.model} has no memory")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(trained.run.seed)
        return trained._replace(model=trained.model.with_memory_slots(memory_slots))


def measured(trained: Trained, wanted: Size, sequences: int) -> dict[str, Any]:
    """Try the model on one size, and give a row for the records."""
    score = generalisation(trained.model, trained.task, wanted, sequences, trained.run.seed)._asdict()
    named = dict(zip(trained.task.size_names, score.pop("size"), strict=True))
    slots = trained.model.config.get("memory_slots")
    return {"seed": trained.run.seed, "update": trained.update, "memory_slots": slots, **named, **score}


def table(trained: Trained, path: Path, rows: list[dict[str, Any]]) -> Table:
    """Lay the rows out for reading: the mean, and its standard error."""
    slots = "" if rows[0]["memory_slots"] is None else f", {rows[0]['memory_slots']} memory slots"
    drawn = new_table(
        title=f"{path}: {trained.run.task}, {trained.run.model}, update {trained.update:,}{slots}",
        caption="mean ± its standard error",
    )
    compared = {"best possible": "best_bits", "gap": "gap_bits"} if rows[0]["best_bits"] is not None else {}
    measures = {"bit errors per sequence": "bit_errors", "bits per sequence": "bits"} | compared
    for name in ("x".join(trained.task.size_names), *measures, "sequences"):
        drawn.add_column(name, justify="right")
    for row in rows:
        wanted = spelt(tuple(row[name] for name in trained.task.size_names))
        means = (spread(row[name], row.get(f"{name}_standard_error")) for name in measures.values())
        drawn.add_row(wanted, *means, str(row["sequences"]))
    return drawn


def spread(mean: float, error: float | None) -> str:
    """Write a mean and its standard error."""
    return f"{mean:.3f}" + ("" if error is None else f" ± {error:.3f}")
