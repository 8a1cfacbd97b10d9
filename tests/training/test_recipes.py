"""Recipes: settings for every task and model, and the papers' own where they tell them."""

from itertools import product

import pytest

from tapehead.models import MODELS
from tapehead.tasks import TASKS
from tapehead.training.recipes import EVERY_MODEL, RECIPES, describe
from tapehead.training.run import Run

GRAVES = {
    # task: controller, heads of either kind, units, layers, learning rate; tables 1 to 3 of Graves et al. 2014
    "copy": [("feedforward", 1, 100, 1, 1e-4), ("lstm", 1, 100, 1, 1e-4), (None, None, 256, 3, 3e-5)],
    "repeat_copy": [("feedforward", 1, 100, 1, 1e-4), ("lstm", 1, 100, 1, 1e-4), (None, None, 512, 3, 3e-5)],
    "associative_recall": [("feedforward", 4, 256, 1, 1e-4), ("lstm", 1, 100, 1, 1e-4), (None, None, 256, 3, 1e-4)],
    "ngrams": [("feedforward", 1, 100, 1, 3e-5), ("lstm", 1, 100, 1, 3e-5), (None, None, 128, 3, 1e-4)],
    "priority_sort": [("feedforward", 8, 512, 1, 3e-5), ("lstm", 5, 100, 2, 3e-5), (None, None, 128, 3, 3e-5)],
}


def said(run: Run) -> tuple[str | None, int | None, int | None, int | None, float]:
    assert run.read_heads == run.write_heads
    return (run.controller, run.read_heads, run.hidden_size, run.num_layers, run.learning_rate)


@pytest.mark.parametrize("task", TASKS)
def test_the_papers_settings_are_those_of_their_tables(task):
    runs = [describe(task=task, model="ntm", seed=1, recipe="graves2014", controller="feedforward")]
    runs += [describe(task=task, model=model, seed=1, recipe="graves2014") for model in ("ntm", "lstm")]
    assert list(map(said, runs)) == GRAVES[task]
    assert {(run.optimiser, run.momentum, run.gradient_clip, run.gradient_bound) for run in runs} == {
        ("rmsprop", 0.9, "value", 10.0)
    }
    assert {(run.memory_slots, run.memory_width) for run in runs[:2]} == {(128, 20)}


@pytest.mark.parametrize("task", TASKS)
def test_collier_and_beel_train_every_task_alike(task):
    for model in ("ntm", "dnc"):
        run = describe(task=task, model=model, seed=1, recipe="collier2018")
        assert said(run) == ("lstm", 1, 100, 1, 1e-3)
        assert (run.batch_size, run.gradient_clip, run.gradient_bound, run.updates) == (32, "norm", 50.0, 15_625)


def test_every_recipe_makes_every_model_for_every_task():
    for name, task, model in product(RECIPES, TASKS, MODELS):
        run = describe(task=task, model=model, seed=1, recipe=name)
        sizes = {size: run.make_model().config[size] for size in ("input_size", "output_size")}
        assert sizes == {size: getattr(run.make_task(), size) for size in sizes}


def test_a_recipe_speaks_of_known_tasks_and_models_only():
    for recipe in RECIPES.values():
        assert set(recipe.models) == set(MODELS)
        assert set(recipe.tasks) <= set(TASKS)
        named = {name for models in recipe.tasks.values() for name in models} - {EVERY_MODEL}
        assert {name.split()[0] for name in named} <= set(MODELS)


@pytest.mark.parametrize("recipe", RECIPES)
@pytest.mark.parametrize("task", TASKS)
def test_every_model_is_asked_the_same_questions(task, recipe):
    asked = [describe(task=task, model=model, seed=1, recipe=recipe).make_task() for model in MODELS]
    assert all(other == asked[0] for other in asked)
