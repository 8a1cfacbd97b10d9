"""Dynamic N-grams: what the README shows of them. About an hour on two cores.

Scores vary much between sequences, so it takes many to tell two models apart.
"""

from tapehead.experiments.evaluations import Evaluation
from tapehead.training.recipes import configure

RUNS = tuple(configure("ngrams", model, seed=seed) for model in ("ntm", "lstm") for seed in (1, 2, 3))
EVALUATIONS = (Evaluation(sizes=((200,),), sequences=10_000),)
