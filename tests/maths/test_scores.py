"""The two metrics, each by its meaning."""

import numpy as np
import pytest
import torch

from tapehead.maths.scores import bit_errors, bits, bits_gradient

T, B, O = 5, 3, 4


@pytest.fixture
def drawn() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Logits, targets and scored steps of three sequences; the last sequence has no scored step."""
    generator = np.random.default_rng(0)
    scored = generator.random((T, B)) < 0.6
    scored[:, 2] = False
    logits, targets = 3 * generator.normal(size=(T, B, O)), generator.integers(0, 2, (T, B, O)).astype(np.float64)
    return torch.tensor(logits), torch.tensor(targets), torch.tensor(scored)


def test_bit_errors_counts_wrong_bits_on_scored_steps(drawn: tuple[torch.Tensor, ...]) -> None:
    logits, targets, scored = drawn
    expected = [
        sum((logits[t, b, o].item() > 0) != bool(targets[t, b, o]) for t in range(T) if scored[t, b] for o in range(O))
        for b in range(B)
    ]
    assert bit_errors(logits, targets, scored).tolist() == expected


def test_bits_adds_the_cross_entropy_on_scored_steps(drawn: tuple[torch.Tensor, ...]) -> None:
    logits, targets, scored = (tensor.numpy() for tensor in drawn)
    right = np.where(targets == 1, logits, -logits)
    expected = [np.sum(np.log2(1 + np.exp(-right[scored[:, b], b]))) for b in range(B)]
    # One rounding a term of a sum of some tens.
    np.testing.assert_allclose(bits(*drawn), expected, rtol=0, atol=1e-12)


def test_a_sequence_with_no_scored_step_scores_zero(drawn: tuple[torch.Tensor, ...]) -> None:
    assert bit_errors(*drawn)[2] == 0
    assert bits(*drawn)[2] == 0


def test_not_knowing_costs_one_bit_a_bit() -> None:
    targets = torch.tensor([0.0, 1.0, 1.0]).reshape(1, 1, 3)
    torch.testing.assert_close(
        bits(torch.zeros(1, 1, 3), targets, torch.ones(1, 1, dtype=torch.bool)), torch.tensor([3.0])
    )


def test_certainty_costs_nothing_when_right() -> None:
    targets = torch.tensor([0.0, 1.0]).reshape(1, 1, 2)
    scored = torch.ones(1, 1, dtype=torch.bool)
    assert bits(torch.tensor([-1e4, 1e4]).reshape(1, 1, 2), targets, scored).tolist() == [0.0]
    assert bit_errors(torch.tensor([-1e4, 1e4]).reshape(1, 1, 2), targets, scored).tolist() == [0.0]


def test_certainty_costs_the_logit_when_wrong() -> None:
    scored = torch.ones(1, 1, dtype=torch.bool)
    cost = bits(torch.full((1, 1, 1), 1e4), torch.zeros(1, 1, 1), scored)
    torch.testing.assert_close(cost, torch.tensor([1e4 / np.log(2)], dtype=torch.float32))


def test_unscored_steps_get_no_gradient(drawn: tuple[torch.Tensor, ...]) -> None:
    logits, targets, scored = drawn
    bits(logits.requires_grad_(), targets, scored).sum().backward()
    assert torch.all(logits.grad[~scored] == 0)
    assert torch.all(logits.grad[scored] != 0)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_gradient_is_autograds_to_the_last_bit(drawn: tuple[torch.Tensor, ...], dtype: torch.dtype) -> None:
    logits, targets = (tensor.to(dtype) for tensor in drawn[:2])
    weight = torch.tensor(0.37, dtype=dtype)
    leaf = logits.clone().requires_grad_()
    (expected,) = torch.autograd.grad((bits(leaf, targets, drawn[2]) * weight).sum(), leaf)
    assert torch.equal(bits_gradient(logits, targets, drawn[2], weight), expected)
    assert bool((expected[drawn[2]] != 0).all())


def test_the_gradient_is_zero_where_nothing_is_scored(drawn: tuple[torch.Tensor, ...]) -> None:
    logits, targets, scored = drawn
    extreme = torch.where(scored.unsqueeze(-1), logits, torch.inf)
    assert bool((bits_gradient(extreme, targets, scored, torch.ones(())) == 0)[~scored].all())
