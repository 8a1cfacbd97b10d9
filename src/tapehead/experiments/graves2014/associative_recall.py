"""Associative recall, 2 to 6 items, and up to 20 (figures 10 and 11).

Nine runs of a million sequences each, one at a time: a day on two cores.
"""

from tapehead.experiments.claims import SAME_FACTOR, Claim, converged_at, never_solved, scored, solved
from tapehead.experiments.evaluations import Evaluation
from tapehead.experiments.graves2014._runs import LSTM, NTM_FEEDFORWARD, NTM_LSTM, all_runs, draw

__all__ = ["CLAIMS", "EVALUATIONS", "RUNS", "draw"]

RUNS = all_runs("associative_recall")
EVALUATIONS = (Evaluation(sizes=tuple((items,) for items in (6, 8, 10, 12, 15, 20))),)
CLAIMS = (
    Claim(
        "the NTM with feedforward controller learns it",
        "55,000 sequences",
        solved(NTM_FEEDFORWARD, 55_000, converged_at),
    ),
    Claim("the NTM with LSTM controller learns it", "346,000 sequences", solved(NTM_LSTM, 346_000, converged_at)),
    Claim("the LSTM does not learn it", "never", never_solved(LSTM, converged_at)),
    Claim(
        "the NTM with feedforward controller, with 6 items, in bits",
        "0.01",
        scored(NTM_FEEDFORWARD, (6,), "bits", 0.01 * SAME_FACTOR),
    ),
    Claim(
        "the NTM with feedforward controller, with 10 items, in bits",
        "0.12",
        scored(NTM_FEEDFORWARD, (10,), "bits", 0.12 * SAME_FACTOR),
    ),
    Claim(
        "the NTM with feedforward controller, with 15 items, in bits",
        "1.46",
        scored(NTM_FEEDFORWARD, (15,), "bits", 1.46 * SAME_FACTOR),
    ),
    Claim(
        "the NTM with feedforward controller, with 20 items, in bits",
        "7.99",
        scored(NTM_FEEDFORWARD, (20,), "bits", 7.99 * SAME_FACTOR),
    ),
    Claim(
        "the NTM with LSTM controller, with 6 items, in bits",
        "0.06",
        scored(NTM_LSTM, (6,), "bits", 0.06 * SAME_FACTOR),
    ),
    Claim(
        "the NTM with LSTM controller, with 10 items, in bits",
        "1.79",
        scored(NTM_LSTM, (10,), "bits", 1.79 * SAME_FACTOR),
    ),
    Claim(
        "the NTM with LSTM controller, with 15 items, in bits",
        "4.73",
        scored(NTM_LSTM, (15,), "bits", 4.73 * SAME_FACTOR),
    ),
    Claim(
        "the NTM with LSTM controller, with 20 items, in bits",
        "6.97",
        scored(NTM_LSTM, (20,), "bits", 6.97 * SAME_FACTOR),
    ),
)
