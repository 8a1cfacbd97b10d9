"""Figures: grids of runs with what a paper, or we, claim of them, a check of each claim, and drawings.

The file of a figure is that of a grid (grid.py), whose docstring's first line is the figure's title. It also defines
CLAIMS, a tuple of Claim, whose checks get the records of all runs (one that has not ended has `has_ended` False);
`draw`, a function from the records of its finished runs to pictures by name, without which the learning curves and the
scores by size are drawn; and, if it has any, `tabulate`, a function from the records of all that have ended, failed
ones too, to a list of tables.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from tapehead import plots
from tapehead._files import write_atomically
from tapehead.experiments.claims import Claim, Finding
from tapehead.experiments.curves import Pictures, draw_records
from tapehead.experiments.grid import Grid, check_tuple, find_grid, locate, make_grid, run_file
from tapehead.experiments.labels import count, identify
from tapehead.experiments.records import Record, record_pending
from tapehead.experiments.tables import Table
from tapehead.training.run_dir import explain_errors

CLAIMS_FILE = "claims.md"


class Figure(NamedTuple):
    """A grid of runs, what is claimed of them, and how their records are drawn.

    Attributes:
        name: Its key, or the path of its file.
        title: The first line of its file.
        grid: The runs, and what they are evaluated on.
        claims: What is said of them.
        draw: Draws the records of finished runs.
        tabulate: Makes tables of the figure's own of them.
    """

    name: str
    title: str
    grid: Grid
    claims: tuple[Claim, ...]
    draw: Callable[[Sequence[Record]], Pictures]
    tabulate: Callable[[Sequence[Record]], list[Table]]


def load_figure(name: str) -> Figure:
    """Load a figure.

    Args:
        name: A key of GRIDS, or the path of a Python file.

    Raises:
        TypeError: What the file defines is of the wrong type.
        ValueError: There is no such figure, or its file raises an error.
    """
    path = find_grid(name, "NAME")
    defined = run_file(path)
    title = str(defined.get("__doc__") or path.stem).strip().splitlines()[0].rstrip(".")
    claims = check_tuple(path, "CLAIMS", defined.get("CLAIMS", ()), Claim)
    functions = {"draw": defined.get("draw", draw_records), "tabulate": defined.get("tabulate", _no_tables)}
    for called, function in functions.items():
        if not callable(function):
            raise TypeError(f"{path}: expected {called} to be a function, not {type(function).__name__}")
    return Figure(name, title, make_grid(path, defined), claims, **functions)


def _no_tables(_: Sequence[Record]) -> list[Table]:
    return []


def check_claims(figure: Figure, records: Sequence[Record]) -> list[Finding]:
    """Check every claim of a figure on the records of its runs that have ended.

    Args:
        figure: The figure.
        records: Records of any runs; the figure's own are found among them.

    Returns:
        What was found of each claim, in their order.

    Raises:
        ValueError: A check raises an error.
    """
    ended = {identify(record.config): record for record in records}
    runs = [
        ended.get(identify(config.to_json())) or record_pending(name, config)
        for name, config in figure.grid.runs.items()
    ]
    findings = []
    for claim in figure.claims:
        try:
            findings.append(claim.check(runs))
        except Exception as problem:
            raise ValueError(_tell(figure, f"the check of {claim.text!r}", problem)) from problem
    return findings


def draw(figure: Figure, records: Sequence[Record]) -> Pictures:
    """Draw a figure from those of its runs that have finished.

    Raises:
        ValueError: What draws it raises an error.
    """
    finished = [record for record in records if not record.failed]
    try:
        return figure.draw(finished) if finished else {}
    except Exception as problem:
        raise ValueError(_tell(figure, "draw", problem)) from problem


def tabulate(figure: Figure, records: Sequence[Record]) -> list[Table]:
    """Make a figure's own tables from those of its runs that have ended.

    Raises:
        ValueError: What makes them raises an error, or they are no tables.
    """
    try:
        tables: Any = figure.tabulate(records) if records else []  # as the author of the file wrote it
    except Exception as problem:
        raise ValueError(_tell(figure, "tabulate", problem)) from problem
    if not isinstance(tables, list) or not all(map(_is_table, tables)):
        path = find_grid(figure.name, "NAME")
        raise ValueError(f"{path}: expected tabulate to return a list of Table with cells of text, not {tables!r:.100}")
    return tables


def _is_table(table: object) -> bool:
    return isinstance(table, Table) and all(isinstance(cell, str) for row in (table.head, *table.rows) for cell in row)


def _tell(figure: Figure, what: str, problem: Exception) -> str:
    where = locate(problem, find_grid(figure.name, "NAME"))
    return f"{where}: expected {what} to return, not an error: {type(problem).__name__}: {problem}"


def tabulate_claims(figure: Figure, records: Sequence[Record]) -> Table:
    """Say of every claim what its source found and what the records say."""
    findings = zip(figure.claims, check_claims(figure, records), strict=True)
    rows = [(claim.text, claim.theirs, finding.ours, finding.verdict) for claim, finding in findings]
    title = f"{figure.title} ({len(records)} of {count(len(figure.grid.runs), 'run')})"
    return Table(title, ("claim", "theirs", "ours", "verdict"), rows)


def count_hours(records: Sequence[Record]) -> float:
    """Count the hours that runs were trained, on one thread each."""
    return sum(float(record.result["seconds"]) for record in records if record.result) / 3600


def write_figure(figure: Figure, records: Sequence[Record], out: Path) -> tuple[list[Table], list[Path]]:
    """Write the tables and the pictures of a figure; return the tables, claims first, and the paths of the pictures.

    Args:
        figure: The figure.
        records: Those of its runs that have ended; see `records.select_records`.
        out: The directory to write to.

    Raises:
        StorageError: The directory cannot be written to.
        ValueError: A check, or what draws the figure, raises an error.
    """
    tables = [tabulate_claims(figure, records), *tabulate(figure, records)]
    text = "\n".join(f"## {table.title}\n\n{table.to_markdown()}\n" for table in tables)
    with explain_errors(out):
        out.mkdir(parents=True, exist_ok=True)
        write_atomically(out / CLAIMS_FILE, text.encode())
        drawn = draw(figure, records).items()
        return tables, [path for name, picture in drawn for path in plots.save(picture, out / "plots" / name)]
