"""What runs have recorded of themselves, in groups that differ by chance only, for drawing."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from tapehead.plots import Curve, Scores, Spread
from tapehead.tasks import Size, Task
from tapehead.training._knobs import knob_of
from tapehead.training.folder import EVALUATIONS, METRICS, read_rows, read_run
from tapehead.training.run import Run

Row: TypeAlias = dict[str, Any]
MOST_SETTINGS = 3
"""Groups that differ in more than this go by their runs' folders."""


class Recorded(NamedTuple):
    """A run and what it has recorded."""

    path: Path
    run: Run
    metrics: list[Row]
    evaluations: list[Row]


Groups: TypeAlias = Mapping[str, Sequence[Recorded]]
"""Runs that differ in nothing but the seed, by what tells them from the others."""


def recorded(path: Path) -> Recorded:
    """Read what a run has recorded.

    Raises:
        FolderError: There is no run here.
        TypeError: A field of run.json is of the wrong type.
        ValueError: run.json is no description of a run.
    """
    return Recorded(path, read_run(path), read_rows(path / METRICS), read_rows(path / EVALUATIONS))


def grouped(runs: Iterable[Recorded]) -> Groups:
    """Put runs together that differ in nothing but the seed, and name each group by what tells it from the others."""
    groups: dict[str, list[Recorded]] = {}
    for one in runs:
        groups.setdefault(json.dumps(one.run.to_json() | {"seed": None}), []).append(one)
    firsts = [group[0].run for group in groups.values()]
    return {_name(group, firsts): group for group in groups.values()}


def _name(group: Sequence[Recorded], firsts: Sequence[Run]) -> str:
    """Name a group by its model, and by the settings that tell it from others: of that model, or of their task."""
    run = group[0].run
    telling = []
    for described in fields(run):
        rivals = [other for other in firsts if other.model == run.model or knob_of(described).owner == "task"]
        if described.name != "seed" and _differ(described.name, run, rivals):
            telling.append(described.name)
    words = [f"{name.replace('_', ' ')} {getattr(run, name)}" for name in telling]
    if len(words) > MOST_SETTINGS:
        words = [str(group[0].path)]
    return ", ".join([run.model, *words, f"seed {run.seed}" if len(group) == 1 else f"{len(group)} runs"])


def _differ(name: str, run: Run, rivals: Iterable[Run]) -> bool:
    return any(getattr(rival, name) != getattr(run, name) for rival in rivals)


def curves(groups: Groups) -> dict[str, list[Curve]]:
    """Give every run's learning curve."""
    return {name: [_curve(one.metrics) for one in group] for name, group in groups.items()}


def _curve(rows: Sequence[Row]) -> Curve:
    columns = ("sequences", "evaluation_bit_errors", "evaluation_bits", "evaluation_best_bits")
    sequences, errors, bits, best = (np.array([row.get(name) for row in rows], np.float64) for name in columns)
    return Curve(sequences, errors, bits, None if np.isnan(best).any() else best)


def scores(groups: Groups, task: Task) -> dict[str, dict[str, Scores]]:
    """Give what was measured of trained models along each number that a size is counted in, where it is a line.

    Of each run it is the last word on every size and tape, at the latest update that was tried.
    """
    found = {name: [_last_words(one.evaluations, task) for one in group] for name, group in groups.items()}
    axes = {axis: _lines(found, axis, task) for axis in task.size_names}
    return {axis: lines for axis, lines in axes.items() if lines}


Words: TypeAlias = dict[tuple[int | None, Size], Row]


def _last_words(rows: Sequence[Row], task: Task) -> Words:
    needed = {"update", "memory_slots", "bit_errors", "bits", *task.size_names}
    whole = [row for row in rows if needed <= row.keys()]
    latest = max((row["update"] for row in whole), default=0)
    return {
        (row["memory_slots"], tuple(row[name] for name in task.size_names)): row
        for row in whole
        if row["update"] == latest
    }


def _lines(found: Mapping[str, Sequence[Words]], axis: str, task: Task) -> dict[str, Scores]:
    """Join sizes that differ along one axis only, where every run of a group was tried on them."""
    places: dict[str, list[tuple[int, list[Row]]]] = {}
    number = task.size_names.index(axis)
    for group, runs in found.items():
        everywhere = set(runs[0]).intersection(*runs[1:])
        tapes = {slots for slots, _ in everywhere}
        for slots, size in sorted(everywhere, key=lambda place: (place[0] or 0, place[1])):
            fixed = [f"{name} {value}" for name, value in zip(task.size_names, size, strict=True) if name != axis]
            tape = [f"{slots} memory slots"] if len(tapes) > 1 else []
            told = [*([group] if len(found) > 1 else []), *tape, *fixed] or [group]
            line = places.setdefault(", ".join(told), [])
            line.append((size[number], [run[slots, size] for run in runs]))
    return {name: _scores(points) for name, points in places.items() if len(points) > 1}


def _scores(points: Sequence[tuple[int, list[Row]]]) -> Scores:
    at = np.array([place for place, _ in points])
    rows = [tried for _, tried in points]
    gap = None if rows[0][0].get("gap_bits") is None else _spread(at, rows, "gap_bits")
    return Scores(_spread(at, rows, "bit_errors"), _spread(at, rows, "bits"), gap)


def _spread(at: NDArray[np.int64], rows: Sequence[Sequence[Row]], name: str) -> Spread:
    """Give a single run's mean and its standard error, several runs' median and their range."""
    values = np.array([[row[name] for row in tried] for tried in rows])
    if values.shape[1] > 1:
        return Spread(at, np.median(values, axis=1), values.min(axis=1), values.max(axis=1))
    error = np.array([tried[0].get(f"{name}_standard_error") or 0.0 for tried in rows])
    return Spread(at, values[:, 0], values[:, 0] - error, values[:, 0] + error)
