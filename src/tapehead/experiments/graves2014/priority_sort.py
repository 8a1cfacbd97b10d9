"""Priority sort of 20 vectors, of which 16 are to be given back (figure 18).

Nine runs of a million sequences each, one at a time: three days on two cores.
"""

from tapehead.experiments.evaluations import Evaluation
from tapehead.experiments.graves2014._runs import NTM_FEEDFORWARD, NTM_LSTM, all_runs, claim_better, claim_score, draw

__all__ = ["CLAIMS", "EVALUATIONS", "RUNS", "draw"]

RUNS = all_runs("priority_sort")
EVALUATIONS = (Evaluation(sizes=((20,),)),)
CLAIMS = (
    claim_score(NTM_LSTM, (20,), "items", "bits", "17.4 to 18.0", 18.0),
    claim_score(NTM_FEEDFORWARD, (20,), "items", "bits", "19.8 to 20.3", 20.3),
    claim_better(NTM_LSTM, (20,), "items", "bits", "17.4 to 18.0 against 56 bits"),
    claim_better(NTM_FEEDFORWARD, (20,), "items", "bits", "19.8 to 20.3 against 56 bits"),
)
