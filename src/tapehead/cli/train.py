"""tapehead train: start a new run."""

from argparse import SUPPRESS, Namespace
from collections.abc import Sequence
from functools import partial
from itertools import zip_longest
from pathlib import Path

from tapehead.cli._commands import COMMANDS
from tapehead.cli._errors import CommandError, as_command_errors
from tapehead.cli._flags import OptionFlags
from tapehead.cli._parser import Parser, read_path, use_device
from tapehead.cli._ranks import join_ranks
from tapehead.cli._source import read_source, read_word
from tapehead.cli._training import add_execution, train_and_report
from tapehead.tasks import TASKS
from tapehead.training import loop
from tapehead.training.components import KINDS, Component, known_options
from tapehead.training.options import Options
from tapehead.training.recipes import DEFAULTS, RECIPES, Settings, configure, gather_settings

OWN = "module:Class for one of your own"
NOTES = {"curriculum": "; with none, all sequences have the largest size"}
"""What the names of a kind do not say themselves."""


class TrainParser(Parser):
    """The parser of `train`: an error about an unknown option names the components that do have it.

    Args:
        task: The task, as it was typed.
        settings: What the run is made of, with the values that the help shows as defaults.
    """

    def __init__(self, task: str, settings: Settings) -> None:
        super().__init__("train", task, "Defaults are in brackets; run.json in the run directory records all values.")
        add_names(self)
        self.add_argument("--out", type=read_path, metavar="DIR", help="the run directory [runs/TASK-MODEL-SEED]")
        add_execution(self)
        self.option_flags = OptionFlags(settings, self.flags())
        self.option_flags.add_to(self)

    def describe_unknown(self, word: str) -> str:
        """Say that an option is unknown, or why it is, or which other components have it."""
        explained = None if word in self.flags() else self.option_flags.explain(word)
        if explained is not None:
            return explained
        name = word.removeprefix("--").removeprefix("no-").replace("-", "_")
        for kind, (registry, *_) in KINDS.items():
            owners = [other for other in registry if name in known_options(kind, other)]
            if owners:
                chosen = self.option_flags.shown[kind].name
                return f"{word}: the {kind} {chosen} has no such option (it is an option of {', '.join(owners)})"
        return super().describe_unknown(word)


def run(words: Sequence[str]) -> None:
    """Read the command line, train, and report."""
    if not words or words[0] in {"-h", "--help"}:
        print_overview()
        return
    task, *rest = words
    if task.startswith("-"):
        raise CommandError(f"expected the task first, as in `tapehead train copy {task} ...`, not {task!r}")
    names = read_names(rest)
    parser = make_parser(task, names, rest)
    chosen = parser.read(rest)
    with as_command_errors():
        changes = parser.option_flags.settings(chosen)
        changes["model"] = model_options(names) | changes["model"]
        seed = changes.pop("seed", 1)
        config = configure(task, names.model, seed=seed, recipe=names.recipe, changes=changes)
    path = chosen.out or Path("runs") / f"{task.rpartition(':')[2]}-{names.model.rpartition(':')[2]}-{seed}"
    with join_ranks(use_device(chosen)) as place:
        with as_command_errors():
            initial = None if names.source is None else names.source.weights_for(config)
            loop.begin(config, initial, place.device, place.ranks)  # so that errors come before anything is written
        train_and_report(config, path, chosen, partial(loop.train, config, path, initial=initial), place)


def make_parser(task: str, names: Namespace, words: Sequence[str]) -> TrainParser:
    """Make the parser with the flags of the components that the words choose, by name or by what the recipe says.

    What a recipe says may depend on an option of the task or the model: repeat copy's curriculum on its encoding.
    """
    chosen = chosen_components(names) | {"model": model_options(names)}
    with as_command_errors():
        settings = gather_settings(task, names.model, recipe=names.recipe, changes=chosen)
        parser = TrainParser(task, {"seed": 1} | settings)
    options, _ = parser.parse_known_args([word for word in words if word not in {"-h", "--help"}])
    given = {kind: parser.option_flags.settings(options)[kind] for kind in ("task", "model")}
    with as_command_errors():
        given["model"] = model_options(names) | given["model"]
        again = gather_settings(task, names.model, recipe=names.recipe, changes=chosen | given)
        return TrainParser(task, {"seed": 1} | again | {kind: settings[kind] for kind in given})


def add_names(parser: Parser) -> None:
    """Add the flags that choose the components of a run, and the recipe that its settings start from."""
    for kind, default in DEFAULTS.items():
        registry = KINDS[kind].registry
        said = f"{', '.join(registry)}, or {OWN}{NOTES.get(kind, '')} [{default}]"
        parser.add_argument(f"--{kind}", default=SUPPRESS, metavar="NAME", help=said)
    parser.add_argument(
        "--recipe",
        default="tapehead",
        metavar="NAME",
        help=f"preset of settings to start from: {', '.join(RECIPES)} [tapehead]",
    )
    parser.add_argument(
        "--from",
        dest="source",
        type=read_word,
        metavar="RUN",
        help="begin with the weights of a run, of pretrained:NAME or of a file that model.save wrote; the model and "
        "its options are then those, where nothing else is said [the weights that the seed draws]",
    )


def read_names(words: Sequence[str]) -> Namespace:
    """Read only the flags that `add_names` adds, and ignore all other arguments."""
    parser = Parser("train")
    parser.add_help = False
    add_names(parser)
    known = set(parser.flags()) - {"--help"}
    selected: list[str] = []
    for word, next_word in zip_longest(words, words[1:]):
        if word.split("=")[0] in known:
            selected += [word] if "=" in word or next_word is None else [word, next_word]
    names = parser.read(selected)
    names.source = names.source and read_source(names.source)
    names.model = vars(names).get("model", names.source.model.name if names.source else DEFAULTS["model"])
    if names.source and names.model != names.source.model.name:
        raise CommandError(f"--model: expected {names.source.model.name}, as in --from, not {names.model}")
    return names


def model_options(names: Namespace) -> Options:
    """Give the options of the model whose weights training begins with, if there is one."""
    return {} if names.source is None else names.source.model.options


def chosen_components(names: Namespace) -> dict[str, Component]:
    """Return the optimizer and the curriculum if they were chosen on the command line."""
    chosen = {kind: vars(names)[kind] for kind in ("optimizer", "curriculum") if kind in names}
    return {kind: Component(name) for kind, name in chosen.items()}


def print_overview() -> None:
    """Print what can be trained, and how to see the options."""
    print("usage: tapehead train TASK [options]\n")
    print(f"{COMMANDS['train'].summary}\n\ntasks:")
    width = max(map(len, TASKS))
    for name, task in TASKS.items():
        print(f"  {name:{width}} {(task.__doc__ or '').splitlines()[0]}")
    print(f"  {'module:Class':{width}} A task of your own; the module is imported, from the current directory too.\n")
    for kind, default in DEFAULTS.items():
        print(f"--{kind + ' NAME':18} {', '.join(KINDS[kind].registry)}, or {OWN}{NOTES.get(kind, '')} [{default}]")
    print(f"{'--recipe NAME':20} preset of settings to start from: {', '.join(RECIPES)} [tapehead]\n")
    print(
        "`tapehead train TASK --help` lists all options of that task and of the chosen model, optimizer and curriculum."
    )
