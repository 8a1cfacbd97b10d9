"""Dynamic N-grams: bits above the best possible predictions (figure 13).

Nine runs of a million sequences each, one at a time: three days on two cores.
"""

from tapehead.experiments.evaluations import Evaluation
from tapehead.experiments.graves2014._runs import NTM_FEEDFORWARD, NTM_LSTM, all_runs, claim_better, claim_score, draw

__all__ = ["CLAIMS", "EVALUATIONS", "RUNS", "draw"]

RUNS = all_runs("ngrams")
EVALUATIONS = (Evaluation(sizes=((200,),), sequences=10_000),)
CLAIMS = (
    claim_score(NTM_LSTM, (200,), "steps", "gap_bits", "1.6 to 1.8", 1.8),
    claim_score(NTM_FEEDFORWARD, (200,), "steps", "gap_bits", "1.6 to 1.8", 1.8),
    claim_better(NTM_LSTM, (200,), "steps", "gap_bits", "1.6 to 1.8 against 4.0 bits"),
    claim_better(NTM_FEEDFORWARD, (200,), "steps", "gap_bits", "1.6 to 1.8 against 4.0 bits"),
)
