"""The Devil's Dictionary, character by character: bits for each character of the tenth that is held out.

The models have about as many parameters (100,000) and see as much: 32 sequences, 128 characters between two steps.
"""

from collections.abc import Mapping, Sequence

from tapehead.experiments.claims import Claim
from tapehead.experiments.evaluations import Evaluation
from tapehead.experiments.records import Record
from tapehead.experiments.suites._scores import Problem, at_most_more, bits_per_target, make_runs, tabulate_scores
from tapehead.experiments.tables import Table
from tapehead.training.recipes import Settings

PROBLEM = Problem("text", "text")
MODELS: Mapping[str, tuple[str, Settings]] = {
    "NTM": ("ntm", {}),
    "NTM, feedforward": ("ntm", {"model": {"controller": "feedforward", "hidden_size": 350}}),
    "DNC": ("dnc", {"model": {"hidden_size": 96}}),
    "LSTM": ("lstm", {"model": {"num_layers": 1, "hidden_size": 114}}),
    "RNN": ("rnn", {"model": {"num_layers": 1, "hidden_size": 240}}),
}
SETTINGS: Settings = {"steps": 10_000}
RUNS = make_runs([PROBLEM], SETTINGS, MODELS)
EVALUATIONS = (Evaluation(sizes=((128,), (1024,))),)

CLAIMS = (
    Claim(
        "NTM: at most 0.05 bits for each character more than the LSTM",
        "",
        at_most_more(PROBLEM.runs_of("NTM"), PROBLEM.runs_of("LSTM"), bits_per_target, 0.05),
    ),
)


def tabulate(records: Sequence[Record]) -> list[Table]:
    """Make the table of bits of every seed."""
    title = "bits for each character, every seed, the best first"
    return [tabulate_scores(records, title, [PROBLEM], bits_per_target, 3, lower_is_better=True)]
