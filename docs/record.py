"""The recorded results: finished runs go into docs/results/, and the README's tables come from there.

python docs/record.py RUN ...    add the folders of finished and evaluated runs; a run of the same name is replaced
python docs/record.py            write the README's tables anew
"""

import json
import statistics
import sys
from collections.abc import Callable, Sequence
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any, TypeAlias

from tapehead.training.folder import EVALUATIONS, MACHINE, read_json, read_rows, read_run
from tapehead.training.loop import finished_result
from tapehead.training.recipes import RECIPES, describe
from tapehead.training.run import Run

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"
RUNS = ROOT / "docs" / "results" / "runs.jsonl"
BENCH = ROOT / "docs" / "results" / "bench.json"

Record: TypeAlias = dict[str, Any]
"""A run's name (NAMED), its result, its evaluations, and the machine that it ended on."""

NAMED = ("task", "recipe", "model", "seed")
MODELS = {"ntm": "NTM", "dnc": "DNC", "lstm": "LSTM", "rnn": "RNN"}


# ------------------------------------------------------------------------------------------------------- adding runs


def add(folders: Sequence[Path]) -> None:
    """Put runs among the recorded ones."""
    kept = {name_of(record): record for record in recorded()}
    kept |= {name_of(record): record for record in map(record_of, folders)}
    rows = (json.dumps(kept[name], sort_keys=True) + "\n" for name in sorted(kept))
    RUNS.write_text("".join(rows))


def recorded() -> list[Record]:
    """Read the recorded runs."""
    return read_rows(RUNS)


def name_of(record: Record) -> tuple[Any, ...]:
    """Say which run a record is of."""
    return tuple(record[name] for name in NAMED)


def record_of(folder: Path) -> Record:
    """Make a run's record.

    Raises:
        ValueError: The run has not ended or was not evaluated, or it is no recipe's.
    """
    run, result = read_run(folder), finished_result(folder)
    evaluations = read_rows(folder / EVALUATIONS)
    if result is None or not evaluations:
        raise ValueError(f"{folder}: expected a run that has ended and was evaluated")
    return {
        **dict(zip(NAMED, (run.task, recipe_of(run, folder), run.model, run.seed), strict=True)),
        "encoding": run.encoding,
        "batch_size": run.batch_size,
        "result": result._asdict(),
        "evaluations": evaluations,
        "machine": read_json(folder / MACHINE)[-1],
    }


def recipe_of(run: Run, folder: Path) -> str:
    """Name the recipe that a run follows to the letter."""
    for recipe in RECIPES:
        if describe(task=run.task, model=run.model, seed=run.seed, recipe=recipe).complete() == run:
            return recipe
    raise ValueError(f"{folder}: expected a run as some recipe describes it, of {', '.join(RECIPES)}")


# ------------------------------------------------------------------------------------------------------------ tables


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Lay out a table in Markdown."""
    return "\n".join(f"| {' | '.join(row)} |" for row in (head, ["---"] * len(head), *rows))


def bench() -> str:
    """What a training step costs."""
    figures = json.loads(BENCH.read_text())["figures"]
    rows = [
        (
            slow["shape"],
            f"{slow['step_ms']:.1f}",
            f"{fast['step_ms']:.2f}",
            f"{fast['ratio']:.1f}",
            f"{fast['gflops']:.0f}",
            f"{fast['share_of_peak']:.0%}",
            f"{slow['peak_mb']:.0f}, {fast['peak_mb']:.0f}",
        )
        for slow, fast in pairwise(figures)
        if slow["way"] == "reference"
    ]
    head = ("shape", "reference, ms", "kernel, ms", "ratio", "GFLOP/s", "share of the floor's speed")
    return table((*head, "MB, reference and kernel"), rows)


Measure: TypeAlias = Callable[[Record], float | None]


def at(measure: str, slots: int | None = None, **size: int) -> Measure:
    """Read a measure off the last of a run's evaluations of a size, on a tape of `slots` or any; None where none is."""

    def read(record: Record) -> float | None:
        rows = [row for row in record["evaluations"] if all(row.get(name) == wanted for name, wanted in size.items())]
        longer = [row for row in rows if slots is None or row["memory_slots"] in {slots, None}]
        return longer[-1][measure] if longer else None

    return read


LEARNED: dict[str, tuple[str, str, int, Measure]] = {
    "copy": ("20 vectors", "bit errors", 2, at("bit_errors", length=20)),
    "repeat_copy": ("10 vectors x 10", "bit errors", 2, at("bit_errors", length=10, repeats=10)),
    "associative_recall": ("6 items", "bit errors", 2, at("bit_errors", items=6)),
    "ngrams": ("200 steps", "bits above the best", 2, at("gap_bits", sequences=10000)),
    "priority_sort": ("20 items", "bits", 1, at("bits", items=20)),
}
"""Of each task the largest size that is trained on, in words, and what is told of it: its name, digits, and measure."""


def learned() -> str:
    """What every recorded run came to."""
    rows = []
    for (task, recipe, model), records in groups().items():
        size, measure, digits, read = LEARNED[task]
        when = [record["result"]["solved_at_update"] for record in records]
        solved = [update for update in when if update is not None]
        rows.append(
            (
                f"{task}, {size}" + ("" if recipe == "tapehead" else f", `--recipe {recipe}`"),
                MODELS[model],
                f"{records[0]['result']['update']:,}",
                f"{statistics.median(record['result']['seconds'] for record in records):,.0f}",
                told(solved, 0) + (f", {len(solved)} of {len(when)}" if 0 < len(solved) < len(when) else ""),
                measure,
                ", ".join(told([read(record)], digits) for record in records),
            )
        )
    head = ("task, and the largest size trained on", "model", "updates", "seconds", "solved at update")
    return table((*head, "measured", "seed by seed"), rows)


SIZES: dict[str, tuple[str, list[tuple[str, Measure]]]] = {
    "copy": (
        "vectors",
        [(f"{length}", at("bit_errors", 128, length=length)) for length in range(20, 121, 20)]
        + [("500, 1,024 slots", at("bit_errors", 1024, length=500))],
    ),
    "repeat_copy": (
        "vectors x repeats",
        [(f"{x} x {n}", at("bit_errors", length=x, repeats=n)) for x, n in ((10, 10), (20, 10), (10, 20))],
    ),
    "associative_recall": (
        "items",
        [(f"{items}", at("bit_errors", items=items)) for items in (6, 7, 8, 9, 10, 11, 12, 15, 20)],
    ),
}
"""Of the tasks that are tried at several sizes what a size is, and each with its measure."""


def generalised(task: str) -> str:
    """What the models of a task make of larger sizes than they were trained on."""
    unit, sizes = SIZES[task]
    rows = []
    for (own, recipe, model), records in groups().items():
        if own == task:
            name = MODELS[model] if recipe == "tapehead" else f"{MODELS[model]}, {recipe}"
            rows.append((name, *(told([read(record) for record in records], 2) for _, read in sizes)))
    return table((unit, *(name for name, _ in sizes)), rows)


def groups() -> dict[tuple[str, str, str], list[Record]]:
    """Put the runs together that differ in nothing but the seed."""
    found: dict[tuple[str, str, str], list[Record]] = {}
    order = [list(LEARNED), list(RECIPES), list(MODELS)]
    for record in sorted(recorded(), key=lambda record: [*map(list.index, order, name_of(record)[:3]), record["seed"]]):
        found.setdefault((record["task"], record["recipe"], record["model"]), []).append(record)
    return found


def told(values: Sequence[float | None], digits: int) -> str:
    """Write the median of several runs and their range, where that says more; nothing unless all have a value."""
    known = [value for value in values if value is not None]
    if not known or len(known) < len(values):
        return ""
    low, middle, high = (f"{f(known):,.{digits}f}" for f in (min, statistics.median, max))
    return middle if low == high else f"{middle} ({low} to {high})"


TABLES: dict[str, Callable[[], str]] = {
    "bench": bench,
    "learned": learned,
    **{task: partial(generalised, task) for task in SIZES},
}


def with_tables(text: str) -> str:
    """Put every table anew between its marks."""
    for name, make in TABLES.items():
        begin, end = f"<!-- table: {name} -->\n", f"<!-- end of {name} -->"
        before, rest = text.split(begin)
        text = before + begin + make() + "\n" + end + rest.split(end)[1]
    return text


if __name__ == "__main__":
    if sys.argv[1:]:
        add(list(map(Path, sys.argv[1:])))
    README.write_text(with_tables(README.read_text()))
