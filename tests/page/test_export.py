"""The weights of the page are rounded, and answer as well as those of the package; what the page cannot run is told."""

from typing import Any

import numpy as np
import pytest
import torch

import tapehead
from page.export_weights import CHARACTERS, round_matrix, round_network, spell
from tapehead.pretrained import NAMES, find_pretrained
from tapehead.training.evaluation import evaluate
from tapehead.training.loaded_run import load_run
from tests.page.rounded import rounded_network

AS_GOOD = {
    ("associative_recall-ntm", (6,)): 0.05,
    ("associative_recall-ntm", (20,)): 0.1,
    ("copy-ntm", (20,)): 0.05,
    ("copy-ntm", (120,)): 0.05,
    ("ngrams-ntm", (200,)): 0.05,
    ("ngrams-ntm", (1000,)): 0.5,
    ("priority_sort-ntm", (20,)): 0.3,
    ("priority_sort-ntm", (30,)): 0.5,
    ("repeat_copy-ntm", (10, 10)): 0.05,
    ("repeat_copy-ntm", (20, 10)): 0.05,
}
"""Bit errors per sequence, for N-grams bits above the best possible, that rounding may add, at sizes of training and
larger; rounding the inputs' weights as coarsely as the others would add 1.8 and 4.2 where the network sorts."""
SEQUENCES = 256


@pytest.mark.page
@pytest.mark.parametrize(("name", "size"), AS_GOOD)
def test_rounded_networks_answer_as_well_as_the_package_s(name: str, size: tuple[int, ...]) -> None:
    loaded = load_run(find_pretrained(name), pytest.fail)
    rounded = rounded_network(name, torch.float32)
    ours, theirs = (
        evaluate(model, loaded.task, size, SEQUENCES, seed=5).distance() for model in (rounded, loaded.model)
    )
    assert ours <= theirs + AS_GOOD[name, size]


@pytest.mark.parametrize("digits", [1, 2])
def test_no_weight_is_rounded_by_more_than_half_a_step_but_at_the_ends(digits: int) -> None:
    matrix = np.random.default_rng(1).normal(size=(50, 40)) * np.logspace(-2, 1, 50)[:, None]
    matrix[7] = 0
    rounded = round_matrix(matrix, digits)
    most = len(CHARACTERS) ** digits // 2
    scales = rounded.unit * rounded.scale_steps
    inside = np.abs(matrix) <= (most + 0.5) * scales[:, None]
    assert inside.mean() > 0.99
    assert (np.abs(rounded.weights - matrix) <= scales[:, None] * 0.5000001)[inside].all()
    assert np.abs(rounded.levels).max() <= most
    assert rounded.scale_steps.max() < len(CHARACTERS) ** 2
    assert (rounded.weights[7] == 0).all()


def test_numbers_are_spelled_in_base_93() -> None:
    assert len(set(CHARACTERS)) == 93
    assert spell(np.array([0, 1, 92, 93, 93**2 - 1]), 2) == "   ! ~! ~~"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"controller": "feedforward"}, "controller: expected 'lstm', not 'feedforward'"),
        ({"num_layers": 2}, "num_layers: expected 1, not 2"),
        ({"memory_init": "learned"}, "memory_init: expected 'constant' or 'random', not 'learned'"),
        ({"shift_range": 2}, "shift_range: expected 1, not 2"),
        ({"head_init": "learned"}, "head_init: expected 'onehot', not 'learned'"),
        ({"embedding_size": 4}, "embedding_size: expected None, not 4"),
    ],
)
def test_a_network_that_the_page_cannot_run_is_told(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        round_network(tapehead.NTM(input_size=9, output_size=8, **options))


def test_another_model_is_told() -> None:
    with pytest.raises(TypeError, match="model: expected an NTM, the only one that the page runs, not DNC"):
        round_network(tapehead.DNC(input_size=9, output_size=8))


def test_every_network_of_the_package_can_be_shown() -> None:
    assert all(round_network(tapehead.pretrained(name)) for name in NAMES)
