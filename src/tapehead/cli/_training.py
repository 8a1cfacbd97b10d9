"""What `train` and `resume` have in common: progress, signals, and the summary at the end."""

import json
from argparse import Namespace
from collections.abc import Callable
from functools import partial
from pathlib import Path
from shlex import quote

import numpy as np

from tapehead.cli._bar import show_progress
from tapehead.cli._parser import Parser, add_device, add_json, add_threads, read_count
from tapehead.cli._ranks import Place
from tapehead.experiments.labels import count
from tapehead.training.config import RunConfig
from tapehead.training.data import draw_batch_of_size
from tapehead.training.loop import CHECKPOINT_EVERY
from tapehead.training.signals import watch_signals
from tapehead.training.train_state import Result


def add_execution(parser: Parser, threads: str = "one per core") -> None:
    """Add the flags that are not part of a run's configuration; the default of the threads is said in words."""
    group = parser.add_argument_group("execution (not part of the configuration)")
    group.add_argument(
        "--checkpoint-every",
        type=read_count,
        default=CHECKPOINT_EVERY,
        metavar="N",
        help=f"training steps between checkpoints [{CHECKPOINT_EVERY}]",
    )
    add_device(group)
    add_threads(group, threads)
    add_json(group)


def train_and_report(
    config: RunConfig, path: Path, chosen: Namespace, train: Callable[..., Result], place: Place
) -> None:
    """Train with progress shown and signals watched, then print how it ended; of several processes only the first.

    Args:
        config: The configuration of the run.
        path: The run directory.
        chosen: The command line, with what `add_execution` adds.
        train: `loop.train` or `loop.resume`, but for the arguments that they have in common.
        place: Where this process trains.
    """
    train = partial(train, checkpoint_every=chosen.checkpoint_every, device=place.device, ranks=place.ranks)
    if not place.ranks.is_first:
        with watch_signals() as should_stop:
            train(on_progress=lambda progress: None, should_stop=should_stop)
        return
    error_name = config.make_task().error_name
    with watch_signals() as should_stop, show_progress(config.steps, error_name) as on_progress:
        result = train(on_progress=on_progress, should_stop=should_stop)
    if chosen.json:
        print(json.dumps({"run": str(path), **result._asdict()}))
    else:
        print(summarize(config, path, result))


def summarize(config: RunConfig, path: Path, result: Result) -> str:
    """Say how a run ended, where its files are, and what can be done next."""
    then = "sample" if config.task.name == "text" else "plot"
    amounts = {"step": result.step, "sequence": result.sequences, "second": round(result.seconds)}
    return "\n".join(
        [
            f"{config.task.name}, {config.model.name}, seed {config.seed}: {describe_end(config, result)}",
            ", ".join(count(number, noun) for noun, number in amounts.items()),
            f"files: {path}",
            f"next:  tapehead evaluate {quote(str(path))}   tapehead {then} {quote(str(path))}",
        ]
    )


def describe_end(config: RunConfig, result: Result) -> str:
    """Say how well the task was learned, in the measure that suits it."""
    if result.gap_bits is not None:
        return f"{result.gap_bits:.2f} bits per sequence above the best possible at the last evaluation"
    task = config.make_task()
    if task.target_name is not None:
        (targets,) = task.count_targets(draw_batch_of_size(task, task.max_size, 1, np.random.default_rng(0)))
        return f"{result.bits / float(targets):.3f} bits per {task.target_name} at the last evaluation"
    errors = f"{result.errors:.2f} {task.error_name} per sequence at the last evaluation"
    if result.solved_at_step is None:
        return f"not solved: {errors}"
    seen = result.solved_at_step * config.batch_size
    return f"solved at step {result.solved_at_step:,} ({count(seen, 'sequence')}); {errors}"
