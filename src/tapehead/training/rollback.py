"""What training does once it has lost what was learned: it goes back to the weights of its best evaluation."""

import math

import torch
from torch import Tensor

OF_THE_BEST, OF_THE_WORST = 10.0, 0.1
"""An evaluation is far worse than the best with more than so many times its errors, and more than so many times those
of the worst: where one wrong sequence is hundreds of errors, as in repeat copy, ten times the best may be chance.
"""

LEARNING_RATE_FACTOR = 0.5
"""Of the learning rate, the share that is left by each return."""

WEIGHTS, NUMBERS = "weights", "numbers"


class Rollback:
    """The weights of the best evaluation so far; of those that solve the task, the latest.

    A loss spike passes, mostly; a model that is still wrong several evaluations later hardly ever comes back by itself.

    Args:
        patience: The number of evaluations in a row, all far worse than the best, after which training goes back to it;
            None: it never does.
    """

    def __init__(self, patience: int | None) -> None:
        self.patience = patience
        self.weights: Tensor | None = None
        self.least, self.most = math.inf, 0.0  # the distances of the best evaluation and of the worst
        self.worse, self.returns = 0, 0  # evaluations in a row that are far worse; and how often training went back

    @property
    def learning_rate_factor(self) -> float:
        """What the learning rate is multiplied by from now on."""
        return float(LEARNING_RATE_FACTOR**self.returns)

    def report(self, distance: float, solved: bool, weights: Tensor) -> Tensor | None:
        """Take note of an evaluation.

        Args:
            distance: Its errors per sequence or, where none can be certain, bits above the best possible.
            solved: Whether it solves the task.
            weights: All weights, one axis.

        Returns:
            The weights to go back to; None: go on with these.
        """
        if self.patience is None:
            return None
        self.most = max(distance, self.most)
        if solved or distance <= self.least:
            self.weights, self.least, self.worse = weights.detach().clone(), min(distance, self.least), 0
            return None
        far_worse = distance > max(OF_THE_BEST * self.least, OF_THE_WORST * self.most)
        self.worse = self.worse + 1 if far_worse else 0
        if self.worse < self.patience:
            return None
        self.worse, self.returns = 0, self.returns + 1
        return self.weights

    def tensors(self) -> dict[str, Tensor]:
        """Return what a checkpoint has to hold."""
        if self.weights is None:
            return {}
        numbers = torch.tensor([self.least, self.most, self.worse, self.returns], dtype=torch.float64)
        return {WEIGHTS: self.weights, NUMBERS: numbers}

    def load_tensors(self, tensors: dict[str, Tensor], weights: Tensor) -> None:
        """Load what `tensors` returned, into what has not seen an evaluation yet.

        Args:
            tensors: On any device.
            weights: All weights, for their shape and device.

        Raises:
            RuntimeError: A tensor is missing, or belongs to another model.
        """
        if tensors:
            missing = sorted({WEIGHTS, NUMBERS} - tensors.keys())
            if missing:
                raise RuntimeError(f"rollback.{missing[0]}: expected a tensor, which is missing")
            if tensors[WEIGHTS].shape != weights.shape:
                expected, given = tuple(weights.shape), tuple(tensors[WEIGHTS].shape)
                raise RuntimeError(f"rollback.{WEIGHTS}: expected shape {expected}, not {given}")
            self.weights = tensors[WEIGHTS].to(weights.device, copy=True)
            self.least, self.most, worse, returns = tensors[NUMBERS].tolist()
            self.worse, self.returns = int(worse), int(returns)
