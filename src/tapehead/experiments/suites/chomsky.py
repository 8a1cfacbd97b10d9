"""The fifteen tasks of Delétang et al. 2023: trained on strings of 1 to 40 symbols, tested on 41 to 500.

The same settings for all tasks. The numbers of others are per cent, the best of ten seeds and three learning rates,
from Neural Networks and the Chomsky Hierarchy (arXiv 2207.02098).
"""

from collections.abc import Sequence

from tapehead.experiments.claims import Claim
from tapehead.experiments.curves import Pictures
from tapehead.experiments.evaluations import Evaluation
from tapehead.experiments.records import Record
from tapehead.experiments.suites._scores import (
    Peer,
    Problem,
    accuracy_beyond,
    draw_accuracies,
    make_runs,
    reaches,
    tabulate_scores,
)
from tapehead.experiments.tables import Table
from tapehead.training.recipes import Settings

NAMES = (
    "even_pairs", "modular_arithmetic", "parity_check", "cycle_navigation",
    "stack_manipulation", "reverse", "modular_arithmetic_brackets", "solve_equation",
    "duplicate_string", "missing_duplicate", "odds_first", "binary_addition", "binary_multiplication", "compute_sqrt",
    "bucket_sort",
)  # fmt: skip
PROBLEMS = {name: Problem(name.replace("_", " "), name) for name in NAMES}
REGULAR = NAMES[:4]
TAPE_RNN = (*REGULAR, "stack_manipulation", "reverse", "duplicate_string", "odds_first")
"""The tasks on which a Tape-RNN has 100 per cent."""
HARD = ("duplicate_string", "reverse", "odds_first")
PUBLISHED = {
    "Tape-RNN": (100.0,) * 8,
    "Stack-RNN": (100.0,) * 6 + (52.8, 51.9),
    "their LSTM": (100.0,) * 4 + (59.1, 60.9, 57.6, 55.6),
    "Transformer": (96.4, 24.2, 52.0, 61.9, 57.5, 62.3, 52.8, 52.8),
}
"""On the tasks of TAPE_RNN."""
PEERS = [
    Peer(name, {PROBLEMS[task].name: score for task, score in zip(TAPE_RNN, scores, strict=True)})
    for name, scores in PUBLISHED.items()
]

SETTINGS: Settings = {"steps": 8000}
RUNS = make_runs(tuple(PROBLEMS.values()), SETTINGS)
LENGTHS = tuple((length,) for length in (40, *range(60, 501, 40)))
EVALUATIONS = (Evaluation(sizes=LENGTHS, memory_slots=1024, sequences=64),)

CLAIMS = (
    Claim(
        "NTM: 99.5 per cent or more with the best seed, where the Tape-RNN has 100",
        "8 of 8",
        reaches([PROBLEMS[task].runs_of("NTM") for task in TAPE_RNN], 99.5, accuracy_beyond, best=True),
    ),
    Claim(
        "NTM: a median of 99 per cent or more on duplicate string, reverse or odds first",
        "1 of 3",
        reaches([PROBLEMS[task].runs_of("NTM") for task in HARD], 99, accuracy_beyond, best=False, of=1),
    ),
)


def tabulate(records: Sequence[Record]) -> list[Table]:
    """Make the table of accuracies: every seed of ours, and others' best."""
    title = "per cent of right symbols in strings of 60 to 500, every seed, the best first; others' best on 41 to 500"
    return [tabulate_scores(records, title, tuple(PROBLEMS.values()), accuracy_beyond, 1, PEERS)]


def draw(records: Sequence[Record]) -> Pictures:
    """Draw the accuracies by length."""
    title = "trained on strings of 1 to 40 symbols: median and range of the seeds"
    return draw_accuracies(records, tuple(PROBLEMS.values()), title)
