"""Multi-query associative recall with 8,192 symbols, at the three sizes of Zoology: 4, 8 and 16 pairs.

Each run is trained at one size (arXiv 2312.04927 has sequences of 64, 128 and 256 steps with so many pairs), on symbols
that are read through an embedding of 64 numbers. The same settings for all sizes.
"""

from collections.abc import Sequence

from tapehead.experiments.claims import Claim
from tapehead.experiments.evaluations import Evaluation
from tapehead.experiments.records import Record
from tapehead.experiments.suites._scores import Problem, accuracy, make_runs, reaches, tabulate_scores
from tapehead.experiments.tables import Table
from tapehead.training.recipes import Settings

PAIRS = (4, 8, 16)
PROBLEMS = tuple(Problem(f"{pairs} pairs", "mqar", {"min_pairs": pairs, "max_pairs": pairs}) for pairs in PAIRS)
SETTINGS: Settings = {"steps": 4000, "model": {"embedding_size": 64}}
RUNS = make_runs(PROBLEMS, SETTINGS)
EVALUATIONS = (Evaluation(sizes=tuple((pairs,) for pairs in PAIRS)),)

CLAIMS = (
    Claim(
        "NTM: 99 per cent or more with the best seed",
        "3 of 3",
        reaches([problem.runs_of("NTM") for problem in PROBLEMS], 99, accuracy, best=True),
    ),
)


def tabulate(records: Sequence[Record]) -> list[Table]:
    """Make the table of accuracies of every seed."""
    return [tabulate_scores(records, "per cent of right values, every seed, the best first", PROBLEMS, accuracy, 1)]
