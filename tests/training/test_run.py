"""A run's description: what it accepts, what it says no to, and that all of it matters."""

import json
import random
from collections.abc import Callable
from dataclasses import fields, replace
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from tapehead.models import MODELS
from tapehead.tasks import TASKS
from tapehead.training._knobs import knob_of
from tapehead.training.curricula import CURRICULA
from tapehead.training.folder import read_run
from tapehead.training.optimisers import OPTIMISERS
from tapehead.training.recipes import RECIPES, describe
from tapehead.training.run import Run, foreign_options
from tests.processes import complaints, elsewhere
from tests.training.tiny import tiny_run, undisturbed

NAMES = [described.name for described in fields(Run)]
GRAVES = {"recipe": "graves2014"}
DNC = {"model": "dnc"}
REPEAT, RECALL, NGRAMS = {"task": "repeat_copy"}, {"task": "associative_recall"}, {"task": "ngrams"}
CHANGES: dict[str, list[tuple[dict[str, Any], dict[str, Any]]]] = {
    # field: the changes of two tiny runs that differ in it and end differently
    "seed": [({}, {"seed": 2})],
    "task": [({}, REPEAT), (RECALL, NGRAMS), (NGRAMS, {"task": "priority_sort"})],
    "model": [({"model": "lstm"}, {"model": "rnn"})],
    "encoding": [({}, {"encoding": "collier2018"})],
    "min_length": [({}, {"min_length": 3})],
    "max_length": [({}, {"max_length": 4})],
    "bits": [({}, {"bits": 3})],
    "item_length": [(RECALL, {**RECALL, "item_length": 1})],
    "context": [(NGRAMS, {**NGRAMS, "context": 1})],
    "min_repeats": [({**REPEAT, "encoding": "collier2018"}, {**REPEAT, "encoding": "collier2018", "min_repeats": 2})],
    "max_repeats": [(REPEAT, {**REPEAT, "max_repeats": 4})],
    "min_items": [(RECALL, {**RECALL, "min_items": 3})],
    "max_items": [(RECALL, {**RECALL, "max_items": 4})],
    "min_steps": [(NGRAMS, {**NGRAMS, "min_steps": 7})],
    "max_steps": [(NGRAMS, {**NGRAMS, "max_steps": 9})],
    "curriculum": [({}, {"curriculum": name}) for name in CURRICULA if name != "uniform"],
    "lengths_per": [({}, {"lengths_per": "batch"})],
    "controller": [({}, {"controller": "feedforward"})],
    "hidden_size": [({}, {"hidden_size": 7})],
    "num_layers": [({}, {"num_layers": 2})],
    "memory_slots": [({}, {"memory_slots": 6})],
    "memory_width": [({}, {"memory_width": 4})],
    "read_heads": [({}, {"read_heads": 2})],
    "write_heads": [({}, {"write_heads": 2})],
    "shift_range": [({}, {"shift_range": 2})],
    "addressing": [({}, {"addressing": "content"})],
    "memory_init": [({}, {"memory_init": "random"}), ({}, {"memory_init": "learned"})],
    "memory_trainable": [({}, {"memory_trainable": True})],
    "head_init": [({}, {"head_init": "uniform"}), ({}, {"head_init": "learned"})],
    "read_init": [({}, {"read_init": "learned"})],
    "state_init": [({"model": "lstm"}, {"model": "lstm", "state_init": "zero"})],
    "clip": [({}, {"clip": 0.1})],
    "shift_bias": [({}, {"shift_bias": 2.0})],
    "sharpening_bias": [({}, {"sharpening_bias": 2.0})],
    "gate_bias": [({}, {"gate_bias": 2.0})],
    "strength_bias": [({}, {"strength_bias": 2.0})],
    "masked_content": [(DNC, {**DNC, "masked_content": True})],
    "deallocate": [(DNC, {**DNC, "deallocate": True})],
    "sharpen_links": [(DNC, {**DNC, "sharpen_links": True})],
    "sparse_links": [(DNC, {**DNC, "sparse_links": 1})],
    "batch_size": [({}, {"batch_size": 5})],
    "updates": [({}, {"updates": 13})],
    "loss": [({}, {"loss": "sum_per_sequence"})],
    "optimiser": [({}, {"optimiser": "rmsprop"})],
    "beta1": [({}, {"beta1": 0.5})],
    "beta2": [({}, {"beta2": 0.5})],
    "momentum": [(GRAVES, {**GRAVES, "momentum": 0.5})],
    "alpha": [(GRAVES, {**GRAVES, "alpha": 0.5})],
    "centered": [(GRAVES, {**GRAVES, "centered": False})],
    "epsilon": [({}, {"epsilon": 1.0})],
    "amsgrad": [({"amsgrad": False}, {"amsgrad": True})],
    "learning_rate": [({}, {"learning_rate": 0.1})],
    "warmup_updates": [({}, {"warmup_updates": 4})],
    "decay": [({}, {"decay": "none"})],
    "gradient_clip": [({"gradient_bound": 0.01}, {"gradient_bound": 0.01, "gradient_clip": "value"})],
    "gradient_bound": [({}, {"gradient_bound": 0.01})],
    "evaluate_every": [({}, {"evaluate_every": 6})],
    "evaluation_sequences": [({}, {"evaluation_sequences": 9})],
    "solved_below": [({"stop_when_solved": True}, {"stop_when_solved": True, "solved_below": 100.0})],
    "stop_when_solved": [({"solved_below": 100.0}, {"solved_below": 100.0, "stop_when_solved": True})],
}
NOT_TRIED = {"backend"}
"""Backends differ in last bits alone, and not all run everywhere."""


def test_every_field_is_tried():
    assert CHANGES.keys() | NOT_TRIED == set(NAMES)


@pytest.fixture(scope="module")
def ended(tmp_path_factory) -> Callable[[Run], tuple[str, str]]:
    """How a run ends; each is done once."""

    @cache
    def end(run: Run) -> tuple[str, str]:
        return undisturbed(run, tmp_path_factory.mktemp("run"))

    return end


@pytest.mark.parametrize("name", CHANGES)
def test_every_field_is_read_somewhere_and_changes_the_result(name, ended):
    for changes, other_changes in CHANGES[name]:
        run, other = tiny_run(**changes).complete(), tiny_run(**other_changes).complete()
        assert getattr(run, name) != getattr(other, name)
        assert ended(run) != ended(other)


def test_a_run_comes_back_from_json_as_it_was():
    for task, model, recipe in product(TASKS, MODELS, RECIPES):
        run = describe(task=task, model=model, seed=3, recipe=recipe).complete()
        assert Run.from_json(json.dumps(run.to_json()).encode(), "run.json") == run
        assert run.complete() == run


def test_a_complete_run_leaves_nothing_to_a_default_of_another_version():
    for task, model, optimiser in product(TASKS, MODELS, OPTIMISERS):
        run = describe(task=task, model=model, seed=1, optimiser=optimiser).complete()
        foreign = foreign_options(task, model, optimiser)
        left = {name for name in NAMES if getattr(run, name) is None} - foreign.keys()
        assert left <= {"memory_trainable", "sparse_links"}, "None means: where the memory is learned; all links"


def test_a_curriculum_that_cannot_be_is_an_error_where_the_run_is_described():
    with pytest.raises(ValueError, match="curriculum: expected at most 10,000 sizes with 'prediction_gain'"):
        tiny_run(curriculum="prediction_gain", max_length=10_001)


def test_equal_runs_are_written_alike():
    assert tiny_run(gradient_bound=1).to_json() == tiny_run(gradient_bound=1.0).to_json()
    assert isinstance(tiny_run(gradient_bound=1).gradient_bound, float)


def test_a_recipe_is_one_word_away_and_can_be_changed():
    run = describe(task="copy", model="ntm", seed=1, recipe="collier2018", batch_size=16)
    assert (run.learning_rate, run.gradient_bound, run.updates, run.batch_size) == (1e-3, 50.0, 15_625, 16)
    run = describe(task="copy", model="ntm", seed=1, recipe="graves2014", optimiser="adam")
    assert (run.optimiser, run.momentum) == ("adam", None), "rmsprop's settings are left out"
    assert describe(task="copy", model="ntm", seed=1, gradient_clip="none").gradient_bound == 0


def test_clipping_can_be_switched_off_in_the_model():
    assert tiny_run(clip="off").make_model().config["clip"] is None
    assert tiny_run().make_model().config["clip"] == 20.0


def test_weights_belong_to_the_seed():
    first, again, other = (tiny_run(seed=seed).make_model().state_dict() for seed in (1, 1, 2))
    assert all((first[name] == again[name]).all() for name in first)
    assert any((first[name] != other[name]).any() for name in first)


def test_what_is_wrong_is_named_with_what_was_expected():
    said = [message for _, message in complaints(tiny_run, [options for options, _ in WRONG])]
    assert [message.startswith(start) for message, (_, start) in zip(said, WRONG, strict=True)] == [True] * len(WRONG)


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"memory_slot": 4}, "memory_slot: expected the name of a field of Run, not this (did you mean 'memory_slots'?)"),
    ({"task": "copi"}, "task: expected one of 'copy', "),
    ({"task": "ngrams", "max_length": 4}, "max_length: expected nothing, since the task ngrams has no such option"),
    (
        {"task": "repeat_copy", "encoding": "graves2014", "max_repeats": 3},
        "max_repeats: expected an odd sum with min_repeats=1, not 3: grav",
    ),
    ({"model": "lstn"}, "model: expected one of 'ntm', 'dnc', 'lstm', 'rnn', not 'lstn' (did you mean 'lstm'?)"),
    ({"recipe": "graves"}, "recipe: expected one of"),
    ({"optimiser": "adm"}, "optimiser: expected one of 'adam', 'rmsprop', not 'adm' (did you mean 'adam'?)"),
    ({"model": "lstm", "memory_slots": 4}, "memory_slots: expected nothing, since the model lstm has no such option"),
    ({"momentum": 0.9}, "momentum: expected nothing, since the optimiser adam has no such option, not 0.9"),
    ({"batch_size": 0}, "batch_size: expected a whole number >= 1, not 0"),
    ({"batch_size": "4"}, "batch_size: expected a whole number >= 1, not '4'"),
    ({"batch_size": True}, "batch_size: expected a whole number >= 1, not True"),
    ({"batch_size": None}, "batch_size: expected a whole number >= 1, not None"),
    ({"seed": -1}, "seed: expected a whole number >= 0, not -1"),
    ({"seed": 2**63}, "seed: expected a whole number <= 9223372036854775807, not 9223372036854775808"),
    ({"learning_rate": float("nan")}, "learning_rate: expected a finite number > 0, not nan"),
    ({"learning_rate": 0}, "learning_rate: expected a finite number > 0, not 0"),
    ({"stop_when_solved": 1}, "stop_when_solved: expected True or False, not 1"),
    ({"clip": "on"}, "clip: expected a finite number > 0, not 'on'"),
    ({"gradient_clip": "norm", "gradient_bound": 0}, "gradient_bound: expected a number > 0 with gradient_clip='norm'"),
    ({"min_length": 4, "max_length": 3}, "max_length: expected a whole number >= 4, not 3"),
]


def spoilt(run: dict[str, Any], drawn: random.Random) -> str:
    """Damage a description as a hand does: a key misspelt, lost or added, a value of the wrong kind, text cut off."""
    run, name = dict(run), drawn.choice(sorted(run))
    match drawn.randrange(6):
        case 0:
            run[name + drawn.choice("sxz_")] = run.pop(name)
        case 1:
            del run[name]
        case 2:
            run[name] = drawn.choice([[], {}, [1], {"a": 1}])
        case 3:
            run[name] = drawn.choice(["", "nonsense", "-1", "NaN", "Adam "])
        case 4:
            name = drawn.choice([name for name in run if knob_of(Run.__dataclass_fields__[name]).kind != "choice"])
            run[name] = drawn.choice([-3, -0.5, float("nan"), float("inf"), 10**30, "4"])
            if knob_of(Run.__dataclass_fields__[name]).kind == "number":
                run[name] = drawn.choice([float("nan"), float("-inf"), "4", True])
        case _:
            text = json.dumps(run)
            cut = text[: drawn.randrange(len(text))]
            return drawn.choice([cut, f"[{text}]", text + "}", "null", "3", '"run"', "[" * 10**5])
    return json.dumps(run)


def complaint_about(texts: list[str], folder: Path) -> list[str]:
    said = []
    for text in texts:
        (folder / "run.json").write_text(text)
        with pytest.raises((TypeError, ValueError)) as caught:
            read_run(folder)
        said.append(str(caught.value))
    return said


def test_two_hundred_spoilt_descriptions_are_refused(tmp_path):
    drawn, whole = random.Random(0), tiny_run().complete().to_json()
    texts = [spoilt(whole, drawn) for _ in range(200)]
    for text, said in zip(texts, elsewhere(complaint_about, texts, tmp_path), strict=True):
        assert ": expected " in said, (text, said)
        argument = said.split(":")[0]
        assert argument in text or argument.endswith("run.json"), (text, said)


def test_a_sweep_is_a_comprehension():
    runs = [replace(tiny_run(), seed=seed, learning_rate=rate) for seed in (1, 2) for rate in (1e-3, 1e-2)]
    assert len(set(runs)) == 4
