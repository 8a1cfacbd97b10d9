"""What models and states in files keep, and what `save` refuses, since `load` could not make it again."""

import copy
import pickle
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch.nn.utils import parametrizations, prune

import tapehead
from tapehead import map_state
from tapehead.models import Model
from tests.small_models import KINDS, drawn_inputs, made
from tests.test_models_saved import assert_twins

every_kind = pytest.mark.parametrize("kind", KINDS)


# States and traces in torch's own files


@every_kind
def test_torch_load_reads_a_state_and_a_trace_as_torch_save_wrote_them(kind: str, tmp_path: Path) -> None:
    model, inputs = made(kind), drawn_inputs(4, 2)
    _, state = model(inputs)
    trace = model.trace(inputs)
    torch.save({"state": state, "trace": trace}, tmp_path / "state.pt")
    loaded = torch.load(tmp_path / "state.pt")
    assert type(loaded["state"]) is type(state)
    assert type(loaded["trace"].states) is type(state)
    assert all(torch.equal(ours, theirs) for ours, theirs in zip(loaded["state"], state, strict=True))
    assert torch.equal(loaded["trace"].outputs, trace.outputs)
    assert torch.equal(model(inputs, loaded["state"])[0], model(inputs, state)[0])


@every_kind
def test_a_state_can_be_copied_and_pickled(kind: str) -> None:
    state = made(kind).initial_state(2)
    state = map_state(torch.Tensor.detach, state)
    for twin in (copy.copy(state), copy.deepcopy(state), pickle.loads(pickle.dumps(state))):
        assert type(twin) is type(state)
        assert all(torch.equal(ours, theirs) for ours, theirs in zip(twin, state, strict=True))


# What `load` could not make again is refused by `save`


def change_by_weight_norm(model: Model) -> None:
    parametrizations.weight_norm(model.cell.readout)


def change_by_pruning(model: Model) -> None:
    prune.l1_unstructured(model.cell.readout, "weight", 0.5)


def change_by_another_size(model: Model) -> None:
    model.cell.readout = torch.nn.Linear(model.cell.readout.in_features, 9, dtype=torch.float64)


def change_by_a_parameter_more(model: Model) -> None:
    model.scale = torch.nn.Parameter(torch.ones(1, dtype=torch.float64))


def change_by_one_dtype(model: Model) -> None:
    model.cell.readout.float()


CHANGES = {
    change_by_weight_norm: r"^cell\.readout\.\w+(\.\w+)*: expected the parameters that \w+ is made with, not a changed",
    change_by_pruning: r"^cell\.readout\.\w+: expected the parameters that \w+ is made with, not a changed submodule",
    change_by_another_size: r"^cell\.readout\.\w+: expected the parameters that \w+ is made with, not a changed",
    change_by_a_parameter_more: r"^scale: expected the parameters that \w+ is made with, not a changed submodule",
    change_by_one_dtype: r"^dtype: expected the same for all parameters, not torch\.float32 and torch\.float64, which",
}


@every_kind
@pytest.mark.parametrize("change", CHANGES)
def test_a_changed_model_is_not_saved(kind: str, change: Callable[[Model], None], tmp_path: Path) -> None:
    model = made(kind)
    change(model)
    with pytest.raises(ValueError, match=CHANGES[change]):
        model.save(tmp_path / "model.safetensors")
    assert list(tmp_path.iterdir()) == []


def test_a_model_with_tied_weights_is_not_saved(tmp_path: Path) -> None:
    model = made("lstm")
    model.cell.recurrence.weight_hh_l1 = model.cell.recurrence.weight_hh_l0
    expected = r"^cell\.recurrence\.weight_hh_l1: expected a parameter of its own, not the same one as cell\.recurrence"
    with pytest.raises(ValueError, match=expected):
        model.save(tmp_path / "model.safetensors")


def test_a_subclass_is_not_saved_as_what_it_is_not(tmp_path: Path) -> None:
    class Other(tapehead.NTM):
        """A subclass."""

    with pytest.raises(TypeError, match=r"^save: expected a model that tapehead\.load can rebuild, not Other"):
        Other(3, 2).save(tmp_path / "model.safetensors")


def test_parameters_that_share_one_block_of_memory_are_saved_apart(tmp_path: Path) -> None:
    """As those of torch.nn.LSTM do on a GPU."""
    model = made("lstm")
    block = torch.randn(2, *model.cell.recurrence.weight_hh_l0.shape, dtype=torch.float64)
    model.cell.recurrence.weight_hh_l0 = torch.nn.Parameter(block[0])
    model.cell.recurrence.weight_hh_l1 = torch.nn.Parameter(block[1])
    model.save(tmp_path / "model.safetensors")
    assert_twins(tapehead.load(tmp_path / "model.safetensors"), model)


@every_kind
def test_saving_draws_no_random_numbers(kind: str, tmp_path: Path) -> None:
    model, before = made(kind), torch.get_rng_state()
    model.save(tmp_path / "model.safetensors")
    assert torch.equal(torch.get_rng_state(), before)


def test_another_library_s_safetensors_file_is_refused_in_a_sentence(tmp_path: Path) -> None:
    save_file({"weight": torch.ones(2)}, tmp_path / "other.safetensors")
    with pytest.raises(
        ValueError, match=r"other\.safetensors': a safetensors file whose metadata does not say which model"
    ):
        tapehead.load(tmp_path / "other.safetensors")
