"""Associative recall, 2 to 6 items: how fast the ways to start the memory are, and the models.

Sixty NTMs, ten DNCs and three LSTMs of 500,000 sequences each: a day on two cores.
"""

from tapehead.experiments.claims import Claim, alike, never_nan, never_solved
from tapehead.experiments.collier2018._runs import ALL_NTMS, DNC, LSTM, NTM, claim_faster, draw, ntm_runs, other_runs
from tapehead.experiments.evaluations import Evaluation

__all__ = ["CLAIMS", "EVALUATIONS", "RUNS", "draw"]

RUNS = (*ntm_runs("associative_recall"), *other_runs("associative_recall"))
EVALUATIONS = (Evaluation(sizes=tuple((items,) for items in range(6, 13))),)
CLAIMS = (
    *claim_faster("learned", 1.15),
    *claim_faster("random", 5.3),
    Claim("NTM and DNC converge alike", "alike", alike(NTM, DNC)),
    Claim("the LSTM does not learn it", "never", never_solved(LSTM)),
    Claim("no NTM ever has a NaN", "never", never_nan(ALL_NTMS)),
)
