"""Repeat copy at this project's own settings: does it still matter how the memory starts?

Sixty NTMs: two hours on two cores.
"""

from tapehead.experiments.collier2018._runs import claim_faster, draw, ntm_runs
from tapehead.experiments.evaluations import Evaluation

__all__ = ["CLAIMS", "EVALUATIONS", "RUNS", "draw"]

RUNS = ntm_runs("repeat_copy", recipe="tapehead")
EVALUATIONS = (Evaluation(sizes=((10, 10), (10, 20), (20, 10))),)
CLAIMS = (
    *claim_faster("learned", 1.43),
    *claim_faster("random", 1.35),
)
