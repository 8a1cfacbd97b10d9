"""Copy with thirty seeds that no setting was chosen on, and far beyond. A quarter of an hour on two cores."""

from tapehead.experiments.evaluations import Evaluation
from tapehead.training.recipes import configure

RUNS = tuple(configure("copy", seed=seed) for seed in range(41, 71))
EVALUATIONS = (
    Evaluation(sizes=((20,), (60,), (120,))),
    Evaluation(sizes=((1000,),), memory_slots=2048),
    Evaluation(sizes=((10_000,),), memory_slots=16_384, sequences=4),
)
