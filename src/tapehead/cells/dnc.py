"""One step of the Differentiable Neural Computer: its options, its weights and its initial state."""

from typing import TypedDict

import torch
from torch import Tensor, nn

from tapehead._arguments import check_choice, check_count, check_device, check_dtype, check_flag, check_number
from tapehead._shapes import Inputs, Lengths
from tapehead.cells.cell import Scan
from tapehead.cells.controllers import controller_layers, make_controller
from tapehead.cells.initial_state import InitialState, MemoryInit, ReadInit
from tapehead.cells.layers import linear_weights, reset_linear
from tapehead.cells.memory_cell import MemoryCell
from tapehead.kernels.backend import choose
from tapehead.kernels.dnc_scan import BACKENDS, dnc_scan
from tapehead.maths.controllers import Controller
from tapehead.maths.dnc import DNCOptions, DNCState, DNCWeights


class DNCCellOptions(TypedDict, total=False):
    """The options of `DNCCell` for type checkers; its constructor declares and documents them."""

    controller: Controller
    hidden_size: int
    num_layers: int
    forget_bias: float
    memory_slots: int
    memory_width: int
    read_heads: int
    write_heads: int
    memory_init: MemoryInit
    memory_trainable: bool | None
    read_init: ReadInit
    clip: float | None
    masked_content: bool
    deallocate: bool
    sharpen_links: bool
    sparse_links: int | None
    backend: str
    device: torch.device | str | None
    dtype: torch.dtype | None


class DNCCell(MemoryCell[DNCState]):
    """One step of a Differentiable Neural Computer (Graves et al. 2016; its options: Csordas & Schmidhuber 2019).

    Before the first step no slot is in use, all weightings are zero, and there are no links.

    Args:
        input_size: Channels of an input.
        output_size: Channels of an output.
        controller: The kind of controller: `lstm`; `gru`, which only the reference runs; or `feedforward` with one
            hidden layer.
        hidden_size: Number of hidden units of each controller layer.
        num_layers: Number of controller layers. A feedforward controller has 1.
        forget_bias: Initial bias of an LSTM controller's forget gates. Other controllers have none.
        memory_slots: Number of memory slots, N.
        memory_width: Width of the vector in each memory slot, W.
        read_heads: Number of read heads.
        write_heads: Number of write heads. Each has links of its own.
        memory_init: The memory before the first step: `constant` (1e-6 everywhere), `learned` (tanh of a parameter), or
            `random` (drawn once, normal with standard deviation 0.5, truncated at 1).
        memory_trainable: Whether the initial memory is trained; None: only if memory_init is `learned`.
        read_init: The read vectors before the first step: `zero`, or `learned` (tanh of a parameter).
        clip: Bound on outputs, and on head parameters before their activations: they are clamped to [-clip, clip];
            None: there is no bound.
        masked_content: Whether each head masks the columns in which it compares its key with the slots.
        deallocate: Whether freed slots are also erased.
        sharpen_links: Whether read heads sharpen the weightings that they get by following links.
        sparse_links: Number of slots that a step links, K: the K largest weights of this write and of those before (8
            in the paper); None: all slots.
        backend: The implementation to use: `auto` (the fastest that supports the problem), or a name that
            `tapehead.backends` lists, as `cpp` or `reference`.
        device: The device of the parameters.
        dtype: The dtype of the parameters, float32 or float64.

    Raises:
        TypeError: An argument is of the wrong type.
        ValueError: An argument is out of its range.
    """

    def __init__(
        self,
        input_size: int,
        output_size: int,
        *,
        controller: Controller = "lstm",
        hidden_size: int = 100,
        num_layers: int = 1,
        forget_bias: float = 1.0,
        memory_slots: int = 128,
        memory_width: int = 20,
        read_heads: int = 1,
        write_heads: int = 1,
        memory_init: MemoryInit = "constant",
        memory_trainable: bool | None = None,
        read_init: ReadInit = "zero",
        clip: float | None = 20.0,
        masked_content: bool = False,
        deallocate: bool = False,
        sharpen_links: bool = False,
        sparse_links: int | None = None,
        backend: str = "auto",
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__(input_size, output_size)
        check_device(device)
        check_dtype(dtype)
        check_count("read_heads", read_heads)
        check_count("write_heads", write_heads)
        check_choice("backend", backend, ["auto", *BACKENDS])
        if clip is not None:
            check_number("clip", clip, above=0)
        check_flag("masked_content", masked_content)
        check_flag("deallocate", deallocate)
        check_flag("sharpen_links", sharpen_links)
        if sparse_links is not None:
            check_count("sparse_links", sparse_links)
        self.backend = backend
        self.initial = InitialState(
            memory_slots, memory_width, read_heads, write_heads, memory_init, memory_trainable, "uniform", read_init,
            device, dtype,
        )  # fmt: skip
        self.options = DNCOptions(
            controller, read_heads, write_heads, memory_width, clip, masked_content, deallocate, sharpen_links,
            sparse_links,
        )  # fmt: skip
        reads = read_heads * memory_width
        self.controller = make_controller(
            controller, input_size + reads, hidden_size, num_layers, forget_bias, device, dtype
        )
        self.hidden_shape = (self.controller.num_layers, hidden_size)
        self.interface = nn.Linear(hidden_size, sum(self.options.interface_sizes), device=device, dtype=dtype)
        self.readout = nn.Linear(hidden_size + reads, output_size, device=device, dtype=dtype)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Initialize all parameters and the initial state again, with torch's random generator."""
        self.initial.reset_parameters()
        self.controller.reset_parameters()
        reset_linear(self.interface)
        reset_linear(self.readout)

    def expand_initial_state(self, batch_size: int, memory_slots: int | None = None) -> DNCState:
        """Return the initial state expanded to a batch, read-only; see `MemoryCell.expand_initial_state`."""
        # not the weightings: before the first step of a DNC they are zero
        memory, _, reads = self.initial(batch_size, memory_slots)
        slots, writes = memory.shape[1], self.options.write_heads

        def zeros(*shape: int) -> Tensor:
            tensor: Tensor = memory.new_zeros(shape)
            return tensor.expand(batch_size, *shape)

        no_weights, hidden = zeros(writes, slots), zeros(*self.hidden_shape)
        return DNCState(
            memory=memory,
            usage=zeros(slots),
            read_weightings=zeros(self.options.read_heads, slots),
            write_weightings=no_weights,
            precedence=no_weights,
            links=zeros(writes, slots, slots),
            reads=reads,
            hidden=hidden,
            cell=hidden,
        )

    def scan(
        self, inputs: Inputs, state: DNCState, lengths: Lengths | None = None, *, keep_states: bool = False
    ) -> Scan[DNCState]:
        """Run as many steps as there are inputs; see `Cell.scan`."""
        return dnc_scan(
            inputs, state, self.weights(), self.options, lengths=lengths, keep_states=keep_states, backend=self.backend
        )

    def weights(self) -> DNCWeights:
        """Return the weights as `maths.dnc.dnc_step` takes them.

        Raises:
            TypeError: A submodule was replaced by one whose own forward would be ignored.
            RuntimeError: A submodule has hooks, which would never run.
        """
        return DNCWeights(
            controller_layers(self.controller),
            *linear_weights("cell.interface", self.interface),
            *linear_weights("cell.readout", self.readout),
        )

    @property
    def backend_in_use(self) -> str:
        """The name of the backend that runs `scan` on the parameters' device."""
        return choose(self.backend, self.describe_problem(), BACKENDS).name

    def extra_repr(self) -> str:
        """Say what the submodules do not show."""
        slots, width = self.initial.memory.shape
        return f"{self.options}, memory={slots} x {width}, backend={self.backend!r} (runs {self.backend_in_use})"
