"""tapehead verify: up to which size a trained model makes no error."""

import json
from argparse import Namespace
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Literal, TypeAlias

from rich.console import Console

from tapehead import plots
from tapehead.cli._errors import CommandError, as_command_errors, warn
from tapehead.cli._parser import (
    Parser,
    add_device,
    add_json,
    add_run,
    add_threads,
    read_count,
    read_seconds,
    use_device,
)
from tapehead.cli._sizes import check_size
from tapehead.cli._table import make_table, print_table
from tapehead.cli.plot import PLOTS
from tapehead.experiments.curves import spell_task
from tapehead.experiments.labels import count, describe_size, short_name
from tapehead.experiments.verification import Verified, draw_ending, grow_sizes, verify
from tapehead.tasks import Size, Task, spell_size
from tapehead.training.data import Purpose, draw_batch_of_size, make_generator
from tapehead.training.errors import StorageError
from tapehead.training.loaded_run import LoadedRun, load_run
from tapehead.training.run_dir import explain_errors

EPILOG = (
    "The size of the sequences is doubled, from the largest of training, until the model makes an error; so is its "
    "memory, so that it holds them. The memory at work is drawn at the end of the longest sequence without an error: "
    "RUN/plots/verified."
)
LARGEST, SEQUENCES, SECONDS = 100_000, 4, 60.0

End: TypeAlias = Literal["error", "max_size", "time_limit"]
"""What ended the search."""


def run(words: Sequence[str]) -> None:
    """Verify."""
    parser = Parser("verify", epilog=EPILOG)
    add_arguments(parser)
    chosen = parser.read(words)
    device = use_device(chosen)
    with as_command_errors():
        loaded = load_run(chosen.run, warn, device)
        axis = find_axis(loaded.task, chosen.axis)
        try:
            sizes = grow_sizes(loaded.task, axis, chosen.max_size)
        except ValueError as problem:
            raise CommandError(f"--max-size: {problem}") from None
        check_size(sizes[0], loaded.task, "--max-size")
        check_certain(loaded)
    tried = list(show_waiting(verify(loaded, sizes, sequences=chosen.sequences, seconds=chosen.time_limit), len(sizes)))
    written = draw_or_warn(loaded, tried, chosen.run)
    if chosen.json:
        said = {"run": str(chosen.run), "step": loaded.step, "ended_by": find_end(tried, sizes)}
        print(json.dumps(said | {"sizes": describe(loaded, tried), "plots": list(map(str, written))}))
    else:
        print_table(lay_out(loaded, tried, chosen.run))
        print(summarize(tried, find_end(tried, sizes), chosen))
        print("\n".join(map(str, written)), end="\n" * bool(written))


def add_arguments(parser: Parser) -> None:
    """Add what `verify` takes."""
    add_run(parser)
    parser.add_argument(
        "--max-size", type=read_count, default=LARGEST, metavar="N", help=f"the largest size that is tried [{LARGEST}]"
    )
    parser.add_argument(
        "--axis", metavar="NAME", help="which number of a size is doubled, such as length [the first of the task's]"
    )
    parser.add_argument(
        "--sequences", type=read_count, default=SEQUENCES, metavar="N", help=f"sequences of each size [{SEQUENCES}]"
    )
    parser.add_argument(
        "--time-limit",
        type=read_seconds,
        default=SECONDS,
        metavar="SECONDS",
        help=f"after the first size, none is begun that would take longer than this in all [{SECONDS:g}]",
    )
    add_device(parser)
    add_threads(parser)
    add_json(parser)


def check_certain(loaded: LoadedRun) -> None:
    """Raise if even the best possible predictions are wrong now and then, since there is no size without an error."""
    task, config = loaded.task, loaded.config
    batch = draw_batch_of_size(task, task.max_size, 1, make_generator(config.seed, Purpose.VERIFICATION))
    if task.optimal_bits(batch) is not None:
        raise CommandError(
            f"RUN: expected a task whose inputs determine its targets, not {config.task.name}, where errors cannot be "
            "avoided; `tapehead evaluate` compares with the best possible"
        )


def find_axis(task: Task, name: str | None) -> int:
    """Find which number of a size has a name."""
    if name is None:
        return 0
    if name not in task.size_names:
        raise CommandError(f"--axis: expected one of {', '.join(task.size_names)}, not {name!r}")
    return task.size_names.index(name)


def show_waiting(tried: Iterator[Verified], most: int) -> Iterator[Verified]:
    """Show on a terminal which size is being tried."""
    console = Console(stderr=True)
    with console.status("verifying") as status:
        for number, found in enumerate(tried, 1):
            status.update(f"verifying: {number} of at most {most} sizes; {spell_size(found.size)} done")
            yield found


def draw_or_warn(loaded: LoadedRun, tried: Sequence[Verified], path: Path) -> list[Path]:
    """Draw what `draw` does; where that cannot be written, what was found is worth printing all the same."""
    try:
        return draw(loaded, tried, path)
    except StorageError as problem:
        warn(f"{problem}; there is no picture")
        return []


def draw(loaded: LoadedRun, tried: Sequence[Verified], path: Path) -> list[Path]:
    """Draw the memory at work at the end of the longest sequence without an error, if there is one."""
    right = [found for found in tried if not found.errors and found.ending is not None]
    if not right or right[-1].ending is None:
        return []
    found, ending = right[-1], right[-1].ending
    large = describe_size(loaded.task.size_names, found.size)
    model, steps = short_name(loaded.config.model.name), len(ending.mask)
    title = f"{spell_task(loaded.config.task.name)}, {large}: {model} in the last {steps} time steps"
    place = path / PLOTS
    with explain_errors(place):
        return plots.save(draw_ending(ending, title), place / "verified")


def find_end(tried: Sequence[Verified], sizes: Sequence[Size]) -> End:
    """Say why no larger size was tried."""
    if tried[-1].first_error is not None:
        return "error"
    return "max_size" if tried[-1].size == sizes[-1] else "time_limit"


def describe(loaded: LoadedRun, tried: Sequence[Verified]) -> list[dict[str, Any]]:
    """Give what was found as what JSON can hold."""
    rows = [
        found._asdict()
        | {"first_error": None if found.first_error is None else found.first_error._asdict()}
        | dict(zip(loaded.task.size_names, found.size, strict=True))
        for found in tried
    ]
    for row in rows:
        del row["ending"], row["size"]
    return rows


def lay_out(loaded: LoadedRun, tried: Sequence[Verified], path: Path) -> Any:
    """Lay out what was found for reading."""
    title = f"{path}: {loaded.config.task.name}, {loaded.config.model.name}, step {loaded.step:,}"
    table = make_table(title=title, caption="")
    unit = loaded.task.error_name
    for name in ("x".join(loaded.task.size_names), "memory slots", "sequences", unit, "of", "seconds"):
        table.add_column(name, justify="right")
    for found in tried:
        slots = "" if found.memory_slots is None else f"{found.memory_slots:,}"
        counts = (f"{found.sequences:,}", f"{found.errors:,}", f"{found.targets:,}")
        table.add_row(spell_size(found.size), slots, *counts, f"{found.seconds:.1f}")
    return table


def summarize(tried: Sequence[Verified], end: End, chosen: Namespace) -> str:
    """Say up to where the model is right, and why no larger size was tried."""
    right = [found for found in tried if not found.errors]
    each, last = count(chosen.sequences, "sequence"), tried[-1]
    reached = f"no error in {each} of any size tried up to {spell_size(right[-1].size)}" if right else "no size right"
    if last.first_error is not None:
        at = last.first_error
        where = f"time step {at.time_step:,} of sequence {at.sequence}"
        before = count(at.target - 1, "scored time step")
        return f"{reached}; at {spell_size(last.size)} the earliest error is at {where}, with {before} right before it"
    ended = "the largest size that was asked for" if end == "max_size" else f"--time-limit {chosen.time_limit:g}"
    return f"{reached}; ended by {ended}"
