"""Dynamic N-grams: what the README shows of them. About two hours on two cores, a third of it for the LSTMs.

Seeds 71 to 80 of the NTM are those that no setting was chosen on. Scores vary much between sequences, so it takes many
to tell two models apart.
"""

from tapehead.experiments.claims import Claim, ours, scored
from tapehead.experiments.evaluations import Evaluation
from tapehead.training.recipes import configure

RUNS = (
    *(configure("ngrams", seed=seed) for seed in range(71, 81)),
    *(configure("ngrams", "lstm", seed=seed) for seed in (1, 2, 3)),
)
EVALUATIONS = (Evaluation(sizes=((200,),), sequences=10_000),)
NTM = ours("ntm")
CLAIMS = (
    Claim(
        "NTM: at most 1.0 bits above the best possible", "10 of 10", scored(NTM, (200,), "gap_bits", 1.0, least_runs=10)
    ),
)
