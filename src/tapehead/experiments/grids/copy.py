"""Copy: what the README shows of it. About twenty minutes on two cores, half of it for the LSTM."""

from tapehead.experiments.evaluations import Evaluation
from tapehead.training.recipes import configure

RUNS = (
    *(configure("copy", "ntm", seed=seed) for seed in range(1, 11)),
    *(configure("copy", "dnc", seed=seed) for seed in (1, 2, 3)),
    configure("copy", "lstm", seed=1),
    *(configure("copy", "ntm", seed=seed, recipe="collier2018") for seed in (1, 2, 3)),
)
EVALUATIONS = (
    Evaluation(sizes=tuple((length,) for length in (20, 40, 60, 80, 100, 120))),
    Evaluation(sizes=((500,),), memory_slots=1024, sequences=64),
)
