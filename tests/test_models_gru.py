"""A GRU as the controller of a model with a memory: on the reference, and the kernels say that they have none."""

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

import tapehead
from tests.small_models import INPUT_SIZE, OUTPUT_SIZE, drawn_inputs

T, B = 6, 3
SMALL = {"hidden_size": 7, "num_layers": 2, "memory_slots": 9, "memory_width": 6}

both_models = pytest.mark.parametrize("model_type", [tapehead.NTM, tapehead.DNC])


def made(model_type: type, **changes: object) -> tapehead.models.Model:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return model_type(INPUT_SIZE, OUTPUT_SIZE, controller="gru", dtype=torch.float64, **SMALL | changes)


@both_models
def test_its_units_are_those_of_torchs_gru_on_the_inputs_and_what_was_read(model_type: type) -> None:
    model, inputs = made(model_type), drawn_inputs(T, B)
    states = model.trace(inputs).states
    reads = torch.cat([model.initial_state(B).reads.unsqueeze(0), states.reads[:-1]]).flatten(2)
    theirs = nn.GRU(inputs.shape[2] + reads.shape[2], 7, 2, dtype=torch.float64)
    theirs.load_state_dict(model.cell.controller.state_dict())
    with torch.no_grad():
        units, _ = theirs(torch.cat([inputs, reads], dim=2))
    torch.testing.assert_close(states.hidden[:, :, -1], units)
    assert (states.cell == 0).all(), "a GRU has no cell, and the state's stays as it was"


@pytest.mark.slow
@both_models
def test_every_gradient_is_that_of_small_differences(model_type: type) -> None:
    model, inputs = made(model_type, num_layers=1, memory_slots=4), drawn_inputs(3, 2)
    names = [name for name, _ in model.named_parameters()]

    def outputs(inputs: Tensor, *weights: Tensor) -> Tensor:
        given = dict(zip(names, weights, strict=True))
        return torch.func.functional_call(model, given, (inputs,))[0]

    parameters = [parameter.detach().clone().requires_grad_() for parameter in model.parameters()]
    assert torch.autograd.gradcheck(outputs, (inputs.requires_grad_(), *parameters))


@both_models
def test_it_runs_on_the_reference_and_a_kernel_says_why_not(model_type: type) -> None:
    model = made(model_type)
    assert model.backend_in_use == "reference"
    named = made(model_type, backend="cpp")
    with pytest.raises(tapehead.UnsupportedError, match="the controller is 'gru', and this backend has 'lstm' and"):
        named(drawn_inputs(T, B))


@both_models
def test_it_goes_on_from_a_state_stops_at_lengths_and_is_saved_as_others_are(model_type: type, tmp_path: Path) -> None:
    model, inputs = made(model_type), drawn_inputs(T, B)
    with torch.no_grad():
        whole, after = model(inputs)
        first, state = model(inputs[:2])
        second, last = model(inputs[2:], state)
        short, ended = model(inputs, lengths=[2, T, 0])
    torch.testing.assert_close(torch.cat([first, second]), whole)
    torch.testing.assert_close(last.memory, after.memory)
    torch.testing.assert_close(short[:2, 0], whole[:2, 0])
    torch.testing.assert_close(ended.hidden[0], state.hidden[0])
    model.save(tmp_path / "model.safetensors")
    again = tapehead.load(tmp_path / "model.safetensors")
    assert again.config["controller"] == "gru"
    assert torch.equal(again(inputs)[0], model(inputs)[0])


def test_it_learns() -> None:
    model, inputs = made(tapehead.NTM), drawn_inputs(T, B)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    losses = []
    for _ in range(30):
        optimizer.zero_grad()
        loss = (model(inputs)[0][1:] - inputs[:-1, :, :OUTPUT_SIZE]).square().mean()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.8 * losses[0]
