"""The records of runs: one line of JSON for each, with everything that tables and learning curves are made from."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeAlias

from tapehead._files import write_atomically
from tapehead.experiments.grid import Grid
from tapehead.experiments.jobs import Job
from tapehead.experiments.labels import find_recipe, identify
from tapehead.training.components import KINDS
from tapehead.training.config import RunConfig
from tapehead.training.restore import check_result, read_curve
from tapehead.training.run_dir import explain_errors, read_config, read_environments, read_evaluations

RECORDS = "records.jsonl"

MOST_POINTS = 50
"""The most points that a recorded learning curve has, not counting the last evaluation."""

CONVERGED_BITS = 0.1
"""Graves et al. 2014 tell after how many sequences the cross-entropy is below about this."""

CURVE = ("step", "sequences", "loss", "eval_errors", "eval_bits", "eval_optimal_bits")
"""The fields of each point of a learning curve, as in metrics.jsonl."""

Row: TypeAlias = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Record:
    """A run: its configuration, how it ended, its learning curve and its evaluations.

    Args:
        name: The name of its directory.
        config: Its configuration; see `RunConfig.to_json`.
        recipe: The recipe that gives exactly this configuration; None if there is none.
        error_name: What its task counts as errors: `bit errors` or `symbol errors`.
        size_names: The names of the numbers that make up a size of its task, such as `length`.
        max_size: The largest size that it was trained on.
        environment: The software and hardware on which it last ran; None: not known.
        result: The fields of its `Result`; None: it has not finished.
        curve: Its evaluations during training: some, with the fields of CURVE, or all with all fields of metrics.jsonl.
        evaluations: The evaluations of the trained model, with their scores.
        skipped_steps: The training steps that were skipped, as their gradients were not finite; None: not known.
        failed: Why it failed; empty if it did not.
        note: Anything else that is worth knowing.
    """

    name: str
    config: Row
    recipe: str | None
    error_name: str
    size_names: list[str]
    max_size: list[int]
    environment: Row | None
    result: Row | None
    curve: list[Row]
    evaluations: list[Row]
    skipped_steps: int | None = None
    failed: str = ""
    note: str = ""

    def to_line(self) -> str:
        """Write it as one line of JSON; what is optional is left out where there is nothing to say."""
        fields = {
            name: value for name, value in asdict(self).items() if name not in _OPTIONAL or value not in (None, "")
        }
        return json.dumps(fields, sort_keys=True) + "\n"

    @property
    def has_ended(self) -> bool:
        """Whether it has finished or failed."""
        return self.result is not None or bool(self.failed)

    @property
    def task(self) -> str:
        """The name of the task."""
        return str(self.config["task"]["name"])

    @property
    def model(self) -> str:
        """The name of the model."""
        return str(self.config["model"]["name"])

    @property
    def seed(self) -> int:
        """The seed of the run."""
        return int(self.config["seed"])


_TYPES: dict[str, tuple[type, ...]] = {
    "name": (str,),
    "config": (dict,),
    "recipe": (str, type(None)),
    "error_name": (str,),
    "size_names": (list,),
    "max_size": (list,),
    "environment": (dict, type(None)),
    "result": (dict, type(None)),
    "curve": (list,),
    "evaluations": (list,),
    "skipped_steps": (int, type(None)),
    "failed": (str,),
    "note": (str,),
}
_OPTIONAL = {"skipped_steps", "failed", "note"}


def record_run(
    path: Path, *, name: str | None = None, failed: str = "", most_points: int | None = MOST_POINTS
) -> Record:
    """Make the record of a run directory; a file that is damaged is left out, and its note says so.

    Args:
        path: The run directory; its run may be unfinished.
        name: The name of the run; None: the name of its directory.
        failed: Why it failed.
        most_points: The most points that the learning curve has, not counting the last; None: all, with all fields.

    Raises:
        RunDirError: The directory does not hold a run, or its configuration was changed.
        TypeError: A field of run.json is of the wrong type.
        ValueError: run.json is not a valid run configuration.
    """
    config = read_config(path)
    task, environments = config.make_task(), read_environments(path)
    result, damaged = check_result(path)
    curve, unreadable = read_curve(path)
    evaluations, left_out = read_evaluations(path)
    return Record(
        name=name or path.resolve().name,
        config=config.to_json(),
        recipe=find_recipe(config),
        error_name=task.error_name,
        size_names=list(task.size_names),
        max_size=list(task.max_size),
        environment=environments[-1] if environments else None,
        result=None if result is None or damaged else result._asdict(),
        curve=_thin_out(curve, config, most_points),
        evaluations=evaluations,
        skipped_steps=sum(row["skipped_steps"] for row in curve)
        if all("skipped_steps" in row for row in curve)
        else None,
        failed=failed,
        note="; ".join([*damaged.values(), *unreadable, *left_out]),
    )


def record_pending(name: str, config: RunConfig) -> Record:
    """Make the record of a run that has not ended."""
    task = config.make_task()
    return Record(
        name=name,
        config=config.to_json(),
        recipe=find_recipe(config),
        error_name=task.error_name,
        size_names=list(task.size_names),
        max_size=list(task.max_size),
        environment=None,
        result=None,
        curve=[],
        evaluations=[],
    )


def _thin_out(rows: Sequence[Row], config: RunConfig, most_points: int | None) -> list[Row]:
    """Keep every n-th point, the last, and the first of less than 0.1 bits, which tells how fast a task was learned.

    Runs with equal steps and eval_every keep the same points, but for that one.
    """
    points = [row for row in rows if row.keys() >= set(CURVE)]
    if most_points is None or not points:
        return points
    points = [{name: row[name] for name in CURVE} for row in points]
    interval = config.eval_every * -(-config.steps // (config.eval_every * most_points))
    first = next((point["step"] for point in points if point["eval_bits"] < CONVERGED_BITS), None)
    return [point for point in points[:-1] if point["step"] % interval == 0 or point["step"] == first] + points[-1:]


def gather(jobs: Iterable[Job]) -> list[Record]:
    """Make the records of all runs of a sweep that are done or have failed."""
    records = []
    for job in sorted(jobs):
        done = job.is_done()
        failed = None if done else job.failure()
        if done or failed is not None:
            records.append(record_run(job.path, failed=failed or ""))
    return records


def write_records(path: Path, records: Iterable[Record]) -> None:
    """Write records to a file, sorted by name.

    Args:
        path: The file.
        records: What is written.

    Raises:
        StorageError: The file cannot be written.
    """
    lines = [record.to_line() for record in sorted(records, key=lambda record: record.name)]
    with explain_errors(path):
        write_atomically(path, "".join(lines).encode())


def select_records(grid: Grid, records: Iterable[Record]) -> list[Record]:
    """Select the runs of a grid that have ended among records, in its order; the first record of each run counts."""
    found: dict[str, Record] = {}
    for record in records:
        if record.has_ended:
            found.setdefault(identify(record.config), record)
    wanted = [identify(config.to_json()) for config in grid.runs.values()]
    return [found[identity] for identity in wanted if identity in found]


def leave_out(grid: Grid, records: Iterable[Record]) -> Grid:
    """Leave out the runs of a grid that are recorded."""
    done = {identify(record.config) for record in records}
    runs = {name: config for name, config in grid.runs.items() if identify(config.to_json()) not in done}
    return grid._replace(runs=runs)


def read_records(path: Path) -> list[Record]:
    """Read a file of records.

    Args:
        path: The file, with a record a line.

    Raises:
        OSError: The file cannot be read.
        ValueError: A line is not a record.
    """
    return [_read(line, f"{path}, line {number}") for number, line in enumerate(path.read_bytes().splitlines(), 1)]


def _read(line: bytes, where: str) -> Record:
    try:
        fields = json.loads(line)
    except (ValueError, RecursionError) as problem:
        raise ValueError(f"{where}: expected a record as JSON, but it cannot be parsed: {problem}") from None
    if not isinstance(fields, dict):
        raise ValueError(f"{where}: expected a JSON object, not {type(fields).__name__}")  # noqa: TRY004 - bad file
    for name in fields.keys() - _TYPES.keys():
        raise ValueError(f"{where}: expected a field of a record, not {name!r}")
    for name, types in _TYPES.items():
        if name not in fields and name not in _OPTIONAL:
            raise ValueError(f"{where}: expected a field {name!r}, which is missing")
        if name in fields and not isinstance(fields[name], types):
            raise ValueError(f"{where}: {name}: expected {types[0].__name__}, not {fields[name]!r}")
    _check_config(fields["config"], where)
    for name in ("curve", "evaluations"):
        if not all(isinstance(row, dict) for row in fields[name]):
            raise ValueError(f"{where}: {name}: expected a list of objects, not {fields[name]!r}")
    return Record(**fields)


def _check_config(config: Row, where: str) -> None:
    """Raise unless a configuration has the fields that identify a run; options of older versions are allowed."""
    for kind in KINDS:
        component = config.get(kind)
        if not isinstance(component, dict) or component.keys() != {"name", "options"}:
            raise ValueError(f"{where}: config: expected {kind} to have a name and options, not {component!r}")
    if not isinstance(config.get("seed"), int):
        raise ValueError(f"{where}: config: expected a seed that is a whole number, not {config.get('seed')!r}")  # noqa: TRY004
