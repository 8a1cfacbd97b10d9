"""Scans drawn over every option and awkward size, what a backend makes of them, and how far two answers are apart."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from tapehead.kernels.ntm_scan import ntm_scan
from tapehead.maths.ntm import NTMOptions, NTMState, NTMWeights

SLOTS = (1, 2, 3, 5, 7, 8, 15, 16, 17, 31, 33, 48, 64, 100, 128, 129, 257)
WIDTHS = (1, 2, 3, 5, 8, 16, 17, 20, 33, 65)
STEPS = (0, 1, 2, 3, 7, 8, 9, 16, 17, 33, 65, 130)
SEQUENCES = (0, 1, 2, 3, 5, 7, 8, 9, 17, 33, 65)


@dataclass(frozen=True)
class Scan:
    """All that a scan is given."""

    inputs: Tensor
    state: NTMState
    weights: NTMWeights
    options: NTMOptions
    lengths: Tensor | None
    keep_states: bool

    @property
    def tensors(self) -> list[Tensor]:
        """The inputs, the state's tensors and the weights."""
        controller = (tensor for layer in self.weights.controller for tensor in layer)
        return [self.inputs, *self.state, *controller, *self.weights[1:]]

    def on(self, tensors: Sequence[Tensor]) -> "Scan":
        """The same scan with other tensors for these."""
        inputs, rest = tensors[0], iter(tensors[1:])
        state = NTMState(*(next(rest) for _ in self.state))
        controller = tuple(tuple(next(rest) for _ in layer) for layer in self.weights.controller)
        return Scan(inputs, state, NTMWeights(controller, *rest), self.options, self.lengths, self.keep_states)


def scan(seed: int, work: float = 3e6, attempt: int = 0, **fixed: Any) -> Scan:
    """Draw a scan in float64.

    The seed decides sizes and options, and with the number of the attempt what is in the tensors. `work` bounds
    steps x sequences x slots x width; `fixed` sets sizes and options.
    """
    draw = np.random.default_rng(seed)
    generator = torch.Generator().manual_seed(seed + 1_000_000 * attempt)

    def choose(name: str, *choices: Any) -> Any:
        drawn = choices[draw.integers(len(choices))]
        return fixed.get(name, drawn)

    while True:
        steps, sequences = choose("steps", *STEPS), choose("sequences", *SEQUENCES)
        slots, width = choose("slots", *SLOTS), choose("width", *WIDTHS)
        if steps * sequences * slots * width <= work:
            break
    reads, writes = choose("reads", 1, 1, 2, 3, 4, 5), choose("writes", 1, 1, 2, 3, 4, 5)
    units, layers = choose("units", 1, 3, 8, 17, 40), choose("layers", 1, 1, 2, 3)
    channels, outputs = choose("channels", 1, 3, 9), choose("outputs", 1, 2, 8, 17)
    controller = choose("controller", "lstm", "feedforward")
    options = NTMOptions(
        controller,
        reads,
        writes,
        width,
        min(choose("shift_range", 0, 1, 1, 2, 3), (slots - 1) // 2),
        choose("addressing", "content_and_location", "content_and_location", "content"),
        choose("clip", None, 20.0, 0.5),
    )

    def normal(*shape: int) -> Tensor:
        return torch.randn(shape, dtype=torch.float64, generator=generator) / max(1, shape[-1]) ** 0.5

    def weighting(heads: int) -> Tensor:
        return torch.softmax(3 * torch.randn(sequences, heads, slots, dtype=torch.float64, generator=generator), dim=-1)

    seen = channels + reads * width
    own = [(normal(units, seen), normal(units))]
    if controller == "lstm":
        fans = [seen, *[units] * (layers - 1)]
        own = [(normal(4 * units, fan), normal(4 * units, units), normal(4 * units)) for fan in fans]
    else:
        layers = 0
    parameters = sum(options.head_sizes)
    weights = NTMWeights(
        tuple(own),
        normal(parameters, units),
        normal(parameters),
        normal(outputs, units + reads * width),
        normal(outputs),
    )
    carried = (sequences, layers, units)
    state = NTMState(
        normal(sequences, slots, width),
        weighting(reads),
        weighting(writes),
        normal(sequences, reads, width),
        normal(*carried),
        normal(*carried),
    )
    lengths = torch.tensor(draw.integers(0, steps + 1, sequences)) if choose("lengths", True, False) else None
    drawn = Scan(
        normal(steps, sequences, channels), state, weights, options, lengths, choose("keep_states", True, False)
    )
    if choose("contiguous", True, True, False):
        return drawn
    return drawn.on([_with_gaps(tensor) for tensor in drawn.tensors])


def _with_gaps(tensor: Tensor) -> Tensor:
    """The same numbers, with others between them in memory."""
    return torch.stack([tensor, tensor + 1], dim=-1)[..., 0]


def answer(scan: Scan, backend: str, dtype: torch.dtype = torch.float64, grad: bool = True) -> list[Tensor]:
    """Outputs, last state, every state where they are kept, and the gradient of all that the scan was given.

    Every output is weighed with random numbers of its own in the loss.
    """
    leaves = [tensor.detach().to(dtype).requires_grad_(grad) for tensor in scan.tensors]
    moved = scan.on(leaves)
    result = ntm_scan(
        moved.inputs,
        moved.state,
        moved.weights,
        moved.options,
        lengths=moved.lengths,
        keep_states=moved.keep_states,
        backend=backend,
    )
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
    """The largest difference between two answers; each tensor's by its largest number, where that is above 1."""
    assert [tensor.shape for tensor in ours] == [tensor.shape for tensor in theirs]
    largest = 0.0
    for one, other in zip(ours, theirs, strict=True):
        if one.numel():
            size = max(1.0, other.abs().max().item())
            difference = (one.double() - other.double()).abs().max().item() / size
            assert not math.isnan(difference)
            largest = max(largest, difference)
    return largest
