"""Copy: what the README shows of it. About two hours on two cores.

Seeds 71 to 100 of the NTM and 71 to 80 of the DNC are those that no setting was chosen on.
"""

from tapehead.experiments.claims import Claim, ours, scored, solved, stays_solved
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
NTM, DNC = ours("ntm"), ours("dnc")
CLAIMS = (
    Claim("NTM: at most 0.1 errors with 20 vectors", "30 of 30", scored(NTM, (20,), "errors", 0.1, least_runs=30)),
    Claim("NTM: solved within 22,400 sequences in the median", "700 steps", solved(NTM, 22_400, exactly=True)),
    Claim("NTM: no evaluation above 1 error once it is solved", "28 of 30", stays_solved(NTM, 1.0, least_runs=28)),
    *(
        Claim(
            f"NTM: no error with {length:,} vectors on {slots:,} slots",
            f"{least} of 30",
            scored(NTM, (length,), "errors", 0.0, least_runs=least, memory_slots=slots),
        )
        for length, slots, least in ((120, 128, 29), (1000, 2048, 29), (10_000, 16_384, 28))
    ),
    Claim("DNC: at most 0.1 errors with 20 vectors", "10 of 10", scored(DNC, (20,), "errors", 0.1, least_runs=10)),
    Claim(
        "DNC: no error with 120 vectors on 256 slots",
        "9 of 10",
        scored(DNC, (120,), "errors", 0.0, least_runs=9, memory_slots=256),
    ),
)
