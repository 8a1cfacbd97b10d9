"""Associative recall at this project's own settings: does it still matter how the memory starts?

Sixty NTMs: two hours on two cores.
"""

from tapehead.experiments.collier2018._runs import claim_faster, draw, ntm_runs
from tapehead.experiments.evaluations import Evaluation

__all__ = ["CLAIMS", "EVALUATIONS", "RUNS", "draw"]

RUNS = ntm_runs("associative_recall", recipe="tapehead")
EVALUATIONS = (Evaluation(sizes=((6,), (12,), (20,))),)
CLAIMS = (
    *claim_faster("learned", 1.15),
    *claim_faster("random", 5.3),
)
