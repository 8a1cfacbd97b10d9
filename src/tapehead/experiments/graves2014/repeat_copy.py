"""Repeat copy, 1 to 10 vectors 1 to 10 times, and twice as much of each (figures 7 and 8).

Nine runs of a million sequences each, one at a time: two days on two cores, most of it for the LSTMs.
"""

from tapehead.experiments.claims import Claim, converged_at, solved
from tapehead.experiments.evaluations import Evaluation
from tapehead.experiments.graves2014._runs import NTM_LSTM, all_runs, draw

__all__ = ["CLAIMS", "EVALUATIONS", "RUNS", "draw"]

RUNS = all_runs("repeat_copy")
EVALUATIONS = (Evaluation(sizes=((10, 10), (20, 10), (10, 20))),)
CLAIMS = (
    Claim(
        "the NTM with LSTM controller learns it",
        "295,000 sequences",
        solved(NTM_LSTM, 295_000, converged_at),
        headline=True,
    ),
)
