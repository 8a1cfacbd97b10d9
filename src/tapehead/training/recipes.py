"""Settings that go together, by name: those that learn best here, and the papers' own.

A setting is one of two things: a field of `RunConfig`, or what is different about a component: a mapping of its
options, or a `Component` to choose another one. Every recipe is a list of settings from the general to the particular;
later ones replace earlier ones. What no recipe says is as `RunConfig` and the components' own constructors have it, so
the settings shown best stand there, and only what differs for some task or model stands here.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple, TypeAlias

from tapehead._arguments import check_choice
from tapehead.training.components import KINDS, Component, find, known_options
from tapehead.training.config import RunConfig, check_names

Settings: TypeAlias = Mapping[str, Any]
"""Fields of `RunConfig` and, by the kind of a component, its options or a `Component`."""


class Rule(NamedTuple):
    """Settings, and the runs that they are for.

    Attributes:
        settings: What is set.
        task: A key of TASKS; None: every task.
        model: A key of MODELS; None: every model.
        having: Task or model, one of its options, and the value that this must have by earlier rules or by what differs
            from the recipe; None: any values.
    """

    settings: Settings
    task: str | None = None
    model: str | None = None
    having: tuple[str, str, object] | None = None

    def is_for(self, task: str, model: str) -> bool:
        """Say whether the settings are for a run, whatever its options."""
        return self.task in {None, task} and self.model in {None, model}


# docs/log.md says how these were found, and what did not work.
# Bounded steps, so that what is learned stays, and a return to what was learned if it is lost all the same.
STABLE: Settings = {"optimizer": Component("stable_adam", {"lr": 8e-3, "eps": 1e-6}), "rollback_patience": 5}
# Small memories, where a write head that walks on comes round to what is not yet read; zeros that are no sign of the
# answer; a controller that forgets, so that its state does not drift in long sequences; and a short warm-up.
COPY: Settings = {
    "min_memory_slots": 22,
    "warmup_steps": 250,
    "task": {"zero_vectors": 0.2},
    "model": {"forget_bias": 0.0},
}
GRAVES_ENCODING = ("task", "encoding", "graves2014")
TAPEHEAD = [
    Rule({"optimizer": {"lr": 4e-3}}),
    Rule({"optimizer": {"lr": 1e-3}}, model="lstm"),
    *(Rule(STABLE, model=model) for model in ("ntm", "dnc")),
    # heads that start alike
    Rule({"model": {"head_gain": 0.0}}, model="ntm"),
    *(Rule(COPY, "copy", model) for model in ("ntm", "dnc")),
    # heads that do not start by looking for content
    Rule({"model": {"strength_bias": -3.0}}, "copy", "ntm"),
    Rule({"task": {"encoding": "collier2018"}, "steps": 4000}, "repeat_copy"),
    Rule({"steps": 8000, "min_memory_slots": 12}, "repeat_copy", "ntm"),
    # an end marker takes counting, which is learned from few repeats to many
    Rule({"curriculum": Component("look_back_and_forward")}, "repeat_copy", "ntm", having=GRAVES_ENCODING),
    Rule({"steps": 5000, "min_memory_slots": 12}, "repeat_copy", "dnc"),
    Rule({"steps": 5000}, "associative_recall"),
    *(
        Rule({"optimizer": {"lr": 6e-3}, "min_memory_slots": 24}, "associative_recall", model)
        for model in ("ntm", "dnc")
    ),
    Rule({"steps": 10_000}, "ngrams"),
    # what was counted after the same five bits is found by its content alone, if the slots differ from the beginning
    Rule(
        {"model": {"addressing": "content", "memory_init": "random", "strength_bias": 3.0}, "steps": 6000},
        "ngrams",
        "ntm",
    ),
    Rule({"model": {"hidden_size": 128}}, "ngrams", "lstm"),
    # few items first teach what to do with many: of 20 at a time next to nothing is learned in 10,000 steps
    Rule({"task": {"min_items": 1}, "steps": 10_000}, "priority_sort"),
    Rule({"model": {"read_heads": 5, "write_heads": 5}, "min_memory_slots": 24}, "priority_sort", "ntm"),
    Rule({"model": {"hidden_size": 128}}, "priority_sort", "lstm"),
]

PAPERS: Settings = {
    "sizes_per": "batch",
    "loss_reduction": "batchmean",
    "warmup_steps": 0,
    "lr_schedule": "constant",
}
PAPERS_NTM: Settings = {
    "head_init": "learned",
    "read_init": "learned",
    "shift_bias": 0.0,
    "sharpening_bias": 0.0,
    "gate_bias": 0.0,
}

ENCODED_TASKS = ("copy", "repeat_copy", "associative_recall")
"""The tasks that Collier & Beel 2018 write differently from Graves et al. 2014."""

COLLIER2018 = [
    Rule({**PAPERS, "steps": 15_625, "max_grad_norm": 50.0, "eval_every": 200, "optimizer": {"lr": 1e-3}}),
    # trainable, as in the published code; the paper reads as if the constant memory were not
    Rule({"model": {**PAPERS_NTM, "memory_trainable": True}}, model="ntm"),
    *(Rule({"task": {"encoding": "collier2018"}}, task=task) for task in ENCODED_TASKS),
]

FEEDFORWARD = ("model", "controller", "feedforward")
# Where Graves et al. 2014 say nothing of the optimizer, Graves 2013 (arXiv 1308.0850) does; batches of one are a guess.
GRAVES2014_OPTIMIZER = {"lr": 1e-4, "momentum": 0.9, "alpha": 0.95, "centered": True, "eps": 1e-4}
GRAVES2014 = [
    Rule({**PAPERS, "batch_size": 1, "steps": 1_000_000, "eval_every": 1000}),
    Rule({"max_grad_norm": None, "max_grad_value": 10.0, "optimizer": Component("rmsprop", GRAVES2014_OPTIMIZER)}),
    *(Rule({"task": {"encoding": "graves2014"}}, task=task) for task in ENCODED_TASKS),
    Rule({"model": {**PAPERS_NTM, "clip": None}}, model="ntm"),
    # Their tables 1 to 3. Heads are both read and write heads: only so the numbers of parameters come near theirs.
    Rule({"optimizer": {"lr": 3e-5}}, task="copy", model="lstm"),
    Rule({"model": {"hidden_size": 512}, "optimizer": {"lr": 3e-5}}, task="repeat_copy", model="lstm"),
    Rule({"model": {"read_heads": 4, "write_heads": 4, "hidden_size": 256}}, "associative_recall", "ntm", FEEDFORWARD),
    Rule({"optimizer": {"lr": 3e-5}}, task="ngrams", model="ntm"),
    Rule({"model": {"hidden_size": 128}}, task="ngrams", model="lstm"),
    Rule({"model": {"read_heads": 5, "write_heads": 5, "num_layers": 2}}, task="priority_sort", model="ntm"),
    Rule({"optimizer": {"lr": 3e-5}}, task="priority_sort", model="ntm"),
    Rule(
        {"model": {"read_heads": 8, "write_heads": 8, "num_layers": 1, "hidden_size": 512}},
        task="priority_sort",
        model="ntm",
        having=FEEDFORWARD,
    ),
    Rule({"model": {"hidden_size": 128}, "optimizer": {"lr": 3e-5}}, task="priority_sort", model="lstm"),
]

RECIPES: dict[str, list[Rule]] = {"tapehead": TAPEHEAD, "collier2018": COLLIER2018, "graves2014": GRAVES2014}
"""The recipes by name: what learns best here, and the papers' own."""

DEFAULTS: dict[str, str] = {"model": "ntm", "optimizer": "adam", "curriculum": "uniform"}
"""What a run is made of where nothing else is said."""


def configure(
    task: str, model: str = "ntm", *, seed: int = 1, recipe: str = "tapehead", changes: Settings | None = None
) -> RunConfig:
    """Configure a run by a recipe, and by what is to differ from it.

    Args:
        task: A key of TASKS, or module:Class.
        model: A key of MODELS, or module:Class.
        seed: Decides the initial weights and all data.
        recipe: A key of RECIPES.
        changes: What differs, as in `configure("copy", changes={"steps": 100, "model": {"memory_slots": 64},
            "optimizer": Component("sgd", {"lr": 0.1})})`.

    Returns:
        The configuration, complete.

    Raises:
        TypeError: A value is of the wrong type.
        ValueError: A name or a value is not known or out of range.
    """
    return RunConfig(**{"seed": seed} | gather_settings(task, model, recipe=recipe, changes=changes or {}))


def gather_settings(task: str, model: str, *, recipe: str, changes: Settings) -> dict[str, Any]:
    """Gather what a recipe and changes say of a run; what they do not say has its default.

    Args:
        task: As for `configure`; so are the others.
        model: What is trained.
        recipe: What to start from.
        changes: What differs.

    Returns:
        A `Component` of each kind, and fields of `RunConfig`.

    Raises:
        TypeError: A component is not given by its options, or as a `Component`.
        ValueError: A name is not known.
    """
    check_names(changes)
    check_choice("recipe", recipe, RECIPES)
    for kind, name in (("task", task), ("model", model)):
        find(kind, name)
        if isinstance(changes.get(kind), Component):
            raise TypeError(f"changes: expected the options of the {kind} {name}, not another component")
    components = {kind: Component(name) for kind, name in (DEFAULTS | {"task": task, "model": model}).items()}
    settings: dict[str, Any] = dict(components)
    for rule in RECIPES[recipe]:
        if rule.is_for(task, model) and (rule.having is None or _has(settings, changes, *rule.having)):
            _apply(settings, rule.settings)
    _apply(settings, changes)
    return settings


def _has(settings: Settings, changes: Settings, kind: str, name: str, value: object) -> bool:
    """Say whether an option has a value: that of the changes, else that of the settings, else its default."""
    changed, component = changes.get(kind), settings[kind]
    for options in (changed if isinstance(changed, Mapping) else {}, component.options):
        if name in options:
            return bool(options[name] == value)
    known = known_options(kind, component.name)
    return name in known and known[name].default == value


def _apply(settings: dict[str, Any], changes: Settings) -> None:
    """Replace settings by others; options are added to those that the same component has already."""
    for name, value in changes.items():
        options = value.options if isinstance(value, Component) else value
        if name in KINDS and not isinstance(options, Mapping):
            raise TypeError(f"{name}: expected a Component, or a mapping of its options, not {value!r}")
        if name in KINDS and (options is value or value.name == settings[name].name):
            settings[name] = Component(settings[name].name, {**settings[name].options, **options})
        else:
            settings[name] = value
