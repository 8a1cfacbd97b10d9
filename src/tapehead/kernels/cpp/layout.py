"""What the C++ scans must be told of a model: its tensors' shapes, and what its options are as numbers."""

import ctypes
from abc import ABC, abstractmethod
from collections.abc import Sequence
from functools import lru_cache
from typing import TypeAlias

import torch
from torch import Tensor

from tapehead.kernels.backend import Sizes, sizes_of
from tapehead.kernels.cpp import library
from tapehead.kernels.cpp.call import new_call

Shape: TypeAlias = tuple[int | torch.SymInt, ...]
OptionNumbers: TypeAlias = tuple[int, ...]


class Layout(ctypes.Structure):
    """What the library says of a model of some sizes (`Layout` in src/call.h)."""

    _fields_ = (
        ("head_parameters", ctypes.c_int64),
        ("record_size", ctypes.c_int64),
        ("checkpoint_size", ctypes.c_int64),
        ("padding", ctypes.c_int64),
    )
    head_parameters: int
    """Outputs of the head layer."""
    record_size: int
    """Numbers saved of each step of a sequence, and of its initial state."""
    checkpoint_size: int
    """Numbers in one saved memory of a sequence."""
    padding: int
    """Numbers that are saved once."""


class Model(ABC):
    """What the operators must know of a model."""

    name: str
    state_fields: tuple[str, ...]

    def __init__(self) -> None:
        """Look up once where in a state the tensors are that tell the sizes."""
        self._places = tuple(
            map(self.state_fields.index, ("memory", "read_weightings", "write_weightings", "hidden"))
        )  # fmt: skip

    @abstractmethod
    def state_shapes(self, sizes: Sizes) -> list[Shape]:
        """The shape of every tensor of its state; the last three are the reads, `hidden` and `cell`."""

    @abstractmethod
    def unsupported_options(self, sizes: Sizes, options: OptionNumbers) -> str | None:
        """Say why the options, as numbers, cannot be run at these sizes; None where they can."""

    def unsupported_sizes(self, sizes: Sizes, options: OptionNumbers) -> str | None:
        """Say why a model of these sizes cannot be run; None where it can."""
        if sizes.num_layers > library.MAX_LAYERS:
            return f"num_layers: expected at most {library.MAX_LAYERS} with backend 'cpp', not {sizes.num_layers}"
        return self.unsupported_options(sizes, options)

    def sizes(self, inputs: Tensor, state: Sequence[Tensor], weights: Sequence[Tensor]) -> Sizes:
        """Read the sizes off the tensors."""
        memory, reading, writing, hidden = self._places
        return sizes_of(inputs, state[memory], state[reading], state[writing], state[hidden], weights[-1])

    def weight_shapes(self, sizes: Sizes, options: OptionNumbers) -> list[Shape]:
        """The shape of every weight."""
        units, reads = sizes.hidden_size, sizes.read_heads * sizes.memory_width
        parameters = self.layout(sizes, options).head_parameters
        fan_ins = [sizes.input_size + reads, *[units] * (sizes.num_layers - 1)]
        controller: list[Shape] = [(units, fan_ins[0]), (units,)]
        if sizes.num_layers:
            gates = 4 * units
            controller = [shape for fan_in in fan_ins for shape in ((gates, fan_in), (gates, units), (gates,))]
        readout = (sizes.output_size, units + reads)
        return [*controller, (parameters, units), (parameters,), readout, (sizes.output_size,)]

    def layout(self, sizes: Sizes, options: OptionNumbers) -> Layout:
        """Ask the library; the answer does not depend on the time steps and the sequences."""
        return self._layout(sizes._replace(time_steps=1, sequences=1), options)

    @lru_cache  # noqa: B019  (a model lives as long as the program)
    def _layout(self, sizes: Sizes, options: OptionNumbers) -> Layout:
        found, call = Layout(), new_call(self.name, len(self.state_fields), sizes, options, None)
        getattr(library.library(), f"tapehead_{self.name}_layout")(ctypes.byref(call), ctypes.byref(found))
        return found

    def saved_size(self, sizes: Sizes, options: OptionNumbers) -> int | torch.SymInt:
        """How many numbers a forward pass saves for the backward pass.

        The library counts them too (`saved_size` in src/scan.h; a test holds the two together), but torch.compile and
        torch.export ask with time steps and sequences that are symbols, which the library cannot take. So the library
        says how large each part is, and only their sum is written here. The model's own sizes are taken as the numbers
        that they are now: torch.compile then compiles again for a model of other sizes.
        """
        steps, sequences = sizes.time_steps, sizes.sequences
        layout = self.layout(Sizes(steps, sequences, *map(int, sizes[2:])), options)
        checkpoints = (steps + library.CHECKPOINT_INTERVAL - 1) // library.CHECKPOINT_INTERVAL * sequences
        return (steps + 1) * sequences * layout.record_size + layout.padding + checkpoints * layout.checkpoint_size

    @lru_cache  # noqa: B019
    def saved_numbers(self, sizes: Sizes, options: OptionNumbers) -> int:
        """Say `saved_size` of sizes that are known."""
        return int(self.saved_size(sizes, options))

    @lru_cache  # noqa: B019
    def tensor_shapes(self, sizes: Sizes, options: OptionNumbers) -> list[Shape]:
        """The shape of every tensor of the state, and of every weight."""
        return self.state_shapes(sizes) + self.weight_shapes(sizes, options)

    def check_tensors(
        self,
        sizes: Sizes,
        options: OptionNumbers,
        inputs: Tensor,
        state: Sequence[Tensor],
        lengths: Tensor | None,
        weights: Sequence[Tensor],
    ) -> None:
        """Raise where the kernel would read wrongly, or past a tensor's end."""
        reason = self.unsupported_sizes(sizes, options)
        if reason is not None:
            raise ValueError(reason)
        if inputs.dtype is not torch.float32 and inputs.dtype is not torch.float64:
            raise TypeError(f"weights: expected torch.float32 or torch.float64, not {inputs.dtype}")
        if lengths is not None and lengths.shape != inputs.shape[1:2]:
            raise ValueError(f"lengths: expected shape {(sizes.sequences,)}, not {tuple(lengths.shape)}")
        if lengths is not None and lengths.dtype != torch.int64:
            raise TypeError(f"lengths: expected torch.int64, not {lengths.dtype}")
        shapes = self.tensor_shapes(sizes, options)
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
