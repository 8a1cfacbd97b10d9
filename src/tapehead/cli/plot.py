"""tapehead plot: pictures of how runs went, and of a model at work."""

import json
from argparse import Namespace
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import torch

from tapehead import plots
from tapehead.cli._errors import CommandError, as_command_errors, warn
from tapehead.cli._parser import (
    Parser,
    add_device,
    add_json,
    add_threads,
    read_count,
    read_path,
    read_run,
    read_size,
    use_device,
)
from tapehead.cli._sizes import check_size, choose_memory
from tapehead.experiments.curves import Pictures, draw_records, spell_task
from tapehead.experiments.labels import count, describe_size, short_name
from tapehead.experiments.model_pictures import draw_sequence
from tapehead.experiments.records import Record, record_run
from tapehead.tasks import Size
from tapehead.training.data import Purpose, draw_batch_of_size, make_generator
from tapehead.training.loaded_run import load_run
from tapehead.training.run_dir import METRICS, explain_errors

PLOTS = "plots"


def run(words: Sequence[str]) -> None:
    """Plot."""
    parser = Parser("plot")
    add_arguments(parser)
    chosen = parser.read(words)
    device = use_device(chosen)
    paths, said = list(dict.fromkeys(chosen.runs)), list[str]()
    with as_command_errors():
        records = [record_run(path, name=str(path), most_points=None) for path in paths]
        if len(paths) == 1:
            slots = chosen.memory_slots
            place, pictures = paths[0] / PLOTS, draw_model(paths[0], chosen.size, device, said.append, slots)
        else:
            check_together(paths, records, chosen)
            place, pictures = Path(PLOTS), {}
    for problem in (*said, *(leave_out(record.note, said) for record in records)):
        if problem:
            warn(problem)
    place = chosen.out or place
    pictures = draw_records(records) | pictures
    how = {"formats": tuple(dict.fromkeys(chosen.format)), "dpi": chosen.dpi}
    with explain_errors(place):
        written = [path for name, figure in pictures.items() for path in plots.save(figure, place / name, **how)]
    if chosen.json:
        print(json.dumps({"runs": list(map(str, paths)), "plots": list(map(str, written))}))
    else:
        print("\n".join(map(str, written)))


def add_arguments(parser: Parser) -> None:
    """Add what `plot` takes."""
    parser.add_argument(
        "runs",
        type=read_run,
        nargs="+",
        metavar="RUN",
        help="a run directory, or pretrained:NAME as for `evaluate`; of several runs, which must be of one task, "
        "learning curves and scores by size are drawn: runs that differ only in the seed become one line, their median",
    )
    parser.add_argument(
        "--size",
        type=read_size,
        metavar="SIZE",
        help="size of the sequence on which a single run's model is drawn, such as 20, or 10x20 if a size is two "
        "numbers [the third default of `tapehead evaluate`]",
    )
    parser.add_argument(
        "--memory-slots",
        type=read_count,
        metavar="N",
        help="draw a single run's model with a memory of N slots [as in training]",
    )
    add_format(parser)
    parser.add_argument(
        "--out", type=read_path, metavar="DIR", help="directory of the plots [RUN/plots; for several runs, plots]"
    )
    add_device(parser)
    add_threads(parser)
    add_json(parser)


def add_format(parser: Parser) -> None:
    """Add how the pictures are written."""
    parser.add_argument(
        "--format",
        nargs="+",
        default=plots.DEFAULT_FORMATS,
        choices=plots.FORMATS,
        help=f"formats of the pictures: {', '.join(plots.FORMATS)} [{' '.join(plots.DEFAULT_FORMATS)}]",
    )
    parser.add_argument(
        "--dpi",
        type=partial(read_count, least=10, most=2400),
        default=plots.DOTS_PER_INCH,
        metavar="N",
        help=f"dots per inch of a png, and of the images in the others [{plots.DOTS_PER_INCH}]",
    )


def leave_out(note: str, said: Sequence[str]) -> str:
    """Leave out of a note what warnings have said of the same files in their first sentences."""
    for warning in said:
        note = note.replace(warning.partition("; ")[0], "").strip("; ")
    return note


def check_together(paths: Sequence[Path], records: Sequence[Record], chosen: Namespace) -> None:
    """Raise unless these runs can be drawn into one picture, and nothing else was asked for."""
    for path, record in zip(paths, records, strict=True):
        if record.task != records[0].task:
            tasks = f"{records[0].task} as in {paths[0]}, not {record.task} as in {path}"
            raise CommandError(f"RUN: expected runs of one task, {tasks}")
        if not record.curve:
            raise CommandError(f"{path}: nothing is measured yet; {METRICS} is empty or missing")
    for flag, value in (("--size", chosen.size), ("--memory-slots", chosen.memory_slots)):
        if value is not None:
            raise CommandError(f"{flag}: expected a single run, since of several no model is drawn at work")


def draw_model(
    path: Path,
    size: Size | None,
    device: torch.device | str = "cpu",
    warn_of: Callable[[str], object] = warn,
    memory_slots: int | None = None,
) -> Pictures:
    """Draw a run's model at work on one sequence; `warn_of` is called with a sentence about every damaged file."""
    loaded = load_run(path, warn_of, device)
    task, config = loaded.task, loaded.config
    size = check_size(size or task.eval_sizes[:3][-1], task, "--size")
    loaded = choose_memory(loaded, memory_slots, [size])
    batch = draw_batch_of_size(task, size, 1, make_generator(config.seed, Purpose.PICTURE))
    trained = f"{short_name(config.model.name)} after {count(loaded.step, 'step')}"
    return draw_sequence(
        loaded, batch, f"{spell_task(config.task.name)}, {describe_size(task.size_names, size)}: {trained}"
    )
