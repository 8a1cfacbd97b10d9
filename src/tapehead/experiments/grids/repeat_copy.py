"""Repeat copy: what the README shows of it. About an hour on two cores, most of it for the LSTMs."""

from tapehead.experiments.evaluations import Evaluation
from tapehead.training.recipes import configure

RUNS = tuple(configure("repeat_copy", model, seed=seed) for model in ("ntm", "dnc", "lstm") for seed in (1, 2, 3))
EVALUATIONS = (Evaluation(sizes=((10, 10), (10, 20), (20, 10))),)
