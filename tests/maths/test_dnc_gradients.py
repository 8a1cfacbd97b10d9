"""The gradients of the DNC's equations, for every option, against finite differences: float64, default tolerances."""

import itertools
from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.autograd import gradcheck

from tapehead.kernels.dnc_scan import dnc_scan
from tapehead.maths import linkage
from tapehead.maths.addressing import masked_content
from tapehead.maths.dnc import DNCState, dnc_step
from tapehead.maths.memory import write_together
from tests.maths import random_dnc
from tests.maths.numpy_dnc import Sizes
from tests.maths.test_gradients import Draw, Drawn

pytestmark = pytest.mark.reliability(1)


def drawn_retention(draw: Draw) -> Drawn:
    return linkage.retention, [draw.weighting(draw.B, draw.H, draw.N), draw.share(draw.B, draw.H)]


def drawn_usage(draw: Draw) -> Drawn:
    B, H, N = draw.B, draw.H, draw.N
    return linkage.usage, [draw.share(B, N), draw.weighting(B, H, N), draw.share(B, N)]


def drawn_allocation(draw: Draw) -> Drawn:
    return linkage.allocation, [draw.share(draw.B, draw.N)]


def drawn_allocations(draw: Draw) -> Drawn:
    return linkage.allocations, [draw.share(draw.B, draw.N), draw.share(draw.B, draw.H), draw.share(draw.B, draw.H)]


def drawn_write_weightings(draw: Draw) -> Drawn:
    B, H, N = draw.B, draw.H, draw.N
    return linkage.write_weightings, [draw.share(B, H, N), draw.share(B, H, N), draw.share(B, H), draw.share(B, H)]


def drawn_deallocate(draw: Draw) -> Drawn:
    return linkage.deallocate, [draw.normal(draw.B, draw.N, draw.W), draw.share(draw.B, draw.N)]


def drawn_precedence(draw: Draw) -> Drawn:
    return linkage.precedence, [draw.share(draw.B, draw.H, draw.N), draw.weighting(draw.B, draw.H, draw.N)]


def drawn_links(draw: Draw) -> Drawn:
    B, H, N = draw.B, draw.H, draw.N
    return linkage.links, [draw.share(B, H, N, N), draw.weighting(B, H, N), draw.weighting(B, H, N)]


def drawn_keep_top_k(draw: Draw) -> Drawn:
    return lambda weighting: linkage.keep_top_k(weighting, 2), [draw.weighting(draw.B, draw.H, draw.N)]


def drawn_forward(draw: Draw) -> Drawn:
    B, H, N = draw.B, draw.H, draw.N
    return linkage.forward, [draw.share(B, H, N, N), draw.weighting(B, draw.W, N)]


def drawn_backward(draw: Draw) -> Drawn:
    B, H, N = draw.B, draw.H, draw.N
    return linkage.backward, [draw.share(B, H, N, N), draw.weighting(B, draw.W, N)]


def drawn_sharpen_followed(draw: Draw) -> Drawn:
    B, R, H, N = draw.B, draw.W, draw.H, draw.N
    return linkage.sharpen_followed, [draw.weighting(B, R, H, N) + 1e-2, 1 + draw.share(B, R, H)]


def drawn_read_weightings(draw: Draw) -> Drawn:
    B, R, H, N = draw.B, draw.W, draw.H, draw.N
    ways = [draw.weighting(B, R, H, N), draw.weighting(B, R, N), draw.weighting(B, R, H, N)]
    return linkage.read_weightings, [*ways, draw.weighting(B, R, 2 * H + 1)]


def drawn_masked_content(draw: Draw) -> Drawn:
    B, H, N, W = draw.B, draw.H, draw.N, draw.W
    keys = [draw.normal(B, H, W), draw.positive(B, H), 0.1 + 0.9 * draw.share(B, H, W)]
    return masked_content, [draw.normal(B, N, W), *keys]


def drawn_write_together(draw: Draw) -> Drawn:
    B, H, N, W = draw.B, draw.H, draw.N, draw.W
    return write_together, [draw.normal(B, N, W), draw.weighting(B, H, N), draw.share(B, H, W), draw.normal(B, H, W)]


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize(
    "drawn",
    [
        drawn_retention,
        drawn_usage,
        drawn_allocation,
        drawn_allocations,
        drawn_write_weightings,
        drawn_deallocate,
        drawn_precedence,
        drawn_links,
        drawn_keep_top_k,
        drawn_forward,
        drawn_backward,
        drawn_sharpen_followed,
        drawn_read_weightings,
        drawn_masked_content,
        drawn_write_together,
    ],
)
def test_gradient_of_an_equation(drawn: Callable[[Draw], Drawn], seed: int) -> None:
    function, arguments = drawn(Draw(seed))
    assert gradcheck(function, [argument.requires_grad_() for argument in arguments])


def make_model(size: Sizes, generator: np.random.Generator, batch: int) -> tuple[list[Tensor], Callable[..., tuple]]:
    """A model's state and weights as a flat list of leaves, and what puts the list back together."""
    weights = random_dnc.tensors(random_dnc.drawn_weights(size, generator), size)
    state = random_dnc.batch([random_dnc.drawn_state(size, generator) for _ in range(batch)])
    leaves = [leaf.requires_grad_() for leaf in (*state, *random_dnc.flattened(weights)) if leaf.numel()]

    def assembled(*flat: Tensor) -> tuple:
        rest = iter(flat)
        tensors = [next(rest) if tensor.numel() else tensor for tensor in state]
        return DNCState(*tensors), random_dnc.rebuilt(list(rest), weights)

    return leaves, assembled


def assert_step_gradient(size: Sizes, generator: np.random.Generator) -> None:
    leaves, assembled = make_model(size, generator, batch=1)
    inputs = torch.tensor(generator.normal(size=(1, size.input_size))).requires_grad_()

    def step(inputs: Tensor, *flat: Tensor) -> list[Tensor]:
        output, state = dnc_step(inputs, *assembled(*flat), random_dnc.options(size))
        return [output, *(tensor for tensor in state if tensor.numel())]

    # Sharpened links can be so steep (a derivative of 800) that differences over gradcheck's 1e-6 are off by 2e-3.
    assert gradcheck(step, [inputs, *leaves], eps=1e-7)


EVERY_OPTION = [
    random_dnc.sizes(
        input_size=1, hidden_size=2, memory_slots=3, memory_width=2, output_size=1, controller=controller, clip=clip,
        read_heads=read_heads, write_heads=write_heads, masked_content=masked_content, deallocate=deallocate,
        sharpen_links=sharpen_links, sparse_links=sparse_links,
    )
    for controller, clip, read_heads, write_heads in [("lstm", 20.0, 1, 1), ("feedforward", None, 2, 2)]
    for masked_content, deallocate, sharpen_links, sparse_links in itertools.product(*[[False, True]] * 3, [None, 2])
]  # fmt: skip


QUICK = (0, 5, 10, 15, 19, 22, 25, 28)
"""With these, each two of the options (and the controller) are tested with every pair of their values."""


@pytest.mark.parametrize(
    "size",
    [pytest.param(size, marks=[] if place in QUICK else pytest.mark.slow) for place, size in enumerate(EVERY_OPTION)],
    ids=str,
)
def test_gradient_of_a_step_for_every_option(size: Sizes) -> None:
    assert_step_gradient(size, np.random.default_rng(3))


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(60))
def test_gradient_of_a_step_for_drawn_sizes(seed: int) -> None:
    generator = np.random.default_rng(seed)
    assert_step_gradient(random_dnc.drawn_sizes(generator), generator)


@pytest.mark.parametrize("size", [EVERY_OPTION[0], EVERY_OPTION[15]], ids=str)
def test_gradient_of_a_scan_over_sequences_of_different_lengths(size: Sizes) -> None:
    generator = np.random.default_rng(0)
    leaves, assembled = make_model(size, generator, batch=2)
    inputs = torch.tensor(generator.normal(size=(3, 2, size.input_size))).requires_grad_()
    lengths = torch.tensor([3, 1])

    def scan(inputs: Tensor, *flat: Tensor) -> list[Tensor]:
        result = dnc_scan(inputs, *assembled(*flat), random_dnc.options(size), lengths=lengths)
        return [result.outputs, *(tensor for tensor in result.state if tensor.numel())]

    assert gradcheck(scan, [inputs, *leaves])
