"""What the figures of a task have in common: which runs there are, what is claimed of them, and how they are drawn.

The paper reads as if only the learned memory had a starting value that is trained; its published code trains that of
each scheme. Both readings are run: every scheme with its starting value trained and not.
"""

from collections.abc import Sequence
from itertools import product
from typing import NamedTuple

from tapehead.experiments.claims import Claim, Runs, faster, never_solved
from tapehead.experiments.curves import Pictures, draw_learning_curve, draw_lines, group
from tapehead.experiments.records import Record
from tapehead.training.config import RunConfig
from tapehead.training.recipes import configure

SCHEMES = ("constant", "learned", "random")
NTM_SEEDS = range(1, 11)
LSTM_SEEDS = range(1, 4)


class Reading(NamedTuple):
    """Which schemes have a starting value that is trained, by the paper's text or its code."""

    name: str
    trained: tuple[str, ...]

    def runs(self, scheme: str) -> Runs:
        """Select the runs of a scheme."""
        wanted = {"memory_init": scheme, "memory_trainable": scheme in self.trained}

        def are(record: Record) -> bool:
            options = record.config["model"]["options"]
            return record.model == "ntm" and wanted.items() <= options.items()

        return Runs(scheme, are)


CODE = Reading("as in their code", SCHEMES)
TEXT = Reading("as in their text", ("learned",))
NTM = CODE.runs("constant")._replace(name="NTM")
ALL_NTMS = Runs("NTM", lambda record: record.model == "ntm")
DNC = Runs("DNC", lambda record: record.model == "dnc")
LSTM = Runs("LSTM", lambda record: record.model == "lstm")


def ntm_runs(task: str, recipe: str = "collier2018") -> tuple[RunConfig, ...]:
    """List the NTMs of a task, every way to start the memory for a seed before the next seed."""
    return tuple(
        configure(
            task,
            seed=seed,
            recipe=recipe,
            changes={"model": {"memory_init": scheme, "memory_trainable": trained}},
        )
        for seed, trained, scheme in product(NTM_SEEDS, (True, False), SCHEMES)
    )


def other_runs(task: str) -> tuple[RunConfig, ...]:
    """List the DNCs and LSTMs of a task."""
    return (
        *(configure(task, "dnc", seed=seed, recipe="collier2018") for seed in NTM_SEEDS),
        *(configure(task, "lstm", seed=seed, recipe="collier2018") for seed in LSTM_SEEDS),
    )


def claim_faster(scheme: str, factor: float, *, headline: bool = False) -> tuple[Claim, ...]:
    """Claim that the constant memory converges so many times faster than another scheme, in both readings."""
    return tuple(
        Claim(
            f"the constant memory converges faster than the {scheme} one, {reading.name}",
            f"{factor:g} times",
            faster(reading.runs("constant"), reading.runs(scheme), factor),
            headline and reading is CODE,
        )
        for reading in (CODE, TEXT)
    )


def claim_never_learned(scheme: str) -> tuple[Claim, ...]:
    """Claim that with a scheme the task is not learned in the time given, in both readings."""
    return tuple(
        Claim(
            f"with the {scheme} memory it is not learned, {reading.name}", "never", never_solved(reading.runs(scheme))
        )
        for reading in (CODE, TEXT)
    )


def draw(records: Sequence[Record]) -> Pictures:
    """Draw how the schemes learn, how the models do, and what the trained models make of longer sequences."""
    ntms = [record for record in records if record.model == "ntm"]
    models = [*NTM.of(records), *DNC.of(records), *LSTM.of(records)]
    pictures: Pictures = {}
    if ntms:
        pictures["memory"] = draw_learning_curve(group(ntms))
    if len(models) > len(NTM.of(records)):
        pictures["models"] = draw_learning_curve(group(models))
    pictures |= draw_lines(group(models))
    return pictures
