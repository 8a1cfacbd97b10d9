"""Claims: what a paper says of its runs, or we of ours, each with a check on the records of such runs."""

import math
import statistics
from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple, TypeAlias

from tapehead.experiments.curves import last_evaluations
from tapehead.experiments.labels import count
from tapehead.experiments.records import CONVERGED_BITS, Record
from tapehead.experiments.tables import summarize
from tapehead.tasks import Size

Verdict: TypeAlias = Literal["held", "held in part", "did not hold", "not known yet"]
"""What may come of a claim."""


class Finding(NamedTuple):
    """What records say of a claim: whether it held, and in numbers.

    Attributes:
        verdict: `held`, `held in part`, `did not hold` or `not known yet`.
        ours: What was measured, in words.
    """

    verdict: Verdict
    ours: str


Check: TypeAlias = Callable[[Sequence[Record]], Finding]
"""Takes the records of all runs of a figure, ended or not; one that failed counts as the worst there can be."""


class Claim(NamedTuple):
    """Something that is said of runs.

    Attributes:
        text: What is said.
        theirs: The number that its source gives, in words; empty if it gives none.
        check: Whether it holds of records.
        headline: Whether it is one of those that a paper is known for.
    """

    text: str
    theirs: str
    check: Check
    headline: bool = False


class Runs(NamedTuple):
    """Some of the runs of a figure.

    Attributes:
        name: What they are called in a finding.
        are: Whether a record is of one of them.
    """

    name: str
    are: Callable[[Record], bool]

    def of(self, records: Sequence[Record]) -> list[Record]:
        """Select the records of these runs, as far as they have ended."""
        return [record for record in records if record.has_ended and self.are(record)]

    def count(self, records: Sequence[Record]) -> int:
        """Count these runs, ended or not."""
        return sum(map(self.are, records))


def ours(model: str) -> Runs:
    """Select the runs of a model by this project's own settings."""
    return Runs(model.upper(), lambda record: record.model == model and record.recipe == "tapehead")


UNKNOWN = Finding("not known yet", "")
FASTER_PAIRS = 0.75
"""Faster is what is so in this share of all pairs of runs.

Ten and ten alike runs come to it by chance in 1 of 30 cases, ten and three in 1 of 9, three and three in 1 of 5.
"""
SAME_FACTOR = 1.5
"""Two numbers agree if they differ by no more than this factor."""


def solved_at(record: Record) -> float:
    """Give the training sequences after which a run had solved its task; infinity if it has not."""
    step = record.result and record.result["solved_at_step"]
    return math.inf if step is None else float(step * record.config["batch_size"])


def converged_at(record: Record) -> float:
    """Give the training sequences until an evaluation had less than CONVERGED_BITS; infinity if none had."""
    return next((float(row["sequences"]) for row in record.curve if row["eval_bits"] < CONVERGED_BITS), math.inf)


def _judge(verdict: Verdict, said: str, records: Sequence[Record], *counted: tuple[Runs, Sequence[object]]) -> Finding:
    """Hold a verdict back until all runs that it is about have ended, and what it counts of them is known."""
    whole = all(len(found) == runs.count(records) for runs, found in counted)
    return Finding(verdict if whole else "not known yet", said)


def faster(fast: Runs, slow: Runs, factor: float, measure: Callable[[Record], float] = solved_at) -> Check:
    """Check that some runs solve their task so many times sooner than others, by the medians.

    It holds if they are faster in 3 of 4 pairs, and as many times or nearly (SAME_FACTOR) or more; in part, if they are
    faster by less.
    """

    def check(records: Sequence[Record]) -> Finding:
        ours, others = ([measure(one) for one in runs.of(records)] for runs in (fast, slow))
        if not ours or not others:
            return UNKNOWN
        wins = statistics.mean((one < other) + 0.5 * (one == other) for one in ours for other in others)
        low, high = statistics.median(ours), statistics.median(others)
        ratio = 1.0 if low == high else high / low
        enough, told = wins >= FASTER_PAIRS, low < math.inf  # else half of neither kind solve it
        near = told and ratio * SAME_FACTOR >= factor
        verdict: Verdict = "did not hold" if not enough else "held" if near else "held in part"
        said = f"{_times(ratio)}: {_spell(fast, ours)}, {_spell(slow, others)}; in {wins:.0%} of pairs"
        return _judge(verdict, said, records, (fast, ours), (slow, others))

    return check


def alike(one: Runs, other: Runs) -> Check:
    """Check that the medians after which two kinds of runs solve their task differ by no more than SAME_FACTOR."""

    def check(records: Sequence[Record]) -> Finding:
        first, second = ([solved_at(record) for record in runs.of(records)] for runs in (one, other))
        if not first or not second:
            return UNKNOWN
        low, high = sorted((statistics.median(first), statistics.median(second)))
        same = high < math.inf and high <= SAME_FACTOR * low
        said = f"{_spell(one, first)}, {_spell(other, second)}"
        return _judge("held" if same else "did not hold", said, records, (one, first), (other, second))

    return check


def never_solved(runs: Runs, measure: Callable[[Record], float] = solved_at) -> Check:
    """Check that no run solves its task; in part, if fewer than half do."""

    def check(records: Sequence[Record]) -> Finding:
        found = [measure(record) for record in runs.of(records)]
        if not found:
            return UNKNOWN
        share = sum(one < math.inf for one in found) / len(found)
        verdict: Verdict = "held" if share == 0 else "held in part" if share < 0.5 else "did not hold"
        return _judge(verdict, _spell(runs, found), records, (runs, found))

    return check


def solved(runs: Runs, most: float, measure: Callable[[Record], float] = solved_at, *, exactly: bool = False) -> Check:
    """Check that half of the runs or more solve their task, the median within so many sequences; or nearly, if told."""

    def check(records: Sequence[Record]) -> Finding:
        found = [measure(record) for record in runs.of(records)]
        if not found:
            return UNKNOWN
        middle = statistics.median(found)
        reached: Verdict = "held" if middle <= most * (1 if exactly else SAME_FACTOR) else "held in part"
        return _judge(reached if middle < math.inf else "did not hold", _spell(runs, found), records, (runs, found))

    return check


def stays_solved(runs: Runs, most: float, *, least_runs: int) -> Check:
    """Check that so many runs solve their task and then have no more errors at any later evaluation of training.

    It is for runs of at most MOST_POINTS evaluations: records of longer ones do not have all.
    """

    def check(records: Sequence[Record]) -> Finding:
        worst = [_worst_since_solved(record) for record in runs.of(records)]
        if not worst:
            return UNKNOWN
        good = sum(errors <= most for errors in worst)
        said = f"{good} of {len(worst)}; the worst has {max(worst):.2f}"
        return _judge("held" if good >= least_runs else "did not hold", said, records, (runs, worst))

    return check


def _worst_since_solved(record: Record) -> float:
    """Give the most errors that an evaluation of training had once the task was solved; infinity if it was not."""
    step = record.result and record.result["solved_at_step"]
    return math.inf if step is None else max(row["eval_errors"] for row in record.curve if row["step"] >= step)


def never_nan(runs: Runs) -> Check:
    """Check that no training step of any run had a loss or a gradient that is not finite, and that none failed."""

    def check(records: Sequence[Record]) -> Finding:
        found = runs.of(records)
        known = [one.skipped_steps for one in found if one.skipped_steps is not None]
        if not found or len(known) < len(found):
            return UNKNOWN
        steps = sum(one.result["step"] if one.result else 0 for one in found)
        failed = [one for one in found if one.failed]
        said = f"{sum(known):,} of {steps:,} training steps in {count(len(found), 'run')}"
        if sum(known) or failed:
            return Finding("did not hold", said + (f", {len(failed)} of which failed" if failed else ""))
        return _judge("held", said, records, (runs, found))

    return check


def scored(
    runs: Runs, size: Size, column: str, most: float, *, least_runs: int | None = None, memory_slots: int | None = None
) -> Check:
    """Check that the trained models are that good at a size: so many of them, or in the median.

    Args:
        runs: The runs.
        size: The size of the sequences.
        column: What is measured: `errors`, `bits` or `gap_bits`, per sequence.
        most: How much there may be of it.
        least_runs: Of how many runs; None: in the median.
        memory_slots: With how many slots it was measured; None: any number.
    """

    def check(records: Sequence[Record]) -> Finding:
        values = _scores(runs, records, size, column, memory_slots)
        if not values:
            return UNKNOWN
        good = sum(value <= most for value in values)
        said = f"{summarize(values, 2)} in {count(len(values), 'run')}"
        if least_runs is None:
            held = statistics.median(values) <= most
            return _judge("held" if held else "did not hold", said, records, (runs, values))
        verdict: Verdict = "held" if good >= least_runs else "did not hold"
        return _judge(verdict, f"{good} of {len(values)}; {said}", records, (runs, values))

    return check


def lower(one: Runs, other: Runs, size: Size, column: str) -> Check:
    """Check that some trained models are better than others at a size, by the medians of a measure."""

    def check(records: Sequence[Record]) -> Finding:
        ours, others = (_scores(runs, records, size, column) for runs in (one, other))
        if not ours or not others:
            return UNKNOWN
        held = statistics.median(ours) < statistics.median(others)
        said = f"{one.name} {summarize(ours, 2)}, {other.name} {summarize(others, 2)}"
        return _judge("held" if held else "did not hold", said, records, (one, ours), (other, others))

    return check


def _scores(
    runs: Runs, records: Sequence[Record], size: Size, column: str, memory_slots: int | None = None
) -> list[float]:
    """List a measure of the models that were evaluated; infinity where training failed."""
    found = [math.inf if one.failed else score(one, size, column, memory_slots) for one in runs.of(records)]
    return [value for value in found if value is not None]


def score(record: Record, size: Size, column: str, memory_slots: int | None = None) -> float | None:
    """Read a measure off the last evaluation of a trained model at a size; None where there is none.

    Args:
        record: The run.
        size: The size of the sequences.
        column: The name of the measure.
        memory_slots: With how many slots it was measured; None: any number, and so where the model has no memory.
    """
    found = last_evaluations(record)
    wanted = {memory_slots, None}
    rows = [row for (slots, at), row in found.items() if at == size and (memory_slots is None or slots in wanted)]
    return rows[-1][column] if rows else None


def _spell(runs: Runs, sequences: Sequence[float]) -> str:
    """Say after how many sequences so many runs got there."""
    return f"{runs.name} {spell_sequences(sequences)}"


def spell_sequences(sequences: Sequence[float]) -> str:
    """Say after how many sequences runs got there, the median and the range, and how many did."""
    there = [one for one in sequences if one < math.inf]
    of = f"{len(there)} of {count(len(sequences), 'run')}"
    return f"{summarize(there, 0)} ({of})" if there else f"never ({of})"


def _times(ratio: float) -> str:
    return "more than can be told" if ratio == math.inf else f"{ratio:.2f} times"
