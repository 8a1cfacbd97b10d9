"""Sequences that are reset in the middle: cut into segments, each of which is a sequence of its own to the cell."""

from typing import Any, NamedTuple

import torch
from torch import Tensor

from tapehead._shapes import Inputs, Lengths, Mask
from tapehead._state import State, map_state
from tapehead.cells.cell import Cell, Scan


class Segments(NamedTuple):
    """What a batch falls into where sequences are reset, sequence after sequence; S of them."""

    sequence: Tensor  # (S,)
    start: Tensor  # (S,): the time step
    length: Tensor  # (S,): in time steps
    continues: Tensor  # (S,): whether it goes on from the state that was passed
    of_step: Tensor  # (T, B): the segment that a time step belongs to


def cut(resets: Mask, lengths: Lengths | None) -> Segments:
    """Cut sequences where they are reset.

    Args:
        resets: Whether a sequence's state is the initial one again before a time step, (T, B), T > 0.
        lengths: The number of steps of each sequence, (B,); resets after them count for nothing. None: all have T.
    """
    steps, sequences = resets.shape
    time = torch.arange(steps, device=resets.device)
    ends = torch.full((sequences,), steps, device=resets.device) if lengths is None else lengths
    begins = resets & (time.unsqueeze(1) < ends)
    begins[0] = True
    of_step = (begins.T.flatten().cumsum(0) - 1).view(sequences, steps).T
    sequence, start = begins.T.nonzero(as_tuple=True)
    next_start = torch.cat([start[1:], start.new_zeros(1)])
    length = torch.where(next_start > start, next_start, ends[sequence]) - start
    return Segments(sequence, start, length, ~(resets & (ends > 0))[start, sequence], of_step)


def run_segments(
    cell: Cell[State], inputs: Inputs, state: State | None, resets: Mask, lengths: Lengths | None, *, keep_states: bool
) -> Scan[State]:
    """Run a cell over sequences that are reset; see `Cell.run`.

    All segments run side by side, as a batch of more and shorter sequences.

    Args:
        cell: The cell.
        inputs: (T, B, input_size), T > 0.
        state: The state before the first step; None: the initial state.
        resets: (T, B).
        lengths: The number of steps of each sequence, (B,). None: all have T.
        keep_states: Whether to return the state after every step.

    Raises:
        RuntimeError: The model is compiled or exported.
    """
    if torch.compiler.is_compiling():
        raise RuntimeError("resets: expected None in a compiled or exported model, as their number changes its shapes")
    segments = cut(resets, lengths)
    longest = max(int(segments.length.max()), 1) if len(segments.length) else 1
    step = (segments.start + torch.arange(longest, device=inputs.device).unsqueeze(1)).clamp(max=len(inputs) - 1)
    cut_inputs = _select(inputs, step * inputs.shape[1] + segments.sequence)
    first = _first_states(cell, state, segments)
    outputs, last, states = cell.run(cut_inputs, first, segments.length, keep_states=keep_states)
    since_start = torch.arange(len(inputs), device=inputs.device).unsqueeze(1) - segments.start[segments.of_step]
    place = since_start.clamp(max=longest - 1) * len(segments.start) + segments.of_step
    runs = (since_start < segments.length[segments.of_step]).unsqueeze(-1)
    final = segments.of_step[-1]
    states = None if states is None else map_state(lambda tensor: _select(tensor, place), states)
    last = map_state(lambda tensor: tensor.index_select(0, final), last)
    return torch.where(runs, _select(outputs, place), 0.0), last, states


def _select(tensor: Tensor, places: Tensor) -> Tensor:
    """Select by the places in the first two axes taken as one, (T, B); faster than indexing with two tensors."""
    selected: Tensor = tensor.flatten(0, 1).index_select(0, places.flatten()).unflatten(0, places.shape)
    return selected


def _first_states(cell: Cell[State], state: State | None, segments: Segments) -> State:
    """Give the state that each segment begins with."""
    count = len(segments.start)
    if state is None:
        return cell.expand_initial_state(count)
    initial: Any = cell.expand_like(state, 1)
    passed = torch.full((), len(state[0]), device=segments.start.device)
    source = torch.where(segments.continues, segments.sequence, passed)
    pairs = zip(state, initial, strict=True)
    chosen: State = type(initial)(*(torch.cat(pair).index_select(0, source) for pair in pairs))
    return chosen
