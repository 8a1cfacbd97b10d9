"""The Neural Turing Machine's weights, its first state, and its step."""

from typing import get_args

import torch
from torch import nn

from tapehead._arguments import check_choice, check_count, check_device, check_dtype, check_number
from tapehead._shapes import Inputs, Lengths
from tapehead.cells._cell import Scan
from tapehead.cells._controllers import make_controller, reset_linear
from tapehead.cells._first_state import FirstState, HeadInit, MemoryInit, ReadInit
from tapehead.cells._memory_cell import MemoryCell
from tapehead.kernels._backend import Problem, choose
from tapehead.kernels.ntm_scan import REFUSALS, ntm_scan
from tapehead.maths.controllers import Controller
from tapehead.maths.ntm import Addressing, NTMOptions, NTMState, NTMWeights


class NTMCell(MemoryCell[NTMState]):
    """One step of a Neural Turing Machine (Graves et al. 2014; the options the paper leaves open: Collier & Beel 2018).

    Args:
        input_size: Channels of an input.
        output_size: Channels of an output.
        controller: `lstm`, or `feedforward`: one hidden layer.
        hidden_size: D, units of each controller layer.
        num_layers: Layers of the controller; a feedforward one has 1.
        memory_slots: N, slots of the memory; at least 2 * shift_range + 1.
        memory_width: W, numbers in a slot.
        read_heads: R.
        write_heads: H.
        shift_range: How many slots a head may move in one step, either way.
        addressing: Whether heads find their slots by content and location, or by content alone.
        memory_init: M_0: `constant` (1e-6 everywhere), `learned` (tanh of a parameter), `random` (drawn once, normal of
            std 0.5 cut off at 1).
        memory_trainable: Whether M_0 is trained. None: only where it is `learned`.
        head_init: w_0 of every head: `onehot` (slot 0), `uniform`, `learned` (softmax of a parameter).
        read_init: r_0: `zero`, `learned` (tanh of a parameter).
        clip: Head parameters, before their non-linearities, and outputs are cut off at +-clip; None: they are not.
        shift_bias: Initial bias of every head towards moving forward by one slot.
        sharpening_bias: Initial bias of every head's sharpening, gamma = 1 + softplus(.).
        gate_bias: Initial bias of every head's gate, g = sigmoid(.); above 0 favours content over location.
        strength_bias: Initial bias of every head's key strength, beta = softplus(.).
        backend: What runs the steps: "auto", or a key of `kernels.ntm_scan.REFUSALS`.
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
        shift_range: int = 1,
        addressing: Addressing = "content_and_location",
        memory_init: MemoryInit = "constant",
        memory_trainable: bool | None = None,
        head_init: HeadInit = "onehot",
        read_init: ReadInit = "zero",
        clip: float | None = 20.0,
        shift_bias: float = 0.0,
        sharpening_bias: float = 0.0,
        gate_bias: float = 0.0,
        strength_bias: float = 0.0,
        backend: str = "auto",
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__(input_size, output_size)
        check_device(device)
        check_dtype(dtype)
        check_count("read_heads", read_heads)
        check_count("write_heads", write_heads)
        check_count("shift_range", shift_range, least=0)
        check_choice("addressing", addressing, get_args(Addressing))
        check_choice("backend", backend, ["auto", *REFUSALS])
        if clip is not None:
            check_number("clip", clip, above=0)
        self.backend = backend
        self.initial_biases = {
            "strength": strength_bias, "gate": gate_bias, "shift": shift_bias, "sharpening": sharpening_bias
        }  # fmt: skip
        for name, bias in self.initial_biases.items():
            check_number(f"{name}_bias", bias)
        self.first = FirstState(
            memory_slots=memory_slots,
            memory_width=memory_width,
            read_heads=read_heads,
            write_heads=write_heads,
            memory_init=memory_init,
            memory_trainable=memory_trainable,
            head_init=head_init,
            read_init=read_init,
            device=device,
            dtype=dtype,
        )
        if memory_slots < 2 * shift_range + 1:
            most = (memory_slots - 1) // 2
            raise ValueError(f"shift_range: expected at most {most} for memory_slots={memory_slots}, not {shift_range}")
        self.options = NTMOptions(controller, read_heads, write_heads, memory_width, shift_range, addressing, clip)
        reads = read_heads * memory_width
        self.controller = make_controller(controller, input_size + reads, hidden_size, num_layers, device, dtype)
        self.heads = nn.Linear(hidden_size, sum(self.options.head_sizes), device=device, dtype=dtype)
        self.readout = nn.Linear(hidden_size + reads, output_size, device=device, dtype=dtype)
        self.reset_parameters()

    @torch.no_grad()
    def reset_parameters(self) -> None:
        """Draw all starting weights and values again from torch's generator."""
        self.first.reset_parameters()
        self.controller.reset_parameters()
        reset_linear(self.heads)
        reset_linear(self.readout)
        _, strengths, gates, shifts, sharpenings, _, _ = self.heads.bias.split(self.options.head_sizes)
        strengths.fill_(self.initial_biases["strength"])
        gates.fill_(self.initial_biases["gate"])
        sharpenings.fill_(self.initial_biases["sharpening"])
        if self.options.shift_range > 0:
            forward = self.options.shift_range + 1
            shifts.view(-1, 2 * self.options.shift_range + 1)[:, forward] = self.initial_biases["shift"]

    def first_state(self, batch_size: int) -> NTMState:
        """Make the state before the first step, for reading only; see `Cell.first_state`."""
        memory, weightings, reads = self.first(batch_size)
        read_weightings, write_weightings = weightings.split([self.options.read_heads, self.options.write_heads], dim=1)
        hidden = memory.new_zeros(self.controller.num_layers, self.controller.hidden_size).expand(batch_size, -1, -1)
        return NTMState(memory, read_weightings, write_weightings, reads, hidden, cell=hidden)

    def scan(
        self, inputs: Inputs, state: NTMState, lengths: Lengths | None = None, *, keep_states: bool = False
    ) -> Scan[NTMState]:
        """Go as many steps as there are inputs; see `Cell.scan`."""
        return ntm_scan(
            inputs, state, self.weights(), self.options, lengths=lengths, keep_states=keep_states, backend=self.backend
        )

    def weights(self) -> NTMWeights:
        """Give the weights as `maths.ntm.ntm_step` takes them."""
        return NTMWeights(
            self.controller.layers(), self.heads.weight, self.heads.bias, self.readout.weight, self.readout.bias
        )

    @property
    def backend_in_use(self) -> str:
        """The name of the backend that runs `scan` where the parameters are now."""
        return choose(self.backend, Problem(self.heads.weight.device, self.heads.weight.dtype), REFUSALS)

    def extra_repr(self) -> str:
        """Say what the parts below do not show."""
        slots, width = self.first.memory.shape
        return f"{self.options}, memory={slots} x {width}, backend={self.backend!r} (runs {self.backend_in_use})"
