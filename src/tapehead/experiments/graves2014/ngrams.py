"""Dynamic N-grams: bits above the best possible predictions (figure 13).

Nine runs of a million sequences each, one at a time: three days on two cores.
"""

from tapehead.experiments.claims import Claim, lower, scored
from tapehead.experiments.evaluations import Evaluation
from tapehead.experiments.graves2014._runs import LSTM, NTM_FEEDFORWARD, NTM_LSTM, all_runs, draw

__all__ = ["CLAIMS", "EVALUATIONS", "RUNS", "draw"]

RUNS = all_runs("ngrams")
EVALUATIONS = (Evaluation(sizes=((200,),), sequences=10_000),)
CLAIMS = (
    Claim(
        "the NTM with LSTM controller is near the best possible",
        "1.6 to 1.8 bits above it",
        scored(NTM_LSTM, (200,), "gap_bits", 1.8),
    ),
    Claim(
        "the NTM with feedforward controller is near the best possible",
        "1.6 to 1.8 bits above it",
        scored(NTM_FEEDFORWARD, (200,), "gap_bits", 1.8),
    ),
    Claim("the LSTM is worse", "4.0 bits above it", lower(NTM_LSTM, LSTM, (200,), "gap_bits")),
)
