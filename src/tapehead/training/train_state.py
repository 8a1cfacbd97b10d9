"""Where a run stands, and how it ended: the numbers besides the tensors."""

import math
from dataclasses import dataclass
from typing import NamedTuple

from tapehead.training.step import StepMetrics


class Progress(NamedTuple):
    """How far a run is; loss, bits and errors are of the last training step's batch.

    Attributes:
        step: Training steps done.
        sequences: Training sequences seen.
        loss: As it is minimized.
        bits: Cross-entropy per sequence, in bits.
        errors: Per sequence.
        eval_errors: Of the last evaluation.
        rollbacks: How often training has gone back to an earlier evaluation.
    """

    step: int
    sequences: int
    loss: float
    bits: float
    errors: float
    eval_errors: float | None
    rollbacks: int


class Result(NamedTuple):
    """How a run ended; errors and bits are of the last evaluation, per sequence of the largest size.

    Attributes:
        step: The last training step.
        sequences: Training sequences seen.
        solved_at_step: The first evaluation at which the task was solved; None: at none.
        errors: Per sequence.
        bits: Cross-entropy per sequence.
        gap_bits: Above the best possible; None where 0 bits are possible.
        seconds: Of training, all its parts together.
    """

    step: int
    sequences: int
    solved_at_step: int | None
    errors: float
    bits: float
    gap_bits: float | None
    seconds: float


@dataclass
class TrainState:
    """Where a run stands between two training steps, but for its tensors."""

    step: int = 0
    steps_since_eval: int = 0  # the next five are over these
    loss: float = 0.0
    bits: float = 0.0
    errors: float = 0.0
    max_gradient_norm: float = 0.0
    skipped: int = 0
    skipped_in_a_row: int = 0  # up to now
    solved_at_step: int | None = None
    eval_errors: float | None = None
    eval_bits: float | None = None
    eval_gap_bits: float | None = None
    seconds: float = 0.0

    def add(self, metrics: StepMetrics) -> None:
        """Add one more training step: sums, and the largest gradient norm; or that it was skipped."""
        self.step += 1
        self.steps_since_eval += 1
        self.loss += metrics.loss
        self.bits += metrics.bits
        self.errors += metrics.errors
        if math.isfinite(metrics.gradient_norm):
            self.max_gradient_norm = max(self.max_gradient_norm, metrics.gradient_norm)
            self.skipped_in_a_row = 0
        else:
            self.skipped += 1
            self.skipped_in_a_row += 1
