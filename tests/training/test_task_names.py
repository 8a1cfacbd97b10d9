"""Tasks are found by name: those of the package, and those of the user's own by import path."""

import json
import sys
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pytest

from tapehead.models import MODELS
from tapehead.tasks import TASKS, Copy
from tapehead.training.recipes import RECIPES, describe
from tapehead.training.run import Run
from tapehead.training.task_names import find_task
from tests.processes import complaints
from tests.training.tiny import digests, resume, tiny_run, train


class Longer(Copy):
    """A task of the tests' own, with a default that is not the package's and an option that `Run` does not have."""

    def __init__(self, *, max_length: int = 3, times: int = 2) -> None:
        super().__init__(bits=times, max_length=max_length)


class Undecided(Copy):
    """A task with an option that must be set."""

    def __init__(self, *, max_length: int) -> None:
        super().__init__(max_length=max_length)


@pytest.fixture
def own(monkeypatch: pytest.MonkeyPatch) -> str:
    """The import path of a task of one's own."""
    module = ModuleType("of_my_own")
    module.Longer, module.Undecided = Longer, Undecided
    monkeypatch.setitem(sys.modules, "of_my_own", module)
    return "of_my_own:Longer"


def test_every_task_is_found_by_its_name():
    assert {name: find_task(name) for name in TASKS} == TASKS


def test_a_task_of_one_s_own_is_found_by_its_import_path(own):
    assert find_task(own) is Longer
    run = describe(task=own, model="ntm", seed=1, max_length=4)
    assert (run.make_task().largest, run.make_task().bits) == ((4,), 2)


def test_it_takes_the_options_that_it_has_and_no_others(own):
    assert describe(task=own, model="ntm", seed=1).complete().max_length == 3
    with pytest.raises(ValueError, match="bits: expected nothing, since the task of_my_own:Longer has no such option"):
        describe(task=own, model="ntm", seed=1, bits=4)
    for recipe in RECIPES:
        for model in MODELS:
            run = describe(task=own, model=model, seed=1, recipe=recipe).complete()
            assert Run.from_json(json.dumps(run.to_json()).encode(), "run.json") == run


def test_an_option_without_a_default_must_be_set(own):
    with pytest.raises(TypeError, match="max_length"):
        describe(task="of_my_own:Undecided", model="ntm", seed=1)
    run = describe(task="of_my_own:Undecided", model="ntm", seed=1, max_length=2)
    assert run.complete().make_task().largest == (2,)


def test_it_is_trained_and_resumed_as_any_other(own, tmp_path):
    run = replace(tiny_run(), task=own)
    train(run, tmp_path / "run")
    assert resume(tmp_path / "run").update == run.updates
    train(run, tmp_path / "again")
    assert digests(tmp_path / "run") == digests(tmp_path / "again")


def test_what_is_wrong_with_a_name_is_said(tmp_path):
    modules = {
        "task_that_fails": "raise KeyError('no data')",
        "task_misspelt": "x = = 3",
        "task_unfinished": "from tapehead.tasks import Task\nclass Half(Task):\n    input_size = 1\nclass Other: pass",
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
    return find_task(name)


WRONG: dict[str, str] = {
    "copi": "expected one of 'copy', 'repeat_copy', 'associative_recall', 'ngrams', 'priority_sort', not 'copi' (did",
    "": "expected one of",
    ":Parity": "expected module:Class, with a dotted name before the colon, not ''",
    "my task:Parity": "expected module:Class, with a dotted name before the colon, not 'my task'",
    ".task:Parity": "expected module:Class",
    "nowhere_to_be_found:Parity": "expected a module that can be imported, not 'nowhere_to_be_found': ModuleNotFound",
    "task_that_fails:Parity": "expected a module that can be imported, not 'task_that_fails': KeyError: 'no data'",
    "task_misspelt:Parity": "expected a module that can be imported, not 'task_misspelt': SyntaxError",
    "task_unfinished:Half": "expected task_unfinished:Half to define further, largest, output_size, sample, size_na",
    "task_unfinished:": "expected a class in task_unfinished",
    "math:pi": "expected a class in math",
    "task_unfinished:Other": "expected a class in task_unfinished (",
}


def test_a_name_is_a_word():
    assert complaints(find_task, [{"name": 3}]) == [(TypeError, "task: expected a word, not 3")]
