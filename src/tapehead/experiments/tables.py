"""Tables of records: what every group of runs came to, and how well its models do by size."""

import statistics
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from tapehead.experiments.curves import Found, group, last_evaluations, spell_task
from tapehead.experiments.labels import count
from tapehead.experiments.records import Record
from tapehead.tasks import Size, spell_size


class Table(NamedTuple):
    """A table of words, the first column being what each row is about."""

    title: str
    head: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]

    def to_markdown(self) -> str:
        """Lay it out in Markdown, without its title."""
        return "\n".join(f"| {' | '.join(row)} |" for row in (self.head, ["---"] * len(self.head), *self.rows))


def make_tables(records: Sequence[Record]) -> list[Table]:
    """Make the tables of a sweep, task by task: how the runs ended, and how well the trained models do by size."""
    by_task: dict[str, list[Record]] = {}
    for record in records:
        by_task.setdefault(record.task, []).append(record)
    return [
        table
        for members in by_task.values()
        for table in (tabulate_results(members), *tabulate_sizes(members))
        if table.rows
    ]


def tabulate_results(records: Sequence[Record]) -> Table:
    """Say how runs of one task ended, a row for each group that differs in the seed only."""
    rows = []
    for name, members in group(records).items():
        ended = [record for record in members if record.result is not None]
        results = [record.result for record in ended if record.result is not None]
        solved = [result["solved_at_step"] for result in results if result["solved_at_step"] is not None]
        gaps = [result["gap_bits"] for result in results]
        certain = all(gap is None for gap in gaps)
        when = f"{len(solved)} of {len(members)}" + (f", at step {summarize(solved, 0)}" if solved else "")
        rows.append(
            (
                name,
                summarize([result["step"] for result in results], 0),
                when if certain else "",
                summarize([result["errors"] for result in results], 2),
                summarize([result["bits"] for result in results], 2),
                summarize(gaps, 2),
                summarize([result["seconds"] for result in results], 0),
                str(len(members) - len(ended)) if len(ended) < len(members) else "",
            )
        )
    errors = f"{records[0].error_name} per sequence"
    head = ("model", "steps", "solved", errors, "bits", "bits above the best possible", "seconds", "failed")
    return _drop_empty_columns(Table(f"{spell_task(records[0].task)}: the last evaluation of training", head, rows))


def tabulate_sizes(records: Sequence[Record]) -> list[Table]:
    """Say how well the trained models of one task do, a column for each size and number of memory slots."""
    found = {record.name: last_evaluations(record) for record in records}
    columns = _find_columns(records, found)
    rows = []
    for name, members in group(records).items():
        cells = []
        for slots, size in columns:
            wanted = [_find(found[record.name], record, slots, size) for record in members]
            cells.append(summarize(wanted, 2))
        if any(cells):
            rows.append((name, *cells))
    spelled = tuple(
        spell_size(size) + ("" if slots is None else f", {count(slots, 'slot')}") for slots, size in columns
    )
    certain = all(row.get("gap_bits") is None for places in found.values() for row in places.values())
    measure = f"{records[0].error_name} per sequence" if certain else "bits above the best possible"
    sizes = " x ".join(records[0].size_names)
    table = Table(f"{spell_task(records[0].task)}: {measure}, by {sizes}", ("model", *spelled), rows)
    return [table] if columns else []


def _find_columns(records: Sequence[Record], found: Mapping[str, Found]) -> list[tuple[int | None, Size]]:
    """List the sizes, and with each how many memory slots were given for it; None: those of training."""
    own = {record.name: _own_slots(record) for record in records}
    columns = {
        (None if slots == own[name] else slots, size)
        for name, places in found.items()
        for slots, size in places
        if own[name] is not None
    }
    sizes = {size for _, size in columns}
    columns |= {(None, size) for places in found.values() for _, size in places if size not in sizes}
    return sorted(columns, key=lambda column: (column[0] or 0, column[1]))


def _own_slots(record: Record) -> int | None:
    """Give the memory slots that a run's model was trained with; None: it has no memory."""
    slots: int | None = record.config["model"]["options"].get("memory_slots")
    return slots


def _find(found: Found, record: Record, slots: int | None, size: Size) -> float | None:
    """Give how far a run's model is from the best possible at a size: errors or, where none can be certain, bits."""
    own_slots = _own_slots(record)
    row = found.get((None if own_slots is None else slots or own_slots, size))
    if row is None:
        return None
    distance: float = row["errors"] if row.get("gap_bits") is None else row["gap_bits"]
    return distance


def _drop_empty_columns(table: Table) -> Table:
    kept = [number for number in range(len(table.head)) if any(row[number] for row in table.rows)]
    rows = [tuple(row[number] for number in kept) for row in table.rows]
    return Table(table.title, tuple(table.head[number] for number in kept), rows)


def summarize(values: Sequence[float | None], digits: int) -> str:
    """Write the median of several runs and their range, where that says more; nothing unless all have a value."""
    known = [value for value in values if value is not None]
    if not known or len(known) < len(values):
        return ""
    low, middle, high = (f"{f(known):,.{digits}f}" for f in (min, statistics.median, max))
    return middle if low == high else f"{middle} ({low} to {high})"
