"""Copy: its two encodings."""

import numpy as np
import pytest
import torch

from tapehead.tasks import Copy, RepeatCopy
from tests.tasks.every import generator, sampled


def test_only_the_delimiter_differs_between_the_encodings():
    graves, collier = (
        sampled(Copy(encoding=encoding), [(3,), (5,)]) for encoding in ("graves2014", "collier2018")
    )  # fmt: skip
    rows, sequences = np.nonzero(graves.inputs[:, :, 8].numpy())
    assert list(zip(rows, sequences, strict=True)) == [(3, 0), (5, 1)]
    collier.inputs[rows, sequences, :8] = 0
    assert torch.equal(graves.inputs, collier.inputs)
    assert torch.equal(graves.targets, collier.targets)


@pytest.mark.parametrize("task_type", [Copy, RepeatCopy])
def test_vectors_of_zeros_are_more_frequent_in_every_second_sequence_of_training(
    task_type: type[Copy] | type[RepeatCopy],
) -> None:
    usual, task = task_type(), task_type(zero_vectors=0.25)
    sizes, length = np.array([task.max_size] * 400), task.max_size[0]
    tested = task.sample(sizes, generator(1))
    assert all(map(torch.equal, tested, usual.sample(sizes, generator(1))))
    assert all(map(torch.equal, tested, usual.sample_training(sizes, generator(1))))
    batch = task.sample_training(sizes, generator(1))
    zeros = (batch.inputs[:length, :, : task.bits] == 0).all(dim=2).float().mean(dim=0)
    assert abs(float(zeros[1::2].mean()) - 0.25) < 0.03
    assert float(zeros[::2].mean()) < 0.02
