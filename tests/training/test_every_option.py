"""Every field of a run's configuration, and every option of everything that can be chosen, changes how a run ends."""

import json
from collections.abc import Callable
from dataclasses import fields
from functools import cache
from typing import Any, get_args

import pytest

from tapehead.models import MODELS
from tapehead.tasks import TASKS
from tapehead.tasks.strings import StringTask
from tapehead.training.components import KINDS, known_options
from tapehead.training.config import RunConfig
from tapehead.training.curricula import CURRICULA
from tapehead.training.optimizers import OPTIMIZERS
from tests.training.tiny import tiny_config, undisturbed

Changes = dict[str, Any]

LOST: Changes = {
    # one sequence that is right, and then one with all bits wrong
    "lr": 0.5, "max_length": 1, "bits": 2, "steps": 40, "eval_every": 1, "eval_sequences": 1, "rollback_patience": None
}  # fmt: skip
FIELDS: dict[str, list[tuple[Changes, Changes]]] = {
    # field: the changes of two tiny runs that differ in it and end differently
    "seed": [({}, {"seed": 2})],
    "task": [({}, {"task": name}) for name in TASKS if name != "copy"],
    "model": [({"model": "lstm"}, {"model": name}) for name in MODELS if name != "lstm"],
    "optimizer": [({}, {"optimizer": name, "lr": 0.1}) for name in OPTIMIZERS if name != "adam"],
    "curriculum": [({}, {"curriculum": name}) for name in CURRICULA if name != "uniform"],
    "batch_size": [({}, {"batch_size": 5})],
    "steps": [({}, {"steps": 13})],
    "min_memory_slots": [({"model": "ntm"}, {"model": "ntm", "min_memory_slots": 3})],
    "sizes_per": [({}, {"sizes_per": "batch"})],
    "loss_reduction": [({}, {"loss_reduction": "batchmean"})],
    "lr_schedule": [({}, {"lr_schedule": "constant"})],
    "rollback_patience": [(LOST, LOST | {"rollback_patience": 1})],
    "warmup_steps": [({}, {"warmup_steps": 4})],
    "max_grad_norm": [({}, {"max_grad_norm": 0.01}), ({}, {"max_grad_norm": None})],
    "max_grad_value": [({"max_grad_norm": None}, {"max_grad_norm": None, "max_grad_value": 0.01})],
    "eval_every": [({}, {"eval_every": 6})],
    "eval_sequences": [({}, {"eval_sequences": 9})],
    "solved_below": [({"stop_when_solved": True}, {"stop_when_solved": True, "solved_below": 100.0})],
    "stop_when_solved": [({"solved_below": 100.0}, {"solved_below": 100.0, "stop_when_solved": True})],
    "extended_at": [({"steps": 13}, {"steps": 13, "extended_at": (7,)})],
}

COLLIER = {"encoding": "collier2018"}
OTHER: dict[tuple[str, str], tuple[Changes, Changes]] = {
    # component, option: changes that another component does not need
    ("repeat_copy", "encoding"): ({"encoding": "graves2014"}, COLLIER),
    ("repeat_copy", "min_repeats"): (COLLIER, COLLIER | {"min_repeats": 2}),
    ("repeat_copy", "max_repeats"): ({}, {"max_repeats": 4}),
    ("ngrams", "min_length"): ({}, {"min_length": 7}),
    ("ngrams", "max_length"): ({}, {"max_length": 9}),
    ("priority_sort", "min_items"): ({}, {"min_items": 4}),
    ("priority_sort", "max_items"): ({}, {"max_items": 6}),
    **{
        (name, "min_length"): ({}, {"min_length": 4})
        for name in ("missing_duplicate", "solve_equation", "binary_addition", "binary_multiplication")
    },
    **{(name, "embedding_size"): ({"task": "reverse"}, {"task": "reverse", "embedding_size": 3}) for name in MODELS},
    ("mqar", "max_pairs"): ({}, {"max_pairs": 3}),
    ("lstm", "num_layers"): ({}, {"num_layers": 1}),
    ("rnn", "num_layers"): ({}, {"num_layers": 1}),
    ("dnc", "num_layers"): ({}, {"num_layers": 1}),
    ("dnc", "memory_slots"): ({}, {"memory_slots": 6}),
    ("dnc", "controller"): ({"num_layers": 1}, {"num_layers": 1, "controller": "feedforward"}),
    ("sgd", "dampening"): ({"momentum": 0.9}, {"momentum": 0.9, "dampening": 0.5}),
    ("sgd", "nesterov"): ({"momentum": 0.9}, {"momentum": 0.9, "nesterov": True}),
    ("adam", "decoupled_weight_decay"): ({"weight_decay": 0.1}, {"weight_decay": 0.1, "decoupled_weight_decay": True}),
    ("adam", "amsgrad"): ({"amsgrad": False}, {"amsgrad": True}),
}
VALUES: Changes = {
    # option: a value that no component has as its default
    "encoding": "collier2018", "bits": 3, "min_length": 2, "max_length": 4, "item_length": 1, "min_items": 3,
    "max_items": 4, "context": 1, "alphabet": 4, "modulus": 4, "places": 4, "group": "C6",
    "zero_vectors": 0.5, "file": __file__, "length": 7, "vocabulary": 24, "steps_per_pair": 8, "power": 1.0,
    "min_pairs": 2,
    "controller": "feedforward", "hidden_size": 7, "num_layers": 2, "memory_slots": 6, "memory_width": 4,
    "read_heads": 2, "write_heads": 2, "shift_range": 2, "addressing": "content", "memory_init": "random",
    "memory_trainable": True, "head_init": "uniform", "read_init": "learned", "state_init": "zero", "clip": 0.1,
    "shift_bias": 2.0, "sharpening_bias": 2.0, "gate_bias": 2.0, "strength_bias": 2.0, "head_gain": 0.5,
    "forget_bias": 2.0, "masked_content": True, "deallocate": True, "sharpen_links": True, "sparse_links": 1,
    "lr": 0.1, "betas": (0.5, 0.5), "eps": 1.0, "weight_decay": 0.1, "amsgrad": True, "alpha": 0.5, "momentum": 0.5,
    "centered": True,
    "threshold": 100.0, "step_size": 0.5, "exploration": 0.5,
}  # fmt: skip
NOT_TRIED = {("model", "ntm", "backend"), ("model", "dnc", "backend")}
"""Backends differ in last bits alone, and not all run everywhere."""

OPTIONS = [
    (kind, name, option)
    for kind in KINDS
    for name in KINDS[kind].registry
    for option in known_options(kind, name)
    if (kind, name, option) not in NOT_TRIED
]
"""Every option of everything in the registries."""


def test_every_field_is_tried():
    elsewhere = {"initial_weights"}  # test_longer_runs.py; it takes more than a configuration
    assert set(FIELDS) | elsewhere == {described.name for described in fields(RunConfig)}


@pytest.fixture(scope="module")
def ended(tmp_path_factory) -> Callable[[str], tuple[str, str]]:
    """How a run ends; each is done once."""

    @cache
    def end(text: str) -> tuple[str, str]:
        config = RunConfig.from_json(text.encode(), "run.json")
        return undisturbed(config, tmp_path_factory.mktemp("run"))

    return end


@pytest.mark.parametrize("name", FIELDS)
def test_every_field_is_read_somewhere_and_changes_the_result(name, ended):
    for changes, other_changes in FIELDS[name]:
        config, other = tiny_config(**changes), tiny_config(**other_changes)
        assert getattr(config, name) != getattr(other, name)
        assert ended(json.dumps(config.to_json())) != ended(json.dumps(other.to_json()))


QUICK_STRINGS = ("reverse", "modular_arithmetic")
"""The other tasks on strings declare and check the same options by the same base classes."""


def _is_slow(kind: str, name: str) -> bool:
    return kind == "task" and issubclass(TASKS[name], StringTask) and name not in QUICK_STRINGS


@pytest.mark.parametrize(
    ("kind", "name", "option"),
    [
        pytest.param(*found, marks=pytest.mark.slow if _is_slow(*found[:2]) else [], id=".".join(found))
        for found in OPTIONS
    ],
)
def test_every_option_is_read_somewhere_and_changes_the_result(kind, name, option, ended):
    changes, other_changes = OTHER.get((name, option), ({}, {option: VALUES.get(option)}))
    if kind == "curriculum":
        changes, other_changes = ({"curriculum": name, "eval_every": 3} | each for each in (changes, other_changes))
    elif kind == "optimizer":
        # large gradients, so that what is added to them or to their size counts
        changes, other_changes = (
            {"optimizer": name, "max_grad_norm": None} | each for each in (changes, other_changes)
        )
    else:
        changes, other_changes = ({kind: name} | each for each in (changes, other_changes))
    config, other = tiny_config(**changes), tiny_config(**other_changes)
    one, two = (getattr(each, kind) for each in (config, other))
    assert {key for key in one.options if one.options[key] != two.options[key]} == {option}
    assert ended(json.dumps(config.to_json())) != ended(json.dumps(other.to_json()))


def test_every_kind_of_initial_memory_and_weighting_matters(ended):
    for option in ("memory_init", "head_init"):
        choices = get_args(known_options("model", "ntm")[option].type)
        texts = [json.dumps(tiny_config(**{option: choice}).to_json()) for choice in choices]
        assert len({ended(text) for text in texts}) == len(choices) == 3
