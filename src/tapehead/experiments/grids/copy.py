"""Copy: what the README shows of it. About two hours on two cores.

Seeds 71 to 100 of the NTM and 71 to 80 of the DNC are those that no setting was chosen on.
"""

from tapehead.experiments.evaluations import Evaluation
from tapehead.training.recipes import configure

RUNS = (
    *(configure("copy", seed=seed) for seed in range(71, 101)),
    *(configure("copy", "dnc", seed=seed) for seed in range(71, 81)),
    configure("copy", "lstm", seed=1),
    *(configure("copy", seed=seed, recipe="collier2018") for seed in (1, 2, 3)),
)
EVALUATIONS = (
    Evaluation(sizes=tuple((length,) for length in (20, 40, 60, 80, 100, 120))),
    Evaluation(sizes=((120,),), memory_slots=256, models=("dnc",)),
    Evaluation(sizes=((500,),), memory_slots=1024, sequences=64),
    Evaluation(sizes=((1000,),), memory_slots=2048, models=("ntm",)),
    Evaluation(sizes=((10_000,),), memory_slots=16_384, sequences=4, models=("ntm",)),
)
