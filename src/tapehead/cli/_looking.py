"""Pictures of a trained model at work on one sequence."""

from typing import Any, TypeAlias

import torch
from matplotlib.figure import Figure
from numpy.typing import NDArray
from torch import Tensor

from tapehead import plots
from tapehead.maths import linkage
from tapehead.maths.dnc import DNCState
from tapehead.maths.scores import bits
from tapehead.models import DNC
from tapehead.models._memory import MemoryModel
from tapehead.plots import Bookkeeping
from tapehead.tasks import Batch, NGrams
from tapehead.training.trained import Trained

Pictures: TypeAlias = dict[str, Figure]
"""Figures by the names of their files."""


def draw_sequence(trained: Trained, batch: Batch, said: str) -> Pictures:
    """Draw all that there is to see of a model on a batch of one sequence."""
    with torch.no_grad():
        outputs, _ = trained.model(batch.inputs)
    answer = torch.sigmoid(outputs[:, 0]).numpy()
    pictures = {"sequence": draw_answer(batch, answer, said)}
    if isinstance(trained.task, NGrams):
        pictures = {"predictions": draw_predictions(trained.task, batch, outputs, trained.run.model, said)}
    if isinstance(trained.model, MemoryModel):
        states: Any = trained.model.trace(batch.inputs).states
        pictures |= draw_memory(trained.model, states, batch, answer, said)
        if isinstance(trained.model, DNC):
            pictures |= draw_bookkeeping(trained.model, states, batch, said)
    return pictures


def draw_answer(batch: Batch, answer: NDArray[Any], said: str) -> Figure:
    """Draw inputs, outputs and targets of one sequence."""
    inputs, targets, scored = (tensor[:, 0].numpy() for tensor in batch[:3])
    return plots.example(inputs, answer, targets, scored, title=said)


def draw_predictions(task: NGrams, batch: Batch, outputs: Tensor, model: str, said: str) -> Figure:
    """Draw what was foretold of one sequence, and what could have been."""
    foretold, optimal = torch.sigmoid(outputs[:, 0, 0]).numpy(), task.foretell(batch)[:, 0]
    cost = float(bits(outputs, batch.targets, batch.scored)[0])
    costs = f"{cost:.1f} bits, best possible {float(task.best(batch)[0]):.1f}"
    return plots.predictions(batch.targets[:, 0, 0].numpy(), foretold, optimal, model=model, title=f"{said}: {costs}")


def moments(batch: Batch) -> dict[int, str]:
    """Choose a few moments of a sequence, by the steps gone: with the question in, if it ends before the answer."""
    steps, asked = len(batch.inputs), int(batch.scored[:, 0].nonzero()[0])
    middle, what = (asked, "the question is in") if asked > 0 else (max(steps // 2, 1), "halfway")
    return {middle: f"after step {middle}: {what}", steps: f"after step {steps}: the end"}


def draw_memory(model: MemoryModel[Any], states: Any, batch: Batch, answer: NDArray[Any], said: str) -> Pictures:
    """Draw where the heads pointed, what the memory held at a few moments, and it all together."""
    write, read = states.write_weightings[:, 0].numpy(), states.read_weightings[:, 0].numpy()
    held = states.memory[:, 0].numpy()
    first = model.initial_state(1).memory[0].detach().numpy()
    shown = {"before step 1": first} | {name: held[step - 1] for step, name in moments(batch).items()}
    inputs, scored = batch.inputs[:, 0].numpy(), batch.scored[:, 0].numpy()
    return {
        "weightings": plots.weightings(write, read, title=said),
        "memory": plots.memory(shown, title=said),
        "at_work": plots.at_work(inputs, answer, scored, write, read, held[-1], title=said),
    }


def draw_bookkeeping(model: DNC, states: DNCState, batch: Batch, said: str) -> Pictures:
    """Draw how a Differentiable Neural Computer allocated, and how it linked what it wrote."""
    told = model.interface(batch.inputs, states)
    offered = linkage.allocations(states.usage, told.write_gates, told.allocation_gates)
    kept = Bookkeeping(
        usage=states.usage[:, 0].numpy(),
        allocation=offered[:, 0].numpy(),
        write=states.write_weightings[:, 0].numpy(),
        read=states.read_weightings[:, 0].numpy(),
        free_gates=told.free_gates[:, 0].numpy(),
        allocation_gates=told.allocation_gates[:, 0].numpy(),
        write_gates=told.write_gates[:, 0].numpy(),
        read_modes=told.read_modes[:, 0].numpy(),
    )
    linked = {name: states.links[step - 1, 0].numpy() for step, name in moments(batch).items()}
    return {
        "allocation": plots.allocation(kept, title=said),
        "links": plots.links(linked, kept, title=said),
    }
