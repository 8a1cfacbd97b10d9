"""Associative recall: what the README shows of it. About half an hour on two cores, most of it for the LSTMs."""

from tapehead.experiments.evaluations import Evaluation
from tapehead.training.recipes import configure

RUNS = (
    *(configure("associative_recall", model, seed=seed) for model in ("ntm", "dnc") for seed in (1, 2, 3)),
    *(configure("associative_recall", "lstm", seed=seed) for seed in (1, 2)),
)
EVALUATIONS = (Evaluation(sizes=tuple((items,) for items in (6, 7, 8, 9, 10, 11, 12, 15, 20))),)
