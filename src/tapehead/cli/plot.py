"""tapehead plot: pictures of how a run went, and of its model at work."""

import json
from argparse import Namespace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from tapehead import plots
from tapehead.cli._errors import asked_wrongly, warn
from tapehead.cli._parser import Parser, add_json, add_path
from tapehead.cli.evaluate import checked_size, size, spelt
from tapehead.models._memory import MemoryModel
from tapehead.plots import Curve
from tapehead.tasks import Batch
from tapehead.training.data import Purpose, batch_of_size, generator
from tapehead.training.folder import METRICS, read_rows
from tapehead.training.trained import Trained, load_trained

PLOTS = "plots"


def add_arguments(parser: Parser) -> None:
    """Add what `plot` takes."""
    add_path(parser)
    parser.add_argument(
        "--length", type=size, metavar="L", help="size of the sequence that is drawn [the third of the papers' points]"
    )
    add_json(parser)


def do(chosen: Namespace) -> None:
    """Draw everything there is to draw."""
    with asked_wrongly():
        trained = load_trained(chosen.run, warn)
        wanted = checked_size(chosen.length or trained.task.further[:3][-1], trained.task)
    source = generator(trained.run.seed, Purpose.PICTURE)
    batch = batch_of_size(trained.task, wanted, 1, source)
    said = f"{trained.run.task} {spelt(wanted)}, {trained.run.model} after {trained.update:,} updates"
    written = [*draw_curve(chosen.run, trained), *draw_sequence(chosen.run, trained, batch, said)]
    if isinstance(trained.model, MemoryModel):
        written += draw_memory(chosen.run, trained.model, batch, said)
    if chosen.json:
        print(json.dumps({"run": str(chosen.run), "plots": list(map(str, written))}))
    else:
        print("\n".join(map(str, written)))


def draw_curve(path: Path, trained: Trained) -> list[Path]:
    """Draw the learning curve from the recorded evaluations, once there are any."""
    rows = read_rows(path / METRICS)
    if not rows:
        return []
    columns = ("sequences", "evaluation_bit_errors", "evaluation_bits")
    curve = Curve(*(np.array([row[column] for row in rows], np.float64) for column in columns))
    run = trained.run
    figure = plots.learning_curve(
        {path.name: curve}, solved_below=run.solved_below, title=f"{run.task}, {run.model}, seed {run.seed}"
    )
    return plots.save(figure, path / PLOTS / "learning_curve")


@torch.no_grad()
def draw_sequence(path: Path, trained: Trained, batch: Batch, said: str) -> list[Path]:
    """Draw inputs, outputs and targets of one sequence."""
    outputs, _ = trained.model(batch.inputs)
    figure = plots.example(
        batch.inputs[:, 0].numpy(),
        torch.sigmoid(outputs[:, 0]).numpy(),
        batch.targets[:, 0].numpy(),
        batch.scored[:, 0].numpy(),
        title=said,
    )
    return plots.save(figure, path / PLOTS / "sequence")


def draw_memory(path: Path, model: MemoryModel[Any], batch: Batch, said: str) -> list[Path]:
    """Draw where the heads pointed, what the memory held with the question in and at the end, and it all together."""
    outputs, states = model.trace(batch.inputs)
    write, read = states.write_weightings[:, 0].numpy(), states.read_weightings[:, 0].numpy()
    asked = int(batch.scored[:, 0].nonzero()[0]) - 1
    held = states.memory[:, 0].numpy()
    moments = {f"after step {asked + 1}, the question": held[asked], f"after step {len(held)}, the answer": held[-1]}
    inputs, scored = batch.inputs[:, 0].numpy(), batch.scored[:, 0].numpy()
    answer = torch.sigmoid(outputs[:, 0]).numpy()
    return [
        *plots.save(plots.weightings(write, read, title=said), path / PLOTS / "weightings"),
        *plots.save(plots.memory(moments, title=said), path / PLOTS / "memory"),
        *plots.save(plots.at_work(inputs, answer, scored, write, read, held[-1], title=said), path / PLOTS / "at_work"),
    ]
