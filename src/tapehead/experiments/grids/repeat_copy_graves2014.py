"""Repeat copy as Graves et al. 2014 write it, on thirty seeds that no setting was chosen on. Two hours on two cores."""

from tapehead.experiments.claims import Claim, Runs, scored
from tapehead.experiments.evaluations import Evaluation
from tapehead.training.recipes import configure

RUNS = tuple(
    configure("repeat_copy", seed=seed, changes={"task": {"encoding": "graves2014"}}) for seed in range(71, 101)
)
EVALUATIONS = (Evaluation(sizes=((10, 10), (10, 20), (20, 10))),)
NTM = Runs("NTM", lambda record: True)
CLAIMS = (
    Claim("NTM: at most 0.1 errors at 10x10", "27 of 30", scored(NTM, (10, 10), "errors", 0.1, least_runs=27)),
    Claim("NTM: at most 1 error at 20x10", "25 of 30", scored(NTM, (20, 10), "errors", 1.0, least_runs=25)),
    Claim("NTM: at most 1 error at 10x20", "25 of 30", scored(NTM, (10, 20), "errors", 1.0, least_runs=25)),
)
