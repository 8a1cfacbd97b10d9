"""tapehead train: a new run."""

from argparse import Namespace
from pathlib import Path
from typing import Any

from tapehead.cli._conduct import add_conduct, conduct
from tapehead.cli._errors import asked_wrongly
from tapehead.cli._parser import Parser, add_fields, chosen_fields, folder
from tapehead.tasks import TASKS
from tapehead.training import loop
from tapehead.training.recipes import RECIPES, describe


def add_arguments(parser: Parser) -> None:
    """Add what `train` takes."""
    parser.epilog = (
        "In brackets: what an NTM that learns copy is trained with. Other models and tasks differ in some; "
        "run.json, in the run's folder, has all of a run's."
    )
    parser.add_argument(
        "task", metavar="TASK", help=f"what is learned: {', '.join(TASKS)}, or one of your own as module:Class"
    )
    parser.add_argument("--out", type=folder, metavar="DIR", help="the run's folder [runs/TASK-MODEL-SEED]")
    parser.add_argument(
        "--recipe", default="tapehead", metavar="|".join(RECIPES), help="settings to start from [tapehead]"
    )
    add_fields(parser)
    add_conduct(parser)


def do(chosen: Namespace) -> None:
    """Train."""
    with asked_wrongly():
        said: dict[str, Any] = {"model": "ntm", "seed": 1} | chosen_fields(chosen)
        run = describe(recipe=chosen.recipe, **said)
        run.complete().make_model()
    path = chosen.out or Path("runs") / f"{run.task.rpartition(':')[2]}-{run.model}-{run.seed}"
    conduct(
        run,
        path,
        chosen,
        lambda listen, stop: loop.train(run, path, listen=listen, stop=stop, checkpoint_every=chosen.checkpoint_every),
    )
