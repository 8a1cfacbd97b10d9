"""Every operator's gradient, for every option, against finite differences: float64, PyTorch's default tolerances."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.autograd import gradcheck

from tapehead.kernels.ntm_scan import ntm_scan
from tapehead.maths import controllers
from tapehead.maths.addressing import content, interpolate, sharpen, shift
from tapehead.maths.memory import read, write
from tapehead.maths.ntm import NTMState, ntm_step
from tapehead.maths.scores import bits
from tests.maths import random_ntm
from tests.maths.numpy_ntm import Sizes

pytestmark = pytest.mark.reliability(1)

Drawn = tuple[Callable[..., object], list[Tensor]]


class Draw:
    """Random arguments for one operator, shaped by one seed."""

    def __init__(self, seed: int) -> None:
        self.generator = np.random.default_rng(seed)
        self.B, self.H, self.N, self.W, self.D = (int(size) for size in self.generator.integers(1, 5, 5))
        self.S = 2 * int(self.generator.integers(0, (self.N + 1) // 2)) + 1

    def normal(self, *shape: int) -> Tensor:
        return torch.tensor(self.generator.normal(size=shape))

    def positive(self, *shape: int) -> Tensor:
        return torch.tensor(0.1 + self.generator.exponential(3, size=shape))

    def share(self, *shape: int) -> Tensor:
        return torch.tensor(self.generator.uniform(0.01, 0.99, size=shape))

    def weighting(self, *shape: int) -> Tensor:
        return torch.tensor(self.generator.dirichlet(np.ones(shape[-1]), shape[:-1]))


def drawn_content(draw: Draw) -> Drawn:
    B, H, N, W = draw.B, draw.H, draw.N, draw.W
    return content, [draw.normal(B, N, W), draw.normal(B, H, W), draw.positive(B, H)]


def drawn_interpolate(draw: Draw) -> Drawn:
    B, H, N = draw.B, draw.H, draw.N
    return interpolate, [draw.weighting(B, H, N), draw.weighting(B, H, N), draw.share(B, H)]


def drawn_shift(draw: Draw) -> Drawn:
    return shift, [draw.weighting(draw.B, draw.H, draw.N), draw.weighting(draw.B, draw.H, draw.S)]


def drawn_sharpen(draw: Draw) -> Drawn:
    return sharpen, [draw.weighting(draw.B, draw.H, draw.N) + 1e-3, 1 + draw.positive(draw.B, draw.H)]


def drawn_read(draw: Draw) -> Drawn:
    return read, [draw.normal(draw.B, draw.N, draw.W), draw.weighting(draw.B, draw.H, draw.N)]


def drawn_write(draw: Draw) -> Drawn:
    B, N, W = draw.B, draw.N, draw.W
    return write, [draw.normal(B, N, W), draw.weighting(B, N), draw.share(B, W), draw.normal(B, W)]


def drawn_lstm(draw: Draw) -> Drawn:
    B, I, D = draw.B, draw.W, draw.D
    shapes = [(B, I), (B, D), (B, D), (4 * D, I), (4 * D, D), (4 * D,)]
    return controllers.lstm, [draw.normal(*shape) for shape in shapes]


def drawn_feedforward(draw: Draw) -> Drawn:
    return controllers.feedforward, [draw.normal(draw.B, draw.W), draw.normal(draw.D, draw.W), draw.normal(draw.D)]


def drawn_bits(draw: Draw) -> Drawn:
    T, B, O = draw.N, draw.B, draw.W
    targets, scored = draw.share(T, B, O).round(), draw.share(T, B) < 0.7
    return lambda logits: bits(logits, targets, scored), [draw.normal(T, B, O)]


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize(
    "drawn",
    [
        drawn_content,
        drawn_interpolate,
        drawn_shift,
        drawn_sharpen,
        drawn_read,
        drawn_write,
        drawn_lstm,
        drawn_feedforward,
        drawn_bits,
    ],
)
def test_gradient_of_an_equation(drawn: Callable[[Draw], Drawn], seed: int) -> None:
    function, arguments = drawn(Draw(seed))
    assert gradcheck(function, [argument.requires_grad_() for argument in arguments])


def make_model(size: Sizes, generator: np.random.Generator, batch: int) -> tuple[list[Tensor], Callable[..., tuple]]:
    """A model's state and weights as a flat list of leaves, and what puts the list back together."""
    weights = random_ntm.tensors(random_ntm.drawn_weights(size, generator), size)
    state = random_ntm.batch([random_ntm.drawn_state(size, generator) for _ in range(batch)])
    leaves = [leaf.requires_grad_() for leaf in (*state, *random_ntm.flattened(weights)) if leaf.numel()]

    def assembled(*flat: Tensor) -> tuple:
        rest = iter(flat)
        tensors = [next(rest) if tensor.numel() else tensor for tensor in state]
        return NTMState(*tensors), random_ntm.rebuilt(list(rest), weights)

    return leaves, assembled


def assert_step_gradient(size: Sizes, generator: np.random.Generator) -> None:
    leaves, assembled = make_model(size, generator, batch=1)
    inputs = torch.tensor(generator.normal(size=(1, size.input_size))).requires_grad_()

    def step(inputs: Tensor, *flat: Tensor) -> list[Tensor]:
        output, state = ntm_step(inputs, *assembled(*flat), random_ntm.options(size))
        return [output, *(tensor for tensor in state if tensor.numel())]

    assert gradcheck(step, [inputs, *leaves])


EVERY_OPTION = [
    random_ntm.sizes(
        input_size=1, hidden_size=2, memory_slots=3, memory_width=2, output_size=1, controller=controller,
        num_layers=layers, addressing=addressing, clip=clip, read_heads=read_heads, write_heads=write_heads,
    )
    for controller, layers in [("lstm", 1), ("lstm", 2), ("feedforward", 1)]
    for addressing in ["content_and_location", "content"]
    for clip in [None, 20.0, 1.0]
    for read_heads, write_heads in [(1, 1), (2, 1), (1, 2)]
]  # fmt: skip


@pytest.mark.parametrize("size", EVERY_OPTION[::7], ids=str)
def test_gradient_of_a_step_for_some_options(size: Sizes) -> None:
    assert_step_gradient(size, np.random.default_rng(4))


@pytest.mark.slow
@pytest.mark.parametrize("size", EVERY_OPTION, ids=str)
def test_gradient_of_a_step_for_every_option(size: Sizes) -> None:
    assert_step_gradient(size, np.random.default_rng(3))


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(60))
def test_gradient_of_a_step_for_drawn_sizes(seed: int) -> None:
    generator = np.random.default_rng(seed)
    assert_step_gradient(random_ntm.drawn_sizes(generator), generator)


@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(1, 40))])
def test_gradient_of_a_scan_over_sequences_of_different_lengths(seed: int) -> None:
    generator = np.random.default_rng(seed)
    size = random_ntm.drawn_sizes(generator)
    leaves, assembled = make_model(size, generator, batch=2)
    inputs = torch.tensor(generator.normal(size=(3, 2, size.input_size))).requires_grad_()
    lengths = torch.tensor([3, seed % 3])

    def scan(inputs: Tensor, *flat: Tensor) -> list[Tensor]:
        result = ntm_scan(inputs, *assembled(*flat), random_ntm.options(size), lengths=lengths, backend="reference")
        return [result.outputs, *(tensor for tensor in result.state if tensor.numel())]

    assert gradcheck(scan, [inputs, *leaves])
