"""Errors and bits of information, for targets that are bits and for symbols."""

import numpy as np
import pytest
import torch
from torch.autograd import gradcheck

from tapehead.maths.scores import bit_errors, bits, bits_gradient, symbol_bits, symbol_bits_gradient, symbol_errors

T, B, O, V = 5, 3, 4, 6
EVERY_STEP = torch.ones(1, 1, dtype=torch.bool)


@pytest.fixture
def drawn() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Logits, targets and mask of three sequences; the last sequence has no step in the mask."""
    generator = np.random.default_rng(0)
    mask = generator.random((T, B)) < 0.6
    mask[:, 2] = False
    logits, targets = 3 * generator.normal(size=(T, B, O)), generator.integers(0, 2, (T, B, O)).astype(np.float64)
    return torch.tensor(logits), torch.tensor(targets), torch.tensor(mask)


def test_bit_errors_counts_wrong_bits_within_the_mask(drawn: tuple[torch.Tensor, ...]) -> None:
    logits, targets, mask = drawn
    expected = [
        sum((logits[t, b, o].item() > 0) != bool(targets[t, b, o]) for t in range(T) if mask[t, b] for o in range(O))
        for b in range(B)
    ]
    assert bit_errors(logits, targets, mask).tolist() == expected


def test_bits_adds_the_cross_entropy_within_the_mask(drawn: tuple[torch.Tensor, ...]) -> None:
    logits, targets, mask = (tensor.numpy() for tensor in drawn)
    right = np.where(targets == 1, logits, -logits)
    expected = [np.sum(np.log2(1 + np.exp(-right[mask[:, b], b]))) for b in range(B)]
    # One rounding a term of a sum of some tens.
    np.testing.assert_allclose(bits(*drawn), expected, rtol=0, atol=1e-12)


def test_a_sequence_with_no_step_in_the_mask_scores_zero(drawn: tuple[torch.Tensor, ...]) -> None:
    assert bit_errors(*drawn)[2] == 0
    assert bits(*drawn)[2] == 0


def test_not_knowing_costs_one_bit_a_bit() -> None:
    targets = torch.tensor([0.0, 1.0, 1.0]).reshape(1, 1, 3)
    torch.testing.assert_close(
        bits(torch.zeros(1, 1, 3), targets, torch.ones(1, 1, dtype=torch.bool)), torch.tensor([3.0])
    )


def test_certainty_costs_nothing_when_right() -> None:
    targets = torch.tensor([0.0, 1.0]).reshape(1, 1, 2)
    mask = torch.ones(1, 1, dtype=torch.bool)
    assert bits(torch.tensor([-1e4, 1e4]).reshape(1, 1, 2), targets, mask).tolist() == [0.0]
    assert bit_errors(torch.tensor([-1e4, 1e4]).reshape(1, 1, 2), targets, mask).tolist() == [0.0]


def test_certainty_costs_the_logit_when_wrong() -> None:
    mask = torch.ones(1, 1, dtype=torch.bool)
    cost = bits(torch.full((1, 1, 1), 1e4), torch.zeros(1, 1, 1), mask)
    torch.testing.assert_close(cost, torch.tensor([1e4 / np.log(2)], dtype=torch.float32))


def test_steps_outside_the_mask_get_no_gradient(drawn: tuple[torch.Tensor, ...]) -> None:
    logits, targets, mask = drawn
    bits(logits.requires_grad_(), targets, mask).sum().backward()
    assert torch.all(logits.grad[~mask] == 0)
    assert torch.all(logits.grad[mask] != 0)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_gradient_is_autograds_to_the_last_bit(drawn: tuple[torch.Tensor, ...], dtype: torch.dtype) -> None:
    logits, targets = (tensor.to(dtype) for tensor in drawn[:2])
    weight = torch.tensor(0.37, dtype=dtype)
    leaf = logits.clone().requires_grad_()
    (expected,) = torch.autograd.grad((bits(leaf, targets, drawn[2]) * weight).sum(), leaf)
    assert torch.equal(bits_gradient(logits, targets, drawn[2], weight), expected)
    assert bool((expected[drawn[2]] != 0).all())


def test_the_gradient_is_zero_outside_the_mask(drawn: tuple[torch.Tensor, ...]) -> None:
    logits, targets, mask = drawn
    extreme = torch.where(mask.unsqueeze(-1), logits, torch.inf)
    assert bool((bits_gradient(extreme, targets, mask, torch.ones(())) == 0)[~mask].all())


# Symbols


@pytest.fixture
def symbols() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Logits, targets and mask of three sequences; the last one's mask is empty; targets outside it are no symbols."""
    generator = np.random.default_rng(1)
    mask = generator.random((T, B)) < 0.6
    mask[:, 2] = False
    targets = np.where(mask, generator.integers(0, V, (T, B)), -100)
    return torch.tensor(3 * generator.normal(size=(T, B, V))), torch.tensor(targets), torch.tensor(mask)


def test_symbol_errors_counts_wrong_symbols_within_the_mask(symbols: tuple[torch.Tensor, ...]) -> None:
    logits, targets, mask = (tensor.numpy() for tensor in symbols)
    expected = [sum(int(np.argmax(logits[t, b])) != targets[t, b] for t in range(T) if mask[t, b]) for b in range(B)]
    assert symbol_errors(*symbols).tolist() == expected
    assert 0 < sum(expected) < mask.sum()


def test_of_equally_large_logits_the_first_is_the_prediction() -> None:
    logits = torch.tensor([0.0, 2.0, 2.0, 1.0]).reshape(1, 1, 4)
    assert symbol_errors(logits, torch.tensor([[1]]), EVERY_STEP).tolist() == [0.0]
    assert symbol_errors(logits, torch.tensor([[2]]), EVERY_STEP).tolist() == [1.0]


def test_symbol_bits_adds_the_cross_entropy_within_the_mask(symbols: tuple[torch.Tensor, ...]) -> None:
    logits, targets, mask = (tensor.numpy() for tensor in symbols)
    chances = np.exp(logits) / np.exp(logits).sum(-1, keepdims=True)
    expected = [-sum(np.log2(chances[t, b, targets[t, b]]) for t in range(T) if mask[t, b]) for b in range(B)]
    # One rounding a term of a sum of some tens.
    np.testing.assert_allclose(symbol_bits(*symbols), expected, rtol=0, atol=1e-12)


def test_a_sequence_of_symbols_with_no_step_in_the_mask_scores_zero(symbols: tuple[torch.Tensor, ...]) -> None:
    assert symbol_errors(*symbols)[2] == 0
    assert symbol_bits(*symbols)[2] == 0


def test_not_knowing_which_of_eight_symbols_costs_three_bits() -> None:
    cost = symbol_bits(torch.zeros(1, 1, 8), torch.tensor([[5]]), EVERY_STEP)
    torch.testing.assert_close(cost, torch.tensor([3.0]))


def test_certainty_of_a_symbol_costs_nothing_when_right_and_the_difference_when_wrong() -> None:
    logits = torch.tensor([-1e4, 1e4, 0.0]).reshape(1, 1, 3)
    assert symbol_bits(logits, torch.tensor([[1]]), EVERY_STEP).tolist() == [0.0]
    cost = symbol_bits(logits, torch.tensor([[0]]), EVERY_STEP)
    torch.testing.assert_close(cost, torch.tensor([2e4 / np.log(2)], dtype=torch.float32))


@pytest.mark.parametrize("wrong", [0, 2])
def test_the_gradient_of_an_extreme_symbol_is_the_difference_of_chances(wrong: int) -> None:
    logits = torch.tensor([-1e30, 1e30, 0.0]).reshape(1, 1, 3)
    found = symbol_bits_gradient(logits, torch.tensor([[wrong]]), EVERY_STEP, torch.tensor(float(np.log(2))))
    expected = torch.tensor([0.0, 1.0, 0.0])
    expected[wrong] = -1.0
    torch.testing.assert_close(found.flatten(), expected)


def test_the_gradient_of_symbol_bits_is_that_of_finite_differences(symbols: tuple[torch.Tensor, ...]) -> None:
    logits, targets, mask = symbols
    assert gradcheck(lambda leaf: symbol_bits(leaf, targets, mask), logits.requires_grad_())


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_gradient_in_closed_form_is_autograds(symbols: tuple[torch.Tensor, ...], dtype: torch.dtype) -> None:
    logits, targets, mask = symbols[0].to(dtype), *symbols[1:]
    weight = torch.tensor(0.37, dtype=dtype)
    leaf = logits.clone().requires_grad_()
    (expected,) = torch.autograd.grad((symbol_bits(leaf, targets, mask) * weight).sum(), leaf)
    # Numbers below 1, each from a handful of roundings.
    bound = 4 * torch.finfo(dtype).eps
    torch.testing.assert_close(symbol_bits_gradient(logits, targets, mask, weight), expected, rtol=0, atol=bound)
    assert bool((expected[mask] != 0).all())


def test_the_gradient_of_symbols_is_zero_outside_the_mask(symbols: tuple[torch.Tensor, ...]) -> None:
    logits, targets, mask = symbols
    extreme = torch.where(mask.unsqueeze(-1), logits, torch.inf)
    assert bool((symbol_bits_gradient(extreme, targets, mask, torch.ones(())) == 0)[~mask].all())
