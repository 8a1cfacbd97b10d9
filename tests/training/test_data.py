"""Batches are pure functions of the seed, the purpose and the number."""

import itertools

import numpy as np
import torch

from tapehead.training.data import Purpose, draw_training_batch, make_generator
from tests.training.tiny import tiny_config


def batch_of(config, step: int):
    return draw_training_batch(config, config.make_task(), config.make_curriculum(), step)[1]


def test_a_batch_depends_on_the_seed_and_the_step_alone():
    config = tiny_config(max_length=20)
    first, again = (batch_of(config, 7) for _ in range(2))
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))
    for other in (batch_of(config, 8), batch_of(tiny_config(seed=2), 7)):
        assert first.inputs.shape != other.inputs.shape or not torch.equal(first.inputs, other.inputs)


def test_no_two_batches_share_their_random_numbers():
    keys = [(seed, purpose, *numbers) for seed in (0, 1) for purpose in Purpose for numbers in ((), (0,), (1,), (0, 1))]
    streams = [make_generator(seed, purpose, *numbers).bytes(16) for seed, purpose, *numbers in keys]
    assert all(one != other for one, other in itertools.combinations(streams, 2))


def test_making_a_generator_leaves_the_global_ones_alone():
    torch.manual_seed(0)
    before = torch.random.get_rng_state()
    make_generator(1, Purpose.TRAINING, 1).bytes(8)
    tiny_config().make_model()
    assert torch.equal(before, torch.random.get_rng_state())


def test_random_numbers_are_those_of_the_version_before():
    assert make_generator(1, Purpose.TRAINING, 2).integers(0, 1000, 4).tolist() == EXPECTED
    assert np.frombuffer(make_generator(1, Purpose.GENERALIZATION, 20, 0).bytes(4), np.uint8).tolist() == EXPECTED_BYTES


EXPECTED = [615, 836, 410, 554]
EXPECTED_BYTES = [74, 99, 211, 233]
