"""Compiled and exported models: they check lengths when they run, warn of nothing, and are saved and loaded."""

import io
import warnings

import pytest
import torch

import tapehead
from tests.processes import elsewhere
from tests.small_models import INPUT_SIZE, KINDS, MEMORY_KINDS, drawn_inputs, made

T, B = 4, 3

QUICK = "ntm addressing by content"
"""The kind that is quickest to compile."""

BAD_LENGTHS = ([T + 1, 1, 1], [1, -1, 1], [2**40, 0, 0])


def refuse_bad_lengths(kind: str, backend: str, compiler: str) -> None:
    """Called in a process of its own, as the tests' checks of signatures cannot be compiled."""
    model = made(kind, backend=backend) if backend else made(kind)
    compiled, inputs = torch.compile(model, backend=compiler), drawn_inputs(T, B)
    outputs, _ = compiled(inputs, lengths=torch.tensor([T, 0, 1]))
    torch.testing.assert_close(outputs, model(inputs, lengths=[T, 0, 1])[0])
    for lengths in BAD_LENGTHS:
        with pytest.raises(RuntimeError, match="lengths: expected ints from 0 to T, the number of time steps"):
            compiled(inputs, lengths=torch.tensor(lengths))


@pytest.mark.reliability(3)
@pytest.mark.parametrize(
    ("kind", "backend"),
    [
        (QUICK, "auto"),
        *(
            pytest.param(kind, backend, marks=pytest.mark.slow)
            for kind in MEMORY_KINDS
            for backend in ("cpp", "reference")
        ),
    ],
)
def test_a_compiled_model_refuses_lengths_beyond_its_steps(kind: str, backend: str) -> None:
    elsewhere(refuse_bad_lengths, kind, backend, "aot_eager")


@pytest.mark.reliability(3)
@pytest.mark.slow
def test_so_does_one_compiled_to_machine_code() -> None:
    elsewhere(refuse_bad_lengths, MEMORY_KINDS[0], "auto", "inductor")


@pytest.mark.reliability(3)
def test_so_does_a_compiled_baseline() -> None:
    elsewhere(refuse_bad_lengths, "lstm", "", "aot_eager")


def export_save_and_load(kind: str) -> None:
    model, inputs, lengths = made(kind), drawn_inputs(T, B), torch.tensor([T, 0, 1])
    expected, expected_state = model(inputs, lengths=lengths)
    file = io.BytesIO()
    torch.export.save(torch.export.export(model, (inputs,), {"lengths": lengths}), file)
    file.seek(0)
    loaded = torch.export.load(file).module()
    outputs, state = loaded(inputs, lengths=lengths)
    assert type(state) is type(expected_state)
    torch.testing.assert_close(outputs, expected)
    for ours, theirs in zip(state, expected_state, strict=True):
        torch.testing.assert_close(ours, theirs)
    for bad in BAD_LENGTHS:
        with pytest.raises(RuntimeError, match="lengths: expected ints from 0 to T"):
            loaded(inputs, lengths=torch.tensor(bad))


@pytest.mark.reliability(3)
@pytest.mark.parametrize("kind", [*MEMORY_KINDS[::3], "lstm", "rnn"])
def test_an_exported_model_is_saved_and_loaded_and_still_checks_its_lengths(kind: str) -> None:
    elsewhere(export_save_and_load, kind)


def export_baselines() -> None:
    for kind in ("lstm", "rnn"):
        model, inputs, file = made(kind), drawn_inputs(T, B), io.BytesIO()
        torch.export.save(torch.export.export(model, (inputs,)), file)
        file.seek(0)
        outputs, state = torch.export.load(file).module()(inputs)
        torch.testing.assert_close(outputs, model(inputs)[0])
        assert type(state) is type(model.initial_state(1))


@pytest.mark.reliability(3)
def test_a_baseline_exported_without_lengths_is_saved_and_loaded() -> None:
    elsewhere(export_baselines)


def compile_with_warnings_as_errors() -> None:
    warnings.simplefilter("error")
    for model in (tapehead.NTM, tapehead.DNC):
        small = model(INPUT_SIZE, 2, hidden_size=4, memory_slots=5, memory_width=3)
        torch.compile(small, backend="aot_eager", fullgraph=True)(torch.rand(T, B, INPUT_SIZE))[0].sum().backward()


@pytest.mark.reliability(3)
def test_compiling_warns_of_nothing() -> None:
    elsewhere(compile_with_warnings_as_errors)


@pytest.mark.reliability(3)
def test_every_kind_of_state_has_a_name_in_exported_programs() -> None:
    for kind in KINDS:
        state = type(made(kind).initial_state(1))
        assert (
            torch.utils._pytree.SUPPORTED_SERIALIZED_TYPES[state].serialized_type_name == f"tapehead.{state.__name__}"
        )
