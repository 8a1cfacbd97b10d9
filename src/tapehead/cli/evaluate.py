"""tapehead evaluate: how well a trained model predicts, by size."""

import json
from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import torch
from rich.console import Console
from rich.markup import escape
from rich.progress import track
from rich.table import Table

from tapehead.cli._errors import as_command_errors, warn
from tapehead.cli._parser import Parser, add_device, add_json, add_runs, add_threads, read_count, read_size, use_device
from tapehead.cli._sizes import check_size, choose_memory
from tapehead.cli._table import make_table, print_table
from tapehead.experiments.evaluations import SEQUENCES
from tapehead.experiments.labels import count
from tapehead.tasks import Size, spell_size
from tapehead.training.errors import StorageError
from tapehead.training.evaluation import evaluation_row
from tapehead.training.loaded_run import LoadedRun, load_run
from tapehead.training.run_dir import EVALUATIONS, append_rows


class Evaluated(NamedTuple):
    """A run, and what its model scored on each size."""

    path: Path
    loaded: LoadedRun
    rows: list[dict[str, Any]]


def run(words: Sequence[str]) -> None:
    """Evaluate."""
    parser = Parser("evaluate")
    add_arguments(parser)
    chosen = parser.read(words)
    device = use_device(chosen)
    asked = [prepare(path, chosen, device) for path in dict.fromkeys(chosen.runs)]
    console = Console(stderr=True)
    pairs = [(evaluated, size) for evaluated, sizes in asked for size in sizes]
    for (path, loaded, rows), size in track(
        pairs, "evaluating", console=console, transient=True, disable=not console.is_terminal
    ):
        row = evaluation_row(loaded.model, loaded.task, size, chosen.sequences, loaded.config.seed, loaded.step)
        rows.append(row)
        record(path, row)  # at once: Ctrl-C loses no more than the size at hand
    found = [evaluated for evaluated, _ in asked]
    if chosen.json:
        scores = [{"run": str(path), "scores": rows} for path, _, rows in found]
        print(json.dumps(scores[0] if len(scores) == 1 else {"runs": scores}))
        return
    for task in dict.fromkeys(evaluated.loaded.config.task.name for evaluated in found):
        print_table(lay_out([evaluated for evaluated in found if evaluated.loaded.config.task.name == task]))


def prepare(path: Path, chosen: Namespace, device: torch.device) -> tuple[Evaluated, list[Size]]:
    """Read a run, and choose the sizes that it is evaluated on."""
    with as_command_errors():
        loaded = load_run(path, warn, device)
        sizes = [check_size(size, loaded.task, "--sizes") for size in chosen.sizes or loaded.task.eval_sizes]
        return Evaluated(path, choose_memory(loaded, chosen.memory_slots, sizes), []), sizes


def add_arguments(parser: Parser) -> None:
    """Add what `evaluate` takes."""
    add_runs(parser)
    parser.add_argument(
        "--sizes",
        type=read_size,
        nargs="+",
        metavar="SIZE",
        help="sizes of the sequences, such as 20, or 10x20 if a size is two numbers [those of the task]",
    )
    parser.add_argument(
        "--sequences", type=read_count, default=SEQUENCES, metavar="N", help=f"sequences of each size [{SEQUENCES}]"
    )
    parser.add_argument(
        "--memory-slots", type=read_count, metavar="N", help="evaluate with a memory of N slots [as in training]"
    )
    add_device(parser)
    add_threads(parser)
    add_json(parser)


def record(path: Path, row: dict[str, Any]) -> None:
    """Keep the scores in the run directory; where that cannot be written to, printing them must do."""
    try:
        append_rows(path / EVALUATIONS, [row])
    except StorageError as problem:
        warn(f"{problem}; this score is not recorded")


def lay_out(found: Sequence[Evaluated]) -> Table:
    """Lay the scores of runs of one task out for reading: the mean, and its standard error."""
    (path, loaded, rows), alone = found[0], len(found) == 1
    names, first = loaded.task.size_names, rows[0]
    slots = "" if first["memory_slots"] is None else f", {count(first['memory_slots'], 'memory slot')}"
    one = f"{path}: {loaded.config.task.name}, {loaded.config.model.name}, step {loaded.step:,}{slots}"
    title = one if alone else f"{loaded.config.task.name}: {count(len(found), 'run')}"
    table = make_table(title=title, caption="mean ± its standard error")
    if not alone:
        table.add_column("run")
    measures = {f"{loaded.task.error_name} per sequence": "errors", "bits per sequence": "bits"}
    if first["optimal_bits"] is not None:
        measures |= {"best possible": "optimal_bits", "gap": "gap_bits"}
    if loaded.task.target_name is not None:
        measures[f"bits per {loaded.task.target_name}"] = "bits_per_target"
    for name in ("x".join(names), *measures, "accuracy", "whole sequences right", "sequences"):
        table.add_column(name, justify="right")
    for path, _, rows in found:
        for row in rows:
            size = spell_size(tuple(row[name] for name in names))
            means = (mean_and_error(row[name], row.get(f"{name}_standard_error")) for name in measures.values())
            shares = (f"{row[name]:.2%}" for name in ("accuracy", "sequence_accuracy"))
            table.add_row(*([] if alone else [escape(str(path))]), size, *means, *shares, str(row["sequences"]))
    return table


def mean_and_error(mean: float, error: float | None) -> str:
    """Write a mean and its standard error."""
    return f"{mean:.3f}" + ("" if error is None else f" ± {error:.3f}")
