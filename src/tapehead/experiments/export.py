"""Runs as tables for other programs: CSV files, and the event files of TensorBoard."""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from tapehead._files import write_atomically
from tapehead.experiments.labels import flatten
from tapehead.experiments.records import Record, Row

RUN = "run"
"""The column that joins the tables: the name of the run."""


def tabulate_runs(records: Sequence[Record]) -> dict[str, list[Row]]:
    """Make three tables of runs.

    Args:
        records: The runs; their names differ.

    Returns:
        `runs`: a row for each, with all options and how it ended; `curves`: a row for each evaluation during training;
        `evaluations`: a row for each evaluation of a trained model.
    """
    return {
        "runs": [_describe(record) for record in records],
        "curves": [{RUN: record.name} | row for record in records for row in record.curve],
        "evaluations": [{RUN: record.name} | row for record in records for row in record.evaluations],
    }


def _describe(record: Record) -> Row:
    """Describe a run in one row."""
    named = {RUN: record.name, "task": record.task, "model": record.model, "seed": record.seed, "recipe": record.recipe}
    ended = {f"result.{name}": value for name, value in (record.result or {}).items()}
    return named | flatten(record.config) | ended | {"failed": record.failed, "note": record.note}


def write_csv(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write rows as comma-separated values with a header: every column that a row has, in the order in which they come.

    What a row does not have, or is None, is empty.

    Raises:
        OSError: The file cannot be written.
    """
    columns = list(dict.fromkeys(name for row in rows for name in row))
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    write_atomically(path, text.getvalue().encode())


def write_events(folder: Path, records: Iterable[Record]) -> None:
    """Write learning curves for TensorBoard, a folder for each run: every number over the training steps.

    Raises:
        ImportError: TensorBoard is not installed.
    """
    from torch.utils.tensorboard import SummaryWriter  # noqa: PLC0415 - an extra

    for record in records:
        for old in (folder / record.name).glob("events.out.tfevents.*"):
            old.unlink()  # TensorBoard would show both
        with SummaryWriter(str(folder / record.name)) as writer:
            for row in record.curve:
                for name in row.keys() - {"step"}:
                    if isinstance(row[name], int | float):
                        writer.add_scalar(name, row[name], row["step"])
