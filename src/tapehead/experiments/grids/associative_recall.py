"""Associative recall: what the README shows of it. About two hours on two cores, a quarter of it for the LSTMs.

Seeds 71 to 100 of the NTM and 71 to 80 of the DNC are those that no setting was chosen on.
"""

from tapehead.experiments.claims import Claim, ours, scored
from tapehead.experiments.evaluations import Evaluation
from tapehead.training.recipes import configure

RUNS = (
    *(configure("associative_recall", seed=seed) for seed in range(71, 101)),
    *(configure("associative_recall", "dnc", seed=seed) for seed in range(71, 81)),
    *(configure("associative_recall", "lstm", seed=seed) for seed in (1, 2)),
)
EVALUATIONS = (Evaluation(sizes=tuple((items,) for items in (6, 7, 8, 9, 10, 11, 12, 15, 20))),)
NTM, DNC = ours("ntm"), ours("dnc")
CLAIMS = (
    Claim("NTM: at most 0.1 errors with 6 items", "30 of 30", scored(NTM, (6,), "errors", 0.1, least_runs=30)),
    Claim("NTM: at most 0.5 errors with 20 items", "28 of 30", scored(NTM, (20,), "errors", 0.5, least_runs=28)),
    Claim("DNC: at most 0.1 errors with 6 items", "10 of 10", scored(DNC, (6,), "errors", 0.1, least_runs=10)),
)
