"""A few slots, and heads on them, for the tests that say in words what a head does."""

import numpy as np
import torch
from torch import Tensor

SLOTS = 5
TOLERANCE = 1e-13  # float64, one equation: a few roundings of numbers below 10


def assert_close(ours: Tensor, theirs: object, tolerance: float = TOLERANCE) -> None:
    np.testing.assert_allclose(ours.numpy(), theirs, rtol=0, atol=tolerance)


def vector(*numbers: float) -> Tensor:
    return torch.tensor(numbers, dtype=torch.float64)


def onehot(place: int, weight: float = 1.0) -> Tensor:
    """All the weight of the only head on one slot, (1, 1, N)."""
    return weight * torch.eye(SLOTS, dtype=torch.float64)[place][None, None]


def gates(*numbers: float) -> Tensor:
    """One number a head, (1, heads)."""
    return vector(*numbers)[None]
