"""Repeat copy: what the README shows of it. About three hours on two cores, a third of it for the LSTMs.

Seeds 71 to 100 of the NTM and 71 to 80 of the DNC are those that no setting was chosen on.
"""

from tapehead.experiments.claims import Claim, ours, scored
from tapehead.experiments.evaluations import Evaluation
from tapehead.training.recipes import configure

RUNS = (
    *(configure("repeat_copy", seed=seed) for seed in range(71, 101)),
    *(configure("repeat_copy", "dnc", seed=seed) for seed in range(71, 81)),
    *(configure("repeat_copy", "lstm", seed=seed) for seed in (1, 2, 3)),
)
EVALUATIONS = (Evaluation(sizes=((10, 10), (10, 20), (20, 10))),)
NTM, DNC = ours("ntm"), ours("dnc")
CLAIMS = (
    Claim("NTM: at most 0.1 errors at 10x10", "30 of 30", scored(NTM, (10, 10), "errors", 0.1, least_runs=30)),
    Claim("NTM: at most 1 error at 20x10", "25 of 30", scored(NTM, (20, 10), "errors", 1.0, least_runs=25)),
    Claim("NTM: at most 1 error at 10x20", "25 of 30", scored(NTM, (10, 20), "errors", 1.0, least_runs=25)),
    Claim("DNC: at most 0.1 errors at 10x10", "10 of 10", scored(DNC, (10, 10), "errors", 0.1, least_runs=10)),
)
