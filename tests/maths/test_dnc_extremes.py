"""Extreme finite numbers in each argument of each of the DNC's equations: value and gradient are finite.

As in `test_extremes`: float64 must be finite, and float32 wherever float64 says that the true number fits into it;
CASES says how many numbers do not fit. Those are products of memories of 1e38. Strengths end at 1e30: masked lengths of
0.1 take gradients on the way to a hundred times the result.
"""

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
from torch import Tensor

from tapehead.maths import linkage
from tapehead.maths.addressing import masked_content
from tapehead.maths.dnc import DNCOptions, interface_parameters
from tapehead.maths.memory import write_together
from tests.maths.test_extremes import (
    FLOAT32_HOLDS,
    SLOTS,
    SMALL_AND_LARGE,
    STRENGTHS,
    WIDTH,
    Arguments,
    filled,
    memories,
    scalars,
    value_and_gradients,
    weightings,
)

pytestmark = pytest.mark.reliability(5)

GATES = [0.0, 1e-45, 1e-30, 0.5, 1 - 1e-7, 1.0]
EVERYTHING = DNCOptions("feedforward", 2, 2, WIDTH, None, True, True, True, 2)


def usages() -> Iterator[Tensor]:
    """No slot used, all used, few hardly or nearly wholly used, equally used ones, (1, N)."""
    for number in [0.0, 1e-45, 1e-38, 1e-30, 1e-8, 0.5, 1 - 1e-7, 1.0]:
        yield torch.full((1, SLOTS), number, dtype=torch.float64)
        yield torch.tensor([[0.3, number, 0.0, number, 1.0]], dtype=torch.float64)


def pairs_of_heads() -> Iterator[Tensor]:
    """Two heads' weightings, (1, 2, N)."""
    drawn = list(weightings())
    for one, other in zip(drawn, drawn[1:] + drawn[:1], strict=True):
        yield torch.cat([one, other], 1)


def pairs(numbers: list[float]) -> Iterator[Tensor]:
    """Two heads' numbers, (1, 2)."""
    for numbers_of_two in itertools.product(numbers, numbers):
        yield torch.tensor([numbers_of_two], dtype=torch.float64)


def link_matrices() -> Iterator[Tensor]:
    """Links of two write heads: none, one sure one, tiny ones, usual ones, (1, 2, N, N)."""
    none = torch.zeros(1, 2, SLOTS, SLOTS, dtype=torch.float64)
    sure = none.clone()
    sure[:, :, 1, 2] = 1
    others = 1 - torch.eye(SLOTS, dtype=torch.float64)
    yield from [none, sure]
    for number in [1e-45, 1e-38, 1e-30, 1e-8, 0.2]:
        yield (number * others).expand(1, 2, SLOTS, SLOTS).clone()
        yield sure + number * others * (sure == 0)


def retentions() -> Iterator[Arguments]:
    yield from itertools.product(pairs_of_heads(), pairs(GATES))


def used() -> Iterator[Arguments]:
    yield from itertools.product(usages(), pairs_of_heads(), usages())


def allocated() -> Iterator[Arguments]:
    yield from itertools.product(usages())


def allocated_to_two() -> Iterator[Arguments]:
    yield from itertools.product(usages(), pairs([0.0, 1e-45, 0.5, 1.0]), pairs([1e-30, 1.0]))


def where_to_write() -> Iterator[Arguments]:
    yield from itertools.product(pairs_of_heads(), pairs_of_heads(), pairs([1e-45, 1.0]), pairs([0.5, 1.0]))


def precedences() -> Iterator[Arguments]:
    yield from itertools.product(pairs_of_heads(), pairs_of_heads())


def link_updates() -> Iterator[Arguments]:
    yield from itertools.product(link_matrices(), pairs_of_heads(), pairs_of_heads())


def weightings_to_sparsify() -> Iterator[Arguments]:
    yield from itertools.product(pairs_of_heads())


def followed() -> Iterator[Arguments]:
    yield from itertools.product(link_matrices(), pairs_of_heads())


def followed_and_sharpened() -> Iterator[Arguments]:
    sharpness = [torch.full((1, 1, 2), number, dtype=torch.float64) for number in (1.0, 1 + 1e-7, 21.0, 1e4, 1e30)]
    yield from itertools.product((heads[:, None] for heads in pairs_of_heads()), sharpness)


def masked() -> Iterator[Arguments]:
    keys = [filled(number, 1) for number in SMALL_AND_LARGE]
    masks = [torch.full((1, 1, WIDTH), number, dtype=torch.float64) for number in (0.1, 1.0)]
    masks.append(torch.tensor([[[0.1, 1.0, 0.1]]], dtype=torch.float64))
    yield from itertools.product(memories(), keys, scalars(STRENGTHS[:-1]), masks)


def written_together() -> Iterator[Arguments]:
    rows = [torch.full((1, 2, WIDTH), number, dtype=torch.float64) for number in (0.0, 1e-45, 1.0, -1e38)]
    yield from itertools.product(memories(), pairs_of_heads(), rows[:3], rows)


def raw_interfaces() -> Iterator[Arguments]:
    sizes = sum(EVERYTHING.interface_sizes)
    usual = torch.linspace(-2, 2, sizes, dtype=torch.float64)[None]
    for number in [1e-45, 20.0, -20.0, 1e4, -1e4, 1e30, -1e30, 1e38, -1e38]:
        yield (torch.full((1, sizes), number, dtype=torch.float64),)
        for place in range(sizes):
            extreme = usual.clone()
            extreme[0, place] = number
            yield (extreme,)


def keep_top_two(weighting: Tensor) -> Tensor:
    return linkage.keep_top_k(weighting, 2)


def interface_without_clip(raw: Tensor) -> Tensor:
    return torch.cat([part.flatten() for part in interface_parameters(raw, EVERYTHING)])


# Each equation, its extreme arguments, and at most how many numbers of its value and gradients float32 cannot hold.
CASES: dict[str, tuple[Callable[..., Tensor], Callable[[], Iterator[Arguments]], int]] = {
    "retention": (linkage.retention, retentions, 0),
    "usage": (linkage.usage, used, 0),
    "allocation": (linkage.allocation, allocated, 0),
    "allocations": (linkage.allocations, allocated_to_two, 0),
    "write_weightings": (linkage.write_weightings, where_to_write, 0),
    "precedence": (linkage.precedence, precedences, 0),
    "links": (linkage.links, link_updates, 0),
    "keep_top_k": (keep_top_two, weightings_to_sparsify, 0),
    "forward": (linkage.forward, followed, 0),
    "backward": (linkage.backward, followed, 0),
    "sharpen_followed": (linkage.sharpen_followed, followed_and_sharpened, 0),
    "masked_content": (masked_content, masked, 0),
    "write_together": (write_together, written_together, 4676),
    "interface_parameters": (interface_without_clip, raw_interfaces, 0),
}


MANY = ("masked_content", "write_together", "allocations")
"""Hundreds of arguments each: the quick tests have the others."""

EACH_CASE = pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.slow if name in MANY else []) for name in CASES]
)


@EACH_CASE
def test_float64_is_finite_for_extreme_numbers(name: str, record_property: Any) -> None:
    function, drawn, _ = CASES[name]
    record_property("cases", sum(1 for _ in drawn()))
    for arguments in drawn():
        for result in value_and_gradients(function, arguments, torch.float64):
            assert result.isfinite().all(), arguments


@EACH_CASE
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
    assert too_large <= most_too_large, too_large
