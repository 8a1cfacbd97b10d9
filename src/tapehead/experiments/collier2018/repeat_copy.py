"""Repeat copy, 1 to 10 vectors 1 to 10 times: how fast the ways to start the memory are, and the models.

Sixty NTMs, ten DNCs and three LSTMs of 500,000 sequences each: a day on two cores.
"""

from tapehead.experiments.claims import Claim, faster, never_nan
from tapehead.experiments.collier2018._runs import ALL_NTMS, LSTM, NTM, claim_faster, draw, ntm_runs, other_runs
from tapehead.experiments.evaluations import Evaluation

__all__ = ["CLAIMS", "EVALUATIONS", "RUNS", "draw"]

RUNS = (*ntm_runs("repeat_copy"), *other_runs("repeat_copy"))
EVALUATIONS = (Evaluation(sizes=((10, 10), (10, 20), (20, 10))),)
CLAIMS = (
    *claim_faster("learned", 1.43),
    *claim_faster("random", 1.35),
    Claim("the NTM converges faster than the LSTM", "faster", faster(NTM, LSTM, 1)),
    Claim("no NTM ever has a NaN", "never", never_nan(ALL_NTMS)),
)
