"""One step of the Neural Turing Machine: its options, its weights and its initial state."""

from typing import TypedDict, get_args

import torch
from torch import nn

from tapehead._arguments import check_choice, check_count, check_device, check_dtype, check_number
from tapehead._shapes import Inputs, Lengths
from tapehead.cells.cell import Scan
from tapehead.cells.controllers import controller_layers, make_controller
from tapehead.cells.initial_state import HeadInit, InitialState, MemoryInit, ReadInit
from tapehead.cells.layers import linear_weights, reset_linear
from tapehead.cells.memory_cell import MemoryCell
from tapehead.kernels.backend import choose
from tapehead.kernels.ntm_scan import BACKENDS, ntm_scan
from tapehead.maths.controllers import Controller
from tapehead.maths.ntm import Addressing, NTMOptions, NTMState, NTMWeights


class NTMCellOptions(TypedDict, total=False):
    """The options of `NTMCell` for type checkers; its constructor declares and documents them."""

    controller: Controller
    hidden_size: int
    num_layers: int
    forget_bias: float
    memory_slots: int
    memory_width: int
    read_heads: int
    write_heads: int
    shift_range: int
    addressing: Addressing
    memory_init: MemoryInit
    memory_trainable: bool | None
    head_init: HeadInit
    read_init: ReadInit
    clip: float | None
    shift_bias: float
    sharpening_bias: float
    gate_bias: float
    strength_bias: float
    head_gain: float
    backend: str
    device: torch.device | str | None
    dtype: torch.dtype | None


class NTMCell(MemoryCell[NTMState]):
    """One step of a Neural Turing Machine (Graves et al. 2014).

    The paper does not specify the initial state and the clipping; their options are those of Collier & Beel 2018. The
    default biases are those that trained best in our experiments.

    Args:
        input_size: Channels of an input.
        output_size: Channels of an output.
        controller: The kind of controller: `lstm`; `gru`, which only the reference runs; or `feedforward` with one
            hidden layer.
        hidden_size: Number of hidden units of each controller layer.
        num_layers: Number of controller layers. A feedforward controller has 1.
        forget_bias: Initial bias of an LSTM controller's forget gates. Other controllers have none.
        memory_slots: Number of memory slots, N. At least 2 * shift_range + 1.
        memory_width: Width of the vector in each memory slot, W.
        read_heads: Number of read heads.
        write_heads: Number of write heads.
        shift_range: The most slots that a head may move in one step, in either direction.
        addressing: How heads address the memory: by `content_and_location`, or by `content` alone.
        memory_init: The memory before the first step: `constant` (1e-6 everywhere), `learned` (tanh of a parameter), or
            `random` (drawn once, normal with standard deviation 0.5, truncated at 1).
        memory_trainable: Whether the initial memory is trained; None: only if memory_init is `learned`.
        head_init: The weighting of every head before the first step: `onehot` (slot 0), `uniform`, or `learned`
            (softmax of a parameter).
        read_init: The read vectors before the first step: `zero`, or `learned` (tanh of a parameter).
        clip: Bound on outputs, and on head parameters before their activations: they are clamped to [-clip, clip];
            None: there is no bound.
        shift_bias: Initial bias of every head towards a shift by +1 slot.
        sharpening_bias: Initial bias of x in every head's sharpening exponent, gamma = 1 + softplus(x).
        gate_bias: Initial bias of x in every head's interpolation gate, g = sigmoid(x). Above 0 it favors content over
            location.
        strength_bias: Initial bias of x in every head's key strength, beta = softplus(x).
        head_gain: Factor on the initial weights of the layer that computes all head parameters. With 0 every head
            starts from its biases alone, whatever the input, so that seeds differ less.
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
        shift_range: int = 1,
        addressing: Addressing = "content_and_location",
        memory_init: MemoryInit = "constant",
        memory_trainable: bool | None = None,
        head_init: HeadInit = "onehot",
        read_init: ReadInit = "zero",
        clip: float | None = 20.0,
        shift_bias: float = 1.0,
        sharpening_bias: float = 1.0,
        gate_bias: float = -1.0,
        strength_bias: float = 0.0,
        head_gain: float = 1.0,
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
        check_choice("backend", backend, ["auto", *BACKENDS])
        if clip is not None:
            check_number("clip", clip, above=0)
        self.backend = backend
        self.initial_biases = {
            "strength": strength_bias, "gate": gate_bias, "shift": shift_bias, "sharpening": sharpening_bias
        }  # fmt: skip
        largest = torch.finfo(dtype or torch.get_default_dtype()).max
        for name, bias in self.initial_biases.items():
            check_number(f"{name}_bias", bias, -largest, largest)
        check_number("head_gain", head_gain, 0, largest)
        self.head_gain = head_gain
        self.initial = InitialState(
            memory_slots, memory_width, read_heads, write_heads, memory_init, memory_trainable, head_init, read_init,
            device, dtype,
        )  # fmt: skip
        if memory_slots < 2 * shift_range + 1:
            expected = "expected memory_slots >= 2 * shift_range + 1"
            raise ValueError(f"memory_slots, shift_range: {expected}, not {memory_slots} and {shift_range}")
        self.options = NTMOptions(controller, read_heads, write_heads, memory_width, shift_range, addressing, clip)
        reads = read_heads * memory_width
        self.controller = make_controller(
            controller, input_size + reads, hidden_size, num_layers, forget_bias, device, dtype
        )
        self.hidden_shape = (self.controller.num_layers, hidden_size)
        self.heads = nn.Linear(hidden_size, sum(self.options.head_sizes), device=device, dtype=dtype)
        self.readout = nn.Linear(hidden_size + reads, output_size, device=device, dtype=dtype)
        self.reset_parameters()

    @torch.no_grad()
    def reset_parameters(self) -> None:
        """Initialize all parameters and the initial state again, with torch's random generator."""
        self.initial.reset_parameters()
        self.controller.reset_parameters()
        reset_linear(self.heads)
        self.heads.weight.mul_(self.head_gain)
        reset_linear(self.readout)
        _, strengths, gates, shifts, sharpenings, _, _ = self.heads.bias.split(self.options.head_sizes)
        strengths.fill_(self.initial_biases["strength"])
        gates.fill_(self.initial_biases["gate"])
        sharpenings.fill_(self.initial_biases["sharpening"])
        if self.options.shift_range > 0:
            forward = self.options.shift_range + 1
            shifts.view(-1, 2 * self.options.shift_range + 1)[:, forward] = self.initial_biases["shift"]

    def expand_initial_state(self, batch_size: int, memory_slots: int | None = None) -> NTMState:
        """Return the initial state expanded to a batch, read-only; see `MemoryCell.expand_initial_state`."""
        memory, weightings, reads = self.initial(batch_size, memory_slots)
        read_weightings, write_weightings = weightings.split([self.options.read_heads, self.options.write_heads], dim=1)
        hidden = memory.new_zeros(self.hidden_shape).expand(batch_size, -1, -1)
        return NTMState(memory, read_weightings, write_weightings, reads, hidden, cell=hidden)

    @property
    def least_slots(self) -> int:
        """The fewest memory slots that the cell works with: all offsets of a shift lead to different ones."""
        return 2 * int(self.options.shift_range) + 1

    def scan(
        self, inputs: Inputs, state: NTMState, lengths: Lengths | None = None, *, keep_states: bool = False
    ) -> Scan[NTMState]:
        """Run over all time steps of the inputs; see `Cell.scan`."""
        return ntm_scan(
            inputs, state, self.weights(), self.options, lengths=lengths, keep_states=keep_states, backend=self.backend
        )

    def weights(self) -> NTMWeights:
        """Return the weights as `maths.ntm.ntm_step` takes them.

        Raises:
            TypeError: A submodule was replaced by one whose own forward would be ignored.
            RuntimeError: A submodule has hooks, which would never run.
        """
        return NTMWeights(
            controller_layers(self.controller),
            *linear_weights("cell.heads", self.heads),
            *linear_weights("cell.readout", self.readout),
        )

    @property
    def backend_in_use(self) -> str:
        """The name of the backend that runs `scan` on the parameters' device."""
        return choose(self.backend, self.describe_problem(), BACKENDS).name

    def extra_repr(self) -> str:
        """Return what `repr` does not show of the submodules: the options, the memory's size and the backend."""
        slots, width = self.initial.memory.shape
        return f"{self.options}, memory={slots} x {width}, backend={self.backend!r} (runs {self.backend_in_use})"
