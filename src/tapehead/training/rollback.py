"""What training does once it has lost what was learned: it goes back to its best evaluation, with smaller steps."""

import math
from collections.abc import Mapping

import torch
from torch import Tensor

from tapehead._shapes import PerSequence

OF_THE_BEST, OF_THE_WORST = 10.0, 0.1
"""An evaluation is far worse than the best with more than so many times its errors, and more than so many times those
of the worst: where one wrong sequence is hundreds of errors, as in repeat copy, ten times the best may be chance.
"""

MOST_WRONG, FEW_WRONG, LEAST_BATCH = 0.5, 0.1, 8
"""A model that solved the task has lost it when more than the first share of a training batch's sequences are wrong, if
no more than the second were at the evaluation that is kept. Smaller batches than the last say nothing.
"""

LEARNING_RATE_FACTOR = 0.5
"""Of the learning rate, the share that is left by each return."""

WEIGHTS, NUMBERS = "weights", "numbers"


class Rollback:
    """What training had at the best evaluation so far; of those that solve the task, at the latest.

    A solved task is lost within some twenty steps, in which more and more sequences go wrong. Most of these spikes
    pass, but a model that is still wrong several evaluations later hardly ever comes back by itself. Where no
    prediction can be certain, an evaluation with fewer bits above the best possible is the better one, solved or not.

    Args:
        patience: The number of evaluations in a row, all far worse than the best, after which training goes back to it;
            None: it never does, and nothing is kept.
    """

    def __init__(self, patience: int | None) -> None:
        self.patience = patience
        self.kept: dict[str, Tensor] = {}
        self.mastered = False  # whether what is kept solved the task with few wrong sequences
        self.watching = False  # if so, for a batch that is mostly wrong: from an evaluation until training goes back
        self.least, self.most = math.inf, 0.0  # the distances of the best evaluation and of the worst
        self.worse, self.returns = 0, 0  # evaluations in a row that are far worse; and how often training went back

    @property
    def learning_rate_factor(self) -> float:
        """What the learning rate is multiplied by from now on."""
        return float(LEARNING_RATE_FACTOR**self.returns)

    def report_evaluation(self, distance: float, solved: bool, wrong: float, tensors: Mapping[str, Tensor]) -> bool:
        """Take note of an evaluation, and say whether to go back to what is `kept`.

        Args:
            distance: Its errors per sequence or, where none can be certain, bits above the best possible.
            solved: Whether it solves the task.
            wrong: The share of its sequences that have an error.
            tensors: What training has now, to be kept if it is the best: the weights, as WEIGHTS, and others.
        """
        if self.patience is None:
            return False
        self.most = max(distance, self.most)
        if solved or distance <= self.least:
            self.kept = {name: tensor.detach().clone() for name, tensor in tensors.items()}
            self.mastered = solved and wrong <= FEW_WRONG
            self.least, self.worse = min(distance, self.least), 0
        else:
            far_worse = distance > max(OF_THE_BEST * self.least, OF_THE_WORST * self.most)
            self.worse = self.worse + 1 if far_worse else 0
        self.watching = self.mastered
        return self.worse >= self.patience and self._go_back()

    def report_batch(self, errors: PerSequence) -> bool:
        """Take note of a training batch while `watching`, and say whether to go back to what is `kept`.

        Args:
            errors: The number of errors in each of its sequences, (B,).
        """
        most_wrong = len(errors) >= LEAST_BATCH and float((errors > 0).float().mean()) > MOST_WRONG
        return self.watching and most_wrong and self._go_back()

    def _go_back(self) -> bool:
        self.worse, self.returns, self.watching = 0, self.returns + 1, False
        return True

    def tensors(self) -> dict[str, Tensor]:
        """Return what a checkpoint has to hold."""
        if not self.kept:
            return {}
        numbers = [self.mastered, self.watching, self.least, self.most, self.worse, self.returns]
        return {NUMBERS: torch.tensor(numbers, dtype=torch.float64), **self.kept}

    def load_tensors(self, tensors: Mapping[str, Tensor]) -> None:
        """Load what `tensors` returned, into what has not seen an evaluation yet.

        Raises:
            RuntimeError: A tensor is missing, or of the wrong shape.
        """
        if not tensors:
            return
        for name in (WEIGHTS, NUMBERS):
            if name not in tensors:
                raise RuntimeError(f"rollback.{name}: expected a tensor, which is missing")
        if tensors[NUMBERS].shape != (6,):
            raise RuntimeError(f"rollback.{NUMBERS}: expected shape (6,), not {tuple(tensors[NUMBERS].shape)}")
        mastered, watching, self.least, self.most, *counts = tensors[NUMBERS].tolist()
        for count in counts:
            if not (count >= 0 and count.is_integer()):
                raise RuntimeError(f"rollback.{NUMBERS}: expected counts that are whole numbers, not {count}")
        self.mastered, self.watching, (self.worse, self.returns) = bool(mastered), bool(watching), map(int, counts)
        self.kept = {name: tensor.clone() for name, tensor in tensors.items() if name != NUMBERS}
