"""tapehead sweep: train and evaluate a grid of runs, several at a time, and gather their results."""

import json
from argparse import Namespace
from collections.abc import Sequence
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

from tapehead._arguments import check_choice
from tapehead.cli._errors import CommandError, as_command_errors, require
from tapehead.cli._parser import Parser, add_device, add_json, read_count, read_path, read_seconds
from tapehead.cli._sweep_progress import show_sweep, summarize_states
from tapehead.cli._table import make_table, print_table
from tapehead.experiments.engines.engine import Engine, Limits
from tapehead.experiments.engines.local import run_locally
from tapehead.experiments.grid import GRIDS, Grid, load_grid
from tapehead.experiments.labels import count
from tapehead.experiments.records import RECORDS, Record, leave_out, read_records, select_records
from tapehead.experiments.sweep import Outcome, list_runs, run_sweep, write_summary
from tapehead.experiments.tables import Table
from tapehead.training.environment import choose_device
from tapehead.training.signals import watch_signals

EPILOG = (
    "A grid is a Python file that defines RUNS, a tuple of run configurations, and EVALUATIONS, a tuple of what the "
    "trained models are scored on; examples are in tapehead/experiments/grids. Each run has a directory of its own in "
    "DIR. The same command again skips the runs that are done and continues the others. The results are written to "
    "DIR/records.jsonl, DIR/tables.md and DIR/plots."
)
DEFAULTS = Limits()
ENGINES = ("local", "ray")


def run(words: Sequence[str]) -> None:
    """Sweep."""
    parser = Parser("sweep", epilog=EPILOG)
    add_arguments(parser)
    chosen = parser.read(words)
    with as_command_errors():
        grid = load_grid(chosen.grid)
        engine = choose_engine(chosen)
        recorded = select_recorded(grid, chosen.recorded)
        grid = leave_out(grid, recorded)
    out = chosen.out or Path("runs") / f"sweep-{Path(chosen.grid).stem}"
    if chosen.list:
        print_list(grid, out, chosen)
        return
    with watch_signals() as should_stop, show_sweep() as on_change:
        outcome = run_sweep(grid, out, read_limits(chosen), engine=engine, on_change=on_change, should_stop=should_stop)
    if outcome.stopped_by is not None:
        raise CommandError("stopped; the same command goes on from here", status=128 + outcome.stopped_by)
    outcome = outcome._replace(records=[*outcome.records, *recorded])
    tables, pictures = write_summary(out, outcome.records)
    print_outcome(outcome, tables, pictures, out, chosen)


def add_arguments(parser: Parser) -> None:
    """Add what `sweep` takes."""
    parser.add_argument("grid", metavar="GRID", help=f"a Python file, or one of {', '.join(GRIDS)}")
    parser.add_argument("--out", type=read_path, metavar="DIR", help="directory of all runs [runs/sweep-GRID]")
    add_limits(parser)
    parser.add_argument("--list", action="store_true", help="list the runs with their status, and exit")
    add_json(parser)


def add_limits(parser: Parser) -> None:
    """Add what says how the runs are executed."""
    parser.add_argument(
        "--workers",
        type=read_count,
        metavar="N",
        help="number of runs in parallel, each on one thread [one per core, of the whole cluster with Ray]",
    )
    parser.add_argument(
        "--retries",
        type=read_retries,
        default=DEFAULTS.retries,
        metavar="N",
        help="how many times a failing run is tried again; attempts that saved new progress do not count "
        f"[{DEFAULTS.retries}]",
    )
    parser.add_argument(
        "--timeout",
        type=read_seconds,
        default=DEFAULTS.timeout,
        metavar="SECONDS",
        help=f"a run without progress for this many seconds is stopped and counts as failed [{DEFAULTS.timeout:g}]",
    )
    parser.add_argument(
        "--engine",
        default="local",
        metavar="NAME",
        help="where the runs are executed: `local`, in processes of this computer, or `ray`, on a Ray cluster whose "
        "nodes share DIR [local]",
    )
    parser.add_argument(
        "--recorded",
        type=read_path,
        nargs="+",
        default=[],
        metavar="FILE",
        help="runs that have ended by these records, which a sweep or a figure wrote elsewhere, are not run again",
    )
    add_device(parser)


def select_recorded(grid: Grid, files: Sequence[Path]) -> list[Record]:
    """Read the records of runs of a grid that have finished elsewhere, the first of each run.

    Raises:
        ValueError: A line of a file is no record.
        CommandError: A file cannot be read.
    """
    records: list[Record] = []
    for file in files:
        try:
            records += read_records(file)
        except OSError as problem:
            raise CommandError(f"--recorded: {file}: {problem.strerror}") from None
    return select_records(grid, [record for record in records if not record.failed])


def choose_engine(chosen: Namespace) -> Engine:
    """Choose where the runs are executed.

    Raises:
        CommandError: Ray is not installed.
        ValueError: There is no such device here.
    """
    check_choice("--engine", chosen.engine, ENGINES)
    device = str(choose_device(chosen.device))
    if chosen.engine == "local":
        return partial(run_locally, device=device)
    require("ray", extra="ray")
    return partial(import_module("tapehead.experiments.engines.ray").run_on_ray, device=device)


def read_limits(chosen: Namespace) -> Limits:
    """Read the number of workers and of retries, and the timeout."""
    return Limits(chosen.workers, chosen.retries, chosen.timeout)


def read_retries(word: str) -> int:
    """Read a whole number from 0 on."""
    return read_count(word, least=0)


def print_list(grid: Grid, out: Path, chosen: Namespace) -> None:
    """Print the runs of a grid, and where they stand."""
    states = list_runs(grid, out)
    if chosen.json:
        print(json.dumps({"out": str(out), "runs": {name: state._asdict() for name, state in states.items()}}))
        return
    rows = [
        (name, state.status, f"{state.step:,}/{state.steps:,}", state.cause or state.phase)
        for name, state in states.items()
    ]
    wide, middle, right = (max(len(row[column]) for row in rows) for column in range(3))
    for name, status, step, said in rows:
        print(f"{name:{wide}}  {status:{middle}}  {step:>{right}}  {said}".rstrip())
    print(summarize_states(states, None))


def print_outcome(
    outcome: Outcome, tables: Sequence[Table], pictures: Sequence[Path], out: Path, chosen: Namespace
) -> None:
    """Print what the runs came to.

    Raises:
        CommandError: Some have failed.
    """
    failed = {record.name: record.failed for record in outcome.records if record.failed}
    if chosen.json:
        done = [record.name for record in outcome.records if not record.failed]
        said: dict[str, Any] = {"out": str(out), "records": str(out / RECORDS), "done": done, "failed": failed}
        print(json.dumps(said | {"plots": list(map(str, pictures))}))
    else:
        for table in tables:
            print_plain(table)
        print("\n".join(f"failed: {name}: {cause}" for name, cause in failed.items()), end="\n" * bool(failed))
        print(f"files: {out / RECORDS}, {out / 'tables.md'}", *([f"{out / 'plots'}"] if pictures else []), sep=", ")
    if failed:
        listed = ", ".join(list(failed)[:3]) + ", ..." * (len(failed) > 3)
        raise CommandError(f"{len(failed)} of {count(len(outcome.jobs), 'run')} failed: {listed}", status=1)


def print_plain(table: Table) -> None:
    """Print a table of records."""
    drawn = make_table(title=table.title, caption="")
    for number, name in enumerate(table.head):
        drawn.add_column(name, justify="right" if number else "left")
    for row in table.rows:
        drawn.add_row(*row)
    print_table(drawn)
    print()
