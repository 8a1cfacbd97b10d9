"""Recipes: settings for every task and model, the papers' own where they tell them, and one place for the best ones."""

import inspect
import json
import runpy
from inspect import signature
from itertools import product
from pathlib import Path

import pytest

import tapehead
from tapehead.models import MODELS
from tapehead.tasks import TASKS
from tapehead.training.components import KINDS, Component, known_options
from tapehead.training.config import RunConfig, run_options
from tapehead.training.recipes import RECIPES, configure
from tests.command_line import tapehead as call_tapehead

EXAMPLE = Path(__file__).parents[2] / "examples/train_copy.py"

GRAVES = {
    # task: controller, heads of either kind, units, layers, learning rate; tables 1 to 3 of Graves et al. 2014
    "copy": [("feedforward", 1, 100, 1, 1e-4), ("lstm", 1, 100, 1, 1e-4), (None, None, 256, 3, 3e-5)],
    "repeat_copy": [("feedforward", 1, 100, 1, 1e-4), ("lstm", 1, 100, 1, 1e-4), (None, None, 512, 3, 3e-5)],
    "associative_recall": [("feedforward", 4, 256, 1, 1e-4), ("lstm", 1, 100, 1, 1e-4), (None, None, 256, 3, 1e-4)],
    "ngrams": [("feedforward", 1, 100, 1, 3e-5), ("lstm", 1, 100, 1, 3e-5), (None, None, 128, 3, 1e-4)],
    "priority_sort": [("feedforward", 8, 512, 1, 3e-5), ("lstm", 5, 100, 2, 3e-5), (None, None, 128, 3, 3e-5)],
}


def said(config: RunConfig) -> tuple[str | None, int | None, int | None, int | None, float]:
    options = config.model.options
    assert options.get("read_heads") == options.get("write_heads")
    described = tuple(options.get(name) for name in ("controller", "read_heads", "hidden_size", "num_layers"))
    return (*described, config.optimizer.options["lr"])


@pytest.mark.parametrize("task", GRAVES)
def test_the_papers_settings_are_those_of_their_tables(task):
    feedforward = {"model": {"controller": "feedforward"}}
    configs = [configure(task, "ntm", recipe="graves2014", changes=feedforward)]
    configs += [configure(task, model, recipe="graves2014") for model in ("ntm", "lstm")]
    assert list(map(said, configs)) == GRAVES[task]
    for config in configs:
        assert (config.optimizer.name, config.optimizer.options["momentum"]) == ("rmsprop", 0.9)
        assert (config.max_grad_norm, config.max_grad_value) == (None, 10.0)
    for config in configs[:2]:
        assert (config.model.options["memory_slots"], config.model.options["memory_width"]) == (128, 20)


@pytest.mark.parametrize("task", GRAVES)
def test_collier_and_beel_train_every_task_alike(task):
    for model in ("ntm", "dnc"):
        config = configure(task, model, recipe="collier2018")
        assert said(config) == ("lstm", 1, 100, 1, 1e-3)
        assert (config.batch_size, config.max_grad_norm, config.max_grad_value, config.steps) == (
            32,
            50.0,
            None,
            15_625,
        )


@pytest.mark.parametrize("recipe", ["collier2018", "graves2014"])
def test_the_papers_start_without_biases_and_learn_their_initial_state(recipe):
    for task in TASKS:
        options = configure(task, "ntm", recipe=recipe).model.options
        assert [options[f"{name}_bias"] for name in ("shift", "sharpening", "gate", "strength")] == [0.0] * 4
        assert (options["head_init"], options["read_init"]) == ("learned", "learned")


def test_every_recipe_makes_every_model_for_every_task():
    for name, task, model in product(RECIPES, TASKS, MODELS):
        config = configure(task, model, recipe=name)
        sizes = {size: config.make_model().config[size] for size in ("input_size", "output_size")}
        assert sizes == {size: getattr(config.make_task(), size) for size in sizes}


def test_a_recipe_speaks_of_known_tasks_models_and_settings_only():
    for rule in (rule for rules in RECIPES.values() for rule in rules):
        assert rule.task is None or rule.task in TASKS
        assert rule.model is None or rule.model in MODELS
        if rule.having is not None:
            kind, option, value = rule.having
            known_options(kind, getattr(rule, kind))[option].check(value)
        assert rule.settings.keys() <= {*KINDS, *run_options()}


def test_every_rule_of_a_recipe_is_for_some_run():
    for rule in (rule for rules in RECIPES.values() for rule in rules):
        assert any(rule.is_for(*run) for run in product(TASKS, MODELS))


@pytest.mark.parametrize(
    ("recipe", "rule"),
    [(name, rule) for name, rules in RECIPES.items() for rule in rules if rule.having is not None],
)
def test_a_rule_for_an_option_s_value_is_for_no_other(recipe, rule):
    kind, option, value = rule.having
    assert kind in {"task", "model"}
    assert rule.task is not None
    assert rule.model is not None
    without, with_it = (
        configure(rule.task, rule.model, recipe=recipe, changes={kind: {option: each} if each else {}}).to_json()
        for each in (None, value)
    )
    changed = {name for name in with_it if with_it[name] != without[name]}
    assert changed == {kind, *rule.settings}
    if rule.settings.keys() == {kind}:
        (name, option_set), *_ = rule.settings[kind].items()
        assert without[kind]["options"][name] != with_it[kind]["options"][name] == option_set


@pytest.mark.parametrize("recipe", RECIPES)
@pytest.mark.parametrize("task", TASKS)
def test_every_model_is_tested_on_the_same_sequences(task, recipe):
    tasks = [configure(task, model, recipe=recipe).make_task() for model in MODELS]
    for other in tasks:
        differing = {name for name, value in vars(other).items() if vars(tasks[0])[name] != value}
        assert differing <= {"zero_vectors"}  # which is of the sequences in training alone


def defaults_of(model: str) -> dict[str, object]:
    """What a model's constructor takes where nothing else is said."""
    known = known_options("model", model)
    return {name: parameter.default for name, parameter in signature(MODELS[model]).parameters.items() if name in known}


COPY_ALONE = {"ntm": {"head_gain": 0.0, "strength_bias": -3.0, "forget_bias": 0.0}, "dnc": {"forget_bias": 0.0}}
"""What the models of the copy recipe have that their constructors' defaults have not, as not every task gains by it."""


@pytest.mark.parametrize("model", MODELS)
def test_a_model_of_the_copy_recipe_is_that_of_its_constructor(model):
    config, own = configure("copy", model), COPY_ALONE.get(model, {})
    assert config.model.options == defaults_of(model) | own
    made = config.make_model().config
    plain = MODELS[model](made["input_size"], made["output_size"])
    assert made == plain.config | own


def test_the_constructor_the_recipe_the_command_and_the_example_train_the_same_copy_machine(tmp_path):
    config = configure("copy")
    few = ["--steps=1", "--eval-sequences=1", "--batch-size=1"]
    assert call_tapehead("train", "copy", "--out", tmp_path / "run", *few).status == 0
    commanded = json.loads((tmp_path / "run/run.json").read_text())
    differing = {name for name, value in config.to_json().items() if commanded[name] != value}
    assert differing == {"steps", "eval_sequences", "batch_size"}

    example = inspect.signature(runpy.run_path(str(EXAMPLE))["main"]).parameters["config"].default
    assert example == config
    plain = tapehead.NTM(config.make_task().input_size, config.make_task().output_size, **COPY_ALONE["ntm"])
    assert plain.config == config.make_model().config == example.make_model().config


def test_an_option_on_the_way_from_a_recipe_replaces_that_one_alone():
    plain = configure("ngrams").to_json()
    changed = configure("ngrams", changes={"model": {"memory_slots": 7}}).to_json()
    assert {name for name in plain if plain[name] != changed[name]} == {"model"}
    options, other = plain["model"]["options"], changed["model"]["options"]
    assert {name for name in options if options[name] != other[name]} == {"memory_slots"}


def test_repeat_copy_has_a_curriculum_in_the_encoding_that_takes_counting_alone():
    graves = {"task": {"encoding": "graves2014"}}
    assert configure("repeat_copy").curriculum.name == "uniform"
    assert configure("repeat_copy", "lstm", changes=graves).curriculum.name == "uniform"
    assert configure("repeat_copy", changes=graves).curriculum.name == "look_back_and_forward"
    naive = configure("repeat_copy", changes={**graves, "curriculum": Component("naive")})
    assert naive.curriculum.name == "naive"


def test_the_command_follows_a_rule_for_an_option_s_value(tmp_path):
    few = ["--steps=1", "--eval-sequences=1", "--batch-size=1", "--threshold=2"]
    assert call_tapehead("train", "repeat_copy", "--encoding=graves2014", "--out", tmp_path / "run", *few).status == 0
    commanded = json.loads((tmp_path / "run/run.json").read_text())
    assert commanded["curriculum"] == {"name": "look_back_and_forward", "options": {"threshold": 2.0}}
    assert commanded["task"]["options"]["encoding"] == "graves2014"
    refused = call_tapehead("train", "repeat_copy", "--out", tmp_path / "other", *few)
    assert "--threshold: the curriculum uniform has no such option" in refused.err
