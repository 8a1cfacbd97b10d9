"""A sweep: train and evaluate every run of a grid, and write records, tables and plots of the results."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from tapehead import plots
from tapehead._files import write_atomically
from tapehead.experiments.curves import draw_records
from tapehead.experiments.engines.engine import Engine, Limits, OnChange, ShouldStop, State, Status
from tapehead.experiments.grid import Grid
from tapehead.experiments.jobs import Job, find_jobs, is_in_use, prepare
from tapehead.experiments.labels import short_name
from tapehead.experiments.records import RECORDS, Record, gather, read_records, write_records
from tapehead.experiments.tables import Table, make_tables
from tapehead.training.errors import RunDirError
from tapehead.training.run_dir import CONFIG, explain_errors, lock

PLOTS, TABLES = "plots", "tables.md"


class Outcome(NamedTuple):
    """The result of a sweep.

    Attributes:
        jobs: The runs.
        records: The records of the runs that are done or have failed.
        stopped_by: The signal that stopped it; None if it was not stopped.
    """

    jobs: list[Job]
    records: list[Record]
    stopped_by: int | None


def run_sweep(
    grid: Grid, out: Path, limits: Limits, *, engine: Engine, on_change: OnChange, should_stop: ShouldStop
) -> Outcome:
    """Train and evaluate the runs of a grid that are not done yet, and write the records of all.

    Args:
        grid: The runs.
        out: The directory of the sweep, in which each run has its own directory; created if missing.
        limits: The number of workers and of retries, and the timeout.
        engine: Executes the runs.
        on_change: Called a few times a second with the status of every run.
        should_stop: Called a few times a second; returns the number of a signal to stop, or None.

    Raises:
        RunDirError: Another sweep is using the directory, the directory of a run holds a different run, or `out` is
            itself the directory of a run.
        StorageError: The directory cannot be written to.
    """
    if (out / CONFIG).exists():
        raise RunDirError(f"{out}: holds a run; choose another --out for the sweep")
    with explain_errors(out):
        out.mkdir(parents=True, exist_ok=True)
    with lock(out):
        jobs = prepare(grid, out)
        stopped_by = engine(jobs, limits, on_change=on_change, should_stop=should_stop)
        records = gather(jobs)
        write_records(out / RECORDS, [*records, *_records_of_others(out, jobs)])
    return Outcome(jobs, records, stopped_by)


def _records_of_others(out: Path, jobs: Sequence[Job]) -> list[Record]:
    """Read the records that sweeps of other grids have written into the same directory.

    Raises:
        RunDirError: The file of records is damaged, and would be lost.
    """
    names = {job.name for job in jobs}
    try:
        recorded = read_records(out / RECORDS) if (out / RECORDS).exists() else []
    except ValueError as problem:
        raise RunDirError(f"{problem}; remove the file, and the records of these runs are made again") from None
    return [record for record in recorded if record.name not in names]


def list_runs(grid: Grid, out: Path) -> dict[str, State]:
    """Return the status of every run of a grid, read from the files in `out`; nothing is written.

    Args:
        grid: The runs.
        out: The directory of the sweep, which need not exist yet.
    """
    states = {}
    for job in find_jobs(grid, out):
        status: Status = "waiting"
        done = job.is_done()
        cause = None if done else job.failure()
        if done:
            status = "done"
        elif cause is not None:
            status = "failed"
        elif job.path.exists() and is_in_use(job.path):
            status = "running"
        states[job.name] = State(status, job.last_step(), job.steps, cause=cause or "")
    return states


def write_summary(out: Path, records: Sequence[Record]) -> tuple[list[Table], list[Path]]:
    """Write the tables and plots of a sweep's records; return the tables and the paths of the plots.

    Raises:
        StorageError: The directory cannot be written to.
    """
    tables = make_tables(records)
    with explain_errors(out):
        text = "\n".join(f"## {table.title}\n\n{table.to_markdown()}\n" for table in tables)
        write_atomically(out / TABLES, text.encode())
        completed = [record for record in records if not record.failed]
        tasks = dict.fromkeys(record.task for record in completed)
        written = []
        for task in tasks:
            directory = out / PLOTS / (short_name(task) if len(tasks) > 1 else "")
            pictures = draw_records([record for record in completed if record.task == task])
            written += [path for name, picture in pictures.items() for path in plots.save(picture, directory / name)]
    return tables, written
