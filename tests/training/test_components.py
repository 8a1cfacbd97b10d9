"""Tasks, models, optimizers and curricula are found by name: the package's, and the user's own by import path."""

import json
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType

import pytest

from tapehead.models import MODELS
from tapehead.tasks import Copy
from tapehead.training.components import KINDS, Component, find, known_options
from tapehead.training.config import RunConfig
from tapehead.training.curricula.fixed import Longest
from tapehead.training.recipes import RECIPES, configure
from tapehead.training.run_dir import read_config
from tests.processes import complaints
from tests.training.tiny import digests, resume, tiny_config, train


@dataclass(frozen=True, kw_only=True)
class Longer(Copy):
    """A task of the tests' own, with defaults that are not the package's and an option that no other task has."""

    bits: int = 2
    max_length: int = 3
    times: int = 1

    @property
    def max_size(self):
        return (self.times * self.max_length,)


@dataclass(frozen=True, kw_only=True)
class Undecided(Copy):
    """A task with an option that must be set."""

    salt: int


class Shortest(Longest):
    """A curriculum of the tests' own."""

    def draw(self, count, generator):
        return super().draw(count, generator) * 0 + self.min_size

    mean_size = (1.0,)


@pytest.fixture
def own(monkeypatch: pytest.MonkeyPatch) -> str:
    """The import path of a task of one's own."""
    module = ModuleType("of_my_own")
    module.Longer, module.Undecided, module.Shortest = Longer, Undecided, Shortest
    monkeypatch.setitem(sys.modules, "of_my_own", module)
    return "of_my_own:Longer"


@pytest.mark.parametrize("kind", KINDS)
def test_everything_registered_is_found_by_its_name(kind):
    registry = KINDS[kind].registry
    assert {name: find(kind, name) for name in registry} == dict(registry)


@pytest.mark.parametrize("kind", KINDS)
def test_everything_registered_is_found_by_its_import_path_too(kind):
    for factory in KINDS[kind].registry.values():
        assert find(kind, f"{factory.__module__}:{factory.__name__}") is factory


def test_a_task_of_one_s_own_is_found_by_its_import_path(own):
    assert find("task", own) is Longer
    config = configure(own, changes={"task": {"max_length": 4, "times": 2}})
    assert (config.make_task().max_size, config.make_task().bits) == ((8,), 2)


def test_it_takes_the_options_that_it_has_and_no_others(own):
    assert configure(own).task.options["max_length"] == 3
    with pytest.raises(
        ValueError, match="repeats: expected an option of the task of_my_own:Longer, which has no such o"
    ):
        configure(own, changes={"task": {"repeats": 4}})
    for recipe in RECIPES:
        for model in MODELS:
            config = configure(own, model, recipe=recipe)
            assert RunConfig.from_json(json.dumps(config.to_json()).encode(), "run.json") == config


def test_an_option_without_a_default_must_be_set(own):
    with pytest.raises(
        ValueError, match="salt: expected a whole number, since the task of_my_own:Undecided has no def"
    ):
        configure("of_my_own:Undecided")
    config = configure("of_my_own:Undecided", changes={"task": {"salt": 2}})
    assert config.make_task().salt == 2


def test_it_is_trained_and_resumed_as_any_other(own, tmp_path):
    config = replace(tiny_config(), task=Component(own))
    train(config, tmp_path / "run")
    assert resume(tmp_path / "run").step == config.steps
    train(config, tmp_path / "again")
    assert digests(tmp_path / "run") == digests(tmp_path / "again")


def test_a_curriculum_and_an_optimizer_are_taken_by_import_path_too(own, tmp_path):
    config = replace(
        tiny_config(),
        curriculum=Component("of_my_own:Shortest"),
        optimizer=Component("torch.optim:NAdam", {"lr": 0.1}),
    )
    assert known_options("optimizer", "torch.optim:NAdam")["momentum_decay"].default == 4e-3
    train(config, tmp_path / "run")
    assert read_config(tmp_path / "run") == config


def test_what_is_wrong_with_a_name_is_said(tmp_path):
    modules = {
        "task_that_fails": "raise KeyError('no data')",
        "task_misspelt": "x = = 3",
        "task_that_exits": "import sys; sys.exit(3)",
        "task_unfinished": "from tapehead.tasks import BitTask\n"
        "class Half(BitTask):\n    input_size = 1\nclass Other: pass",
    }
    for name, code in modules.items():
        (tmp_path / f"{name}.py").write_text(code)
    said = [message for _, message in complaints(found_in, [{"folder": tmp_path, "name": name} for name in WRONG])]
    assert [message.startswith(f"task: {start}") for message, start in zip(said, WRONG.values(), strict=True)] == [
        True
    ] * len(WRONG), said
    assert str(tmp_path / "task_unfinished.py") in said[-1]


def found_in(folder: Path, name: str) -> object:
    sys.path.append(str(folder))
    return find("task", name)


WRONG: dict[str, str] = {
    "copi": "expected one of 'associative_recall', 'binary_addition', 'binary_multiplication', 'bucket_sort', 'com",
    "": "expected one of",
    ":Parity": "expected module:Class, with a dotted name before the colon, not ''",
    "my task:Parity": "expected module:Class, with a dotted name before the colon, not 'my task'",
    ".task:Parity": "expected module:Class",
    "nowhere_to_be_found:Parity": "expected a module that can be imported, not 'nowhere_to_be_found': ModuleNotFound",
    "task_that_fails:Parity": "expected a module that can be imported, not 'task_that_fails': KeyError: 'no data'",
    "task_misspelt:Parity": "expected a module that can be imported, not 'task_misspelt': SyntaxError",
    "task_that_exits:Parity": "expected a module that can be imported, not 'task_that_exits': SystemExit: 3",
    "task_unfinished:Half": "expected task_unfinished:Half to define max_size, min_size, output_size, sample, size_na",
    "tapehead.tasks:Task": "expected tapehead.tasks:Task to define ",
    "task_unfinished:": "expected a class in task_unfinished",
    "math:pi": "expected a class in math",
    "tapehead.models:NTM": "expected a class in tapehead.models",
    "task_unfinished:Other": "expected a class in task_unfinished (",
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_name_is_a_word(kind):
    assert complaints(find, [{"kind": kind, "name": 3}]) == [(TypeError, f"{kind}: expected a word, not 3")]
