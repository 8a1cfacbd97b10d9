"""Words of three groups: trained on 1 to 60 elements, tested on up to 1,000.

The same settings for all groups. A model that keeps track of S3, in which the order matters, keeps a state (arXiv
2404.08819); one that counts solves C2 and C6.
"""

from collections.abc import Sequence

from tapehead.experiments.claims import Claim
from tapehead.experiments.curves import Pictures
from tapehead.experiments.evaluations import Evaluation
from tapehead.experiments.records import Record
from tapehead.experiments.suites._scores import (
    Problem,
    accuracy_beyond,
    draw_accuracies,
    make_runs,
    reaches,
    tabulate_scores,
)
from tapehead.experiments.tables import Table
from tapehead.training.recipes import Settings

PROBLEMS = tuple(Problem(group, "group_words", {"group": group}) for group in ("C2", "C6", "S3"))
SETTINGS: Settings = {"steps": 8000}
RUNS = make_runs(PROBLEMS, SETTINGS)
EVALUATIONS = (Evaluation(sizes=tuple((length,) for length in (60, 120, 250, 500, 1000)), sequences=64),)

CLAIMS = (
    Claim(
        "NTM: 99.5 per cent or more with the best seed, on up to 1,000 elements",
        "3 of 3",
        reaches([problem.runs_of("NTM") for problem in PROBLEMS], 99.5, accuracy_beyond, best=True),
    ),
)


def tabulate(records: Sequence[Record]) -> list[Table]:
    """Make the table of accuracies of every seed."""
    title = "per cent of right elements in words of 120 to 1,000, every seed, the best first"
    return [tabulate_scores(records, title, PROBLEMS, accuracy_beyond, 1)]


def draw(records: Sequence[Record]) -> Pictures:
    """Draw the accuracies by length."""
    return draw_accuracies(records, PROBLEMS, "trained on words of 1 to 60 elements: median and range of the seeds")
