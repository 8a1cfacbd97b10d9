"""tapehead resume: go on with a run that was stopped, from its last checkpoint."""

from collections.abc import Sequence
from functools import partial

from tapehead.cli._errors import as_command_errors, warn
from tapehead.cli._parser import Parser, add_run, read_count, use_device
from tapehead.cli._ranks import join_ranks
from tapehead.cli._training import add_execution, train_and_report
from tapehead.training import loop
from tapehead.training.config import MAX_INT64
from tapehead.training.restore import finished_result, recorded_threads
from tapehead.training.run_dir import read_config
from tapehead.training.step import Learner


def run(words: Sequence[str]) -> None:
    """Resume."""
    parser = Parser("resume")
    add_run(parser)
    parser.add_argument(
        "--steps",
        type=partial(read_count, most=MAX_INT64),
        metavar="N",
        help="go on beyond the end, until N training steps in all; the learning rate is then that of a run of N steps "
        "[as many as the run was to have]",
    )
    add_execution(parser, threads="as many as at the last checkpoint, since the result may depend on them")
    chosen = parser.read(words)
    with as_command_errors():
        before = read_config(chosen.run)
        config = before if chosen.steps is None else before.extend(chosen.steps)
    is_finished = finished_result(chosen.run) is not None and config == before
    if chosen.threads is None and not is_finished:
        chosen.threads = recorded_threads(chosen.run)
    with join_ranks(use_device(chosen)) as place:
        with as_command_errors():
            Learner(config, place.device, place.ranks)  # so that what is wrong is found before anything is written
        if is_finished and place.ranks.is_first:
            warn("this run is finished already; nothing is left to do")
        train_and_report(
            config, chosen.run, chosen, partial(loop.resume, chosen.run, warn=warn, steps=chosen.steps), place
        )
