"""What the C++ scans must be told of a machine: its sizes, and the shapes that follow from them."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple, TypeAlias

import torch
from torch import Tensor

Shape: TypeAlias = tuple[int | torch.SymInt, ...]
Numbers: TypeAlias = int | torch.SymInt


class Sizes(NamedTuple):
    """The sizes of a call, in the order in which native/call.h has them, and a machine's own options."""

    steps: int
    sequences: int
    inputs: int
    outputs: int
    slots: int
    width: int
    read_heads: int
    write_heads: int
    units: int
    layers: int
    options: tuple[int, ...]

    @property
    def gates(self) -> int:
        """What a controller's layer adds up."""
        return 4 * self.units if self.layers else self.units


def padded(count: Numbers) -> Numbers:
    """Round up to whole cache lines, as native/lanes.h does."""
    return (count + 15) // 16 * 16


MOST_LAYERS = 64
"""As many layers of a controller as native/layout.h has places for."""

KEPT_ONCE_IN = 8
"""The memory is kept once in so many steps."""


class Machine(ABC):
    """What the operators must know of a machine; native/call.h and its `Records` have the same in C++."""

    name: str
    state_fields: tuple[str, ...]
    options: int  # how many numbers its options are

    @abstractmethod
    def state_shapes(self, sizes: Sizes) -> list[Shape]:
        """The shape of every tensor of its state; the last three are the reads, `hidden` and `cell`."""

    @abstractmethod
    def parameters(self, sizes: Sizes) -> Numbers:
        """How many numbers the heads are told."""

    @abstractmethod
    def record(self, sizes: Sizes) -> list[Numbers]:
        """How many numbers each field of a step's record has, beyond the controller's."""

    @abstractmethod
    def memories(self, sizes: Sizes) -> Numbers:
        """How many numbers are kept of a sequence's memory."""

    def check(self, sizes: Sizes) -> None:  # noqa: B027  (a machine may have none)
        """Refuse options that do not fit the sizes."""

    def sizes(
        self, inputs: Tensor, state: Sequence[Tensor], weights: Sequence[Tensor], options: Sequence[int]
    ) -> Sizes:
        """Read the sizes off the tensors."""
        given = dict(zip(self.state_fields, state, strict=True))
        steps, sequences, channels = inputs.shape
        slots, width = given["memory"].shape[1:]
        reads, writes = given["read_weightings"].shape[1], given["write_weightings"].shape[1]
        outputs, units = weights[-1].shape[0], weights[-4].shape[1]
        layers, own = given["hidden"].shape[1], tuple(options)
        return Sizes(steps, sequences, channels, outputs, slots, width, reads, writes, units, layers, own)

    def weight_shapes(self, sizes: Sizes) -> list[Shape]:
        """The shape of every weight."""
        units, reads, parameters = sizes.units, sizes.read_heads * sizes.width, self.parameters(sizes)
        seen = [sizes.inputs + reads, *[units] * (sizes.layers - 1)]
        controller: list[Shape] = [(units, seen[0]), (units,)]
        if sizes.layers:
            gates = sizes.gates
            controller = [shape for size in seen for shape in ((gates, size), (gates, units), (gates,))]
        read_out = (sizes.outputs, units + reads)
        return [*controller, (parameters, units), (parameters,), read_out, (sizes.outputs,)]

    def kept(self, sizes: Sizes) -> Numbers:
        """How many numbers a forward pass keeps for the backward pass (`Records` in native/layout.h)."""
        units, reads, parameters = sizes.units, sizes.read_heads * sizes.width, self.parameters(sizes)
        lstm = min(sizes.layers, 1)
        fields = [*self.record(sizes), sizes.layers * units]
        for layer in range(max(sizes.layers, 1)):
            seen = 2 * units if layer else reads + lstm * units + sizes.inputs
            fields += [seen, sizes.gates, lstm * units]
        fields += [reads + units, parameters, parameters, sizes.outputs]
        record = sum(map(padded, fields))
        record += 16 * (1 - record // 16 % 2)
        memories = (sizes.steps + KEPT_ONCE_IN - 1) // KEPT_ONCE_IN * sizes.sequences
        return (sizes.steps + 1) * sizes.sequences * record + 16 + memories * self.memories(sizes)

    @lru_cache  # noqa: B019  (machines are for good)
    def kept_in_numbers(self, sizes: Sizes) -> int:
        """Say `kept` of sizes that are known."""
        return int(self.kept(sizes))

    @lru_cache  # noqa: B019
    def shapes_of_tensors(self, sizes: Sizes) -> list[Shape]:
        """The shape of every tensor of the state, and of every weight."""
        return self.state_shapes(sizes) + self.weight_shapes(sizes)

    def check_tensors(
        self, sizes: Sizes, inputs: Tensor, state: Sequence[Tensor], lengths: Tensor | None, weights: Sequence[Tensor]
    ) -> None:
        """Refuse what the kernel would read wrongly, or past its end."""
        self.check(sizes)
        if sizes.layers > MOST_LAYERS:
            raise ValueError(f"num_layers: expected at most {MOST_LAYERS} with backend 'cpu', not {sizes.layers}")
        if lengths is not None and lengths.shape != inputs.shape[1:2]:
            raise ValueError(f"lengths: expected shape {(sizes.sequences,)}, not {tuple(lengths.shape)}")
        if lengths is not None and lengths.dtype != torch.int64:
            raise TypeError(f"lengths: expected torch.int64, not {lengths.dtype}")
        shapes = self.shapes_of_tensors(sizes)
        if len(shapes) != len(state) + len(weights):
            raise ValueError(f"weights: expected {len(shapes) - len(state)} tensors, not {len(weights)}")
        for place, (tensor, shape) in enumerate(zip((*state, *weights), shapes, strict=True)):
            if tensor.shape != shape or tensor.dtype != inputs.dtype or tensor.device != inputs.device:
                fields = self.state_fields
                name = f"state.{fields[place]}" if place < len(fields) else f"weights, tensor {place - len(fields)}"
                if tensor.dtype != inputs.dtype:
                    raise TypeError(f"{name}: expected {inputs.dtype}, not {tensor.dtype}")
                if tensor.device != inputs.device:
                    raise ValueError(f"{name}: expected a tensor on {inputs.device}, not on {tensor.device}")
                raise ValueError(f"{name}: expected shape {shape}, not {tuple(tensor.shape)}")
