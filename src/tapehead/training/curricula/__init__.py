"""Which sizes of sequence are trained on, and when: every curriculum by the name that the command line uses."""

import numpy as np

from tapehead.tasks import Sizes
from tapehead.training.curricula.curriculum import Curriculum
from tapehead.training.curricula.fixed import Longest, Uniform
from tapehead.training.curricula.growing import LookBack, LookBackAndForward, Naive
from tapehead.training.curricula.prediction_gain import PredictionGain

CURRICULA: dict[str, type[Curriculum]] = {
    "none": Longest,
    "uniform": Uniform,
    "naive": Naive,
    "look_back": LookBack,
    "look_back_and_forward": LookBackAndForward,
    "prediction_gain": PredictionGain,
}
"""The curricula by the names that the command line uses."""

__all__ = ["CURRICULA", "Curriculum", "draw"]


def draw(curriculum: Curriculum, sizes_per: str, count: int, generator: np.random.Generator) -> Sizes:
    """Draw a batch's sizes.

    Args:
        curriculum: What draws them.
        sizes_per: `sequence`: each has a size of its own; `batch`: one size for all, as in Collier & Beel 2018.
        count: Sequences in the batch.
        generator: The source of all randomness.

    Returns:
        The sizes, (count, K).
    """
    if sizes_per == "batch":
        return np.repeat(curriculum.draw(1, generator), count, axis=0)
    return curriculum.draw(count, generator)
