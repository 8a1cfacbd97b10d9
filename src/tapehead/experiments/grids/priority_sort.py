"""Priority sort: what the README shows of it. About half an hour on two cores, most of it for the LSTMs."""

from tapehead.experiments.evaluations import Evaluation
from tapehead.training.recipes import configure

RUNS = tuple(configure("priority_sort", model, seed=seed) for model in ("ntm", "lstm") for seed in (1, 2, 3))
EVALUATIONS = (Evaluation(sizes=((20,),)),)
