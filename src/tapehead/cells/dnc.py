"""The Differentiable Neural Computer's weights, its first state, and its step."""

import torch
from torch import Tensor, nn

from tapehead._arguments import check_choice, check_count, check_device, check_dtype, check_flag, check_number
from tapehead._shapes import Inputs, Lengths
from tapehead.cells._cell import Scan
from tapehead.cells._controllers import make_controller, reset_linear
from tapehead.cells._first_state import FirstState, MemoryInit, ReadInit
from tapehead.cells._memory_cell import MemoryCell
from tapehead.kernels._backend import Problem, choose
from tapehead.kernels.dnc_scan import REFUSALS, dnc_scan
from tapehead.maths.controllers import Controller
from tapehead.maths.dnc import DNCOptions, DNCState, DNCWeights


class DNCCell(MemoryCell[DNCState]):
    """One step of a Differentiable Neural Computer (Graves et al. 2016; its options: Csordas & Schmidhuber 2019).

    Before the first step no slot is in use, no head is anywhere, and there are no links.

    Args:
        input_size: Channels of an input.
        output_size: Channels of an output.
        controller: `lstm`, or `feedforward`: one hidden layer.
        hidden_size: D, units of each controller layer.
        num_layers: Layers of the controller; a feedforward one has 1.
        memory_slots: N, slots of the memory.
        memory_width: W, numbers in a slot.
        read_heads: R.
        write_heads: H; each has links of its own.
        memory_init: M_0: `constant` (1e-6 everywhere), `learned` (tanh of a parameter), `random` (drawn once, normal of
            std 0.5 cut off at 1).
        memory_trainable: Whether M_0 is trained. None: only where it is `learned`.
        read_init: r_0: `zero`, `learned` (tanh of a parameter).
        clip: What the controller tells the heads, before the non-linearities, and outputs are cut off at +-clip; None:
            they are not.
        masked_content: Whether each head chooses the columns that it compares a slot and its key by.
        deallocate: Whether a slot that is freed is also wiped.
        sharpen_links: Whether read heads sharpen what the links say.
        sparse_links: K: a step links only the K slots that it writes to most, and only with the K written to before
            (the paper: 8). None: it links all slots.
        backend: What runs the steps: "auto", or a key of `kernels.dnc_scan.REFUSALS`.
        device: Where the parameters are made.
        dtype: What they are made as; float32 and float64 are supported.

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
        check_choice("backend", backend, ["auto", *REFUSALS])
        if clip is not None:
            check_number("clip", clip, above=0)
        check_flag("masked_content", masked_content)
        check_flag("deallocate", deallocate)
        check_flag("sharpen_links", sharpen_links)
        if sparse_links is not None:
            check_count("sparse_links", sparse_links)
        self.backend = backend
        self.first = FirstState(
            memory_slots=memory_slots,
            memory_width=memory_width,
            read_heads=read_heads,
            write_heads=write_heads,
            memory_init=memory_init,
            memory_trainable=memory_trainable,
            head_init="uniform",
            read_init=read_init,
            device=device,
            dtype=dtype,
        )
        self.options = DNCOptions(
            controller,
            read_heads,
            write_heads,
            memory_width,
            clip,
            masked_content,
            deallocate,
            sharpen_links,
            sparse_links,
        )
        reads = read_heads * memory_width
        self.controller = make_controller(controller, input_size + reads, hidden_size, num_layers, device, dtype)
        self.interface = nn.Linear(hidden_size, sum(self.options.interface_sizes), device=device, dtype=dtype)
        self.readout = nn.Linear(hidden_size + reads, output_size, device=device, dtype=dtype)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw all starting weights and values again from torch's generator."""
        self.first.reset_parameters()
        self.controller.reset_parameters()
        reset_linear(self.interface)
        reset_linear(self.readout)

    def first_state(self, batch_size: int) -> DNCState:
        """Make the state before the first step, for reading only; see `Cell.first_state`."""
        memory, _, reads = self.first(batch_size)  # its weightings are the NTM's: here no head is anywhere yet
        slots, writes = memory.shape[1], self.options.write_heads

        def zeros(*shape: int) -> Tensor:
            tensor: Tensor = memory.new_zeros(shape)
            return tensor.expand(batch_size, *shape)

        nowhere, hidden = zeros(writes, slots), zeros(self.controller.num_layers, self.controller.hidden_size)
        return DNCState(
            memory=memory,
            usage=zeros(slots),
            read_weightings=zeros(self.options.read_heads, slots),
            write_weightings=nowhere,
            precedence=nowhere,
            links=zeros(writes, slots, slots),
            reads=reads,
            hidden=hidden,
            cell=hidden,
        )

    def scan(
        self, inputs: Inputs, state: DNCState, lengths: Lengths | None = None, *, keep_states: bool = False
    ) -> Scan[DNCState]:
        """Go as many steps as there are inputs; see `Cell.scan`."""
        return dnc_scan(
            inputs, state, self.weights(), self.options, lengths=lengths, keep_states=keep_states, backend=self.backend
        )

    def weights(self) -> DNCWeights:
        """Give the weights as `maths.dnc.dnc_step` takes them."""
        return DNCWeights(
            self.controller.layers(),
            self.interface.weight,
            self.interface.bias,
            self.readout.weight,
            self.readout.bias,
        )

    @property
    def backend_in_use(self) -> str:
        """The name of the backend that runs `scan` where the parameters are now."""
        return choose(self.backend, Problem(self.interface.weight.device, self.interface.weight.dtype), REFUSALS)

    def extra_repr(self) -> str:
        """Say what the parts below do not show."""
        slots, width = self.first.memory.shape
        return f"{self.options}, memory={slots} x {width}, backend={self.backend!r} (runs {self.backend_in_use})"
