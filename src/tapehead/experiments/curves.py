"""Learning curves and scores by size, drawn from records: runs that differ in the seed only are one line."""

import json
import math
from collections.abc import Mapping, Sequence
from typing import TypeAlias

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from tapehead import plots
from tapehead.experiments.labels import Described, count, describe_size, label_runs, short_name
from tapehead.experiments.records import Record, Row
from tapehead.plots import Chance, Curve, ErrorBand, Scores
from tapehead.tasks import TASKS, Size, SymbolTask
from tapehead.training.data import draw_batch_of_size

Groups: TypeAlias = Mapping[str, Sequence[Record]]
"""Runs of one task that differ in nothing but the seed, by what tells them from the others."""

Pictures: TypeAlias = dict[str, Figure]
"""Figures by the names of their files."""

GUESSED = 32
"""Sequences of which the targets are counted, to tell what guessing costs."""


def group(records: Sequence[Record]) -> Groups:
    """Put runs together that differ in nothing but the seed, and name each group by what tells it from the others."""
    labels = label_runs([Described(record.config, record.recipe, record.name) for record in records])
    groups: dict[str, list[Record]] = {}
    for label, record in zip(labels, records, strict=True):
        groups.setdefault(label, []).append(record)
    return {_count(label, members): members for label, members in groups.items()}


def draw_records(records: Sequence[Record]) -> Pictures:
    """Draw how runs of one task went, and what evaluations of their models found, once there is any of it."""
    pictures: Pictures = {}
    groups = group(records)
    if all(record.curve for record in records):
        pictures["learning_curve"] = draw_learning_curve(groups)
    return pictures | draw_lines(groups)


def draw_learning_curve(groups: Groups) -> Figure:
    """Draw what was measured during training."""
    records = [one for members in groups.values() for one in members]
    bounds = {one.config["solved_below"] for one in records}
    tasks = {json.dumps(one.config["task"]): one for one in records}
    evaluated = {(one.config["eval_sequences"], tuple(one.max_size)) for one in records}
    bars = ", median and range" if any(len(members) > 1 for members in groups.values()) else ""
    of = [
        f"\nevaluations on {count(number, 'sequence')} of {describe_size(records[0].size_names, size)}"
        for number, size in evaluated
    ]
    return plots.learning_curve(
        {name: [_curve(one.curve) for one in members] for name, members in groups.items()},
        error_name=_any_of(groups).error_name,
        solved_below=bounds.pop() if len(bounds) == 1 else None,
        chance=find_chance(records[0]) if len(tasks) == 1 else None,
        title=f"{_title(groups)}{bars}{of[0] if len(of) == 1 else ''}",
    )


def draw_lines(groups: Groups) -> Pictures:
    """Draw scores by size, of the groups whose models were all evaluated, if there are any."""
    groups = {name: members for name, members in groups.items() if all(one.evaluations for one in members)}
    lines = find_lines(groups)
    if not lines:
        return {}
    ends = {tuple(one.max_size) for members in groups.values() for one in members}
    names = _any_of(groups).size_names
    alone = [len(members) == 1 for members in groups.values()]
    bars = ["median and range"] * (not all(alone)) + ["mean and standard error"] * any(alone)
    numbers = {
        row["sequences"] for members in groups.values() for one in members for row in last_evaluations(one).values()
    }
    of = f"\n{count(min(numbers), 'sequence')} of each size{' at least' * (len(numbers) > 1)}"
    picture = plots.generalization(
        lines,
        error_name=_any_of(groups).error_name,
        trained_to=dict(zip(names, ends.pop(), strict=True)) if len(ends) == 1 else {},
        title=f"{_title(groups)}, {' or '.join(bars)}{of}",
    )
    return {"generalization": picture}


def find_chance(record: Record) -> Chance | None:
    """Give what guessing costs at the largest size of training; None of a task that is not here as it was recorded."""
    if record.task not in TASKS:
        return None
    try:
        task = TASKS[record.task](**record.config["task"]["options"])
    except (TypeError, ValueError):  # options of an earlier version, or a file that was moved
        return None
    batch = draw_batch_of_size(task, tuple(record.max_size), GUESSED, np.random.default_rng(0))
    targets = float(task.count_targets(batch).mean())
    choices = task.output_size if isinstance(task, SymbolTask) else 2
    return Chance(targets * (1 - 1 / choices), targets * math.log2(choices))


def _any_of(groups: Groups) -> Record:
    """Give one of the records, for what all of a task have in common."""
    return next(iter(groups.values()))[0]


def _count(label: str, members: Sequence[Record]) -> str:
    return f"{label}, seed {members[0].seed}" if len(members) == 1 else f"{label}, {len(members)} runs"


def _title(groups: Groups) -> str:
    """Say what is learned, and by whom or by how many runs."""
    count = sum(len(members) for members in groups.values())
    return f"{spell_task(_any_of(groups).task)}: {next(iter(groups)) if len(groups) == 1 else f'{count} runs'}"


def spell_task(name: str) -> str:
    """Write a task's name for a title."""
    return short_name(name).replace("_", " ")


def _curve(rows: Sequence[Row]) -> Curve:
    columns = ("sequences", "eval_errors", "eval_bits", "eval_optimal_bits")
    sequences, errors, bits, optimal = (np.array([row[name] for row in rows], np.float64) for name in columns)
    loss = np.array([row["loss"] for row in rows]) if all("loss" in row for row in rows) else None
    return Curve(sequences, errors, bits, None if np.isnan(optimal).any() else optimal, loss)


# ------------------------------------------------------------------------------------------------------ scores by size

Found: TypeAlias = dict[tuple[int | None, Size], Row]
"""The last evaluation of a run of each number of memory slots and each size."""


def find_lines(groups: Groups) -> dict[str, dict[str, Scores]]:
    """Give what was measured of trained models along each number that a size is counted in, where it is a line.

    Of each run it is the last evaluation of every size and number of memory slots, at the latest step of any.
    """
    names = _any_of(groups).size_names if groups else []
    found = {label: [last_evaluations(one) for one in members] for label, members in groups.items()}
    axes = {axis: _lines(found, axis, names) for axis in names}
    return {axis: lines for axis, lines in axes.items() if lines}


def last_evaluations(record: Record) -> Found:
    """Give a run's evaluation of each number of memory slots and each size, at the latest step: on the most sequences.

    Of several on as many it is the last.
    """
    needed = {"step", "memory_slots", "sequences", "errors", "bits", *record.size_names}
    whole = [row for row in record.evaluations if needed <= row.keys()]
    latest = max((row["step"] for row in whole), default=0)
    return {
        (row["memory_slots"], tuple(row[name] for name in record.size_names)): row
        for row in sorted(whole, key=lambda row: int(row["sequences"]))
        if row["step"] == latest
    }


def _lines(found: Mapping[str, Sequence[Found]], axis: str, size_names: Sequence[str]) -> dict[str, Scores]:
    """Join sizes that differ along one axis only, where every run of a group was evaluated on them."""
    places: dict[str, list[tuple[int, list[Row]]]] = {}
    number = size_names.index(axis)
    for label, runs in found.items():
        everywhere = set(runs[0]).intersection(*runs[1:])
        memories = {slots for slots, _ in everywhere}
        for slots, size in sorted(everywhere, key=lambda place: (place[0] or 0, place[1])):
            fixed = [f"{name} {value}" for name, value in zip(size_names, size, strict=True) if name != axis]
            memory = [f"{slots} memory slots"] if len(memories) > 1 else []
            words = [*([label] if len(found) > 1 else []), *memory, *fixed] or [label]
            line = places.setdefault(", ".join(words), [])
            line.append((size[number], [run[slots, size] for run in runs]))
    return {name: _scores(points) for name, points in places.items() if len(points) > 1}


def _scores(points: Sequence[tuple[int, list[Row]]]) -> Scores:
    at = np.array([place for place, _ in points])
    rows = [runs for _, runs in points]
    gap = None if rows[0][0].get("gap_bits") is None else _spread(at, rows, "gap_bits")
    return Scores(_spread(at, rows, "errors"), _spread(at, rows, "bits"), gap)


def _spread(at: NDArray[np.int64], rows: Sequence[Sequence[Row]], name: str) -> ErrorBand:
    """Give a single run's mean and its standard error, several runs' median and their range."""
    values = np.array([[row[name] for row in runs] for runs in rows])
    if values.shape[1] > 1:
        return ErrorBand(at, np.median(values, axis=1), values.min(axis=1), values.max(axis=1))
    error = np.array([runs[0].get(f"{name}_standard_error") or 0.0 for runs in rows])
    return ErrorBand(at, values[:, 0], values[:, 0] - error, values[:, 0] + error)
