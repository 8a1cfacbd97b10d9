"""Scans drawn over every option and awkward size, what a backend makes of them, and how far two results are apart."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from tapehead.kernels.backend import Backend, Problem, problem_of
from tapehead.kernels.dnc_scan import DNCScan, dnc_scan
from tapehead.kernels.ntm_scan import NTMScan, ntm_scan
from tapehead.maths.dnc import DNCOptions, DNCState, DNCWeights
from tapehead.maths.ntm import NTMOptions, NTMState, NTMWeights

SLOTS = (1, 2, 3, 5, 7, 8, 15, 16, 17, 31, 33, 48, 64, 100, 128, 129, 257)
WIDTHS = (1, 2, 3, 5, 8, 16, 17, 20, 33, 65)
STEPS = (0, 1, 2, 3, 7, 8, 9, 16, 17, 33, 65, 130)
SEQUENCES = (0, 1, 2, 3, 5, 7, 8, 9, 17, 33, 65)


@dataclass(frozen=True)
class Scan:
    """All that a scan is given, and which model's it is."""

    inputs: Tensor
    state: Any
    weights: Any
    options: Any
    lengths: Tensor | None
    keep_states: bool
    model: str

    @property
    def tensors(self) -> list[Tensor]:
        """The inputs, the state's tensors and the weights."""
        controller = (tensor for layer in self.weights.controller for tensor in layer)
        return [self.inputs, *self.state, *controller, *self.weights[1:]]

    def on(self, tensors: Sequence[Tensor]) -> "Scan":
        """The same scan with other tensors for these."""
        inputs, rest = tensors[0], iter(tensors[1:])
        state = type(self.state)(*(next(rest) for _ in self.state))
        controller = tuple(tuple(next(rest) for _ in layer) for layer in self.weights.controller)
        return replace(self, inputs=inputs, state=state, weights=type(self.weights)(controller, *rest))

    @property
    def problem(self) -> Problem[Any]:
        """What decides which backend runs it."""
        return problem_of(self.inputs, self.state, self.weights, self.options)

    def run(self, backend: str | Backend[Any, Any, Any]) -> Any:
        """What a backend makes of it: as a caller has it run, by name, or whatever `BACKENDS` holds."""
        public = PUBLIC[self.model]
        if isinstance(backend, Backend):
            assert backend.unsupported_reason(self.problem) is None
            given = (self.inputs, self.state, self.lengths, self.weights, self.options, self.keep_states)
            return public.result(*backend.scan(*given))
        return public.scan(
            self.inputs,
            self.state,
            self.weights,
            self.options,
            lengths=self.lengths,
            keep_states=self.keep_states,
            backend=backend,
        )


class Public(NamedTuple):
    """What callers see of a model's scan."""

    scan: Callable[..., Any]
    result: Callable[..., Any]


PUBLIC = {
    "ntm": Public(ntm_scan, NTMScan),
    "dnc": Public(dnc_scan, DNCScan),
}


class Drawing:
    """Draws sizes and tensors in float64.

    The seed decides sizes and options, and with the number of the attempt what is in the tensors. `work` bounds
    steps x sequences x slots x columns; `fixed` sets sizes and options.
    """

    def __init__(self, seed: int, work: float, attempt: int, of_links: bool, fixed: dict[str, Any]) -> None:
        self.draw, self.fixed = np.random.default_rng(seed), fixed
        self.generator = torch.Generator().manual_seed(seed + 1_000_000 * attempt)
        while True:
            self.steps, self.sequences = self.choose("steps", *STEPS), self.choose("sequences", *SEQUENCES)
            self.slots, self.width = self.choose("slots", *SLOTS), self.choose("width", *WIDTHS)
            columns = self.width + (self.slots if of_links else 0)
            if self.steps * self.sequences * self.slots * columns <= work:
                break
        self.reads, self.writes = self.choose("reads", 1, 1, 2, 3, 4, 5), self.choose("writes", 1, 1, 2, 3, 4, 5)
        self.units, self.layers = self.choose("units", 1, 3, 8, 17, 40), self.choose("layers", 1, 1, 2, 3)
        self.channels, self.outputs = self.choose("channels", 1, 3, 9), self.choose("outputs", 1, 2, 8, 17)
        self.controller = self.choose("controller", "lstm", "feedforward")
        if self.controller == "feedforward":
            self.layers = 0

    def choose(self, name: str, *choices: Any) -> Any:
        """One of these, or what is fixed."""
        drawn = choices[self.draw.integers(len(choices))]
        return self.fixed.get(name, drawn)

    def normal(self, *shape: int) -> Tensor:
        """Normal numbers, such that a row's length is about 1."""
        return torch.randn(shape, dtype=torch.float64, generator=self.generator) / max(1, shape[-1]) ** 0.5

    def weighting(self, *heads: int) -> Tensor:
        """Weightings that sum to 1."""
        scores = torch.randn(self.sequences, *heads, self.slots, dtype=torch.float64, generator=self.generator)
        return torch.softmax(3 * scores, dim=-1)

    def weights(self, parameters: int) -> list[Any]:
        """The controller's layers, the heads' and the read-out's weights and biases."""
        seen, reads, units = self.channels + self.reads * self.width, self.reads * self.width, self.units
        own: list[tuple[Tensor, ...]] = [(self.normal(units, seen), self.normal(units))]
        if self.layers:
            fans = [seen, *[units] * (self.layers - 1)]
            own = [(self.normal(4 * units, fan), self.normal(4 * units, units), self.normal(4 * units)) for fan in fans]
        return [
            tuple(own),
            self.normal(parameters, units),
            self.normal(parameters),
            self.normal(self.outputs, units + reads),
            self.normal(self.outputs),
        ]

    def carried(self) -> list[Tensor]:
        """The reads, hidden and cell of a state."""
        layers = (self.sequences, self.layers, self.units)
        return [self.normal(self.sequences, self.reads, self.width), self.normal(*layers), self.normal(*layers)]

    def finish(self, model: str, state: Any, weights: Any, options: Any) -> Scan:
        """Draw the rest, and some of it with gaps in memory or in another order."""
        lengths = torch.tensor(self.draw.integers(0, self.steps + 1, self.sequences))
        drawn = Scan(
            self.normal(self.steps, self.sequences, self.channels),
            state,
            weights,
            options,
            lengths if self.choose("lengths", True, False) else None,
            self.choose("keep_states", True, False),
            model,
        )
        if self.choose("contiguous", True, True, False):
            return drawn
        return drawn.on([(_with_gaps, _turned)[place % 2](tensor) for place, tensor in enumerate(drawn.tensors)])


def ntm(seed: int, work: float = 3e6, attempt: int = 0, **fixed: Any) -> Scan:
    """Draw a scan of the Neural Turing Machine."""
    drawing = Drawing(seed, work, attempt, False, fixed)
    options = NTMOptions(
        drawing.controller,
        drawing.reads,
        drawing.writes,
        drawing.width,
        min(drawing.choose("shift_range", 0, 1, 1, 2, 3), (drawing.slots - 1) // 2),
        drawing.choose("addressing", "content_and_location", "content_and_location", "content"),
        drawing.choose("clip", None, 20.0, 0.5),
    )
    weights = NTMWeights(*drawing.weights(sum(options.head_sizes)))
    memory = drawing.normal(drawing.sequences, drawing.slots, drawing.width)
    weightings = [drawing.weighting(drawing.reads), drawing.weighting(drawing.writes)]
    return drawing.finish("ntm", NTMState(memory, *weightings, *drawing.carried()), weights, options)


def dnc(seed: int, work: float = 3e6, attempt: int = 0, **fixed: Any) -> Scan:
    """Draw a scan of the Differentiable Neural Computer, from a state as steps could have left it."""
    drawing = Drawing(seed, work, attempt, True, fixed)
    options = DNCOptions(
        drawing.controller,
        drawing.reads,
        drawing.writes,
        drawing.width,
        drawing.choose("clip", None, 20.0, 0.5),
        drawing.choose("masked_content", False, False, True),
        drawing.choose("deallocate", False, False, True),
        drawing.choose("sharpen_links", False, False, True),
        drawing.choose("sparse_links", None, None, 1, 3, 8),
    )
    weights = DNCWeights(*drawing.weights(sum(options.interface_sizes)))
    several, slots = drawing.writes, drawing.slots
    links = drawing.weighting(several, slots) * (1 - torch.eye(slots, dtype=torch.float64)) / slots
    state = DNCState(
        drawing.normal(drawing.sequences, slots, drawing.width),
        torch.rand(drawing.sequences, slots, dtype=torch.float64, generator=drawing.generator),
        drawing.weighting(drawing.reads),
        drawing.weighting(several) / 2,
        drawing.weighting(several) / 2,
        links,
        *drawing.carried(),
    )
    return drawing.finish("dnc", state, weights, options)


def _with_gaps(tensor: Tensor) -> Tensor:
    """The same numbers, with others between them in memory."""
    return torch.stack([tensor, tensor + 1], dim=-1)[..., 0]


def _turned(tensor: Tensor) -> Tensor:
    """The same numbers, columns before rows in memory."""
    return tensor.mT.contiguous().mT if tensor.dim() > 1 else _with_gaps(tensor)


def results(
    scan: Scan, backend: str | Backend[Any, Any, Any], dtype: torch.dtype = torch.float64, grad: bool = True
) -> list[Tensor]:
    """Outputs, last state, every state where they are kept, and the gradient of all that the scan was given.

    Every output is weighed with random numbers of its own in the loss.
    """
    leaves = [tensor.detach().to(dtype).requires_grad_(grad) for tensor in scan.tensors]
    moved = scan.on(leaves)
    result = moved.run(backend)
    found = [result.outputs, *result.state, *(result.states or ())]
    if not grad:
        return found
    generator = torch.Generator().manual_seed(1)
    losses = [
        (tensor * torch.randn(tensor.shape, dtype=torch.float64, generator=generator).to(dtype)).sum()
        for tensor in found
    ]
    gradients = torch.autograd.grad(torch.stack(losses).sum(), leaves, allow_unused=True, materialize_grads=True)
    return [*(tensor.detach() for tensor in found), *gradients]


def distance(ours: Sequence[Tensor], theirs: Sequence[Tensor]) -> float:
    """The largest difference between two results; each tensor's by its largest number, where that is above 1."""
    assert [tensor.shape for tensor in ours] == [tensor.shape for tensor in theirs]
    largest = 0.0
    for one, other in zip(ours, theirs, strict=True):
        if one.numel():
            size = max(1.0, other.abs().max().item())
            difference = (one.double() - other.double()).abs().max().item() / size
            assert not math.isnan(difference)
            largest = max(largest, difference)
    return largest
