"""Settings that go together, by name: the ones that learn best here, and the papers' own."""

from typing import Any, NamedTuple, TypeAlias

from tapehead._arguments import check_choice
from tapehead.models import MODELS
from tapehead.training.optimisers import OPTIMISERS
from tapehead.training.run import Run, check_names, foreign_options
from tapehead.training.task_names import find_task

Settings: TypeAlias = dict[str, Any]

EVERY_MODEL = "every model"


class Recipe(NamedTuple):
    """Settings that go together; later ones replace earlier ones.

    Attributes:
        common: Of every run.
        models: Of each model, by its key in MODELS.
        tasks: Of a task, by its key in TASKS, then EVERY_MODEL, a model's key, or a model's and its controller's with a
            space between; what is not there needs nothing of its own.
    """

    common: Settings
    models: dict[str, Settings]
    tasks: dict[str, dict[str, Settings]]


# docs/log.md says how these were found, and what did not work.
TAPEHEAD: Settings = {
    "curriculum": "uniform",
    "lengths_per": "sequence",
    "batch_size": 32,
    "updates": 3000,
    "loss": "mean",
    "optimiser": "adam",
    "learning_rate": 4e-3,
    "warmup_updates": 500,
    "decay": "cosine",
    "gradient_clip": "norm",
    "gradient_bound": 0.001,  # below nearly every norm: a batch that goes wrong weighs no more than another
    "evaluate_every": 100,
    "evaluation_sequences": 320,
    "solved_below": 0.1,
    "stop_when_solved": False,
}
TAPEHEAD_MODELS: dict[str, Settings] = {
    "ntm": {
        "memory_init": "constant",
        "head_init": "onehot",
        "read_init": "zero",
        "shift_bias": 1.0,
        "sharpening_bias": 1.0,
        "gate_bias": -1.0,
    },
    "dnc": {"memory_init": "constant", "read_init": "zero"},
    "lstm": {"hidden_size": 256, "num_layers": 3, "learning_rate": 1e-3},  # as large as the papers' own
    "rnn": {},
}
TAPEHEAD_TASKS: dict[str, dict[str, Settings]] = {
    # with Adam as it is, one seed in ten is thrown back on its way and never recovers
    "copy": {"ntm": {"amsgrad": True, "learning_rate": 6e-3}},
    "repeat_copy": {
        EVERY_MODEL: {"encoding": "collier2018", "updates": 4000},
        "ntm": {"updates": 8000, "amsgrad": True, "learning_rate": 6e-3},
        "dnc": {"updates": 8000},
    },
    "associative_recall": {EVERY_MODEL: {"updates": 5000}},
    "ngrams": {
        EVERY_MODEL: {"updates": 10_000},
        # what was counted after the same five bits is found by what it is, not by where
        "ntm": {"gate_bias": 1.0, "shift_bias": 0.0, "amsgrad": True, "learning_rate": 3e-3},
        "lstm": {"hidden_size": 128},
    },
    "priority_sort": {
        # few items first teach what to do with many: on 20 at a time next to nothing is learned in 10,000 updates
        EVERY_MODEL: {"min_items": 1, "updates": 10_000},
        "ntm": {"read_heads": 5, "write_heads": 5},
        "lstm": {"hidden_size": 128},
    },
}

PAPERS: Settings = {
    "curriculum": "uniform",
    "lengths_per": "batch",
    "loss": "sum_per_sequence",
    "warmup_updates": 0,
    "decay": "none",
    "evaluation_sequences": 320,
    "solved_below": 0.1,
    "stop_when_solved": False,
}

PAPERS_NTM: Settings = {
    "controller": "lstm",
    "hidden_size": 100,
    "num_layers": 1,
    "memory_slots": 128,
    "memory_width": 20,
    "read_heads": 1,
    "write_heads": 1,
    "shift_range": 1,
    "memory_init": "constant",
    "head_init": "learned",
    "read_init": "learned",
    "shift_bias": 0.0,
    "sharpening_bias": 0.0,
    "gate_bias": 0.0,
    "strength_bias": 0.0,
}

COLLIER2018_DNC: Settings = {
    "controller": "lstm",
    "hidden_size": 100,
    "num_layers": 1,
    "memory_slots": 128,
    "memory_width": 20,
    "read_heads": 1,
    "write_heads": 1,
    "memory_init": "constant",
    "read_init": "zero",
    "clip": 20.0,
}

COLLIER2018: Settings = PAPERS | {
    "encoding": "collier2018",
    "batch_size": 32,
    "updates": 15_625,
    "optimiser": "adam",
    "learning_rate": 1e-3,
    "gradient_clip": "norm",
    "gradient_bound": 50.0,
    "evaluate_every": 200,
}
COLLIER2018_MODELS: dict[str, Settings] = {
    # trainable, as in the published code; the paper reads as if the constant memory were not
    "ntm": PAPERS_NTM | {"clip": 20.0, "memory_trainable": True},
    "dnc": COLLIER2018_DNC,
    "lstm": {"hidden_size": 256, "num_layers": 3, "state_init": "learned"},
    "rnn": {},
}

# Where Graves et al. 2014 say nothing of the optimiser, Graves 2013 (arXiv 1308.0850) does; batches of one are a guess.
GRAVES2014: Settings = PAPERS | {
    "encoding": "graves2014",
    "batch_size": 1,
    "updates": 1_000_000,
    "optimiser": "rmsprop",
    "momentum": 0.9,
    "alpha": 0.95,
    "centered": True,
    "epsilon": 1e-4,
    "learning_rate": 1e-4,
    "gradient_clip": "value",
    "gradient_bound": 10.0,
    "evaluate_every": 1000,
}
GRAVES2014_MODELS: dict[str, Settings] = {
    "ntm": PAPERS_NTM | {"clip": "off"},
    "dnc": {},  # which came two years later
    "lstm": {"hidden_size": 256, "num_layers": 3},
    "rnn": {},
}
# Their tables 1 to 3. Heads are both read heads and write heads: only so the numbers of parameters come near theirs.
GRAVES2014_TASKS: dict[str, dict[str, Settings]] = {
    "copy": {"lstm": {"learning_rate": 3e-5}},
    "repeat_copy": {"lstm": {"hidden_size": 512, "learning_rate": 3e-5}},
    "associative_recall": {"ntm feedforward": {"read_heads": 4, "write_heads": 4, "hidden_size": 256}},
    "ngrams": {"ntm": {"learning_rate": 3e-5}, "lstm": {"hidden_size": 128}},
    "priority_sort": {
        "ntm": {"read_heads": 5, "write_heads": 5, "num_layers": 2, "learning_rate": 3e-5},
        "ntm feedforward": {"read_heads": 8, "write_heads": 8, "num_layers": 1, "hidden_size": 512},
        "lstm": {"hidden_size": 128, "learning_rate": 3e-5},
    },
}

RECIPES: dict[str, Recipe] = {
    "tapehead": Recipe(TAPEHEAD, TAPEHEAD_MODELS, TAPEHEAD_TASKS),
    "collier2018": Recipe(COLLIER2018, COLLIER2018_MODELS, tasks={}),
    "graves2014": Recipe(GRAVES2014, GRAVES2014_MODELS, GRAVES2014_TASKS),
}


def describe(*, task: str, model: str, seed: int, recipe: str = "tapehead", **changes: Any) -> Run:
    """Describe a run by a recipe and what is to differ from it.

    A setting of the recipe's that the chosen task, model or optimiser does not have is left out; a change that they do
    not have is an error.

    Args:
        task: A key of TASKS, or module:Class.
        model: A key of MODELS.
        seed: Decides the first weights and all data.
        recipe: A key of RECIPES.
        **changes: Fields of `Run` that differ from the recipe.

    Raises:
        TypeError: A value is of the wrong type.
        ValueError: A name or a value is not known or out of range.
    """
    find_task(task)
    check_choice("model", model, MODELS)
    check_choice("recipe", recipe, RECIPES)
    check_names(changes)
    settings = _settings(RECIPES[recipe], task, model, changes)
    if changes.get("gradient_clip") == "none":
        settings = settings | {"gradient_bound": 0.0}
    optimiser = (settings | changes)["optimiser"]
    check_choice("optimiser", optimiser, OPTIMISERS)
    foreign = foreign_options(task, model, optimiser)
    kept = {name: value for name, value in settings.items() if name not in foreign}
    return Run(**kept | {"task": task, "model": model, "seed": seed} | changes)


def _settings(recipe: Recipe, task: str, model: str, changes: Settings) -> Settings:
    """Put together what a recipe says of a model, with the controller that it is to have, on a task."""
    general, own = recipe.common | recipe.models[model], recipe.tasks.get(task, {})
    controller = (general | changes).get("controller")
    return general | own.get(EVERY_MODEL, {}) | own.get(model, {}) | own.get(f"{model} {controller}", {})
