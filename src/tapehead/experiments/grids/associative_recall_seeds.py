"""Recall with thirty seeds that no setting was chosen on, up to 20 items. Ten minutes on two cores."""

from tapehead.experiments.evaluations import Evaluation
from tapehead.training.recipes import configure

RUNS = tuple(configure("associative_recall", seed=seed) for seed in range(41, 71))
EVALUATIONS = (Evaluation(sizes=((6,), (10,), (20,)), sequences=640),)
