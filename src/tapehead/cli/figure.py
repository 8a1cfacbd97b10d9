"""tapehead figure: what a paper shows and claims, trained again, drawn from records and checked."""

import json
from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path

from tapehead._arguments import suggest
from tapehead.cli._errors import CommandError, as_command_errors, warn
from tapehead.cli._parser import Parser, add_json, read_path
from tapehead.cli._sweep_progress import show_sweep
from tapehead.cli.sweep import add_limits, choose_engine, print_plain, read_limits, select_recorded
from tapehead.experiments.figures import Figure, check_claims, load_figure, write_figure
from tapehead.experiments.grid import GRIDS, SUITES
from tapehead.experiments.jobs import find_jobs
from tapehead.experiments.labels import count, identify
from tapehead.experiments.records import RECORDS, Record, gather, leave_out, read_records, select_records
from tapehead.experiments.sweep import run_sweep
from tapehead.training.signals import watch_signals

EPILOG = (
    "A figure, or a suite, is a grid of runs with what is claimed of them. The same command again skips the runs that "
    "are done and continues the others. Pictures, tables and claims are made from the records of the runs alone, and "
    "written to DIR/plots and DIR/claims.md. With --no-train they are made from what is done so far; with --records "
    "from recorded runs."
)


def run(words: Sequence[str]) -> None:
    """Redraw a figure."""
    redraw("figure", words, [name for name in GRIDS if not name.startswith(f"{SUITES}/")], "")


def redraw(command: str, words: Sequence[str], names: Sequence[str], prefix: str) -> None:
    """Redraw a figure or a suite.

    Args:
        command: The command.
        words: What it is given.
        names: The names that it takes.
        prefix: What stands before these in GRIDS.
    """
    parser = Parser(command, epilog=EPILOG)
    add_arguments(parser, command, names)
    chosen = parser.read(words)
    if chosen.list:
        print_list([find_figure(name, names, prefix) for name in ([chosen.name] if chosen.name else names)], chosen)
        return
    if chosen.name is None:
        raise CommandError(f"NAME: expected one of {', '.join(names)}, or the path of a Python file")
    figure = find_figure(chosen.name, names, prefix)
    name = Path(chosen.name).with_suffix("").as_posix().replace("/", "-")
    out = chosen.out or Path("runs") / (f"{command}-{name}" + "-records" * bool(chosen.records))
    records = select_records(figure.grid, find_records(figure, out, chosen))
    with as_command_errors():
        tables, pictures = write_figure(figure, records, out)
    if chosen.json:
        findings = [
            {"claim": claim.text, "theirs": claim.theirs, **finding._asdict()}
            for claim, finding in zip(figure.claims, check_claims(figure, records), strict=True)
        ]
        said = {"out": str(out), "done": len(records), "runs": len(figure.grid.runs), "claims": findings}
        said["tables"] = [table._asdict() for table in tables[1:]]
        print(json.dumps(said | {"plots": list(map(str, pictures))}))
        return
    for table in tables:
        print_plain(table)
    print(f"files: {out / 'claims.md'}", *([f"{out / 'plots'}"] if pictures else []), sep=", ")


def find_figure(name: str, names: Sequence[str], prefix: str) -> Figure:
    """Load a figure or a suite by its name, or by the path of its file.

    Raises:
        CommandError: There is none, or its file is wrong.
    """
    if name not in names and not name.endswith(".py"):
        listed = f"one of {', '.join(names)}, or the path of a Python file"
        raise CommandError(f"NAME: expected {listed}, not {name!r}{suggest(name, names)}")
    with as_command_errors():
        return load_figure(prefix + name if name in names else name)


def add_arguments(parser: Parser, command: str, names: Sequence[str]) -> None:
    """Add what `figure` and `suite` take."""
    parser.add_argument("name", metavar="NAME", nargs="?", help=f"one of {', '.join(names)}, or a Python file")
    parser.add_argument(
        "--out",
        type=read_path,
        metavar="DIR",
        help=f"directory of all runs [runs/{command}-NAME, or with --records runs/{command}-NAME-records]",
    )
    add_limits(parser)
    parser.add_argument("--no-train", action="store_true", help="draw and check what is done, and train nothing")
    parser.add_argument(
        "--records",
        type=read_path,
        nargs="+",
        metavar="FILE",
        help="draw and check these records, as a sweep or a figure writes them, and train nothing",
    )
    parser.add_argument(
        "--list", action="store_true", help=f"list the {command}s, or NAME alone, with what they claim, and exit"
    )
    add_json(parser)


def find_records(figure: Figure, out: Path, chosen: Namespace) -> list[Record]:
    """Read the records, or make those of what is done, after training what is missing unless told not to.

    Raises:
        CommandError: A file cannot be read, a signal stopped the runs, or some have failed.
    """
    if chosen.records:
        with as_command_errors():
            records = [record for path in chosen.records for record in read_records(path)]
        check_belonging(figure, records)
        return records
    with as_command_errors():
        recorded = select_recorded(figure.grid, chosen.recorded)
        grid, engine = leave_out(figure.grid, recorded), choose_engine(chosen)
    if chosen.no_train:
        return [*gather(find_jobs(grid, out)), *recorded]
    with watch_signals() as should_stop, show_sweep() as on_change:
        limits = read_limits(chosen)
        outcome = run_sweep(grid, out, limits, engine=engine, on_change=on_change, should_stop=should_stop)
    if outcome.stopped_by is not None:
        said = "stopped; the same command goes on from here, and with --no-train draws what is done"
        raise CommandError(said, status=128 + outcome.stopped_by)
    failed = [record.name for record in outcome.records if record.failed]
    if failed:
        listed = ", ".join(failed[:3]) + ", ..." * (len(failed) > 3)
        said = f"{len(failed)} of {count(len(outcome.jobs), 'run')} failed: {listed}; see failed in {out / RECORDS}"
        raise CommandError(f"{said}; --no-train draws the others", status=1)
    return [*outcome.records, *recorded]


def check_belonging(figure: Figure, records: Sequence[Record]) -> None:
    """Say how many records are of no run of a figure.

    Raises:
        CommandError: None is of one.
    """
    runs = {identify(config.to_json()) for config in figure.grid.runs.values()}
    others = [record.name for record in records if identify(record.config) not in runs]
    if len(others) == len(records):
        none = f"none of {count(len(records), 'record')} is of one"
        raise CommandError(f"--records: expected records of runs of {figure.name}, but {none}")
    if others:
        listed = ", ".join(others[:3]) + ", ..." * (len(others) > 3)
        warn(f"--records: {count(len(others), 'record')} left out, of no run of {figure.name}: {listed}")


def print_list(figures: Sequence[Figure], chosen: Namespace) -> None:
    """Print figures or suites, each with its title, the number of its runs and its claims."""
    if chosen.json:
        listed = {
            figure.name.removeprefix(f"{SUITES}/"): {
                "title": figure.title,
                "runs": len(figure.grid.runs),
                "claims": [{"claim": claim.text, "theirs": claim.theirs} for claim in figure.claims],
            }
            for figure in figures
        }
        print(json.dumps(listed))
        return
    for figure in figures:
        print(f"{figure.name.removeprefix(f'{SUITES}/')}: {figure.title} ({count(len(figure.grid.runs), 'run')})")
        for claim in figure.claims:
            print(f"  {claim.text}" + f" [{claim.theirs}]" * bool(claim.theirs))
