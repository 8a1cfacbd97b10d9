"""Reverse: symbols in, the same symbols out, the last first."""

import numpy as np
import pytest
import torch

from tapehead.tasks import Batch, Reverse
from tests.tasks.every import sampled


def test_a_string_is_followed_by_blanks_for_the_string_backwards():
    batch = sampled(Reverse(alphabet=7), [(3,), (1,)], seed=1)
    a, b, c = batch.inputs[:3, 0].tolist()
    d = int(batch.inputs[0, 1])
    assert batch.inputs[:, 0].tolist() == [a, b, c, 7, 7, 7]
    assert batch.inputs[:, 1].tolist() == [d, 7, 7, 7, 7, 7]
    assert batch.targets[3:, 0].tolist() == [c, b, a]
    assert batch.targets[1, 1] == d
    assert batch.mask[:, 0].tolist() == [False] * 3 + [True] * 3
    assert batch.mask[:, 1].tolist() == [False, True, False, False, False, False]
    assert batch.lengths.tolist() == [6, 2]


def test_token_ids_go_into_a_model_as_one_hot_vectors():
    task = Reverse(alphabet=3)
    batch = sampled(task, [(2,)], seed=1)
    channels = task.input_channels(batch)
    assert channels.dtype == torch.get_default_dtype()
    assert torch.equal(channels.argmax(dim=2), batch.inputs)
    assert torch.equal(channels.sum(dim=2), torch.ones(4, 1))


def test_inputs_that_are_vectors_already_are_left_alone():
    task, batch = Reverse(alphabet=4), sampled(Reverse(alphabet=4), [(2,)])
    vectors = batch._replace(inputs=torch.rand(4, 1, 5))
    assert task.input_channels(vectors) is vectors.inputs
    task.check_batch(vectors, 1)


def test_probabilities_are_a_distribution_over_the_alphabet():
    logits = torch.tensor([[[0.0, 1.0, 2.0, 3.0]]])
    exponentials = np.exp([0.0, 1.0, 2.0, 3.0])
    expected = exponentials / exponentials.sum()
    assert Reverse(alphabet=4).probabilities(logits)[0, 0].tolist() == pytest.approx(expected.tolist())


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda batch: batch._replace(targets=batch.targets + 4), "targets to be torch.int64 from 0 to 3, not from 4"),
        (lambda batch: batch._replace(targets=batch.targets - 1), "targets to be torch.int64 from 0 to 3, not from -1"),
        (lambda batch: batch._replace(targets=batch.targets.float()), "targets to be torch.int64 from 0 to 3, not tor"),
        (lambda batch: batch._replace(inputs=batch.inputs + 1), "inputs to be torch.int64 from 0 to 4, not from 1 to"),
        (lambda batch: batch._replace(inputs=batch.inputs.int()), "inputs (T, B, I) of torch.floa"),
        (lambda batch: batch._replace(inputs=batch.inputs[:, :, None]), "inputs (T, B, I) of torch.float"),
        (lambda batch: batch._replace(targets=batch.targets[:, :, None]), "targets of shape (4, 2), not (4, 2, 1)"),
    ],
)  # fmt: skip
def test_a_batch_that_is_no_batch_of_symbols_is_named(damage, message):
    batch: Batch = sampled(Reverse(alphabet=4), [(2,), (1,)], seed=1)
    with pytest.raises((TypeError, ValueError)) as caught:
        Reverse(alphabet=4).check_batch(damage(batch), 2)
    assert f"Reverse.sample: expected {message}" in str(caught.value)
