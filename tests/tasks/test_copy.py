"""Copy: what goes in, what is due, and when."""

import time

import numpy as np
import pytest
import torch

from tapehead.models import NTM
from tapehead.tasks import Batch, Copy
from tests.processes import complaints

ENCODINGS = ("graves2014", "collier2018")


def generator(seed: int = 0) -> np.random.Generator:
    return np.random.Generator(np.random.Philox(seed))


def sampled(task: Copy, lengths: list[int], seed: int = 0) -> Batch:
    return task.sample(np.array(lengths, np.int64)[:, None], generator(seed))


def due_by_hand(inputs: np.ndarray, encoding: str, bits: int) -> tuple[np.ndarray, np.ndarray]:
    """Read one sequence as a person would: up to the delimiter, then say it again."""
    delimiters = np.flatnonzero(inputs[:, bits])
    assert len(delimiters) == 1
    length = int(delimiters[0])
    assert inputs[length].tolist() == ([0] * bits + [1] if encoding == "graves2014" else [1] * (bits + 1))
    assert not inputs[length + 1 :].any(), "nothing is heard after the delimiter"
    targets = np.zeros((len(inputs), bits))
    scored = np.zeros(len(inputs), bool)
    for step in range(length):
        targets[length + 1 + step] = inputs[step, :bits]
        scored[length + 1 + step] = True
    return targets, scored


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_what_is_due_follows_from_what_was_heard(encoding):
    task = Copy(encoding=encoding)
    lengths = generator(1).integers(1, 21, 1000)
    batch = sampled(task, lengths.tolist())
    assert batch.inputs.shape == (41, 1000, 9)
    for sequence, length in enumerate(lengths):
        targets, scored = due_by_hand(batch.inputs[:, sequence].numpy(), encoding, bits=8)
        assert np.array_equal(batch.targets[:, sequence], targets)
        assert np.array_equal(batch.scored[:, sequence], scored)
        assert scored.sum() == length
        assert batch.lengths[sequence] == 2 * length + 1


def test_only_the_delimiter_differs_between_the_encodings():
    graves, collier = (sampled(Copy(encoding=encoding), [3, 5]) for encoding in ENCODINGS)
    rows, sequences = np.nonzero(graves.inputs[:, :, 8].numpy())
    assert list(zip(rows, sequences, strict=True)) == [(3, 0), (5, 1)]
    collier.inputs[rows, sequences, :8] = 0
    assert torch.equal(graves.inputs, collier.inputs)
    assert torch.equal(graves.targets, collier.targets)


def test_bits_are_fair_coins():
    heard = sampled(Copy(), [20] * 2000).inputs[:20, :, :8]
    assert abs(float(heard.mean()) - 0.5) < 4 * 0.5 / heard.numel() ** 0.5
    assert (heard.mean(dim=(0, 1)) - 0.5).abs().max() < 5 * 0.5 / (heard.numel() / 8) ** 0.5


def test_the_batch_is_as_long_as_its_longest_sequence():
    batch = sampled(Copy(), [2, 7, 1])
    assert batch.inputs.shape == (15, 3, 9)
    assert batch.lengths.tolist() == [5, 15, 3]
    assert not batch.scored[5:, 0].any()
    assert batch.inputs.dtype == batch.targets.dtype == torch.float32


def test_an_empty_batch_is_a_batch():
    assert sampled(Copy(), []).inputs.shape == (1, 0, 9)


def test_the_same_generator_gives_the_same_batch():
    first, again, other = (sampled(Copy(), [4, 9], seed) for seed in (3, 3, 4))
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))
    assert not torch.equal(first.inputs, other.inputs)


def test_a_wrong_option_is_named():
    expected = {
        "encoding: expected one of 'graves2014', 'collier2018', not 'graves'": ({"encoding": "graves"}, ValueError),
        "bits: expected a whole number >= 1, not 0": ({"bits": 0}, ValueError),
        "min_length: expected a whole number >= 1, not 1.5": ({"min_length": 1.5}, TypeError),
        "max_length: expected a whole number >= 21, not 20": ({"min_length": 21}, ValueError),
    }
    raised = complaints(Copy, [options for options, _ in expected.values()])
    for (message, (_, error)), (kind, said) in zip(expected.items(), raised, strict=True):
        assert kind is error
        assert said.startswith(message)


def test_making_a_batch_takes_at_most_a_twentieth_of_an_update():
    task, model = Copy(), NTM(9, 8)
    batch = sampled(task, [20] * 32)

    def update() -> None:
        model(batch.inputs, lengths=batch.lengths)[0].sum().backward()

    def shortest(action, times: int) -> float:
        took = []
        for _ in range(times):
            begun = time.process_time()
            action()
            took.append(time.process_time() - begun)
        return min(took)

    assert shortest(lambda: sampled(task, [20] * 32), 20) < 0.05 * shortest(update, 3)
