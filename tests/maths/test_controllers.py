"""One layer of a controller: against NumPy and against torch's own."""

import numpy as np
import pytest
import torch

from tapehead.maths.controllers import feedforward, gru, lstm
from tests.maths import numpy_ntm

TOLERANCE = 1e-13  # float64, one layer: a few roundings of numbers below 10


@pytest.mark.parametrize("seed", range(20))
def test_an_lstm_layer_equals_numpy(seed: int) -> None:
    generator = np.random.default_rng(seed)
    B, I, D = generator.integers(1, 6, 3)
    inputs, hidden, cell = (generator.normal(size=(B, size)) for size in (I, D, D))
    weight, bias = generator.normal(size=(4 * D, I + D)), generator.normal(size=4 * D)
    expected = [numpy_ntm.lstm_layer(inputs[b], hidden[b], cell[b], weight, bias) for b in range(B)]
    ours = lstm(*(torch.tensor(array) for array in (inputs, hidden, cell, weight[:, :I], weight[:, I:], bias)))
    for our_part, their_part in zip(ours, zip(*expected, strict=True), strict=True):
        np.testing.assert_allclose(our_part, their_part, rtol=0, atol=TOLERANCE)


def test_an_lstm_layer_equals_torchs_own_cell() -> None:
    generator = torch.Generator().manual_seed(0)
    drawn = [torch.randn(shape, generator=generator, dtype=torch.float64)
             for shape in [(3, 4), (3, 5), (3, 5), (20, 4), (20, 5), (20,)]]  # fmt: skip
    inputs, hidden, cell, weight_ih, weight_hh, bias = drawn
    theirs = torch.lstm_cell(inputs, (hidden, cell), weight_ih, weight_hh, bias, torch.zeros_like(bias))
    torch.testing.assert_close(lstm(*drawn), theirs, rtol=0, atol=TOLERANCE)


def test_a_gru_layer_equals_torchs_own_cell_and_so_do_its_gradients() -> None:
    generator = torch.Generator().manual_seed(0)
    drawn = [torch.randn(shape, generator=generator, dtype=torch.float64, requires_grad=True)
             for shape in [(3, 4), (3, 5), (15, 4), (15, 5), (15,), (15,)]]  # fmt: skip
    ours, theirs = gru(*drawn), torch.gru_cell(*drawn)
    torch.testing.assert_close(ours, theirs, rtol=0, atol=TOLERANCE)
    gradients = (torch.autograd.grad(found.square().sum(), drawn) for found in (ours, theirs))
    for own, expected in zip(*gradients, strict=True):
        torch.testing.assert_close(own, expected, rtol=0, atol=TOLERANCE)


def test_an_open_forget_gate_and_a_shut_input_gate_keep_the_cell() -> None:
    cell = torch.tensor([[0.3, -2.0]])
    bias = torch.tensor([-100.0, -100.0, 100.0, 100.0, 0.0, 0.0, 0.0, 0.0])
    _, after = lstm(torch.ones(1, 3), torch.ones(1, 2), cell, torch.zeros(8, 3), torch.zeros(8, 2), bias)
    assert torch.equal(after, cell)


@pytest.mark.parametrize("seed", range(20))
def test_a_feedforward_layer_equals_numpy(seed: int) -> None:
    generator = np.random.default_rng(seed)
    B, I, D = generator.integers(1, 6, 3)
    inputs, weight, bias = (generator.normal(size=shape) for shape in [(B, I), (D, I), D])
    expected = [np.tanh(weight @ x + bias) for x in inputs]
    ours = feedforward(torch.tensor(inputs), torch.tensor(weight), torch.tensor(bias))
    np.testing.assert_allclose(ours, expected, rtol=0, atol=TOLERANCE)
