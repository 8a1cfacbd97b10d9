"""Repeat copy as Graves et al. 2014 write it, on thirty seeds that no setting was chosen on. Two hours on two cores."""

from tapehead.experiments.evaluations import Evaluation
from tapehead.training.recipes import configure

RUNS = tuple(
    configure("repeat_copy", seed=seed, changes={"task": {"encoding": "graves2014"}}) for seed in range(71, 101)
)
EVALUATIONS = (Evaluation(sizes=((10, 10), (10, 20), (20, 10))),)
