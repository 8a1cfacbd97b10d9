"""What suites have in common: their models, the score of a run, tables with the numbers of others, and pictures."""

import math
import statistics
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np

from tapehead import plots
from tapehead.experiments.claims import UNKNOWN, Check, Finding, Runs, Verdict
from tapehead.experiments.curves import Pictures, last_evaluations
from tapehead.experiments.records import Record
from tapehead.experiments.tables import Table
from tapehead.plots import ErrorBand
from tapehead.training.config import RunConfig
from tapehead.training.recipes import Settings, configure

SEEDS = (71, 72, 73)

MODELS: dict[str, tuple[str, Settings]] = {
    "NTM": ("ntm", {}),
    "NTM, feedforward": ("ntm", {"model": {"controller": "feedforward"}}),
    "DNC": ("dnc", {}),
    "LSTM": ("lstm", {"model": {"num_layers": 1}}),
    "RNN": ("rnn", {"model": {"num_layers": 1}}),
}
"""The models of every suite by what they are called: a key of MODELS, and what differs from the recipe."""

Score = Callable[[Record], float | None]
"""Takes a record, and gives how good its model is; None where it was not evaluated."""


class Problem(NamedTuple):
    """A task with options that tell it from others of a suite."""

    name: str
    task: str
    options: Mapping[str, object] = MappingProxyType({})

    def runs_of(self, model: str) -> Runs:
        """Select the runs of a model, called as the problem is."""
        wanted = self.options.items()

        def are(record: Record) -> bool:
            same = record.task == self.task and wanted <= record.config["task"]["options"].items()
            return same and name_model(record) == model

        return Runs(self.name, are)


class Peer(NamedTuple):
    """Published numbers of somebody else's model, by the name of the problem."""

    name: str
    scores: Mapping[str, float]


def name_model(record: Record) -> str:
    """Name the model of a run as MODELS does."""
    feedforward = record.config["model"]["options"].get("controller") == "feedforward"
    return record.model.upper() + (", feedforward" if feedforward else "")


def make_runs(
    problems: Sequence[Problem], settings: Settings, models: Mapping[str, tuple[str, Settings]] = MODELS
) -> tuple[RunConfig, ...]:
    """List the runs of every model on every problem, one seed after the other.

    Args:
        problems: What is learned.
        settings: What differs from the recipe for every model.
        models: As MODELS.
    """
    return tuple(
        configure(problem.task, model, seed=seed, changes=_join({"task": problem.options}, settings, own))
        for seed in SEEDS
        for problem in problems
        for model, own in models.values()
    )


def _join(*several: Settings) -> Settings:
    """Join settings; the later ones count."""
    joined: dict[str, Any] = {}
    for settings in several:
        for name, value in settings.items():
            joined[name] = {**joined.get(name, {}), **value} if isinstance(value, Mapping) else value
    return joined


def accuracy_beyond(record: Record) -> float | None:
    """Give the per cent of right targets in sequences longer than any of training, averaged over their lengths."""
    longest = record.max_size[0]
    rows = [row["accuracy"] for (_, size), row in last_evaluations(record).items() if size[0] > longest]
    return 100 * statistics.mean(rows) if rows else None


def accuracy(record: Record) -> float | None:
    """Give the per cent of right targets in sequences of the largest size of training."""
    rows = {size: row["accuracy"] for (_, size), row in last_evaluations(record).items()}
    found = rows.get(tuple(record.max_size))
    return None if found is None else 100 * float(found)


def bits_per_target(record: Record) -> float | None:
    """Give the cross-entropy in bits for each target in sequences of the largest size of training."""
    rows = {size: row["bits_per_target"] for (_, size), row in last_evaluations(record).items()}
    return rows.get(tuple(record.max_size))


def tabulate_scores(
    records: Sequence[Record],
    title: str,
    problems: Sequence[Problem],
    score: Score,
    digits: int,
    peers: Sequence[Peer] = (),
    *,
    lower_is_better: bool = False,
) -> Table:
    """Make a table of scores: a row for each problem, a column for each model and each peer.

    Of ours every seed is shown, the best first: so the median is in the middle, and the ends are the range.

    Args:
        records: The runs.
        title: The title of the table.
        problems: The problems, in order.
        score: The score of a run.
        digits: How many digits to write after the point.
        peers: Others' numbers.
        lower_is_better: Whether the lowest score is the best.
    """
    rows = []
    models = [model for model in MODELS if any(name_model(record) == model for record in records)]
    for problem in problems:
        cells = []
        for model in models:
            ended = problem.runs_of(model).of(records)
            known = [value for one in ended if not one.failed and (value := score(one)) is not None]
            rest = ["failed" if one.failed else "?" for one in ended if one.failed or score(one) is None]
            ranked = sorted(known, reverse=not lower_is_better)
            cells.append(", ".join([*(f"{value:.{digits}f}" for value in ranked), *rest]))
        theirs = (f"{peer.scores[problem.name]:.{digits}f}" if problem.name in peer.scores else "" for peer in peers)
        rows.append((problem.name, *cells, *theirs))
    return Table(title, ("task", *models, *(peer.name for peer in peers)), rows)


def reaches(runs: Sequence[Runs], least: float, score: Score, *, best: bool, of: int | None = None) -> Check:
    """Check that the best or the median of each kind of runs reaches a score.

    Args:
        runs: The kinds of runs.
        least: The score that is reached.
        score: The score of a run.
        best: Whether of each kind the best seed counts, or the median.
        of: How many kinds must reach it; None: all.
    """

    def check(records: Sequence[Record]) -> Finding:
        found = {kind: [-math.inf if one.failed else score(one) for one in kind.of(records)] for kind in runs}
        known = {kind: [one for one in scores if one is not None] for kind, scores in found.items()}
        told = {kind: max(scores) if best else statistics.median(scores) for kind, scores in known.items() if scores}
        if not told:
            return UNKNOWN
        good = sum(value >= least for value in told.values())
        said = f"{good} of {len(told)}: {', '.join(f'{kind.name} {value:.1f}' for kind, value in told.items())}"
        whole = all(len(known[kind]) == kind.count(records) for kind in runs)
        verdict: Verdict = "held" if good >= (len(runs) if of is None else of) else "did not hold"
        return Finding(verdict if whole else "not known yet", said)

    return check


def at_most_more(one: Runs, other: Runs, score: Score, most: float) -> Check:
    """Check that the median score of some runs is at most so much above that of others."""

    def check(records: Sequence[Record]) -> Finding:
        found = [[math.inf if run.failed else score(run) for run in runs.of(records)] for runs in (one, other)]
        ours, others = ([value for value in values if value is not None] for values in found)
        if not ours or not others:
            return UNKNOWN
        middle, theirs = statistics.median(ours), statistics.median(others)
        more = math.inf if middle == math.inf else middle - theirs
        whole = len(ours) == one.count(records) and len(others) == other.count(records)
        verdict: Verdict = "held" if more <= most else "did not hold"
        said = "most runs failed" if math.isinf(more) else f"{more:+.3f}"
        return Finding(verdict if whole else "not known yet", said)

    return check


def draw_accuracies(records: Sequence[Record], problems: Sequence[Problem], title: str) -> Pictures:
    """Draw how well the models do by the size of the sequences, a panel a problem: median and range over the seeds."""
    panels: dict[str, dict[str, ErrorBand]] = {}
    trained_to = {}
    for problem in problems:
        found = {model: problem.runs_of(model).of(records) for model in MODELS}
        lines = {model: line for model, runs in found.items() if (line := _line(runs)) is not None}
        if lines:
            panels[problem.name] = lines
            trained_to[problem.name] = next(runs[0].max_size[0] for runs in found.values() if runs)
    axis = records[0].size_names[0]
    return {"accuracy": plots.accuracies(panels, trained_to=trained_to, axis=axis, title=title)} if panels else {}


def _line(records: Sequence[Record]) -> ErrorBand | None:
    """Join what was found at the sizes that all runs of a model were evaluated on."""
    found = [{size[0]: row["accuracy"] for (_, size), row in last_evaluations(one).items()} for one in records]
    sizes = sorted(set.intersection(*map(set, found))) if found else []
    if not sizes:
        return None
    values = np.array([[run[size] for run in found] for size in sizes])
    return ErrorBand(np.array(sizes), np.median(values, axis=1), values.min(axis=1), values.max(axis=1))
