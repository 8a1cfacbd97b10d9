"""Pictures of a trained model at work on one sequence."""

from typing import Any, NamedTuple, TypeAlias

import numpy as np
import torch
from matplotlib.figure import Figure
from numpy.typing import NDArray
from torch import Tensor

from tapehead import plots
from tapehead.experiments.curves import Pictures
from tapehead.experiments.labels import short_name
from tapehead.experiments.sorting import look_at_sorting
from tapehead.maths import linkage
from tapehead.maths.dnc import DNCState
from tapehead.models import DNC
from tapehead.models.memory_model import MemoryModel
from tapehead.plots import Bookkeeping
from tapehead.tasks import Batch, PrioritySort, Task
from tapehead.training.data import model_inputs
from tapehead.training.loaded_run import LoadedRun

Numbers: TypeAlias = NDArray[Any]


MOST_SYMBOLS = 128
"""Of more, a picture has rows for those alone that occur."""


class Channels(NamedTuple):
    """What a picture shows of one sequence, each with a column for every channel."""

    inputs: Numbers  # (T, I)
    targets: Numbers  # (T, O)
    outputs: Numbers  # (T, O), probabilities


def draw_sequence(loaded: LoadedRun, batch: Batch, title: str) -> Pictures:
    """Draw all that there is to see of a model on a batch of one sequence.

    Args:
        loaded: A trained model, on any device.
        batch: One sequence of its task, on the CPU.
        title: What to say above every picture.
    """
    on_device = model_inputs(loaded.model, loaded.task, batch).to(next(loaded.model.parameters()).device)
    with torch.no_grad():
        logits = loaded.model(on_device)[0].cpu()
    inputs, _, outputs = shown = choose_channels(loaded.task, batch, logits)
    pictures = draw_outputs(loaded, batch, logits, shown, title)
    if isinstance(loaded.model, MemoryModel):
        states: Any = loaded.model.trace(on_device).states
        pictures |= draw_memory(loaded.model, states, batch, inputs, outputs, title)
        adds = loaded.model.interface(on_device, states).add[:, 0].cpu().numpy()
        pictures["memory_use"] = draw_memory_use(states, batch, inputs, outputs, adds, title)
        if isinstance(loaded.model, DNC):
            pictures |= draw_bookkeeping(loaded.model, on_device, states, batch, title)
    if isinstance(loaded.model, MemoryModel) and isinstance(loaded.task, PrioritySort):
        items = int(batch.mask[:, 0].nonzero()[0]) - 1  # a delimiter follows them
        pictures["sorting"] = plots.sorting(look_at_sorting(loaded, loaded.task, items), title=title)
    return pictures


def choose_channels(task: Task, batch: Batch, logits: Tensor) -> Channels:
    """Choose what to show of a batch of one sequence: all channels, or of very many symbols those that occur."""
    inputs, targets, outputs = (
        channels[:, 0].numpy()
        for channels in (task.input_channels(batch), task.target_channels(batch), task.probabilities(logits))
    )
    if inputs.shape[1] > MOST_SYMBOLS and not batch.inputs.is_floating_point():
        inputs = inputs[:, inputs.any(axis=0)]
    if outputs.shape[1] > MOST_SYMBOLS and not batch.targets.is_floating_point():
        mask = batch.mask[:, 0].numpy()
        occur = np.union1d(targets[mask].argmax(axis=1), outputs[mask].argmax(axis=1))
        targets, outputs = targets[:, occur], outputs[:, occur]
    return Channels(inputs, targets, outputs)


def draw_outputs(loaded: LoadedRun, batch: Batch, logits: Tensor, shown: Channels, title: str) -> Pictures:
    """Draw inputs, targets and outputs, or predictions beside the best possible ones where none can be certain."""
    task = loaded.task
    optimal = task.predict_optimally(batch)
    if optimal is None or task.output_size != 1:
        symbols, mask = not batch.targets.is_floating_point(), batch.mask[:, 0].numpy()
        return {
            "sequence": plots.example(shown.inputs, shown.outputs, shown.targets, mask, symbols=symbols, title=title)
        }
    bits, best = float(task.cross_entropy(logits, batch)[0]), task.optimal_bits(batch)
    costs = f"{bits:.1f} bits" + ("" if best is None else f", best possible {float(best[0]):.1f}")
    model, targets, predicted = short_name(loaded.config.model.name), shown.targets[:, 0], shown.outputs[:, 0]
    drawn = plots.predictions(targets, predicted, optimal[:, 0], model=model, title=f"{title}: {costs}")
    return {"predictions": drawn}


def choose_moments(batch: Batch) -> dict[int, str]:
    """Choose two moments by the time steps gone: before the first that is scored, or halfway; and the end."""
    steps, first = len(batch.mask), int(batch.mask[:, 0].nonzero()[0])
    middle, what = (first, "all is read in") if first > 0 else (max(steps // 2, 1), "halfway")
    return {middle: f"after time step {middle}: {what}", steps: f"after time step {steps}: the end"}


def draw_memory(
    model: MemoryModel[Any], states: Any, batch: Batch, inputs: Numbers, outputs: Numbers, title: str
) -> Pictures:
    """Draw where the heads pointed, what the memory held at a few moments, and it all together."""
    write, read = states.write_weightings[:, 0].cpu().numpy(), states.read_weightings[:, 0].cpu().numpy()
    held = states.memory[:, 0].cpu().numpy()
    first = model.initial_state(1).memory[0].detach().cpu().numpy()
    moments = {"before time step 1": first} | {name: held[step - 1] for step, name in choose_moments(batch).items()}
    mask = batch.mask[:, 0].numpy()
    return {
        "weightings": plots.weightings(write, read, title=title),
        "memory": plots.memory(moments, title=title),
        "at_work": plots.at_work(inputs, outputs, mask, write, read, held[-1], title=title),
    }


def draw_memory_use(states: Any, batch: Batch, inputs: Numbers, outputs: Numbers, adds: Numbers, title: str) -> Figure:
    """Draw what was added to the memory and read from it, and where."""
    weightings = (states.write_weightings, states.read_weightings)
    reads, write, read = (tensor[:, 0].cpu().numpy() for tensor in (states.reads, *weightings))
    return plots.memory_use(inputs, outputs, batch.mask[:, 0].numpy(), adds, reads, write, read, title=title)


def draw_bookkeeping(model: DNC, inputs: Tensor, states: DNCState, batch: Batch, title: str) -> Pictures:
    """Draw how a Differentiable Neural Computer allocated slots, and how it linked what it wrote."""
    interface = model.interface(inputs, states)
    allocations = linkage.allocations(states.usage, interface.write_gates, interface.allocation_gates)
    bookkeeping = Bookkeeping(
        usage=states.usage[:, 0].cpu().numpy(),
        allocation=allocations[:, 0].cpu().numpy(),
        write=states.write_weightings[:, 0].cpu().numpy(),
        read=states.read_weightings[:, 0].cpu().numpy(),
        free_gates=interface.free_gates[:, 0].cpu().numpy(),
        allocation_gates=interface.allocation_gates[:, 0].cpu().numpy(),
        write_gates=interface.write_gates[:, 0].cpu().numpy(),
        read_modes=interface.read_modes[:, 0].cpu().numpy(),
    )
    moments = {name: states.links[step - 1, 0].cpu().numpy() for step, name in choose_moments(batch).items()}
    return {
        "allocation": plots.allocation(bookkeeping, title=title),
        "links": plots.links(moments, bookkeeping, title=title),
    }
