"""What holds for every task, and that the registry has them all."""

import sys
import time
from dataclasses import fields
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import Any

import numpy as np
import pytest
import torch

import tapehead.tasks
from tapehead.models import NTM
from tapehead.tasks import (
    MQAR,
    TASKS,
    AssociativeRecall,
    Copy,
    GroupWords,
    NGrams,
    PrioritySort,
    RepeatCopy,
    Reverse,
    StringTask,
    SymbolTask,
    Task,
    Text,
)
from tests.processes import complaints
from tests.tasks.every import EVERY, REACH, generator, sampled, sizes_of

SHARE_OF_A_STEP = 0.05
PARTS = {"task", "batch", "targets", "strings", "arithmetic"}
"""Modules of what tasks are made of."""


def test_every_task_is_registered():
    names = {module.name for module in iter_modules(tapehead.tasks.__path__)} - PARTS
    assert set(TASKS) == names
    for name, task in TASKS.items():
        assert task.__module__ == import_module(f"tapehead.tasks.{name}").__name__
    assert set(REACH) == set(TASKS.values())


@pytest.mark.parametrize("task", EVERY.values(), ids=list(EVERY))
class TestEveryTask:
    def test_batches_have_the_shapes_that_are_said(self, task):
        batch = task.sample(sizes_of(task, 7), generator(1))
        steps = batch.inputs.shape[0]
        if isinstance(task, SymbolTask):
            assert batch.inputs.shape == batch.targets.shape == (steps, 7)
            assert batch.inputs.dtype == batch.targets.dtype == torch.int64
        else:
            assert batch.inputs.shape == (steps, 7, task.input_size)
            assert batch.targets.shape == (steps, 7, task.output_size)
            assert batch.inputs.dtype == batch.targets.dtype == torch.float32
        assert batch.mask.shape == (steps, 7)
        assert int(batch.lengths.max()) == steps
        task.check_batch(batch, 7)
        assert (batch.mask.dtype, batch.lengths.dtype) == (torch.bool, torch.int64)

    @pytest.mark.parametrize("wrong", [0, -1, -(2**40)])
    def test_a_size_below_1_is_refused_by_its_name(self, task, wrong):
        for place, name in enumerate(task.size_names):
            sizes = sizes_of(task, 7)
            sizes[3, place] = wrong
            with pytest.raises(ValueError, match=f"^{name}: expected at least [123].*, not {wrong}$"):
                task.sample(sizes, generator(1))

    def test_inputs_and_targets_as_a_model_sees_them_have_the_sizes_that_are_said(self, task):
        batch = task.sample(sizes_of(task, 7), generator(1))
        steps = batch.inputs.shape[0]
        assert task.input_channels(batch).shape == (steps, 7, task.input_size)
        assert task.target_channels(batch).shape == (steps, 7, task.output_size)
        assert task.probabilities(torch.zeros(steps, 7, task.output_size)).shape == (steps, 7, task.output_size)

    def test_targets_are_counted_by_the_sequence(self, task):
        batch = task.sample(sizes_of(task, 7), generator(1))
        each = 1 if isinstance(task, SymbolTask) else task.output_size
        assert task.count_targets(batch).tolist() == [each * int(steps) for steps in batch.mask.sum(dim=0)]

    def test_certain_and_right_predictions_make_no_error_and_cost_next_to_nothing(self, task):
        batch = task.sample(sizes_of(task, 7), generator(1))
        logits = 80 * task.target_channels(batch) - 40
        assert task.count_errors(logits, batch).tolist() == [0.0] * 7
        assert task.cross_entropy(logits, batch).max() < 1e-6
        assert task.count_errors(-logits, batch).sum() > 0

    def test_the_gradient_is_that_of_autograd_through_the_cross_entropy(self, task):
        batch = task.sample(sizes_of(task, 4), generator(1))
        shape = (len(batch.inputs), 4, task.output_size)
        logits = torch.randn(shape, generator=torch.Generator().manual_seed(1), requires_grad=True)
        scale = torch.tensor(0.3)
        (scale * task.cross_entropy(logits, batch).sum()).backward()
        torch.testing.assert_close(task.cross_entropy_gradient(logits.detach(), batch, scale), logits.grad)

    def test_what_a_sequence_gives_to_remember_is_a_count_that_grows_with_its_size_or_is_not_known(self, task):
        small, large = task.memory_needed(task.min_size), task.memory_needed(task.max_size)
        assert (small is None) == (large is None) == isinstance(task, NGrams | Text)
        assert small is None or 1 <= small <= large

    def test_no_input_and_no_target_comes_after_a_sequence_ends(self, task):
        batch = task.sample(sizes_of(task, 50), generator(1))
        over = torch.arange(len(batch.inputs))[:, None] >= batch.lengths
        assert over.any()
        blank = task.symbols if isinstance(task, StringTask) else 0
        assert (batch.inputs[over] == blank).all()
        assert not batch.targets[over].any()
        assert not batch.mask[over].any()

    def test_targets_are_bits_or_symbols_within_the_mask_and_zeros_elsewhere(self, task):
        batch = task.sample(sizes_of(task, 50), generator(1))
        symbols = task.output_size if isinstance(task, SymbolTask) else 2
        assert set(batch.targets.unique().tolist()) <= set(range(symbols))
        assert batch.mask.any(dim=0).all()
        assert not batch.targets[~batch.mask].any()

    def test_sizes_reach_from_the_smallest_to_the_largest_and_further(self, task):
        assert len(task.min_size) == len(task.max_size) == len(task.size_names)
        assert all(small <= large for small, large in zip(task.min_size, task.max_size, strict=True))
        assert task.eval_sizes[0] == task.max_size
        assert all(len(size) == len(task.size_names) for size in task.eval_sizes)
        assert len(set(task.eval_sizes)) == len(task.eval_sizes)

    def test_the_same_generator_gives_the_same_batch(self, task):
        sizes = sizes_of(task, 5)
        first, again, other = (task.sample(sizes, generator(seed)) for seed in (3, 3, 4))
        assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))
        assert not torch.equal(first.inputs, other.inputs)

    def test_no_other_random_numbers_are_used_and_nothing_handed_in_is_changed(self, task):
        torch_s, numpy_s = torch.random.get_rng_state(), np.random.get_state()[1].copy()  # noqa: NPY002
        sizes = sizes_of(task, 5)
        before = sizes.copy()
        batch = task.sample(sizes, generator())
        copies = [tensor.clone() for tensor in batch]
        task.optimal_bits(batch)
        assert torch.equal(torch_s, torch.random.get_rng_state())
        assert np.array_equal(numpy_s, np.random.get_state()[1])  # noqa: NPY002
        assert np.array_equal(sizes, before)
        assert all(map(torch.equal, batch, copies))

    def test_a_sequence_does_not_depend_on_how_large_the_others_are(self, task):
        sizes, others = sizes_of(task, 9, seed=1), sizes_of(task, 9, seed=2)
        others[4] = sizes[4]
        batch, other = task.sample(sizes, generator(3)), task.sample(others, generator(3))
        length = int(batch.lengths[4])
        assert other.lengths[4] == length
        for one, another in zip(batch[:3], other[:3], strict=True):
            assert torch.equal(one[:length, 4], another[:length, 4])

    def test_an_empty_batch_is_a_batch(self, task):
        batch = sampled(task, [])
        assert task.input_channels(batch).shape == (1, 0, task.input_size)
        assert task.target_channels(batch).shape == (1, 0, task.output_size)

    def test_the_best_possible_prediction_is_certain_or_costs_bits(self, task):
        batch = task.sample(sizes_of(task, 9), generator(1))
        best = task.optimal_bits(batch)
        assert (best is not None) == isinstance(task, NGrams), (
            "a word on why a prediction is uncertain belongs to its task"
        )
        if best is not None:
            assert best.shape == (9,)
            assert (best > 0).all()
            assert (best < 2 * batch.lengths).all()

    def test_making_a_batch_takes_at_most_a_twentieth_of_a_training_step(self, task):
        model, sizes = NTM(task.input_size, task.output_size), np.array([task.max_size] * 32)
        batch = task.sample(sizes, generator())

        def step() -> None:
            model(task.input_channels(batch), lengths=batch.lengths)[0].sum().backward()

        step()
        made = shortest(lambda: task.sample(sizes, generator()), 20)
        assert made < SHARE_OF_A_STEP * shortest(step, 3)


def shortest(action: Any, times: int) -> float:
    """Seconds of computing that it takes at best."""
    took = []
    for _ in range(times):
        begun = time.process_time()
        action()
        took.append(time.process_time() - begun)
    return min(took)


WRONG: list[tuple[type[Task], dict[str, Any], type[Exception], str]] = [
    (Copy, {"encoding": "graves"}, ValueError, "encoding: expected one of 'graves2014', 'collier2018', not 'graves'"),
    (Copy, {"bits": 0}, ValueError, "bits: expected a whole number >= 1, not 0"),
    (Copy, {"min_length": 1.5}, TypeError, "min_length: expected a whole number >= 1, not 1.5"),
    (Copy, {"min_length": 21}, ValueError, "min_length, max_length: expected min_length <= max_length, not 21 and 20"),
    (RepeatCopy, {"encoding": None}, TypeError, "encoding: expected one of 'graves2014', 'collier2018', not None"),
    (RepeatCopy, {"bits": "8"}, TypeError, "bits: expected a whole number >= 1, not '8'"),
    (RepeatCopy, {"min_length": 0}, ValueError, "min_length: expected a whole number >= 1, not 0"),
    (RepeatCopy, {"max_length": 0}, ValueError, "max_length: expected a whole number >= 1, not 0"),
    (RepeatCopy, {"min_repeats": 0}, ValueError, "min_repeats: expected a whole number >= 1, not 0"),
    (
        RepeatCopy,
        {"min_repeats": 11},
        ValueError,
        "min_repeats, max_repeats: expected min_repeats <= max_repeats, not 11 and 10",
    ),
    (
        RepeatCopy,
        {"max_repeats": 5},
        ValueError,
        "max_repeats: expected an odd sum with min_repeats=1, not 5: graves2014 would write 3 repeats as 0",
    ),
    *(
        (kind, {"zero_vectors": 1.5}, ValueError, "zero_vectors: expected a finite number >= 0")
        for kind in (Copy, RepeatCopy)
    ),
    (AssociativeRecall, {"encoding": "c"}, ValueError, "encoding: expected one of 'graves2014', 'collier2018'"),
    (AssociativeRecall, {"bits": -1}, ValueError, "bits: expected a whole number >= 1, not -1"),
    (AssociativeRecall, {"item_length": 0}, ValueError, "item_length: expected a whole number >= 1, not 0"),
    (AssociativeRecall, {"min_items": 1}, ValueError, "min_items: expected a whole number >= 2, not 1"),
    (AssociativeRecall, {"max_items": 1}, ValueError, "max_items: expected a whole number >= 2, not 1"),
    (NGrams, {"context": 0}, ValueError, "context: expected a whole number >= 1, not 0"),
    (NGrams, {"context": 17}, ValueError, "context: expected a whole number <= 16, not 17"),
    (NGrams, {"min_length": 0}, ValueError, "min_length: expected a whole number >= 1, not 0"),
    (
        NGrams,
        {"max_length": 100},
        ValueError,
        "min_length, max_length: expected min_length <= max_length, not 200 and 10",
    ),
    *(
        (kind, {name: least - 1}, ValueError, f"{name}: expected a whole number >= {least}, not {least - 1}")
        for kind in TASKS.values()
        if issubclass(kind, StringTask)
        for name, least in {"min_length": kind.least_length, "alphabet": 2, "modulus": 2, "places": 2}.items()
        if name in {field.name for field in fields(kind)}
    ),
    (Reverse, {"max_length": "20"}, TypeError, "max_length: expected a whole number >= 1, not '20'"),
    (GroupWords, {"group": "S4"}, ValueError, "group: expected one of 'C2', 'C6', 'S3', not 'S4'"),
    (GroupWords, {"min_length": 0}, ValueError, "min_length: expected a whole number >= 1, not 0"),
    (Text, {"length": 0}, ValueError, "length: expected a whole number >= 1, not 0"),
    (Text, {"length": 20_000}, ValueError, "file: expected at least 400010 characters with length=20000, not 382679"),
    (
        Text,
        {"file": "missing.txt"},
        ValueError,
        f"file: expected a text in UTF-8, not '{Path.cwd()}/missing.txt': No su",
    ),
    (Text, {"file": "/"}, ValueError, "file: expected a text in UTF-8, not '/': it is a folder, a pipe or a device"),
    (Text, {"file": sys.executable}, ValueError, "file: expected a text in UTF-8, not "),
    (MQAR, {"vocabulary": 3}, ValueError, "vocabulary: expected a whole number >= 4, not 3"),
    (MQAR, {"steps_per_pair": 3}, ValueError, "steps_per_pair: expected a whole number >= 4, not 3"),
    (MQAR, {"power": 0.0}, ValueError, "power: expected a finite number > 0, not 0.0"),
    (MQAR, {"min_pairs": 0}, ValueError, "min_pairs: expected a whole number >= 1, not 0"),
    (MQAR, {"vocabulary": 30}, ValueError, "max_pairs: expected at most 14, as many as there are keys among 30"),
    (MQAR, {"max_pairs": 3}, ValueError, "min_pairs, max_pairs: expected min_pairs <= max_pairs, not 4 and 3"),
    (PrioritySort, {"bits": True}, TypeError, "bits: expected a whole number >= 1, not True"),
    (PrioritySort, {"min_items": 0}, ValueError, "min_items: expected a whole number >= 1, not 0"),
    (
        PrioritySort,
        {"max_items": 10},
        ValueError,
        "min_items, max_items: expected min_items <= max_items, not 20 and 10",
    ),
]


@pytest.mark.parametrize("kind", TASKS.values())
def test_a_wrong_option_is_named(kind):
    cases = [(options, error, message) for task, options, error, message in WRONG if task is kind]
    assert {name for options, _, _ in cases for name in options} >= {field.name for field in fields(kind)} - {
        "max_length"
    }
    raised_and_said = complaints(kind, [options for options, _, _ in cases])
    for (_, error, message), (raised, said) in zip(cases, raised_and_said, strict=True):
        assert raised is error
        assert said.startswith(message)


def test_a_single_item_has_none_that_follows_it():
    with pytest.raises(
        ValueError, match="items: expected at least 2, since the target is the item after another, not 1"
    ):
        sampled(AssociativeRecall(), [(2,), (1,)])
