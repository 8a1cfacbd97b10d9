"""What `train` and `resume` have in common: how a run is conducted, and what is said at its end."""

import json
from argparse import Namespace
from collections.abc import Callable
from pathlib import Path

import torch

from tapehead.cli._bar import shown
from tapehead.cli._parser import Parser, add_json, add_threads, whole_number
from tapehead.training.loop import CHECKPOINT_EVERY, Listen, Stop
from tapehead.training.run import Run
from tapehead.training.signals import watched_signals
from tapehead.training.standing import Result


def add_conduct(parser: Parser) -> None:
    """Add what does not change a run's result."""
    parser.add_argument(
        "--checkpoint-every",
        type=whole_number,
        default=CHECKPOINT_EVERY,
        metavar="N",
        help=f"updates between checkpoints [{CHECKPOINT_EVERY}]",
    )
    add_threads(parser)
    add_json(parser)


def conduct(run: Run, path: Path, chosen: Namespace, go: Callable[[Listen, Stop], Result]) -> None:
    """Do a run with its progress shown and signals heeded, then say how it ended."""
    if chosen.threads is not None:
        torch.set_num_threads(chosen.threads)
    with watched_signals() as stop, shown(run.updates) as listen:
        result = go(listen, stop)
    if chosen.json:
        print(json.dumps({"run": str(path), **result._asdict()}))
    else:
        print(summary(run, path, result))


def summary(run: Run, path: Path, result: Result) -> str:
    """Say how a run ended, where its files are, and what can be done next."""
    if result.solved_at_update is None:
        solved = f"not solved: {result.bit_errors:.2f} bit errors per sequence at the last evaluation"
    else:
        seen = result.solved_at_update * run.batch_size
        solved = (
            f"solved at update {result.solved_at_update:,} ({seen:,} sequences): below {run.solved_below} bit errors"
        )
    return "\n".join(
        [
            f"{run.task}, {run.model}, seed {run.seed}: {solved}",
            f"{result.update:,} updates, {result.sequences:,} sequences, {result.seconds:.0f} seconds",
            f"files: {path}",
            f"next:  tapehead evaluate {path}   tapehead plot {path}",
        ]
    )
