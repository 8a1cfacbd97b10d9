"""The baselines are torch's own networks, a learned initial state, and a linear output layer."""

import math

import pytest
import torch
from torch import nn

from tapehead.cells.baselines import LSTMCell, RNNCell

T, B, I, O = 5, 3, 4, 2


@pytest.fixture
def inputs() -> torch.Tensor:
    return torch.randn(T, B, I, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def seeded(cell_type: type[LSTMCell | RNNCell], **options: object) -> LSTMCell | RNNCell:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return cell_type(I, O, dtype=torch.float64, **options)


def test_an_lstm_is_torchs_lstm_from_its_initial_state_on(inputs: torch.Tensor) -> None:
    cell = seeded(LSTMCell, hidden_size=6, num_layers=2)
    nn.init.normal_(cell.initial)
    theirs = nn.LSTM(I, 6, 2, dtype=torch.float64)
    theirs.load_state_dict(cell.recurrence.state_dict())
    initial = [tensor.unsqueeze(1).expand(2, B, 6).contiguous() for tensor in cell.initial]
    units, (hidden, carried) = theirs(inputs, tuple(initial))
    outputs, state, _ = cell.scan(inputs, cell.initial_state(B))
    assert torch.equal(outputs, cell.readout(units))
    assert torch.equal(state.hidden, hidden.transpose(0, 1))
    assert torch.equal(state.cell, carried.transpose(0, 1))


def test_an_rnn_is_torchs_rnn_from_its_initial_state_on(inputs: torch.Tensor) -> None:
    cell = seeded(RNNCell, hidden_size=6, num_layers=2)
    nn.init.normal_(cell.initial)
    theirs = nn.RNN(I, 6, 2, dtype=torch.float64)
    theirs.load_state_dict(cell.recurrence.state_dict())
    units, hidden = theirs(inputs, cell.initial[0].unsqueeze(1).expand(2, B, 6).contiguous())
    outputs, state, _ = cell.scan(inputs, cell.initial_state(B))
    assert torch.equal(outputs, cell.readout(units))
    assert torch.equal(state.hidden, hidden.transpose(0, 1))


@pytest.mark.parametrize("cell_type", [LSTMCell, RNNCell])
def test_the_papers_sizes_are_the_defaults(cell_type: type[LSTMCell | RNNCell]) -> None:
    state = seeded(cell_type).initial_state(2)
    assert all(tensor.shape == (2, 3, 256) for tensor in state)


@pytest.mark.parametrize("cell_type", [LSTMCell, RNNCell])
def test_the_initial_state_starts_at_zero_and_is_trained_if_learned(
    cell_type: type[LSTMCell | RNNCell], inputs: torch.Tensor
) -> None:
    learned, zero = seeded(cell_type, hidden_size=6), seeded(cell_type, hidden_size=6, state_init="zero")
    assert all((tensor == 0).all() for cell in (learned, zero) for tensor in cell.initial_state(2))
    assert "initial" not in dict(zero.named_parameters())
    learned.scan(inputs, learned.initial_state(B))[0].sum().backward()
    assert (learned.initial.grad != 0).any()


@pytest.mark.parametrize("cell_type", [LSTMCell, RNNCell])
def test_the_readout_starts_as_a_truncated_normal(cell_type: type[LSTMCell | RNNCell]) -> None:
    weight = seeded(cell_type).readout.weight
    spread = 1 / math.sqrt(256)
    assert 1.5 * spread < weight.abs().max() <= 2 * spread
    # Four standard errors of the standard deviation of a normal cut at two of them.
    assert abs(weight.std().item() - 0.88 * spread) <= 4 * 0.88 * spread / math.sqrt(2 * weight.numel())
    assert (seeded(cell_type).readout.bias == 0).all()
