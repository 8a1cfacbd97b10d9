"""tapehead resume: a run that was stopped, from where its last checkpoint stands."""

from argparse import Namespace

from tapehead.cli._conduct import add_conduct, conduct
from tapehead.cli._errors import asked_wrongly, warn
from tapehead.cli._parser import Parser, add_path
from tapehead.training import loop
from tapehead.training.folder import read_run


def add_arguments(parser: Parser) -> None:
    """Add what `resume` takes."""
    add_path(parser)
    add_conduct(parser)


def do(chosen: Namespace) -> None:
    """Resume."""
    with asked_wrongly():
        run = read_run(chosen.run)
        run.make_model()
    if loop.finished_result(chosen.run) is not None:
        warn("this run is finished already; nothing is left to do")
    conduct(
        run,
        chosen.run,
        chosen,
        lambda listen, stop: loop.resume(
            chosen.run, listen=listen, stop=stop, warn=warn, checkpoint_every=chosen.checkpoint_every
        ),
    )
