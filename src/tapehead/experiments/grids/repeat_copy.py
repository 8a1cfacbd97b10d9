"""Repeat copy: what the README shows of it. About three hours on two cores, a third of it for the LSTMs.

Seeds 71 to 100 of the NTM and 71 to 80 of the DNC are those that no setting was chosen on.
"""

from tapehead.experiments.evaluations import Evaluation
from tapehead.training.recipes import configure

RUNS = (
    *(configure("repeat_copy", seed=seed) for seed in range(71, 101)),
    *(configure("repeat_copy", "dnc", seed=seed) for seed in range(71, 81)),
    *(configure("repeat_copy", "lstm", seed=seed) for seed in (1, 2, 3)),
)
EVALUATIONS = (Evaluation(sizes=((10, 10), (10, 20), (20, 10))),)
