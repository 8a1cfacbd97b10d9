"""Associative recall, 2 to 6 items, and up to 20 (figures 10 and 11).

Nine runs of a million sequences each, one at a time: a day on two cores.
"""

from tapehead.experiments.claims import Claim, converged_at, never_solved, solved
from tapehead.experiments.evaluations import Evaluation
from tapehead.experiments.graves2014._runs import (
    LSTM,
    NTM_FEEDFORWARD,
    NTM_LSTM,
    all_runs,
    claim_better,
    claim_score,
    draw,
)

__all__ = ["CLAIMS", "EVALUATIONS", "RUNS", "draw"]

RUNS = all_runs("associative_recall")
EVALUATIONS = (Evaluation(sizes=tuple((items,) for items in (6, 8, 10, 12, 15, 20))),)
ITEMS = (6, 10, 15, 20)
BITS = {NTM_FEEDFORWARD: (0.01, 0.12, 1.46, 7.99), NTM_LSTM: (0.06, 1.79, 4.73, 6.97)}
LSTM_BITS = (2.3, 36.6, 39.8, 38.1)
"""Theirs, with so many items."""
CLAIMS = (
    Claim(
        "the NTM with feedforward controller learns it",
        "55,000 sequences",
        solved(NTM_FEEDFORWARD, 55_000, converged_at),
    ),
    Claim(
        "the NTM with LSTM controller learns it",
        "346,000 sequences",
        solved(NTM_LSTM, 346_000, converged_at),
        headline=True,
    ),
    Claim("the LSTM does not learn it", "never", never_solved(LSTM, converged_at)),
    *(
        claim_score(runs, (items,), "items", "bits", f"{bits}", bits)
        for runs, found in BITS.items()
        for items, bits in zip(ITEMS, found, strict=True)
    ),
    *(
        claim_better(runs, (items,), "items", "bits", f"{bits} against {lstm} bits")
        for runs, found in BITS.items()
        for items, bits, lstm in zip(ITEMS, found, LSTM_BITS, strict=True)
    ),
)
