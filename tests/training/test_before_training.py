"""What is wrong with a run is found before anything is written; what may be odd about a model still trains."""

from pathlib import Path

import pytest
import torch

from tapehead.training.components import Component
from tapehead.training.recipes import configure
from tapehead.training.step import Learner
from tests.command_line import tapeheads
from tests.training.tiny import tiny_config

MODELS = '''
from __future__ import annotations

import torch

from tapehead.cells.baselines import LSTMCell
from tapehead.models.sequence_model import SequenceModel


class OddCell(LSTMCell):
    """A cell with a parameter that nothing depends on.

    Args:
        input_size: Channels of an input.
        output_size: Channels of an output.
        twist: How much to twist.
    """

    def __init__(
        self, input_size: int, output_size: int, *, twist: float = 1.0, device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__(input_size, output_size, hidden_size=4, num_layers=1, device=device, dtype=dtype)
        self.unused = torch.nn.Parameter(torch.ones(3, device=device))
        self.twist = twist


class Odd(SequenceModel):
    """An odd model."""

    cell_type = OddCell
'''
SHORT = ["--steps", "4", "--eval-every", "2", "--eval-sequences", "4", "--max-length", "3"]


def test_a_backend_that_cannot_run_the_model_is_a_line_and_nothing_is_written(tmp_path: Path) -> None:
    words = ["train", "copy", "--out", "run", "--num-layers", "65", "--hidden-size", "2", "--backend", "cpp", *SHORT]
    said = tapeheads([words], tmp_path)[0]
    assert (said.status, said.err.count("\n")) == (2, 1)
    assert "backend='cpp' cannot run this" in said.err
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("name", ["LBFGS", "SparseAdam"])
def test_an_optimizer_that_cannot_take_a_plain_step_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match=f"optimizer: expected one that steps .+, not torch.optim:{name}: "):
        configure("copy", changes={"optimizer": Component(f"torch.optim:{name}")})


@pytest.mark.parametrize("value", [None, "sgd", 3])
def test_a_component_is_changed_by_its_options_or_another_component(value: object) -> None:
    with pytest.raises(TypeError, match="optimizer: expected a Component, or a mapping of its options, not"):
        configure("copy", changes={"optimizer": value})


def test_options_may_be_annotated_by_strings_and_parameters_unused(tmp_path: Path) -> None:
    (tmp_path / "odd.py").write_text(MODELS)
    train = ["train", "copy", "--model", "odd:Odd", "--out", "run", *SHORT]
    lines = [["train", "copy", "--model", "odd:Odd", "--help"], [*train, "--twist", "2"], [*train, "--twits", "2"]]
    shown, trained, misspelt = tapeheads(lines, tmp_path)
    assert "--twist X" in shown.out
    assert "How much to twist [1.0]" in shown.out
    assert trained.status == 0, trained.err
    assert '"twist": 2.0' in (tmp_path / "run" / "run.json").read_text()
    assert misspelt.status == 2
    assert "did you mean --twist?" in misspelt.err


def test_a_frozen_parameter_stays_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    config = tiny_config("lstm")
    make = type(config).make_model

    def make_frozen(self: object, device: torch.device | str = "cpu") -> torch.nn.Module:
        model = make(self, device)
        model.cell.readout.bias.requires_grad_(False)
        return model

    monkeypatch.setattr(type(config), "make_model", make_frozen)
    learner = Learner(config)
    frozen, trained = learner.model.cell.readout.bias.clone(), learner.model.cell.readout.weight.clone()
    learner.train_step(1)
    assert torch.equal(learner.model.cell.readout.bias, frozen)
    assert not torch.equal(learner.model.cell.readout.weight, trained)


CURRICULA = """
import numpy as np

from tapehead.training.curricula.fixed import Fixed


class OneRow(Fixed):
    mean_size = (1.0,)

    def draw(self, count, generator):
        return np.ones((1, 1), np.int64)


class Zeros(OneRow):
    def draw(self, count, generator):
        return np.zeros((count, 1), np.int64)


class Floats(OneRow):
    def draw(self, count, generator):
        return np.ones((count, 1))


class TooLarge(OneRow):
    def draw(self, count, generator):
        return np.full((count, 1), 4)


class Raises(OneRow):
    def draw(self, count, generator):
        raise RuntimeError("no sizes today")


class Good(OneRow):
    def draw(self, count, generator):
        return np.ones((count, 1), np.int64)


class NoState(Good):
    def state(self):
        return None


class ArrayState(Good):
    def state(self):
        return {"weights": np.zeros(2)}


class TupleState(Good):
    def state(self):
        return {"weights": (0.0, 1.0)}


class NanState(Good):
    def state(self):
        return {"weights": float("nan")}


class LateState(Good):
    def report_errors(self, errors):
        self.errors = np.float32(errors)

    waits_for = (1,)

    def state(self):
        return {"errors": getattr(self, "errors", None)}
"""
SIZES = "draw: expected sizes from 1 to the task's max_size=(3,), not"
HELD = "state: expected a dict that JSON holds"
SAID = {
    "OneRow": "draw: expected an array of whole numbers of shape (2, 1), not int64 of shape (1, 1)",
    "Zeros": f"{SIZES} 0",
    "Floats": "draw: expected an array of whole numbers of shape (2, 1), not float64 of shape (2, 1)",
    "TooLarge": f"{SIZES} 4",
    "Raises": "draw: expected sizes, not an error: RuntimeError: no sizes today",
    "NoState": f"{HELD} and gives back unchanged, not None",
    "ArrayState": f"{HELD}, not an error: TypeError: Object of type ndarray is not JSON serializable",
    "TupleState": f"{HELD} and gives back unchanged, not {{'weights': (0.0, 1.0)}}",
    "NanState": f"{HELD}, not an error: ValueError: Out of range float values are not JSON compliant",
}


def test_what_a_curriculum_of_one_s_own_returns_is_checked_before_anything_is_written(tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text(CURRICULA)
    names = [*SAID, "LateState"]
    flags = ["--batch-size", "2", *SHORT]
    lines = [["train", "copy", "--curriculum", f"own:{name}", "--out", name, *flags] for name in names]
    *others, late = tapeheads(lines, tmp_path)
    for (name, expected), said in zip(SAID.items(), others, strict=True):
        assert (said.status, said.err.count("\n")) == (2, 1), said
        assert said.err.startswith(f"tapehead: {name}.{expected}"), said.err
        assert not (tmp_path / name).exists()
    assert late.status == 2, late
    assert f"LateState.{HELD}, not an error: TypeError: Object of type float32" in late.err


OWN_MODELS = """
import torch
from torch import nn

from tapehead.cells.baselines import LSTMCell
from tapehead.models import LSTM
from tapehead.models.sequence_model import SequenceModel


class SmallCell(LSTMCell):
    def __init__(self, input_size, output_size, *, device=None, dtype=None):
        super().__init__(input_size, output_size, hidden_size=4, num_layers=1, device=device, dtype=dtype)


class Model(SequenceModel):
    cell_type = SmallCell


class OutputsAlone(Model):
    def forward(self, *inputs, **lengths):
        return super().forward(*inputs, **lengths)[0]


class Triple(Model):
    def forward(self, *inputs, **lengths):
        return *super().forward(*inputs, **lengths), None


class TooFew(Model):
    def forward(self, *inputs, **lengths):
        outputs, state = super().forward(*inputs, **lengths)
        return outputs[1:], state


class Listed(Model):
    def forward(self, *inputs, **lengths):
        outputs, state = super().forward(*inputs, **lengths)
        return outputs.tolist(), state


class Double(Model):
    def forward(self, *inputs, **lengths):
        outputs, state = super().forward(*inputs, **lengths)
        return outputs.double(), state


class Detached(Model):
    def forward(self, *inputs, **lengths):
        with torch.no_grad():
            return super().forward(*inputs, **lengths)


class NoLengths(Model):
    def forward(self, inputs, state=None):
        return super().forward(inputs, state)


class NoDevice(Model):
    def __init__(self, input_size, output_size):
        super().__init__(input_size, output_size)


class NoSizes(Model):
    def __init__(self, *, device=None):
        super().__init__(1, 1)
"""
PAIR = "to return a pair of outputs and a state"
TAKES = "to take the arguments (input_size, output_size, *, device), not"
MODELS_SAID = {
    "OutputsAlone": f"{PAIR}, not a Tensor",
    "Triple": f"{PAIR}, not a tuple of 3 values",
    "TooFew": f"{PAIR}, the outputs of shape (7, 2, 8), not (6, 2, 8)",
    "Listed": f"{PAIR}, the outputs a tensor of torch.float32, not a list",
    "Double": f"{PAIR}, the outputs a tensor of torch.float32, not torch.float64",
    "Detached": f"{PAIR}, the outputs with a gradient, not detached from the parameters",
    "NoLengths": "to run a sequence, not to raise an error: TypeError: NoLengths.forward() got an unexpected keyword",
    "NoDevice": f"{TAKES} (input_size, output_size): got an unexpected keyword argument 'device'",
    "NoSizes": f"{TAKES} (*, device=None): too many positional arguments",
}


def test_a_model_of_one_s_own_is_tried_before_anything_is_written(tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text(OWN_MODELS)
    lines = [["train", "copy", "--model", f"own:{name}", "--out", name, *SHORT] for name in (*MODELS_SAID, "Model")]
    *others, good = tapeheads(lines, tmp_path)
    for (name, expected), said in zip(MODELS_SAID.items(), others, strict=True):
        assert (said.status, said.err.count("\n")) == (2, 1), said
        assert said.err.startswith(f"tapehead: model: expected own:{name} {expected}"), said.err
        assert not (tmp_path / name).exists()
    assert good.status == 0, good
