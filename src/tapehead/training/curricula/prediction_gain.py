"""A curriculum that draws the sizes that the model learns most from (Graves et al. 2017, arXiv 1704.03003)."""

import math
from itertools import product
from typing import Any, ClassVar, final

import numpy as np

from tapehead._arguments import check_number
from tapehead.tasks import Sizes, Task
from tapehead.training.curricula.curriculum import Curriculum, Numbers, is_count
from tapehead.training.curricula.exp3s import next_log_weights, policy, rewards

MOST_ARMS = 10_000
"""More sizes than this are too many to try."""
MOST_GAINS = 2**63 - 1
"""More gains than any run can report."""
RESERVOIR = 1_000
"""Gains that are kept: all of them at first, then a uniform sample."""


@final
class PredictionGain(Curriculum):
    """Let the bandit Exp3.S choose among all sizes by what training on each gains.

    A training step gains what its own batch is predicted better after it than before, here in bits per time step, since
    longer sequences take longer. Where sequences have sizes of their own, the sequences of one size are one draw of
    their arm with their mean gain, weighted by their share of the batch. So a training step is one step of the bandit
    however sizes are drawn, its step size means the same, and a batch of one size is the paper's own case.

    Args:
        task: What is learned.
        step_size: Step size of the bandit, its eta.
        exploration: Share of draws that are uniform over all sizes, its epsilon.

    Raises:
        TypeError: An argument is of the wrong type.
        ValueError: An argument is out of its range, or the task has too many sizes.
    """

    needs_gains: ClassVar[bool] = True

    def __init__(self, task: Task, *, step_size: float = 1e-3, exploration: float = 0.05) -> None:
        super().__init__(task)
        check_number("step_size", step_size, above=0)
        check_number("exploration", exploration, 0)
        if not 0 < exploration <= 1:
            raise ValueError(f"exploration: expected a number > 0 and <= 1, not {exploration}")
        self.step_size, self.exploration = step_size, exploration
        axes = [range(low, high + 1) for low, high in zip(self.min_size, self.max_size, strict=True)]
        self.shape = tuple(map(len, axes))
        if math.prod(self.shape) > MOST_ARMS:
            count = f"{math.prod(self.shape):,}"
            raise ValueError(f"curriculum: expected at most {MOST_ARMS:,} sizes with 'prediction_gain', not {count}")
        self.arms = np.array(list(product(*axes)), np.int64)  # (A, K)
        self.log_weights: Numbers = np.zeros(len(self.arms))
        self.reservoir: list[float] = []
        self.steps = self.gains = 0  # steps of the bandit; gains that were reported

    @property
    def waits_for(self) -> None:
        """It waits for nothing."""
        return

    def draw(self, count: int, generator: np.random.Generator) -> Sizes:
        """Draw sizes from the bandit's policy, (count, K)."""
        return self.arms[generator.choice(len(self.arms), count, p=policy(self.log_weights, self.exploration))]

    @property
    def mean_size(self) -> tuple[float, ...]:
        """The mean under the bandit's policy, K numbers."""
        return tuple((policy(self.log_weights, self.exploration) @ self.arms).tolist())

    def report_errors(self, errors: float) -> None:
        """Ignore it: errors do not count here."""

    def report_gains(self, sizes: Sizes, gains: Numbers, generator: np.random.Generator) -> None:
        """Do a step of the bandit."""
        drawn = np.ravel_multi_index(tuple((sizes - self.min_size).T), self.shape)
        arms, place, counts = np.unique(drawn, return_inverse=True, return_counts=True)
        means = np.bincount(place, gains) / counts
        for gain in means.tolist():
            self._keep(gain, generator)
        weighted = rewards(means, np.array(self.reservoir)) * counts / len(sizes)
        estimates = np.zeros(len(self.arms))
        estimates[arms] = weighted / policy(self.log_weights, self.exploration)[arms]
        self.steps += 1
        self.log_weights = next_log_weights(self.log_weights, estimates, self.steps + 1, self.step_size)

    def _keep(self, gain: float, generator: np.random.Generator) -> None:
        """Keep a gain; once the reservoir is full, each gain so far is equally likely to be kept (Vitter 1985)."""
        self.gains += 1
        if len(self.reservoir) < RESERVOIR:
            self.reservoir.append(gain)
            return
        place = int(generator.integers(self.gains))
        if place < RESERVOIR:
            self.reservoir[place] = gain

    def state(self) -> dict[str, Any]:
        """Give the bandit's weights, and the gains that it keeps."""
        return {
            "log_weights": self.log_weights.tolist(),
            "reservoir": list(self.reservoir),
            "steps": self.steps,
            "gains": self.gains,
        }

    def load_state(self, state: object) -> None:
        """Restore the bandit's weights, and the gains that it keeps.

        Raises:
            ValueError: They cannot be those of as many sizes.
        """
        if not isinstance(state, dict) or not self._could_be(state):
            raise ValueError(f"expected the log-weights of {len(self.arms)} sizes and the gains, not these")
        self.log_weights, self.reservoir = np.array(state["log_weights"]), list(state["reservoir"])
        self.steps, self.gains = state["steps"], state["gains"]

    def _could_be(self, state: dict[str, Any]) -> bool:
        return (
            state.keys() == self.state().keys()
            and _are_numbers(state["log_weights"], len(self.arms))
            and is_count(state["gains"], MOST_GAINS)
            and is_count(state["steps"], state["gains"])
            and _are_numbers(state["reservoir"], min(state["gains"], RESERVOIR))
        )


def _are_numbers(values: object, count: int) -> bool:
    """Say whether these are that many finite numbers, as JSON gives them back."""
    if not isinstance(values, list) or len(values) != count:
        return False
    return all(isinstance(value, float) and math.isfinite(value) for value in values)
