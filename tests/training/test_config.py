"""A run's configuration: what it accepts, what it refuses, and that it comes back from JSON as it was."""

import json
import random
from dataclasses import fields, replace
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from tapehead.models import MODELS
from tapehead.tasks import TASKS
from tapehead.training.component_json import ADDED_LATER
from tapehead.training.components import KINDS, Component, known_options
from tapehead.training.config import FIELDS_ADDED_LATER, RunConfig, run_options
from tapehead.training.curricula import CURRICULA
from tapehead.training.optimizers import OPTIMIZERS
from tapehead.training.options import Option
from tapehead.training.recipes import RECIPES, configure
from tapehead.training.run_dir import read_config
from tests.processes import complaints, elsewhere
from tests.training.tiny import tiny_config

Changes = dict[str, Any]


def test_a_configuration_comes_back_from_json_as_it_was():
    for task, model, recipe in product(TASKS, MODELS, RECIPES):
        config = configure(task, model, seed=3, recipe=recipe)
        assert RunConfig.from_json(json.dumps(config.to_json()).encode(), "run.json") == config
    for optimizer, curriculum in product(OPTIMIZERS, CURRICULA):
        config = tiny_config(optimizer=optimizer, curriculum=curriculum)
        assert RunConfig.from_json(json.dumps(config.to_json()).encode(), "run.json") == config


def test_a_configuration_leaves_nothing_to_a_default_of_another_version():
    for task, model in product(TASKS, MODELS):
        described = configure(task, model).to_json()
        assert described.keys() == {field.name for field in fields(RunConfig)} - FIELDS_ADDED_LATER.keys()
        for kind in KINDS:
            known = known_options(kind, described[kind]["name"]).keys()
            assert described[kind]["options"].keys() == known - ADDED_LATER.get(kind, {}).keys()


def test_an_option_that_was_added_later_is_written_where_it_is_not_its_default_and_may_be_missing():
    for kind, later in ADDED_LATER.items():
        for name, default in later.items():
            assert all(known_options(kind, each)[name].default == default for each in KINDS[kind].registry)
    config = tiny_config(task="reverse", embedding_size=3)
    described = config.to_json()
    assert described["model"]["options"]["embedding_size"] == 3
    assert RunConfig.from_json(json.dumps(described).encode(), "run.json") == config
    del described["model"]["options"]["embedding_size"]
    assert RunConfig.from_json(json.dumps(described).encode(), "run.json") == tiny_config(task="reverse")


def test_a_curriculum_that_cannot_be_is_an_error_where_the_run_is_configured():
    with pytest.raises(ValueError, match="curriculum: expected at most 10,000 sizes with 'prediction_gain'"):
        tiny_config(curriculum="prediction_gain", max_length=10_001)


def test_equal_runs_are_written_alike():
    assert tiny_config(max_grad_norm=1).to_json() == tiny_config(max_grad_norm=1.0).to_json()
    assert isinstance(tiny_config(max_grad_norm=1).max_grad_norm, float)
    assert tiny_config(betas=[0.5, 0.5]) == tiny_config(betas=(0.5, 0.5))


def test_a_recipe_is_one_word_away_and_can_be_changed():
    config = configure("copy", recipe="collier2018", changes={"batch_size": 16})
    assert config.optimizer.options["lr"] == 1e-3
    assert (config.max_grad_norm, config.steps, config.batch_size) == (50.0, 15_625, 16)
    config = configure("copy", recipe="graves2014", changes={"optimizer": Component("adam")})
    assert config.optimizer.name == "adam"
    assert config.optimizer.options.keys() == known_options("optimizer", "adam").keys(), "rmsprop's are left out"
    config = configure("copy", recipe="graves2014", changes={"optimizer": {"momentum": 0.5}})
    assert (config.optimizer.options["momentum"], config.optimizer.options["alpha"]) == (0.5, 0.95)


def test_clipping_can_be_switched_off_in_the_model():
    assert tiny_config(clip=None).make_model().config["clip"] is None
    assert tiny_config().make_model().config["clip"] == 20.0


def test_weights_belong_to_the_seed():
    first, again, other = (tiny_config(seed=seed).make_model().state_dict() for seed in (1, 1, 2))
    assert all((first[name] == again[name]).all() for name in first)
    assert any((first[name] != other[name]).any() for name in first)


def test_a_model_that_does_not_fit_into_memory_is_said_to_be_too_large():
    config = tiny_config("lstm", hidden_size=10**6)
    with pytest.raises(ValueError, match="model: expected sizes that fit into memory, not these"):
        config.make_model()


@pytest.mark.reliability(6)
def test_what_is_wrong_is_named_with_what_was_expected():
    said = [message for _, message in complaints(configured, [{"changes": changes} for changes, _ in WRONG])]
    assert [message.startswith(start) for message, (_, start) in zip(said, WRONG, strict=True)] == [True] * len(
        WRONG
    ), said


def configured(changes: Changes) -> RunConfig:
    """Configure a run; the recipe, the task and the model may be among the changes."""
    named = {name: changes.pop(name) for name in ("recipe", "task_name", "model_name") if name in changes}
    task, model = named.pop("task_name", "copy"), named.pop("model_name", "ntm")
    return configure(task, model, changes=changes, **named)


WRONG: list[tuple[Changes, str]] = [
    ({"batchsize": 4}, "batchsize: expected a field of RunConfig, which has no such one (did you mean batch_size?)"),
    ({"task_name": "copi"}, "task: expected one of 'associative_recall', 'binary_addition', "),
    ({"task_name": 3}, "task: expected a word, not 3"),
    ({"model_name": "lstn"}, "model: expected one of 'ntm', 'dnc', 'lstm', 'rnn', not 'lstn' (did you mean lstm?)"),
    ({"recipe": "graves"}, "recipe: expected one of 'tapehead', 'collier2018', 'graves2014', not 'graves'"),
    (
        {"optimizer": Component("adm")},
        "optimizer: expected one of 'adam', 'adamw', 'stable_adam', 'rmsprop', 'sgd', not 'adm'",
    ),
    ({"curriculum": Component("naiv")}, "curriculum: expected one of 'none', 'uniform', 'naive', "),
    ({"task": Component("ngrams")}, "changes: expected the options of the task copy, not another component"),
    (
        {"model": {"memory_slot": 4}},
        "memory_slot: expected an option of the model ntm, which has no such one (did you mean memory_slots?)",
    ),
    ({"task": {"context": 4}}, "context: expected an option of the task copy, which has no such one"),
    (
        {"model_name": "lstm", "model": {"memory_slots": 4}},
        "memory_slots: expected an option of the model lstm, which has no such one",
    ),
    (
        {"optimizer": {"momentum": 0.9}},
        "momentum: expected an option of the optimizer stable_adam, which has no such one",
    ),
    (
        {"optimizer": {"foreach": True}},
        "foreach: expected an option of the optimizer stable_adam, which has no such one",
    ),
    ({"model": {"input_size": 3}}, "input_size: expected an option of the model ntm, which has no such one"),
    (
        {"task_name": "repeat_copy", "task": {"encoding": "graves2014", "max_repeats": 3}},
        "max_repeats: expected an odd sum with min_repeats=1, not 3: grav",
    ),
    ({"batch_size": 0}, "batch_size: expected a whole number >= 1, not 0"),
    ({"batch_size": "4"}, "batch_size: expected a whole number, not '4'"),
    ({"batch_size": True}, "batch_size: expected a whole number, not True"),
    ({"batch_size": None}, "batch_size: expected a whole number, not None"),
    ({"batch_size": 10**7}, "batch_size: expected a whole number from 1 to 1000000, not 10000000"),
    ({"model": {"hidden_size": 10**7}}, "hidden_size: expected a whole number <= 1000000, not 10000000"),
    ({"seed": -1}, "seed: expected a whole number >= 0, not -1"),
    ({"seed": 2**63}, "seed: expected a whole number from 0 to 9223372036854775807, not 9223372036854775808"),
    ({"optimizer": {"lr": float("nan")}}, "lr: expected a finite number, not nan"),
    ({"optimizer": {"lr": 10**400}}, "lr: expected a whole number <= 1000000, not 1000000"),
    (
        {"optimizer": Component("adam", {"lr": -1.0})},
        "optimizer: expected options that Adam accepts: Invalid learning rate: -1.0",
    ),
    (
        {"optimizer": Component("stable_adam", {"lr": -1.0})},
        "optimizer: expected options that StableAdam accepts: lr: expected a finite number >= 0, not -1.0",
    ),
    (
        {"optimizer": Component("stable_adam", {"betas": (0.9, 1.0)})},
        "optimizer: expected options that StableAdam accepts: betas[1]: expected a number from 0 to below 1, not 1.0",
    ),
    ({"min_memory_slots": 0}, "min_memory_slots: expected a whole number >= 3, not 0"),
    ({"min_memory_slots": 2}, "min_memory_slots: expected a whole number >= 3, not 2"),
    ({"model_name": "lstm", "min_memory_slots": 8}, "min_memory_slots: expected None for lstm, which has no memory"),
    ({"optimizer": {"betas": (0.9,)}}, "betas: expected 2 values (a finite number, a finite number)"),
    (
        {"optimizer": Component("adam", {"betas": (0.9, 1.5)})},
        "optimizer: expected options that Adam accepts: Invalid beta parameter",
    ),
    ({"optimizer": Component("sgd", {"nesterov": True})}, "optimizer: expected options that SGD accepts: Nesterov"),
    ({"curriculum": Component("naive", {"threshold": 0})}, "threshold: expected a finite number > 0, not 0"),
    (
        {"curriculum": Component("prediction_gain", {"exploration": 1.5})},
        "exploration: expected a number > 0 and <= 1, not 1.5",
    ),
    ({"stop_when_solved": 1}, "stop_when_solved: expected True or False, not 1"),
    ({"model": {"clip": "on"}}, "clip: expected a finite number or None, not 'on'"),
    ({"model": {"clip": -1.0}}, "clip: expected a finite number > 0, not -1.0"),
    ({"max_grad_norm": 0}, "max_grad_norm: expected a finite number > 0 and <= 3.40282e+38, not 0"),
    ({"max_grad_value": 1.0}, "max_grad_value: expected None beside max_grad_norm=0.001, not 1.0"),
    ({"sizes_per": "batches"}, "sizes_per: expected one of 'sequence', 'batch', not 'batches' (did you mean batch?)"),
    ({"lr_schedule": 3}, "lr_schedule: expected one of 'constant', 'cosine', not 3"),
    ({"task": {"min_length": 4, "max_length": 3}}, "min_length, max_length: expected min_length <= max_length, not 4"),
]  # fmt: skip


def places_in(described: Changes) -> list[tuple[Changes, str, Option | None]]:
    """Every key of a configuration as JSON, with the object it stands in and the option it is."""
    places = [(described, name, run_options().get(name)) for name in described]
    for kind in KINDS:
        component = described[kind]
        places += [(component, name, None) for name in component]
        known = known_options(kind, component["name"])
        places += [(component["options"], name, known[name]) for name in component["options"]]
    return places


def spoilt(text: str, drawn: random.Random) -> str:
    """Damage a configuration as a hand does: a key misspelt, lost or added, a value of the wrong kind, text cut off."""
    described = json.loads(text)
    inside, name, option = drawn.choice(places_in(described))
    match drawn.randrange(6):
        case 0:
            inside[name + drawn.choice("sxz_")] = inside.pop(name)
        case 1:
            del inside[name]
        case 2:
            inside[name] = drawn.choice([[], [1], {"a": 1}])
        case 3:
            inside[name] = drawn.choice(["", "nonsense", "-1", "NaN", "Adam "])
        case 4:
            inside[name] = drawn.choice([float("nan"), float("-inf"), "4"])  # a large number may be right
            if option is not None and option.type is int:
                inside[name] = drawn.choice([-3, -0.5, float("inf"), 10**30, "4", True])
        case _:
            cut = text[: drawn.randrange(len(text))]
            return drawn.choice([cut, f"[{text}]", text + "}", "null", "3", '"run"', "[" * 10**5])
    return json.dumps(described)


def complaint_about(texts: list[str], folder: Path) -> list[str]:
    said = []
    for text in texts:
        (folder / "run.json").write_text(text)
        with pytest.raises((TypeError, ValueError)) as caught:
            read_config(folder)
        said.append(str(caught.value))
    return said


@pytest.mark.reliability(6)
def test_four_hundred_damaged_configurations_are_refused_in_a_sentence(tmp_path):
    drawn = random.Random(0)
    wholes = [json.dumps(tiny_config(model, task=task).to_json()) for task, model in product(TASKS, ("ntm", "lstm"))]
    texts = [spoilt(drawn.choice(wholes), drawn) for _ in range(400)]
    for text, said in zip(texts, elsewhere(complaint_about, texts, tmp_path), strict=True):
        assert ": expected " in said, (text, said)
        assert "\n" not in said
        argument = said.split(":")[0]
        assert argument in text or argument.endswith("run.json"), (text, said)


@pytest.mark.reliability(6)
@pytest.mark.parametrize(
    ("damage", "expected"),
    [
        (lambda run: run.pop("steps"), "run.json: expected a field 'steps', which is missing"),
        (lambda run: run.pop("task"), "run.json: expected a field 'task', which is missing"),
        (lambda run: run["model"]["options"].pop("clip"), "model: expected an option 'clip' of ntm, which is missing"),
        (lambda run: run["task"].pop("options"), "task: expected an object with a name and options, not {'name': 'cop"),
        (lambda run: run["task"].update(name="ngrams"), "task: expected an option 'context' of ngrams, which is missi"),
        (lambda run: run["task"]["options"].update(clip=1), "clip: expected an option of the task copy, which has no"),
        (lambda run: run.update(stepz=1), "stepz: expected a field of RunConfig, which has no such one (did you mean"),
        (lambda run: run.update(task="copy"), "task: expected an object with a name and options, not 'copy'"),
        (lambda run: run["task"].update(options=[]), "task: expected options to be an object, not []"),
        (lambda run: run.update(steps="12"), "steps: expected a whole number, not '12'"),
        (lambda run: run.update(steps=12.0), "steps: expected a whole number, not 12.0"),
    ],
)  # fmt: skip
def test_a_damaged_configuration_is_one_clear_error(damage, expected, tmp_path):
    described = tiny_config().to_json()
    damage(described)
    (said,) = elsewhere(complaint_about, [json.dumps(described)], tmp_path)
    assert expected in said


def test_a_sweep_is_a_comprehension():
    configs = [
        replace(tiny_config(), seed=seed, optimizer=Component("adam", {"lr": rate}))
        for seed in (1, 2)
        for rate in (1e-3, 1e-2)
    ]
    assert len({json.dumps(config.to_json()) for config in configs}) == 4
