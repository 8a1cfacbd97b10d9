"""tapehead export: learning curves, evaluations and options of runs, as CSV files and for TensorBoard."""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from tapehead.cli._errors import CommandError, as_command_errors, require, warn
from tapehead.cli._parser import Parser, add_json, read_path, read_run
from tapehead.experiments.export import tabulate_runs, write_csv, write_events
from tapehead.experiments.labels import slug
from tapehead.experiments.records import Record, read_records, record_run
from tapehead.training.run_dir import explain_errors

EVENTS = "tensorboard"


def run(words: Sequence[str]) -> None:
    """Export."""
    parser = Parser("export")
    add_arguments(parser)
    chosen = parser.read(words)
    if not chosen.runs and not chosen.records:
        raise CommandError("RUN: expected at least one run directory, or --records")
    if chosen.tensorboard:
        require("tensorboard", extra="tensorboard")
    records = read_all(chosen.runs, chosen.records)
    tables = tabulate_runs(records)
    for record in records:
        if record.note:
            warn(record.note)
    with explain_errors(chosen.out):
        chosen.out.mkdir(parents=True, exist_ok=True)
        written = [chosen.out / f"{name}.csv" for name in tables]
        for path, rows in zip(written, tables.values(), strict=True):
            write_csv(path, rows)
        if chosen.tensorboard:
            write_events(chosen.out / EVENTS, records)
            written.append(chosen.out / EVENTS)
    print(json.dumps({"files": list(map(str, written))}) if chosen.json else "\n".join(map(str, written)))


def add_arguments(parser: Parser) -> None:
    """Add what `export` takes."""
    parser.add_argument("runs", type=read_run, nargs="*", metavar="RUN", help="run directories, or pretrained:NAME")
    parser.add_argument(
        "--records",
        type=read_path,
        nargs="+",
        default=[],
        metavar="FILE",
        help="records of runs, as a sweep or a figure writes them; their learning curves have fewer points",
    )
    parser.add_argument(
        "--out",
        type=read_path,
        default=Path("export"),
        metavar="DIR",
        help="directory for runs.csv (options and results), curves.csv and evaluations.csv [export]",
    )
    parser.add_argument(
        "--tensorboard", action="store_true", help=f"write the curves into DIR/{EVENTS} as well, for TensorBoard"
    )
    add_json(parser)


def read_all(runs: Sequence[Path], files: Sequence[Path]) -> list[Record]:
    """Read runs and records, equal ones once, and give each a name of its own.

    Raises:
        CommandError: A file cannot be read.
    """
    with as_command_errors():
        records = [record_run(path, name=slug(str(path)), most_points=None) for path in dict.fromkeys(runs)]
        for file in files:
            try:
                records += read_records(file)
            except OSError as problem:
                raise CommandError(f"--records: {file}: {problem.strerror}") from None
    different = {replace(record, name="").to_line(): record for record in reversed(records)}.values()
    named: dict[str, Record] = {}
    for record in reversed(different):
        numbers = (record.name, *(f"{record.name}-{number}" for number in range(2, len(records) + 1)))
        name = next(name for name in numbers if name not in named)
        named[name] = replace(record, name=name)
    return list(named.values())
