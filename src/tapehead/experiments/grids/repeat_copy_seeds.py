"""Repeat copy with thirty seeds that no setting was chosen on, and longer. Half an hour on two cores."""

from tapehead.experiments.evaluations import Evaluation
from tapehead.training.recipes import configure

RUNS = tuple(configure("repeat_copy", seed=seed) for seed in range(41, 71))
EVALUATIONS = (Evaluation(sizes=((10, 10), (10, 20), (20, 10)), sequences=640),)
