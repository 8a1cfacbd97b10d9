"""tapehead plot: pictures of how runs went, and of a model at work."""

import json
from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path

from tapehead import plots
from tapehead.cli._errors import CommandError, asked_wrongly, warn
from tapehead.cli._looking import Pictures, draw_sequence
from tapehead.cli._parser import Parser, add_json, folder
from tapehead.cli._recorded import Groups, Recorded, curves, grouped, recorded, scores
from tapehead.cli.evaluate import checked_size, size
from tapehead.training.data import Purpose, batch_of_size, generator
from tapehead.training.folder import METRICS, explained
from tapehead.training.run import Run
from tapehead.training.trained import load_trained

PLOTS = "plots"


def add_arguments(parser: Parser) -> None:
    """Add what `plot` takes."""
    parser.add_argument(
        "runs",
        type=folder,
        nargs="+",
        metavar="RUN",
        help="a run's folder; of several runs, which must be of one task, only curves are drawn: those that differ in "
        "nothing but the seed are one line, their median",
    )
    parser.add_argument(
        "--length", type=size, metavar="L", help="size of the sequence that is drawn [the third of the papers' points]"
    )
    parser.add_argument(
        "--out", type=folder, metavar="DIR", help="folder for the pictures [RUN/plots; of several runs, ./plots]"
    )
    add_json(parser)


def do(chosen: Namespace) -> None:
    """Draw everything there is to draw."""
    paths = list(dict.fromkeys(chosen.runs))
    with asked_wrongly():
        runs = [recorded(path) for path in paths]
        if len(runs) == 1:
            place, alone = paths[0] / PLOTS, draw_alone(paths[0], chosen)
        else:
            check_together(runs, chosen)
            place, alone = Path(PLOTS), {}
    place = chosen.out or place
    pictures = draw_records(runs) | alone
    with explained(place):
        written = [path for name, figure in pictures.items() for path in plots.save(figure, place / name)]
    if chosen.json:
        print(json.dumps({"runs": list(map(str, paths)), "plots": list(map(str, written))}))
    else:
        print("\n".join(map(str, written)))


def check_together(runs: Sequence[Recorded], chosen: Namespace) -> None:
    """Raise unless these runs can be drawn into one picture, and nothing else was asked for."""
    for one in runs:
        if one.run.task != runs[0].run.task:
            tasks = f"{runs[0].run.task} as in {runs[0].path}, not {one.run.task} as in {one.path}"
            raise CommandError(f"RUN: expected runs of one task, {tasks}")
        if not one.metrics:
            raise CommandError(f"{one.path}: nothing measured yet; {METRICS} is empty or missing")
    if chosen.length is not None:
        raise CommandError("--length: expected nothing with several runs, of which no sequence is drawn")


def draw_records(runs: Sequence[Recorded]) -> Pictures:
    """Draw how runs went and what evaluations found, once there is any of it."""
    pictures, groups = {}, grouped(runs)
    task, several = runs[0].run.make_task(), any(len(group) > 1 for group in groups.values())
    said = in_words(groups)
    if all(one.metrics for one in runs):
        bounds = {one.run.solved_below for one in runs}
        pictures["learning_curve"] = plots.learning_curve(
            curves(groups),
            solved_below=bounds.pop() if len(bounds) == 1 else None,
            title=f"{said}, median and range" if several else said,
        )
    tried = {name: group for name, group in groups.items() if all(one.evaluations for one in group)}
    lines = scores(tried, task)
    if lines:
        ends = {one.run.make_task().largest for group in tried.values() for one in group}
        several = any(len(group) > 1 for group in tried.values())
        bars = ["median and range"] * several + ["mean and standard error"] * any(map(is_alone, tried.values()))
        pictures["generalisation"] = plots.generalisation(
            lines,
            trained_to=dict(zip(task.size_names, ends.pop(), strict=True)) if len(ends) == 1 else {},
            title=f"{in_words(tried)}, {' or '.join(bars)}",
        )
    return pictures


def in_words(groups: Groups) -> str:
    """Say what is learned, and by whom or by how many runs."""
    runs = [one for group in groups.values() for one in group]
    return f"{spoken(runs[0].run)}: {next(iter(groups)) if len(groups) == 1 else f'{len(runs)} runs'}"


def is_alone(group: Sequence[Recorded]) -> bool:
    """Whether a group is a single run."""
    return len(group) == 1


def draw_alone(path: Path, chosen: Namespace) -> Pictures:
    """Draw a run's model at work on one sequence."""
    trained = load_trained(path, warn)
    wanted = checked_size(chosen.length or trained.task.further[:3][-1], trained.task, flag="--length")
    batch = batch_of_size(trained.task, wanted, 1, generator(trained.run.seed, Purpose.PICTURE))
    large = " and ".join(f"{name} {number}" for name, number in zip(trained.task.size_names, wanted, strict=True))
    said = f"{spoken(trained.run)}, {large}: {trained.run.model} after {trained.update:,} updates"
    return draw_sequence(trained, batch, said)


def spoken(run: Run) -> str:
    """Say what a run learns."""
    return run.task.replace("_", " ")
