"""Which sizes of question are trained on, and when: every curriculum by the name that the command line knows it by."""

import numpy as np

from tapehead.tasks import Sizes
from tapehead.training.curricula._curriculum import Curriculum
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

__all__ = ["CURRICULA", "Curriculum", "draw"]


def draw(curriculum: Curriculum, per: str, count: int, generator: np.random.Generator) -> Sizes:
    """Draw a batch's sizes.

    Args:
        curriculum: What draws them.
        per: `sequence`: each sequence has a size of its own; `batch`: one size for all, as in Collier & Beel 2018.
        count: Sequences in the batch.
        generator: Where the randomness comes from.

    Returns:
        The sizes, (count, K).
    """
    if per == "batch":
        return np.repeat(curriculum.draw(1, generator), count, axis=0)
    return curriculum.draw(count, generator)
