"""Models as ONNX files: onnxruntime computes what the model does, for any batch and length and from any state."""

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

import tapehead
from tapehead.models import Model
from tests.processes import elsewhere
from tests.small_models import INPUT_SIZE, KINDS, drawn_inputs, made

pytestmark = [
    pytest.mark.extras,
    pytest.mark.skipif(
        None in map(find_spec, ("onnx", "onnxscript", "onnxruntime")),
        reason="the extra `onnx` is not installed; `make test-extras` installs it",
    ),
]
TOLERANCE = 1e-5
"""Of numbers around 1 in float32, which are added up in another order."""
SIZES = ((1, 1), (2, 3), (5, 17))
"""Batches and time steps; an export is made with another batch, and without time steps."""
CASES: list[tuple[str, bool, dict[str, Any]]] = [
    *((kind, False, {}) for kind in KINDS),
    *((kind, True, {}) for kind in ("ntm with a feedforward controller", "dnc with an lstm", "lstm")),
    ("ntm with an lstm", False, {"batch_first": True, "embedding_size": 3}),
    ("ntm with an lstm", True, {"batch_first": True, "embedding_size": 3}),
]


class Session:
    """A file that onnxruntime runs."""

    def __init__(self, path: Path) -> None:
        import onnxruntime

        settings = onnxruntime.SessionOptions()
        settings.log_severity_level, settings.intra_op_num_threads = 3, 1
        self.session = onnxruntime.InferenceSession(path, settings)
        self.inputs = [value.name for value in self.session.get_inputs()]
        self.state = [value.name for value in self.session.get_overridable_initializers()]

    def run(self, inputs: Tensor, state: dict[str, np.ndarray]) -> tuple[Tensor, dict[str, np.ndarray]]:
        names = [value.name for value in self.session.get_outputs()]
        given = dict(zip(names, self.session.run(names, {"inputs": inputs.numpy(), **state}), strict=True))
        outputs = torch.from_numpy(given.pop("outputs"))
        return outputs, {name.removeprefix("next_"): tensor for name, tensor in given.items()}


def compare(model: Model, session: Session, batch: int, steps: int, step: bool) -> None:
    """Hold the file to the model over two stretches, the second from the state after the first."""
    state, other = None, {}
    for _ in range(2):
        shape = (batch, steps) if model.batch_first else (steps, batch)
        ids = torch.randint(INPUT_SIZE, shape)
        inputs = drawn_inputs(*shape, dtype=torch.float32) if model.embedding is None else ids
        expected, state = model(inputs, state)
        time_axis = shape.index(steps)
        outputs, other = session.run(inputs.squeeze(time_axis) if step else inputs, other)
        expected = expected.squeeze(time_axis) if step else expected
        torch.testing.assert_close(outputs, expected.detach(), rtol=0, atol=TOLERANCE)
        held = {name: tensor.detach() for name, tensor in state._asdict().items() if tensor.numel()}
        assert other.keys() == held.keys()
        for name, tensor in held.items():
            torch.testing.assert_close(torch.from_numpy(other[name]), tensor, rtol=0, atol=TOLERANCE)


def export_and_compare(kind: str, step: bool, options: dict[str, Any], folder: Path) -> None:
    """Called in a process of its own, as the tests' checks of signatures cannot be exported."""
    model = made(kind, dtype=torch.float32, **options)
    tapehead.export_onnx(model, folder / "model.onnx", step=step)
    session = Session(folder / "model.onnx")
    assert session.inputs == ["inputs"]
    for batch, steps in SIZES:
        compare(model, session, batch, 1 if step else steps, step)
    assert [path.name for path in folder.iterdir()] == ["model.onnx"]


@pytest.mark.parametrize(("kind", "step", "options"), CASES)
def test_onnxruntime_computes_what_the_model_does_for_any_batch_and_length_and_from_any_state(
    kind: str, step: bool, options: dict[str, Any], tmp_path: Path
) -> None:
    elsewhere(export_and_compare, kind, step, options, tmp_path)


def export_and_compare_a_trained_model(folder: Path) -> None:
    model = tapehead.pretrained("copy-ntm", backend="reference")
    tapehead.export_onnx(model, folder / "copy.onnx")
    inputs = torch.randint(2, (200, 64, model.cell.input_size), generator=torch.Generator().manual_seed(0)).float()
    outputs, _ = Session(folder / "copy.onnx").run(inputs, {})
    own, _ = model(inputs)
    exact, _ = model.double()(inputs.double())
    errors, own_errors = ((each - exact).abs().amax(dim=(0, 2)).median() for each in (outputs, own))
    assert errors < 1.5 * own_errors  # of half of the sequences: for a single one rounding decides


def test_over_many_time_steps_a_trained_model_s_errors_are_about_those_of_the_reference(tmp_path: Path) -> None:
    elsewhere(export_and_compare_a_trained_model, tmp_path)


def export_a_double(folder: Path) -> None:
    model = made("rnn")
    tapehead.export_onnx(model, folder / "model.onnx")
    outputs, _ = Session(folder / "model.onnx").run(drawn_inputs(4, 2), {})
    torch.testing.assert_close(outputs, model(drawn_inputs(4, 2))[0].detach(), rtol=0, atol=1e-12)


def test_the_numbers_of_the_file_are_of_the_model_s_dtype(tmp_path: Path) -> None:
    elsewhere(export_a_double, tmp_path)


def export_and_look_at_the_model(folder: Path) -> None:
    model = made("ntm with an lstm", dtype=torch.float32, backend="cpp").train()
    before, tensors = repr(model), {name: tensor.clone() for name, tensor in model.state_dict().items()}
    tapehead.export_onnx(model, folder / "model.onnx")
    assert repr(model) == before
    assert model.training
    assert all(torch.equal(tensor, tensors[name]) for name, tensor in model.state_dict().items())
    assert all(parameter.requires_grad for parameter in model.cell.controller.parameters())


def test_the_model_that_is_exported_stays_as_it_was(tmp_path: Path) -> None:
    elsewhere(export_and_look_at_the_model, tmp_path)


class Bessel(tapehead.NTMCell):
    """A cell of one's own with a function that ONNX does not have."""

    def scan(self, inputs, state, lengths=None, *, keep_states=False):
        return super().scan(torch.special.bessel_j0(inputs), state, lengths, keep_states=keep_states)


def refuse_what_cannot_be_translated(folder: Path) -> None:
    model = made("ntm with an lstm", dtype=torch.float32)
    model.cell.readout.register_forward_hook(lambda module, inputs, outputs: None)
    with pytest.raises(tapehead.UnsupportedError, match=r"^export_onnx: .*: cell\.readout: expected no hooks on this"):
        tapehead.export_onnx(model, folder / "model.onnx")
    model = made("ntm with an lstm", dtype=torch.float32)
    model.cell.__class__ = Bessel
    with pytest.raises(tapehead.UnsupportedError, match=r"^export_onnx: .*: No ONNX function found for .*bessel_j0.*$"):
        tapehead.export_onnx(model, folder / "model.onnx")
    assert list(folder.iterdir()) == []


def test_what_onnx_cannot_express_is_said_in_a_sentence_and_leaves_no_file(tmp_path: Path) -> None:
    elsewhere(refuse_what_cannot_be_translated, tmp_path)
