"""What holds for every task, and that the registry has them all."""

from importlib import import_module
from pkgutil import iter_modules

import numpy as np
import pytest
import torch

import tapehead.tasks
from tapehead.tasks import TASKS, Task


def test_every_task_is_registered():
    names = {module.name for module in iter_modules(tapehead.tasks.__path__) if not module.name.startswith("_")}
    assert set(TASKS) == names
    for name, task in TASKS.items():
        assert task.__module__ == import_module(f"tapehead.tasks.{name}").__name__


@pytest.mark.parametrize("task", [task() for task in TASKS.values()], ids=list(TASKS))
class TestEveryTask:
    def sizes(self, task: Task, count: int) -> np.ndarray:
        drawn = np.random.default_rng(0)
        return drawn.integers(task.smallest, task.largest, (count, len(task.size_names)), endpoint=True)

    def test_batches_have_the_shapes_that_are_said(self, task):
        batch = task.sample(self.sizes(task, 7), np.random.default_rng(1))
        steps = batch.inputs.shape[0]
        assert batch.inputs.shape == (steps, 7, task.input_size)
        assert batch.targets.shape == (steps, 7, task.output_size)
        assert batch.scored.shape == (steps, 7)
        assert int(batch.lengths.max()) == steps

    def test_nothing_is_heard_or_due_after_a_sequence_ends(self, task):
        batch = task.sample(self.sizes(task, 50), np.random.default_rng(1))
        over = torch.arange(len(batch.inputs))[:, None] >= batch.lengths
        assert not batch.inputs[over].any()
        assert not batch.targets[over].any()
        assert not batch.scored[over].any()

    def test_targets_are_bits_and_each_question_has_an_answer(self, task):
        batch = task.sample(self.sizes(task, 50), np.random.default_rng(1))
        assert set(batch.targets.unique().tolist()) <= {0.0, 1.0}
        assert batch.scored.any(dim=0).all()

    def test_sizes_reach_from_the_smallest_to_the_largest_and_further(self, task):
        assert len(task.smallest) == len(task.largest) == len(task.size_names)
        assert all(small <= large for small, large in zip(task.smallest, task.largest, strict=True))
        assert task.further[0] == task.largest
        assert all(len(size) == len(task.size_names) for size in task.further)
