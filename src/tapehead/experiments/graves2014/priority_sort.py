"""Priority sort of 20 vectors, of which 16 are to be given back (figure 18).

Nine runs of a million sequences each, one at a time: three days on two cores.
"""

from tapehead.experiments.claims import Claim, lower, scored
from tapehead.experiments.evaluations import Evaluation
from tapehead.experiments.graves2014._runs import LSTM, NTM_FEEDFORWARD, NTM_LSTM, all_runs, draw

__all__ = ["CLAIMS", "EVALUATIONS", "RUNS", "draw"]

RUNS = all_runs("priority_sort")
EVALUATIONS = (Evaluation(sizes=((20,),)),)
CLAIMS = (
    Claim("the NTM with LSTM controller sorts, in bits", "17.4 to 18.0", scored(NTM_LSTM, (20,), "bits", 18.0)),
    Claim(
        "the NTM with feedforward controller sorts, in bits",
        "19.8 to 20.3",
        scored(NTM_FEEDFORWARD, (20,), "bits", 20.3),
    ),
    Claim("the LSTM is worse", "56", lower(NTM_LSTM, LSTM, (20,), "bits")),
)
