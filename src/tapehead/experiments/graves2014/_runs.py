"""What the figures have in common: three models, by the settings of the tables 1 to 3 of the paper, and drawings."""

from collections.abc import Sequence

from tapehead.experiments.claims import SAME_FACTOR, Claim, Runs, lower, scored
from tapehead.experiments.curves import Pictures, draw_learning_curve, draw_lines, group
from tapehead.experiments.records import Record
from tapehead.tasks import Size, spell_size
from tapehead.training.config import RunConfig
from tapehead.training.recipes import configure

SEEDS = range(1, 4)
CONTROLLERS = ("lstm", "feedforward")


def _ntm(controller: str) -> Runs:
    """Select the NTMs with a controller."""

    def are(record: Record) -> bool:
        return record.model == "ntm" and record.config["model"]["options"]["controller"] == controller

    return Runs(f"NTM with {controller.replace('lstm', 'LSTM')} controller", are)


NTM_LSTM, NTM_FEEDFORWARD = map(_ntm, CONTROLLERS)
LSTM = Runs("LSTM", lambda record: record.model == "lstm")


def all_runs(task: str) -> tuple[RunConfig, ...]:
    """List the runs of a task: the NTMs seed by seed, then the LSTMs, which take the longest."""
    ntms = (
        configure(task, seed=seed, recipe="graves2014", changes={"model": {"controller": controller}})
        for seed in SEEDS
        for controller in CONTROLLERS
    )
    return (*ntms, *(configure(task, "lstm", seed=seed, recipe="graves2014") for seed in SEEDS))


def claim_score(runs: Runs, size: Size, unit: str, column: str, words: str, most: float) -> Claim:
    """Claim that the median run is as good as theirs at a size, or nearly: by no more than SAME_FACTOR worse.

    Args:
        runs: The runs.
        size: The size of the sequences.
        unit: What its numbers count.
        column: What is measured: `errors`, `bits` or `gap_bits`, per sequence.
        words: What they found.
        most: The upper end of it.
    """
    measure = {"gap_bits": "bits above the best possible"}.get(column, column)
    text = f"the {runs.name}: {measure} with {spell_size(size)} {unit}"
    return Claim(text, words, scored(runs, size, column, most * SAME_FACTOR))


def claim_better(runs: Runs, size: Size, unit: str, column: str, words: str) -> Claim:
    """Claim that the median run is better than the median LSTM at a size."""
    text = f"the {runs.name} is better than the LSTM with {spell_size(size)} {unit}"
    return Claim(text, words, lower(runs, LSTM, size, column))


def draw(records: Sequence[Record]) -> Pictures:
    """Draw how the models learn, and what they make of longer sequences than they were trained on."""
    groups = group(records)
    return {"learning_curve": draw_learning_curve(groups)} | draw_lines(groups)
