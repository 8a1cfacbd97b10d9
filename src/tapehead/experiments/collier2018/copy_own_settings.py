"""Copy at this project's own settings: does it still matter how the memory starts?

Sixty NTMs: two hours on two cores.
"""

from tapehead.experiments.collier2018._runs import claim_faster, claim_never_learned, draw, ntm_runs
from tapehead.experiments.evaluations import Evaluation

__all__ = ["CLAIMS", "EVALUATIONS", "RUNS", "draw"]

RUNS = ntm_runs("copy", recipe="tapehead")
EVALUATIONS = (Evaluation(sizes=((20,), (60,), (120,))),)
CLAIMS = (
    *claim_faster("learned", 3.5, headline=True),
    *claim_never_learned("random"),
)
