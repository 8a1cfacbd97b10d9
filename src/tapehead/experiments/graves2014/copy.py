"""Copy, sequences of 1 to 20 vectors, and up to 120 (figures 3 to 5).

Nine runs of a million sequences each, one at a time: half a day on two cores.
"""

from tapehead.experiments.claims import Claim, converged_at, never_solved, solved
from tapehead.experiments.evaluations import Evaluation
from tapehead.experiments.graves2014._runs import LSTM, NTM_FEEDFORWARD, NTM_LSTM, all_runs, claim_better, draw

__all__ = ["CLAIMS", "EVALUATIONS", "RUNS", "draw"]

RUNS = all_runs("copy")
EVALUATIONS = (Evaluation(sizes=tuple((length,) for length in (10, 20, 30, 50, 120))),)
CLAIMS = (
    Claim(
        "the NTM with LSTM controller learns it",
        "26,000 sequences",
        solved(NTM_LSTM, 26_000, converged_at),
        headline=True,
    ),
    Claim(
        "the NTM with feedforward controller learns it",
        "55,000 sequences",
        solved(NTM_FEEDFORWARD, 55_000, converged_at),
    ),
    Claim("the LSTM does not learn it", "never", never_solved(LSTM, converged_at)),
    claim_better(NTM_LSTM, (30,), "vectors", "errors", "nearly right, the LSTM not"),
    claim_better(NTM_LSTM, (120,), "vectors", "errors", "one vector twice, the LSTM wrong"),
)
