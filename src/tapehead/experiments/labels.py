"""What tells runs apart, in a few words: for legends, tables and the names of directories."""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple, TypeAlias

from tapehead.training.components import KINDS, find
from tapehead.training.config import RunConfig
from tapehead.training.recipes import RECIPES, configure

Config: TypeAlias = Mapping[str, Any]
"""A run's configuration as JSON holds it; see `RunConfig.to_json`."""

MOST_DIFFERENCES = 3
"""Runs that differ in more options than this go by their recipe, or by a name of their own."""


class Described(NamedTuple):
    """A run that is to be told from others.

    Attributes:
        config: Its configuration.
        recipe: The recipe that it follows to the letter, if there is one.
        otherwise: What to call it where neither options nor a recipe tell it from the others in a few words.
    """

    config: Config
    recipe: str | None
    otherwise: str


def find_recipe(config: RunConfig) -> str | None:
    """Return the recipe that gives exactly this configuration, whatever the seed; None if there is none."""
    classes = find("task", config.task.name), find("model", config.model.name)
    for recipe in RECIPES:
        made = _configure_once(recipe, config.task.name, config.model.name, classes)
        if made is not None and {**vars(made), "seed": config.seed} == vars(config):
            return recipe
    return None


@lru_cache(maxsize=1000)
def _configure_once(recipe: str, task: str, model: str, _classes: tuple[object, object]) -> RunConfig | None:
    """Configure a run by a recipe; None if it leaves something open. Of other classes the same names are other runs."""
    try:
        return configure(task, model, recipe=recipe)
    except ValueError:
        return None


def identify(config: Config, *, with_seed: bool = True) -> str:
    """Give a text that is the same for equal configurations only."""
    return json.dumps({name: value for name, value in config.items() if with_seed or name != "seed"}, sort_keys=True)


def shorten(config: Config) -> str:
    """Give eight letters and digits that stand for a configuration, whatever its seed."""
    return hashlib.sha256(identify(config, with_seed=False).encode()).hexdigest()[:8]


def label_runs(runs: Sequence[Described]) -> list[str]:
    """Name each run by its model and by what tells it from the others of that task and model; the seed does not count.

    Runs that differ in the seed only have the same label; all others of a task have different ones.
    """
    varying = _find_varying([run.config for run in runs])
    words = [_list_differences(run.config, varying) for run in runs]
    many = {
        run.config["task"]["name"] for run, listed in zip(runs, words, strict=True) if len(listed) > MOST_DIFFERENCES
    }
    labels: dict[str, dict[str, str]] = {}
    for run, listed in zip(runs, words, strict=True):
        task, key = run.config["task"]["name"], identify(run.config, with_seed=False)
        if key not in labels.setdefault(task, {}):
            told = listed if task not in many else _name_briefly(run, listed)
            label = ", ".join([short_name(run.config["model"]["name"]), *told])
            labels[task][key] = label if label not in labels[task].values() else f"{label}, {run.otherwise}"
    return [labels[run.config["task"]["name"]][identify(run.config, with_seed=False)] for run in runs]


def slug(*words: str) -> str:
    """Join words into the name of a directory."""
    return re.sub(r"[^A-Za-z0-9_.]+", "-", "-".join(words)).strip("-.")


def count(number: int, noun: str) -> str:
    """Write how many there are of something, as `1 run` and `2,000 runs`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def describe_size(names: Sequence[str], size: Sequence[int]) -> str:
    """Write a size with the names of its numbers, as for a title: length 60."""
    return " and ".join(f"{name} {number:,}" for name, number in zip(names, size, strict=True))


def short_name(name: str) -> str:
    """Give a component's name without the module, if it is module:Class."""
    return name.rpartition(":")[2]


def _list_differences(config: Config, varying: Mapping[tuple[str, ...], set[str]]) -> list[str]:
    """Put into words in which options a run differs from any of the others."""
    task, model, flat = config["task"]["name"], config["model"]["name"], flatten(config)
    names = varying[task,] | varying[task, model]
    return [
        f"{name.rpartition('.')[2].replace('_', ' ')} {_spell(_shorten(name, flat[name]))}"
        for name in flat
        if name in names
    ]


def _name_briefly(run: Described, differences: Sequence[str]) -> list[str]:
    """Name a run by its recipe, where some differ in too much to list it; the first recipe goes without saying."""
    if run.recipe is not None:
        return [] if run.recipe == next(iter(RECIPES)) else [run.recipe]
    return [run.otherwise] if len(differences) > MOST_DIFFERENCES else list(differences)


def _find_varying(configs: Sequence[Config]) -> dict[tuple[str, ...], set[str]]:
    """List the options that differ: by the task those of the task, by the task and the model all others."""
    values: dict[tuple[tuple[str, ...], str], set[str]] = {}
    found: dict[tuple[str, ...], set[str]] = {}
    for config in configs:
        task, model = config["task"]["name"], config["model"]["name"]
        for among in ((task,), (task, model)):
            found.setdefault(among, set())
        for name, value in flatten(config).items():
            among = (task,) if name.startswith("task.") else (task, model)
            seen = values.setdefault((among, name), set())
            seen.add(repr(value))
            if len(seen) > 1:
                found[among].add(name)
    return found


def flatten(config: Config) -> dict[str, Any]:
    """List all that may tell a run from another of the same task and model by one name each, as `model.hidden_size`."""
    flat: dict[str, Any] = {}
    for name, value in config.items():
        if name in KINDS:
            flat |= {} if name in {"task", "model"} else {name: value["name"]}
            flat |= {f"{name}.{option}": chosen for option, chosen in value["options"].items()}
        elif name != "seed":
            flat[name] = value
    return flat


def _shorten(name: str, value: Any) -> Any:
    """Shorten the digest of weights, of which a few digits tell one from another."""
    return value[:8] if name == "initial_weights" and value is not None else value


def _spell(value: Any) -> str:
    return " ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
