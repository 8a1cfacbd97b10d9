"""Where a run stands, and how it ended: the numbers beside the tensors."""

import math
from dataclasses import dataclass
from typing import NamedTuple

from tapehead.training.learner import Lesson


class Progress(NamedTuple):
    """How far a run is; loss, bits and bit errors are of the last update's batch."""

    update: int
    sequences: int
    loss: float
    bits: float  # per sequence
    bit_errors: float  # per sequence
    evaluation_bit_errors: float | None  # of the last evaluation


class Result(NamedTuple):
    """How a run ended."""

    update: int
    sequences: int
    solved_at_update: int | None
    bit_errors: float  # of the last evaluation, per sequence of the largest size
    bits: float
    seconds: float  # of training, all its parts together


@dataclass
class Standing:
    """Where a run stands between two updates, but for its tensors."""

    update: int = 0
    lessons: int = 0  # since the last evaluation; the next five are over these
    loss: float = 0.0
    bits: float = 0.0
    bit_errors: float = 0.0
    gradient_norm: float = 0.0
    skipped: int = 0
    skipped_in_a_row: int = 0  # up to now
    solved_at_update: int | None = None
    evaluation_bit_errors: float | None = None
    evaluation_bits: float | None = None
    seconds: float = 0.0

    def count(self, lesson: Lesson) -> None:
        """Note one more update: sums, and the largest gradient; or that it was skipped."""
        self.update += 1
        self.lessons += 1
        self.loss += lesson.loss
        self.bits += lesson.bits
        self.bit_errors += lesson.bit_errors
        if math.isfinite(lesson.gradient_norm):
            self.gradient_norm = max(self.gradient_norm, lesson.gradient_norm)
            self.skipped_in_a_row = 0
        else:
            self.skipped += 1
            self.skipped_in_a_row += 1
