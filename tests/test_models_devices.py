"""Models on any device: nothing is made on another one, and a device that is not there is refused by name."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

import tapehead
from tests.small_models import INPUT_SIZE, KINDS, MEMORY_KINDS, OUTPUT_SIZE, made

T, B = 4, 3

META = torch.device("meta")
"""A device without numbers, which every build of torch has."""

ABSENT = "xla"
"""A device that torch knows, and that the environment of the tests does not have."""


class OnlyOnMeta(TorchDispatchMode):
    """Fails where an operation makes or uses a tensor on another device."""

    def __torch_dispatch__(
        self, func: Any, types: Iterable[type], args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        result = func(*args, **(kwargs or {}))
        for value in tree_leaves((args, kwargs, result)):
            if isinstance(value, torch.Tensor):
                assert value.device == META, func
        return result


def made_on_meta(kind: str) -> tapehead.models.Model:
    model_type, options = KINDS[kind]
    return model_type(INPUT_SIZE, OUTPUT_SIZE, **options, device="meta")


@pytest.mark.parametrize("kind", KINDS)
def test_a_model_is_made_and_run_on_its_own_device_only(kind: str) -> None:
    inputs = torch.empty(T, B, INPUT_SIZE, device=META)
    with OnlyOnMeta():
        model = made_on_meta(kind)
        outputs, state = model(inputs)
        model(inputs, state)
        model.cell(inputs[0])
    assert outputs.device == META
    assert all(tensor.device == META for tensor in (*state, *model.initial_state(B)))
    assert all(tensor.device == META for tensor in model.state_dict().values())


@pytest.mark.parametrize("kind", MEMORY_KINDS)
def test_traces_and_resized_copies_stay_on_the_device(kind: str) -> None:
    model, inputs = made_on_meta(kind), torch.empty(T, B, INPUT_SIZE, device=META)
    with OnlyOnMeta():
        states = model.trace(inputs).states
        resized = model.with_memory_slots(30).initial_state(B)
    assert all(tensor.device == META for tensor in (*states, *resized))
    assert model(inputs, lengths=[T, 2, 1])[0].device == META


@pytest.mark.parametrize("kind", MEMORY_KINDS)
def test_the_heads_parameters_of_a_trace_stay_on_the_device(kind: str) -> None:
    model, inputs = made_on_meta(kind), torch.empty(T, B, INPUT_SIZE, device=META)
    states = model.trace(inputs).states
    with OnlyOnMeta():
        parts = model.interface(inputs, states)
    assert all(part.device == META for part in parts if part is not None)


@pytest.mark.parametrize("device", [ABSENT, f"{ABSENT}:1", torch.device(ABSENT)], ids=repr)
def test_a_device_that_is_not_there_is_refused_in_one_line_that_names_it(
    device: str | torch.device, tmp_path: Path
) -> None:
    made("ntm with an lstm").save(tmp_path / "model.safetensors")
    expected = rf"^device: expected one that torch can use here, not '{device}': [^\n]+$"
    with pytest.raises(ValueError, match=expected):
        tapehead.NTM(3, 2, device=device)
    with pytest.raises(ValueError, match=expected):
        tapehead.load(tmp_path / "model.safetensors", device=device)


@pytest.mark.parametrize("kind", KINDS)
def test_a_model_is_loaded_onto_the_device_that_was_asked_for(kind: str, tmp_path: Path) -> None:
    made(kind).save(tmp_path / "model.safetensors")
    model = tapehead.load(tmp_path / "model.safetensors", device="meta")
    assert all(tensor.device == META for tensor in model.state_dict().values())
