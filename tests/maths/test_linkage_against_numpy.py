"""Free slots and the order of writing: each equation against NumPy."""

import numpy as np
import pytest
import torch
from torch import Tensor

from tapehead.maths import linkage
from tapehead.maths.addressing import masked_content
from tapehead.maths.memory import write_together
from tests.maths import numpy_dnc

SEEDS = range(20)
TOLERANCE = 1e-13  # float64, one equation: a few roundings of numbers below 10


class Draw:
    """Random arguments, shaped by one seed, for the NumPy version and, through `torch.tensor`, for the library."""

    def __init__(self, seed: int) -> None:
        self.generator = np.random.default_rng(seed)
        self.B, self.R, self.H, self.N, self.W = (int(size) for size in self.generator.integers(1, 6, 5))

    def share(self, *shape: int) -> numpy_dnc.Array:
        return self.generator.uniform(size=shape)

    def weighting(self, *shape: int) -> numpy_dnc.Array:
        return self.generator.dirichlet(np.ones(shape[-1]), shape[:-1]) * self.share(*shape[:-1], 1)

    def links(self) -> numpy_dnc.Array:
        return self.share(self.B, self.H, self.N, self.N) * (1 - np.eye(self.N)) / self.N


def assert_close(ours: Tensor, theirs: object, tolerance: float = TOLERANCE) -> None:
    np.testing.assert_allclose(ours.numpy(), theirs, rtol=0, atol=tolerance)


@pytest.mark.parametrize("seed", SEEDS)
def test_retention_equals_numpy(seed: int) -> None:
    draw = Draw(seed)
    weightings, gates = draw.weighting(draw.B, draw.R, draw.N), draw.share(draw.B, draw.R)
    expected = [numpy_dnc.retention(weightings[b], list(gates[b])) for b in range(draw.B)]
    assert_close(linkage.retention(torch.tensor(weightings), torch.tensor(gates)), expected)


@pytest.mark.parametrize("seed", SEEDS)
def test_usage_equals_numpy_and_the_closed_form(seed: int) -> None:
    draw = Draw(seed)
    before, written, retained = (
        draw.share(draw.B, draw.N),
        draw.weighting(draw.B, draw.H, draw.N),
        draw.share(draw.B, draw.N),
    )
    ours = linkage.usage(*(torch.tensor(array) for array in (before, written, retained)))
    assert_close(ours, [numpy_dnc.used(before[b], written[b], retained[b]) for b in range(draw.B)])
    assert_close(ours, (before + (1 - before) * (1 - np.prod(1 - written, axis=1))) * retained)


@pytest.mark.parametrize("seed", SEEDS)
def test_allocation_equals_numpy(seed: int) -> None:
    draw = Draw(seed)
    usage = draw.share(draw.B, draw.N).round(int(draw.generator.integers(1, 4)))  # often with equally used slots
    assert_close(linkage.allocation(torch.tensor(usage)), [numpy_dnc.allocation(row) for row in usage])


@pytest.mark.parametrize("seed", SEEDS)
def test_links_equal_numpy(seed: int) -> None:
    draw = Draw(seed)
    links, written = draw.links(), draw.weighting(draw.B, draw.H, draw.N)
    precedence = draw.weighting(draw.B, draw.H, draw.N)
    ours = linkage.links(*(torch.tensor(array) for array in (links, written, precedence)))
    drawn = zip(links, written, precedence, strict=True)
    assert_close(ours, [[numpy_dnc.linked(*of_head) for of_head in zip(*of, strict=True)] for of in drawn])


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("count", [1, 2, 4])
def test_thinning_equals_numpy(seed: int, count: int) -> None:
    draw = Draw(seed)
    weighting = draw.weighting(draw.B, draw.H, draw.N)
    weighting[:, 0, draw.N // 2] = weighting[:, 0, 0]  # equally heavy slots
    expected = [[numpy_dnc.keep_top_k(row, count) for row in rows] for rows in weighting]
    assert_close(linkage.keep_top_k(torch.tensor(weighting), count), expected)


@pytest.mark.parametrize("seed", SEEDS)
def test_masked_content_equals_numpy(seed: int) -> None:
    draw = Draw(seed)
    memory = draw.generator.normal(size=(draw.B, draw.N, draw.W))
    keys, strengths = draw.generator.normal(size=(draw.B, draw.H, draw.W)), 1 + 5 * draw.share(draw.B, draw.H)
    masks = 0.1 + 0.9 * draw.share(draw.B, draw.H, draw.W)
    expected = [
        [numpy_dnc.masked_content_weighting(memory[b], keys[b, h], strengths[b, h], masks[b, h]) for h in range(draw.H)]
        for b in range(draw.B)
    ]
    assert_close(masked_content(*(torch.tensor(array) for array in (memory, keys, strengths, masks))), expected)


@pytest.mark.parametrize("seed", SEEDS)
def test_writing_together_equals_numpy(seed: int) -> None:
    draw = Draw(seed)
    memory, weightings = draw.generator.normal(size=(draw.B, draw.N, draw.W)), draw.weighting(draw.B, draw.H, draw.N)
    erases, adds = draw.share(draw.B, draw.H, draw.W), draw.generator.normal(size=(draw.B, draw.H, draw.W))
    expected = [
        numpy_dnc.written(memory[b], weightings[b], list(erases[b]), list(adds[b]), np.ones(draw.N))
        for b in range(draw.B)
    ]
    assert_close(write_together(*(torch.tensor(array) for array in (memory, weightings, erases, adds))), expected)
