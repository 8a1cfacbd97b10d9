"""Copy, sequences of 1 to 20 vectors: how fast the ways to start the memory are, and the models.

Sixty NTMs, ten DNCs and three LSTMs of 500,000 sequences each: half a day on two cores.
"""

from tapehead.experiments.claims import Claim, faster, never_nan
from tapehead.experiments.collier2018._runs import (
    ALL_NTMS,
    DNC,
    LSTM,
    NTM,
    claim_faster,
    claim_never_learned,
    draw,
    ntm_runs,
    other_runs,
)
from tapehead.experiments.evaluations import Evaluation

__all__ = ["CLAIMS", "EVALUATIONS", "RUNS", "draw"]

RUNS = (*ntm_runs("copy"), *other_runs("copy"))
EVALUATIONS = (Evaluation(sizes=tuple((length,) for length in (20, 40, 60, 80, 100, 120))),)
CLAIMS = (
    *claim_faster("learned", 3.5, headline=True),
    *claim_never_learned("random"),
    Claim("the DNC converges faster than the NTM", "1.2 times", faster(DNC, NTM, 1.2)),
    Claim("the NTM converges faster than the LSTM", "4 to 5 times", faster(NTM, LSTM, 4)),
    Claim("no NTM ever has a NaN", "never", never_nan(ALL_NTMS)),
)
