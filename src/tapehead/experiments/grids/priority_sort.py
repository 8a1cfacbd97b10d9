"""Priority sort: what the README shows of it. About an hour on two cores, half of it for the LSTMs.

Seeds 71 to 80 of the NTM are those that no setting was chosen on.
"""

from tapehead.experiments.claims import Claim, ours, scored
from tapehead.experiments.evaluations import Evaluation
from tapehead.training.recipes import configure

RUNS = (
    *(configure("priority_sort", seed=seed) for seed in range(71, 81)),
    *(configure("priority_sort", "lstm", seed=seed) for seed in (1, 2, 3)),
)
EVALUATIONS = (Evaluation(sizes=((20,),)),)
NTM = ours("ntm")
CLAIMS = (
    Claim("NTM: at most 15 bits with 20 items", "10 of 10", scored(NTM, (20,), "bits", 15.0, least_runs=10)),
    Claim("NTM: at most 6 bits in the median", "6 bits", scored(NTM, (20,), "bits", 6.0)),
)
