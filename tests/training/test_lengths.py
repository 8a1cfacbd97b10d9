"""Which sizes are asked for."""

import numpy as np

from tapehead.tasks import Copy
from tapehead.training.lengths import CURRICULA, draw


def drawn(curriculum: str, per: str, count: int = 5000) -> list[int]:
    sizes = draw(CURRICULA[curriculum], per, Copy(min_length=3, max_length=6), count, np.random.default_rng(0))
    assert sizes.shape == (count, 1)
    return sizes[:, 0].tolist()


def test_none_is_always_the_longest():
    assert set(drawn("none", "sequence")) == set(drawn("none", "batch")) == {6}


def test_uniform_asks_every_length_as_often():
    lengths = drawn("uniform", "sequence")
    assert {length: round(lengths.count(length) / 1250, 1) for length in set(lengths)} == {3: 1, 4: 1, 5: 1, 6: 1}


def test_per_batch_all_sequences_have_one_length():
    assert len(set(drawn("uniform", "batch"))) == 1
