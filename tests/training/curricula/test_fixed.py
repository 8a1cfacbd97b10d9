"""Curricula that stay as they are."""

import numpy as np

from tapehead.training.curricula import CURRICULA, draw
from tests.training.curricula.ranges import ONE_AXIS, TWO_AXES


def drawn(curriculum: str, per: str, task=ONE_AXIS) -> list[tuple[int, ...]]:
    return [tuple(size) for size in draw(CURRICULA[curriculum](task), per, 5000, np.random.default_rng(0)).tolist()]


def test_none_is_always_the_largest():
    assert set(drawn("none", "sequence")) == set(drawn("none", "batch")) == {(6,)}
    assert set(drawn("none", "sequence", TWO_AXES)) == {(10, 5)}


def test_uniform_draws_every_length_as_often():
    lengths = drawn("uniform", "sequence")
    assert {length: round(lengths.count(length) / 1250, 1) for length in set(lengths)} == {
        (3,): 1,
        (4,): 1,
        (5,): 1,
        (6,): 1,
    }


def test_uniform_draws_every_size_of_two_axes():
    assert set(drawn("uniform", "sequence", TWO_AXES)) == {(a, b) for a in range(1, 11) for b in range(2, 6)}
