"""Extreme finite numbers in each argument of each equation: value and gradient are finite.

What float32 must hold is judged by the same computation in float64, which has room for it: wherever the true value or
gradient fits into float32, float32's must be finite. Only a number too large for the format is exempt, and CASES says
how many are, so that the exemption hides no fault. Those are: gradients with respect to keys and rows shorter
than 1e-8 under strengths of 1e30 and more; gradients that multiply memories of 1e38 by added rows of 1e38 or sum
several of them; an LSTM's weights' gradients under inputs of 1e38.
"""

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn.functional import one_hot

from tapehead.maths import controllers
from tapehead.maths.addressing import content, interpolate, sharpen, shift
from tapehead.maths.memory import read, write
from tapehead.maths.ntm import NTMOptions, head_parameters
from tapehead.maths.scores import bits

pytestmark = pytest.mark.reliability(5)

SLOTS, WIDTH = 5, 3
FLOAT32_HOLDS = 1.7e38  # half the largest: an intermediate sum may be somewhat larger than the result

SMALL_AND_LARGE = [0.0, 1e-45, 1e-38, 1e-30, 1e-8, 1.0, 1e4, 1e19, 1e30, 1e38]
STRENGTHS = [0.0, 1e-45, 1.0, 20.0, 1e4, 1e30, 1e38]
SHARPENINGS = [1.0, 1.0 + 1e-7, 21.0, 40.0, 1e4, 1e30, 1e38]
GATES = [0.0, 1e-45, 1e-30, 0.5, 1 - 1e-7, 1.0]

Arguments = tuple[Tensor, ...]


def filled(number: float, rows: int) -> Tensor:
    """Rows that point in drawn directions and whose largest entry is `number`, (1, rows, W)."""
    drawn = torch.randn(1, rows, WIDTH, generator=torch.Generator().manual_seed(rows), dtype=torch.float64)
    return number * drawn / drawn.abs().max()


def memories() -> Iterator[Tensor]:
    """Memories of one magnitude, then ones with a zero, a tiny and a huge row beside usual ones."""
    usual = filled(1.0, SLOTS)
    for number in SMALL_AND_LARGE:
        yield filled(number, SLOTS)
        mixed = usual.clone()
        mixed[:, 1] = number
        yield mixed
    yield torch.full_like(usual, 1e-6)
    yield torch.tensor([0.0, 1e-45, 1e-30, 1e30, 1e38], dtype=torch.float64)[:, None].expand(1, SLOTS, WIDTH).clone()


def weightings() -> Iterator[Tensor]:
    """One slot, two slots, no slot, tiny shares, and usual ones, (1, 1, N)."""
    yield one_hot(torch.tensor([[2]]), SLOTS).double()
    yield torch.tensor([[[0.5, 0.0, 0.0, 0.5, 0.0]]], dtype=torch.float64)
    yield torch.zeros(1, 1, SLOTS, dtype=torch.float64)
    yield torch.full((1, 1, SLOTS), 1 / SLOTS, dtype=torch.float64)
    for number in [1e-45, 1e-38, 1e-30, 1e-8]:
        yield torch.tensor([[[1 - 4 * number, *[number] * 4]]], dtype=torch.float64)
        yield torch.tensor([[[1.0, 0.0, number, 0.0, 0.0]]], dtype=torch.float64)


def scalars(numbers: list[float]) -> list[Tensor]:
    return [torch.tensor([[number]], dtype=torch.float64) for number in numbers]


def contents() -> Iterator[Arguments]:
    keys = [filled(number, 1) for number in SMALL_AND_LARGE]
    yield from itertools.product(memories(), keys, scalars(STRENGTHS))


def interpolations() -> Iterator[Arguments]:
    yield from itertools.product(weightings(), weightings(), scalars(GATES))


def shifts() -> Iterator[Arguments]:
    distributions = [*torch.eye(3, dtype=torch.float64)[:, None, None], torch.zeros(1, 1, 3, dtype=torch.float64)]
    distributions += [torch.tensor([[[1 - 2 * small, small, small]]], dtype=torch.float64) for small in (1e-45, 1e-30)]
    yield from itertools.product(weightings(), distributions)


def sharpenings() -> Iterator[Arguments]:
    yield from itertools.product(weightings(), scalars(SHARPENINGS))


def reads() -> Iterator[Arguments]:
    yield from itertools.product(memories(), weightings())


def writes() -> Iterator[Arguments]:
    erases = [torch.full((1, WIDTH), number, dtype=torch.float64) for number in (0.0, 1e-45, 0.5, 1.0)]
    adds = [torch.full((1, WIDTH), number, dtype=torch.float64) for number in (0.0, -1.0, 1e-45, 1e38)]
    for memory, weighting, erase, add in itertools.product(memories(), weightings(), erases, adds):
        yield memory, weighting[0], erase, add


def raw_heads() -> Iterator[Arguments]:
    sizes = sum(HEADS.head_sizes)
    usual = torch.linspace(-2, 2, sizes, dtype=torch.float64)[None]
    for number, sign in itertools.product([1e-45, 20.0, 1e2, 1e4, 1e30, 1e38], [-1, 1]):
        yield (torch.full((1, sizes), sign * number, dtype=torch.float64),)
        for place in range(sizes):
            extreme = usual.clone()
            extreme[0, place] = sign * number
            yield (extreme,)


def lstm_layers() -> Iterator[Arguments]:
    weights = [torch.eye(8, 2, dtype=torch.float64), torch.eye(8, 2, dtype=torch.float64), torch.ones(8).double()]
    numbers = [0.0, 1e-45, 1e4, -1e4, 1e30, -1e38]
    for numbers_at in itertools.product(numbers, [0.0, 1.0, -1.0], numbers):
        yield (*(torch.full((1, 2), number, dtype=torch.float64) for number in numbers_at), *weights)


def logits() -> Iterator[Arguments]:
    for number in [0.0, 1e-45, 20.0, 1e4, 1e30, 1e37]:
        yield (torch.tensor([-number, number, number], dtype=torch.float64).reshape(1, 1, 3),)


HEADS = NTMOptions("feedforward", 1, 1, WIDTH, 1, "content_and_location", None)


def bits_of_a_step(logits: Tensor) -> Tensor:
    targets = torch.tensor([[[0.0, 1.0, 0.0]]], dtype=logits.dtype)
    return bits(logits, targets, torch.ones(1, 1, dtype=torch.bool))


def head_parameters_without_clip(raw: Tensor) -> Tensor:
    return torch.cat([part.flatten() for part in head_parameters(raw, HEADS)])


def cell_and_units(*arguments: Tensor) -> Tensor:
    return torch.cat(controllers.lstm(*arguments))


# Each equation, its extreme arguments, and at most how many numbers of its value and gradients float32 cannot hold.
CASES: dict[str, tuple[Callable[..., Tensor], Callable[[], Iterator[Arguments]], int]] = {
    "content": (content, contents, 330),
    "interpolate": (interpolate, interpolations, 0),
    "shift": (shift, shifts, 0),
    "sharpen": (sharpen, sharpenings, 0),
    "read": (read, reads, 0),
    "write": (write, writes, 2124),
    "head_parameters": (head_parameters_without_clip, raw_heads, 0),
    "lstm": (cell_and_units, lstm_layers, 96),
    "bits": (bits_of_a_step, logits, 0),
}


def value_and_gradients(function: Callable[..., Tensor], arguments: Arguments, dtype: torch.dtype) -> list[Tensor]:
    """The value, and the gradients of its sum weighted by numbers between -1 and 1."""
    leaves = [argument.detach().to(dtype).requires_grad_() for argument in arguments]
    value = function(*leaves)
    tastes = torch.linspace(-1, 1, value.numel(), dtype=dtype).reshape(value.shape)
    return [value.detach(), *torch.autograd.grad((value * tastes).sum(), leaves)]


@pytest.mark.parametrize("name", CASES)
def test_float64_is_finite_for_extreme_numbers(name: str, record_property: Any) -> None:
    function, drawn, _ = CASES[name]
    record_property("cases", sum(1 for _ in drawn()))
    for arguments in drawn():
        for result in value_and_gradients(function, arguments, torch.float64):
            assert result.isfinite().all(), arguments


@pytest.mark.parametrize("name", CASES)
def test_float32_is_finite_for_extreme_numbers(name: str, record_property: Any) -> None:
    function, drawn, most_too_large = CASES[name]
    record_property("cases", sum(1 for _ in drawn()))
    too_large = 0
    for arguments in drawn():
        held = tuple(argument.float() for argument in arguments)
        truth = value_and_gradients(function, held, torch.float64)
        for true, ours in zip(truth, value_and_gradients(function, held, torch.float32), strict=True):
            fits = true.abs() <= FLOAT32_HOLDS
            assert ours[fits].isfinite().all(), held
            too_large += int((~fits).sum())
    assert too_large <= most_too_large


@pytest.mark.parametrize("number", [1e-320, 1e-300, 1e150, 1e300])
def test_float64_is_finite_at_its_own_limits(number: float) -> None:
    """Strengths and sharpenings stay below 1e4 here: times 1e300, their true gradient would not fit."""
    whole, one_row = filled(number, SLOTS), filled(1.0, SLOTS)
    one_row[:, 1] *= number
    for memory, key, strength in itertools.product([whole, one_row], [filled(number, 1)], scalars([0.0, 1.0, 1e4])):
        for result in value_and_gradients(content, (memory, key, strength), torch.float64):
            assert result.isfinite().all(), (memory, key, strength)
    faint = torch.tensor([[[1.0, 0.0, min(number, 0.5), 0.0, 0.0]]], dtype=torch.float64)
    for sharpening in scalars([1.0, 40.0, 1e4]):
        for result in value_and_gradients(sharpen, (faint, sharpening), torch.float64):
            assert result.isfinite().all(), (faint, sharpening)
