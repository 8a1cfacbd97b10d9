"""Models that are written and read again, copied, given another number of memory slots, seeded and printed."""

import copy
import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors import safe_open

import tapehead
from tapehead import map_state
from tapehead.models import Model
from tests.small_models import INPUT_SIZE, KINDS, MEMORY_KINDS, NTM_KINDS, OUTPUT_SIZE, drawn_inputs, made

every_kind = pytest.mark.parametrize("kind", KINDS)
every_memory_model = pytest.mark.parametrize("kind", MEMORY_KINDS)
both_types = pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)


def assert_twins(ours: Model, theirs: Model) -> None:
    """Hold two models to each other bit for bit: kind, options, tensors, and what they do."""
    assert type(ours) is type(theirs)
    assert ours.config == theirs.config
    assert ours.batch_first == theirs.batch_first
    tensors, others = ours.state_dict(), theirs.state_dict()
    assert list(tensors) == list(others)
    for name, tensor in tensors.items():
        assert tensor.dtype == others[name].dtype, name
        assert torch.equal(tensor, others[name]), name
    trained = [name for name, _ in ours.named_parameters()]
    assert trained == [name for name, _ in theirs.named_parameters()]
    inputs = drawn_inputs(3, 2, dtype=next(iter(tensors.values())).dtype)
    assert torch.equal(ours(inputs)[0], theirs(inputs)[0])


@every_kind
@both_types
def test_a_saved_model_comes_back_bit_for_bit(kind: str, dtype: torch.dtype, tmp_path: Path) -> None:
    model = made(kind, dtype=dtype)
    model.save(tmp_path / "model.safetensors")
    assert_twins(tapehead.load(tmp_path / "model.safetensors"), model)


@every_kind
def test_a_model_moved_to_another_type_is_saved_in_that(kind: str, tmp_path: Path) -> None:
    model = made(kind, dtype=torch.float32).double()
    model.save(tmp_path / "model.safetensors")
    assert_twins(tapehead.load(tmp_path / "model.safetensors"), model)


def test_every_option_comes_back(tmp_path: Path) -> None:
    config = {
        "controller": "lstm", "hidden_size": 3, "num_layers": 2, "memory_slots": 11, "memory_width": 2, "read_heads": 3,
        "write_heads": 2, "shift_range": 4, "addressing": "content_and_location", "memory_init": "random",
        "memory_trainable": True, "head_init": "uniform", "read_init": "learned", "clip": 7.5, "shift_bias": 0.5,
        "sharpening_bias": 0.25, "gate_bias": -1.0, "strength_bias": 2.0, "head_gain": 0.5,
        "forget_bias": 0.0, "batch_first": True,
    }  # fmt: skip
    model = tapehead.NTM(INPUT_SIZE, OUTPUT_SIZE, **config)
    assert model.config == {"input_size": INPUT_SIZE, "output_size": OUTPUT_SIZE, "embedding_size": None, **config}
    model.save(tmp_path / "model.safetensors")
    assert_twins(tapehead.load(str(tmp_path / "model.safetensors")), model)


@every_kind
def test_the_config_is_json_that_makes_the_same_kind_of_model(kind: str) -> None:
    model = made(kind)
    again = type(model)(**json.loads(json.dumps(model.config)), dtype=torch.float64)
    again.load_state_dict(model.state_dict())
    assert_twins(again, model)


@every_kind
def test_saving_again_replaces_the_file_and_leaves_nothing_beside_it(kind: str, tmp_path: Path) -> None:
    made(kind, seed=1).save(tmp_path / "model.safetensors")
    made(kind, seed=2).save(tmp_path / "model.safetensors")
    assert_twins(tapehead.load(tmp_path / "model.safetensors"), made(kind, seed=2))
    assert [path.name for path in tmp_path.iterdir()] == ["model.safetensors"]


@pytest.mark.reliability(11)
def test_a_save_that_fails_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made("lstm", seed=1).save(tmp_path / "model.safetensors")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space left"):
        made("lstm", seed=2).save(tmp_path / "model.safetensors")
    assert_twins(tapehead.load(tmp_path / "model.safetensors"), made("lstm", seed=1))
    assert [path.name for path in tmp_path.iterdir()] == ["model.safetensors"]


def test_the_file_is_plain_safetensors_with_the_options_in_its_metadata(tmp_path: Path) -> None:
    model = made("lstm")
    model.save(tmp_path / "model.safetensors")
    with safe_open(tmp_path / "model.safetensors", framework="pt") as file:
        assert set(file.keys()) == set(model.state_dict())
        assert file.metadata().keys() == {"tapehead"}
        described = json.loads(file.metadata()["tapehead"])
    assert len(described.pop("sha256")) == 64
    assert described == {"model": "lstm", "config": model.config}


def test_equal_models_are_equal_files(tmp_path: Path) -> None:
    files = [tmp_path / f"{number}.safetensors" for number in range(20)]
    for path in files:
        made("lstm").save(path)
    assert len({path.read_bytes() for path in files}) == 1


@every_kind
def test_a_state_dict_goes_round(kind: str) -> None:
    model, other = made(kind, seed=1), made(kind, seed=2)
    other.load_state_dict(model.state_dict(), strict=True)
    assert_twins(other, model)


@every_kind
def test_a_deep_copy_is_a_twin_that_lives_its_own_life(kind: str) -> None:
    model = made(kind)
    twin = copy.deepcopy(model)
    assert_twins(twin, model)
    with torch.no_grad():
        next(twin.parameters()).add_(1)
    assert not torch.equal(next(twin.parameters()), next(model.parameters()))


@every_kind
def test_the_same_seed_makes_the_same_model_and_another_seed_another(kind: str) -> None:
    assert_twins(made(kind, seed=5), made(kind, seed=5))
    for (name, one), other in zip(made(kind, seed=5).named_parameters(), made(kind, seed=6).parameters(), strict=True):
        assert torch.equal(one, other) == ("bias" in name and "recurrence" not in name), name


@every_kind
def test_a_state_can_be_saved_and_gone_on_from(kind: str, tmp_path: Path) -> None:
    model, inputs = made(kind), drawn_inputs(4, 2)
    _, state = model(inputs[:2])
    torch.save(map_state(torch.Tensor.detach, state)._asdict(), tmp_path / "state.pt")
    loaded = type(state)(**torch.load(tmp_path / "state.pt", weights_only=True))
    assert torch.equal(model(inputs[2:], loaded)[0], model(inputs[2:], state)[0])


@every_kind
def test_a_state_can_be_moved_with_its_model(kind: str) -> None:
    model = made(kind)
    _, state = model(drawn_inputs(2, 2))
    outputs, moved = model.float()(drawn_inputs(2, 2, dtype=torch.float32), map_state(torch.Tensor.float, state))
    assert outputs.dtype == torch.float32
    assert all(tensor.dtype == torch.float32 for tensor in moved)


@every_kind
def test_the_representation_shows_the_backend_that_will_run(kind: str) -> None:
    model = made(kind)
    assert model.backend_in_use in repr(model)
    if kind in MEMORY_KINDS:
        assert "reference" in repr(made(kind, backend="reference"))
        assert made(kind, backend="reference").backend_in_use == "reference"


@every_memory_model
@pytest.mark.parametrize("slots", [5, 9, 40])
def test_a_model_keeps_all_but_its_initial_state_when_given_another_number_of_slots(kind: str, slots: int) -> None:
    model = made(kind, batch_first=True).eval()
    other = model.with_memory_slots(slots)
    assert other.config == {**model.config, "memory_slots": slots}
    assert other.initial_state(2).memory.shape == (2, slots, 6)
    assert not other.training
    tensors = model.state_dict()
    for name, tensor in other.state_dict().items():
        assert tensor.dtype == torch.float64
        assert ".initial." in name or torch.equal(tensor, tensors[name]), name
    outputs, state = other(drawn_inputs(2, 3))
    assert outputs.isfinite().all()
    assert state.memory.shape == (2, slots, 6)


@every_memory_model
def test_a_model_given_the_same_number_of_slots_is_its_twin(kind: str) -> None:
    model = made(kind)
    assert_twins(model.with_memory_slots(9), model)


@every_memory_model
def test_the_old_slots_of_a_larger_memory_start_as_they_did(kind: str) -> None:
    model = made(kind)
    old, new = model.initial_state(1), model.with_memory_slots(30).initial_state(1)
    assert torch.equal(new.memory[:, :9], old.memory)
    for ours, theirs in [
        (new.read_weightings, old.read_weightings),
        (new.write_weightings, old.write_weightings),
    ]:
        torch.testing.assert_close(ours[..., :9], theirs, rtol=0, atol=1e-15)  # a softmax over more slots
        assert (ours[..., 9:] == 0).all()
    assert torch.equal(new.reads, old.reads)


def test_a_uniform_initial_weighting_is_uniform_over_more_slots_too() -> None:
    state = made(NTM_KINDS[1], head_init="uniform").with_memory_slots(20).initial_state(1)
    assert (state.read_weightings == 1 / 20).all()


@every_memory_model
def test_the_model_that_was_copied_with_more_slots_stays_as_it_was(kind: str) -> None:
    model, before = made(kind), made(kind)
    larger = model.with_memory_slots(12)
    with torch.no_grad():
        for parameter in larger.parameters():
            parameter.fill_(0)
    assert_twins(model, before)


def test_a_saved_model_is_read_by_a_process_that_never_saw_it(tmp_path: Path) -> None:
    model = made(NTM_KINDS[0], dtype=torch.float32)
    model.save(tmp_path / "model.safetensors")
    program = "import sys, torch, tapehead; print(repr(tapehead.load(sys.argv[1])(torch.ones(2, 1, 5))[0].tolist()))"
    printed = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / "model.safetensors")], capture_output=True, text=True, check=True
    )
    expected = model(torch.ones(2, 1, INPUT_SIZE))[0]
    # Another process may run with another number of threads, and so add in another order.
    torch.testing.assert_close(torch.tensor(json.loads(printed.stdout)), expected.detach(), rtol=0, atol=1e-6)


def test_a_frozen_model_with_more_slots_stays_frozen() -> None:
    model = made(NTM_KINDS[0]).requires_grad_(False)
    model.cell.readout.bias.requires_grad_(True)
    larger = model.with_memory_slots(12)
    assert [name for name, parameter in larger.named_parameters() if parameter.requires_grad] == ["cell.readout.bias"]


def test_a_folder_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="expected a folder that exists.*/missing'"):
        made(NTM_KINDS[0]).save(tmp_path / "missing" / "ntm.safetensors")
