"""How far a model is right: sizes are doubled, memories grown, and the first error is found where it is."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from tapehead.experiments.verification import FirstError, _find_first_error, fit_memory, grow_sizes, verify
from tapehead.tasks import Copy, RepeatCopy, Reverse
from tapehead.training.data import draw_batch_of_size
from tapehead.training.loaded_run import LoadedRun, load_run
from tests.training.tiny import tiny_config, train


def perfect(task: Any, batch: Any) -> Tensor:
    """Logits that give every target."""
    return 20 * task.target_channels(batch) - 10


def loaded(path: Path, **options: Any) -> LoadedRun:
    train(tiny_config(**options), path)
    return load_run(path, pytest.fail)


def test_sizes_double_from_those_of_training_and_end_at_the_one_asked_for() -> None:
    assert grow_sizes(Copy(), 0, 100) == [(20,), (40,), (80,), (100,)]
    assert grow_sizes(Copy(), 0, 20) == [(20,)]
    assert grow_sizes(RepeatCopy(), 1, 40) == [(10, 10), (10, 20), (10, 40)]
    with pytest.raises(ValueError, match="expected a length of at least 20, the largest of training, not 19"):
        grow_sizes(Copy(), 0, 19)


@pytest.mark.parametrize(("length", "slots"), [(3, 5), (4, 5), (5, 8), (1000, 2048), (10_000, 16_384)])
def test_a_memory_is_grown_to_a_power_of_two_with_room_to_spare(length: int, slots: int, tmp_path: Path) -> None:
    assert fit_memory(loaded(tmp_path), (length,)).model.config["memory_slots"] == slots


@pytest.mark.parametrize("task", [Copy(bits=3), Reverse(alphabet=4)])
def test_the_first_error_is_found_wherever_it_is(task: Any) -> None:
    batch = draw_batch_of_size(task, (6,), 4, np.random.default_rng(1))
    scored = batch.mask[:, 0].nonzero().flatten().tolist()
    assert _find_first_error(task, perfect(task, batch), batch) is None
    for number, step in enumerate(scored, 1):
        for sequence in range(4):
            logits = perfect(task, batch)
            logits[step:, sequence] *= -1  # and all that follow
            logits[scored[-1], 0] *= -1  # another sequence may be wrong as well, later or at the same time
            found = _find_first_error(task, logits, batch)
            first = step == scored[-1] and sequence == 0
            assert found == (None if first else FirstError(sequence + 1 if step < scored[-1] else 1, step + 1, number))


def test_a_model_is_tried_until_it_is_wrong(tmp_path: Path) -> None:
    run = loaded(tmp_path)
    (found,) = verify(run, [(3,), (6,), (12,)], sequences=8, seconds=60)
    assert (found.size, found.sequences, found.targets) == ((3,), 8, 8 * 3 * 8)
    assert found.errors > 0
    assert found.first_error is not None


def test_a_model_that_is_right_is_tried_to_the_end_or_until_there_is_no_more_time(tmp_path: Path) -> None:
    run = loaded(tmp_path)
    right = run._replace(task=RightCopy(max_length=3))
    sizes = [(3,), (6,), (12,), (100,)]
    found = list(verify(right, sizes, sequences=2, seconds=60))
    assert [(one.size, one.memory_slots, one.errors) for one in found] == [
        ((3,), 5, 0),
        ((6,), 8, 0),
        ((12,), 16, 0),
        ((100,), 128, 0),
    ]
    assert len(list(verify(right, sizes, sequences=2, seconds=1e-9))) == 1, "the first is always tried"


class RightCopy(Copy):
    """Copy, in which nothing is wrong."""

    def count_errors(self, logits: Tensor, batch: Any) -> Tensor:
        return 0 * super().count_errors(logits, batch)


@pytest.mark.parametrize("model", ["ntm", "dnc"])
def test_the_end_that_is_drawn_is_that_of_the_whole_sequence(model: str, tmp_path: Path) -> None:
    options = {"memory_slots": 128, "memory_width": 3} if model == "dnc" else {}
    run = loaded(tmp_path, model=model, **options)
    (found,) = verify(run, [(60,)], sequences=2, seconds=60)
    ending = found.ending
    assert ending is not None
    batch = draw_batch_of_size(run.task, (60,), 2, make_verification_generator(run, 60))
    traced = fit_memory(run, (60,)).model.trace(batch.inputs[:, :1])  # type: ignore[attr-defined]
    np.testing.assert_allclose(ending.read, traced.states.read_weightings[-80:, 0], atol=1e-6)
    np.testing.assert_allclose(ending.memory, traced.states.memory[-1, 0], atol=1e-6)
    np.testing.assert_allclose(ending.outputs, torch.sigmoid(traced.outputs[-80:, 0]), atol=1e-6)
    np.testing.assert_array_equal(ending.inputs, batch.inputs[-80:, 0])
    assert ending.mask.tolist() == batch.mask[-80:, 0].tolist()


def make_verification_generator(run: LoadedRun, length: int) -> np.random.Generator:
    from tapehead.training.data import Purpose, make_generator

    return make_generator(run.config.seed, Purpose.VERIFICATION, length)


def test_a_model_without_a_memory_is_tried_as_it_is(tmp_path: Path) -> None:
    run = loaded(tmp_path, model="lstm")
    (found,) = verify(run, [(3,), (6,)], sequences=2, seconds=60)
    assert (found.memory_slots, found.ending) == (None, None)
