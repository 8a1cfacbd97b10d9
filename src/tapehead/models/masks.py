"""Checks of what is said of the time steps of a batch: how many count, and before which the state is reset."""

from collections.abc import Sequence

import torch
from torch import Tensor

from tapehead._shapes import Inputs, Lengths
from tapehead.cells.cell import check_dense


def check_lengths(lengths: object, steps: Inputs, batched: bool) -> Lengths:
    """Check the lengths of a batch's sequences, and return them as a tensor on the inputs' device."""
    time, batch = steps.shape[:2]
    expected = f"{batch} ints from 0 to {time}" if batch != 1 else f"1 int from 0 to {time}"
    if not batched:
        raise ValueError(f"lengths: expected None for one sequence without a batch axis, not {lengths}")
    if not isinstance(lengths, Tensor):
        if not isinstance(lengths, Sequence) or any(type(length) is not int for length in lengths):
            raise TypeError(f"lengths: expected {expected}, not {lengths!r}")
        if len(lengths) != batch or not all(0 <= length <= time for length in lengths):
            raise ValueError(f"lengths: expected {expected}, not {lengths!r}")
        return torch.tensor(lengths, dtype=torch.int64, device=steps.device)
    check_dense("lengths", lengths)
    if lengths.dtype not in (torch.int64, torch.int32, torch.int16, torch.uint8, torch.int8):
        raise TypeError(f"lengths: expected {expected}, not {lengths.dtype}")
    if lengths.shape != (batch,):
        raise ValueError(f"lengths: expected {expected}, not a tensor of shape {tuple(lengths.shape)}")
    if torch.compiler.is_compiling():  # an operation, which stays in the graph
        in_range = ((lengths >= 0) & (lengths <= time)).all()
        torch._assert_async(in_range, "lengths: expected ints from 0 to T, the number of time steps")
    else:
        listed = lengths.tolist()
        if not all(0 <= length <= time for length in listed):
            raise ValueError(f"lengths: expected {expected}, not {listed}")
    return lengths.to(steps.device, torch.int64)


def check_flags(name: str, flags: object, shape: tuple[int, ...], axes: tuple[str, ...], device: torch.device) -> None:
    """Raise unless this is a tensor of torch.bool of that shape on that device.

    Args:
        name: What it is called in messages.
        flags: What came.
        shape: The shape that it must have.
        axes: The names of its axes.
        device: Where it must be.

    Raises:
        TypeError: It is no such tensor.
        ValueError: Its shape does not fit, or it is on another device.
    """
    expected = f"{name}: expected a tensor of torch.bool of shape {shape}, which is ({', '.join(axes)})"
    if not isinstance(flags, Tensor):
        raise TypeError(f"{expected}, not {type(flags).__name__}")
    check_dense(name, flags)
    if flags.dtype != torch.bool:
        raise TypeError(f"{expected}, not {flags.dtype}")
    if tuple(flags.shape) != shape:
        raise ValueError(f"{expected}, not {tuple(flags.shape)}")
    if flags.device != device:
        raise ValueError(f"{name}: expected a tensor on {device}, as the others, not on {flags.device}")
