"""The tables of the README, made from recorded results.

python -m tapehead.experiments.readme                  rewrite the README's tables
python -m tapehead.experiments.readme RECORDS ...      first add the records of sweeps; one of the same run is replaced

It is called in the folder that holds the README and docs/results/.
"""

import json
import statistics
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from tapehead.experiments.claims import score
from tapehead.experiments.figures import load_figure, tabulate_claims
from tapehead.experiments.grid import GRIDS
from tapehead.experiments.labels import identify, short_name, shorten
from tapehead.experiments.pages import put_between_marks
from tapehead.experiments.records import RECORDS, Record, read_records, select_records, write_records
from tapehead.experiments.speed import COMPILED, REFERENCE
from tapehead.experiments.tables import Table, summarize
from tapehead.tasks import Size, spell_size
from tapehead.training.recipes import RECIPES

README = Path("README.md")
RESULTS = Path("docs/results")
MOST_LISTED = 10
MODELS = {"ntm": "NTM", "dnc": "DNC", "lstm": "LSTM", "rnn": "RNN"}


class Learned(NamedTuple):
    """What is told of the runs of a task: a measure at the largest size that is trained on."""

    size: str
    measure: str
    digits: int
    column: str
    at: Size


LEARNED: dict[str, Learned] = {
    "copy": Learned("20 vectors", "bit errors", 2, "errors", (20,)),
    "repeat_copy": Learned("10 vectors x 10", "bit errors", 2, "errors", (10, 10)),
    "associative_recall": Learned("6 items", "bit errors", 2, "errors", (6,)),
    "ngrams": Learned("200 steps", "bits above the best possible", 2, "gap_bits", (200,)),
    "priority_sort": Learned("20 items", "bits", 1, "bits", (20,)),
}

COPY_FAR: list[tuple[int | None, Size]] = [(1024, (500,)), (2048, (1000,)), (16_384, (10_000,))]

SIZES: dict[str, tuple[str, list[tuple[int | None, Size]]]] = {
    "copy": ("vectors", [*((128, (length,)) for length in range(20, 121, 20)), *COPY_FAR]),
    "repeat_copy": ("vectors x repeats", [(None, size) for size in ((10, 10), (20, 10), (10, 20))]),
    "associative_recall": ("items", [(None, (items,)) for items in (6, 7, 8, 9, 10, 11, 12, 15, 20)]),
}
"""Of the tasks that are tried at several sizes what a size is, and each with the memory slots; None: any number."""


def with_tables(text: str, results: Path = RESULTS) -> str:
    """Replace every table between its marks.

    Args:
        text: The README.
        results: The folder of the recorded results.

    Raises:
        OSError: The results cannot be read.
        ValueError: They are damaged, or the text lacks the marks of a table.
    """
    records = read_records(results / RECORDS)
    tables = {
        "bench": tabulate_bench(json.loads((results / "bench.json").read_text())),
        "goals": tabulate_goals(records),
        "learned": tabulate_learned(records),
        **{task: tabulate_task(task, records) for task in SIZES},
    }
    for name, table in tables.items():
        text = put_between_marks(text, f"table: {name}", table.to_markdown())
    return text


def tabulate_bench(measured: Mapping[str, Any]) -> Table:
    """Say what a training step costs; a shape that only the reference can run is left out.

    Args:
        measured: What `tapehead bench --json` printed.
    """
    by_shape: dict[str, dict[str, dict[str, Any]]] = {}
    for timing in measured["timings"]:
        by_shape.setdefault(timing["shape"], {})[timing["backend"]] = timing
    compared = [
        (timings[REFERENCE], timings[kernels[0]])
        for timings in by_shape.values()
        if (kernels := [name for name in timings if name not in {REFERENCE, COMPILED}])
    ]
    rows = [
        (
            str(slow["shape"]),
            f"{slow['step_ms']:.1f}",
            f"{fast['step_ms']:.2f}",
            f"{fast['ratio']:.1f}",
            f"{fast['gflops']:.0f}",
            f"{fast['share_of_peak']:.0%}",
            f"{slow['peak_mb']:.0f}, {fast['peak_mb']:.0f}",
        )
        for slow, fast in compared
    ]
    head = ("shape", "reference, ms", "kernel, ms", "ratio", "GFLOP/s", "share of the peak")
    return Table("bench", (*head, "MB, reference and kernel"), rows)


def tabulate_goals(records: Sequence[Record]) -> Table:
    """Say of every goal of our own grids whether recorded runs of today's settings reach it."""
    rows = [
        (short_name(name).replace("_", " "), *row)
        for name in GRIDS
        if "/" not in name
        for figure in [load_figure(name)]
        for row in tabulate_claims(figure, select_records(figure.grid, records)).rows
    ]
    return Table("goals", ("task", "goal", "runs or value", "measured", "verdict"), rows)


def tabulate_learned(records: Sequence[Record]) -> Table:
    """Say what every recorded run came to."""
    rows = []
    for (task, recipe, model), members in _group(records).items():
        told = LEARNED[task]
        results = [record.result for record in members if record.result is not None]
        solved = [result["solved_at_step"] for result in results if result["solved_at_step"] is not None]
        some = f", {len(solved)} of {len(results)}" if 0 < len(solved) < len(results) else ""
        rows.append(
            (
                f"{task}, {told.size}" + ("" if recipe == "tapehead" else f", `--recipe {recipe}`"),
                MODELS[model],
                f"{results[0]['step']:,}",
                f"{statistics.median(result['seconds'] for result in results):,.0f}",
                summarize(solved, 0) + some,
                told.measure,
                _list_or_summarize([score(one, told.at, told.column) for one in members], told.digits),
            )
        )
    head = ("task, and the largest size trained on", "model", "steps", "seconds", "solved at step")
    return Table("learned", (*head, "measured", "seed by seed"), rows)


def tabulate_task(task: str, records: Sequence[Record]) -> Table:
    """Say what the models of a task make of larger sizes than they were trained on."""
    unit, places = SIZES[task]
    rows = []
    for (own, recipe, model), members in _group(records).items():
        if own == task:
            name = MODELS[model] if recipe == "tapehead" else f"{MODELS[model]}, {recipe}"
            measured = [[score(one, size, "errors", slots) for one in members] for slots, size in places]
            rows.append((name, *(summarize(values, 2) for values in measured)))
    first_slots = places[0][0]
    sizes = [spell_size(size) + ("" if slots == first_slots else f", {slots:,} slots") for slots, size in places]
    return Table(task, (unit, *sizes), rows)


def _list_or_summarize(values: Sequence[float | None], digits: int) -> str:
    """List a few values, as many as the seeds of a row are mostly; of more give the median and the range."""
    if len(values) > MOST_LISTED:
        return f"{summarize(values, digits)}, {len(values)} seeds"
    return ", ".join(summarize([value], digits) for value in values)


def _group(records: Sequence[Record]) -> dict[tuple[str, str, str], list[Record]]:
    """Put those that have a place in the tables, follow a recipe and have ended together by task, recipe and model."""
    groups: dict[tuple[str, str, str], list[Record]] = {}
    order = [list(LEARNED), list(RECIPES), list(MODELS)]
    told = [record for record in records if record.recipe is not None and record.result is not None]
    named = [
        ((record.task, str(record.recipe), record.model), record)
        for record in told
        if record.task in LEARNED and record.recipe in RECIPES and record.model in MODELS
    ]
    for name, record in sorted(named, key=lambda one: (*map(list.index, order, one[0]), one[1].seed)):
        groups.setdefault(name, []).append(record)
    return groups


def add_records(results: Path, files: Sequence[Path]) -> None:
    """Put the records of sweeps among the recorded ones; those of older settings of the same row are dropped."""
    path = results / RECORDS
    new = {identify(record.config): record for file in files for record in read_records(file)}
    settings = {_row_of(record): identify(record.config, with_seed=False) for record in new.values()}
    old = {identify(record.config): record for record in (read_records(path) if path.exists() else [])}
    kept = {
        identity: record
        for identity, record in old.items()
        if settings.get(_row_of(record)) in {None, identify(record.config, with_seed=False)}
    }
    write_records(path, (kept | new).values())


def _row_of(record: Record) -> tuple[str, ...]:
    """Give what makes a row of the tables, and keeps apart what is in none."""
    return record.task, record.model, record.recipe or shorten(record.config)


def main(words: Sequence[str]) -> None:
    """Add records, and rewrite the tables of the README."""
    if words:
        add_records(RESULTS, list(map(Path, words)))
    README.write_text(with_tables(README.read_text()))


if __name__ == "__main__":
    main(sys.argv[1:])
