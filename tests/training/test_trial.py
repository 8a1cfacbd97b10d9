"""Tasks' scores, curricula and models of one's own: what is wrong with them is said before anything is written."""

from pathlib import Path

from tests.command_line import Said, tapeheads
from tests.training.test_before_training import SHORT
from tests.training.test_own_task import FEW, GOOD

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


class TwoMeans(Good):
    mean_size = (1.0, 1.0)


class ArrayMean(Good):
    mean_size = np.ones(1)


class WaitsForNumber(Good):
    waits_for = 1


class LateState(Good):
    def report_errors(self, errors):
        self.errors = np.float32(errors)

    waits_for = (1,)

    def state(self):
        return {"errors": getattr(self, "errors", None)}
"""
SIZES = "draw: expected sizes from min_size=(1,) to max_size=(3,), not"
HELD = "state: expected a dict that JSON holds"
SAID = {
    "OneRow": "draw: expected an array of whole numbers of shape (2, 1), not int64 of shape (1, 1)",
    "Zeros": f"{SIZES} (0,)",
    "Floats": "draw: expected an array of whole numbers of shape (2, 1), not float64 of shape (2, 1)",
    "TooLarge": f"{SIZES} (4,)",
    "Raises": "draw: expected sizes, not an error: RuntimeError: no sizes today",
    "NoState": f"{HELD} and gives back unchanged, not None",
    "ArrayState": f"{HELD}, not an error: TypeError: Object of type ndarray is not JSON serializable",
    "TupleState": f"{HELD} and gives back unchanged, not {{'weights': (0.0, 1.0)}}",
    "TwoMeans": "mean_size: expected a tuple of 1 number, not (1.0, 1.0)",
    "ArrayMean": "mean_size: expected a tuple of 1 number, not array([1.])",
    "WaitsForNumber": "waits_for: expected None or a tuple of 1 number, not 1",
    "NanState": f"{HELD}, not an error: ValueError: Out of range float values are not JSON compliant",
}


def test_a_curriculum_of_one_s_own_draws_no_size_below_the_smallest(tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text(CURRICULA)
    (said,) = tapeheads([["train", "copy", "--curriculum", "own:Good", "--min-length", "2", *SHORT]], tmp_path)
    assert said.err == "tapehead: Good.draw: expected sizes from min_size=(2,) to max_size=(3,), not (1,)\n"


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


class NeedsLengths(Model):
    def forward(self, inputs, state=None, *, lengths):
        return super().forward(inputs, state, lengths=lengths)


class NoDeviceBesideItsCell(SequenceModel):
    cell_type = SmallCell

    def __init__(self, input_size, output_size):
        super().__init__(input_size, output_size)


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
    "NeedsLengths": "to run sequences without lengths, not to raise an error: TypeError: NeedsLengths.forw",
    "NoLengths": "to run sequences with lengths, not to raise an error: TypeError: NoLengths.forward() got an",
    "NoDevice": f"{TAKES} (self, input_size, output_size): got an unexpected keyword argument 'device'",
    "NoDeviceBesideItsCell": f"{TAKES} (self, input_size, output_size): got an unexpected keyword argument 'device'",
    "NoSizes": f"{TAKES} (self, *, device=None): too many positional arguments",
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


SCORED = {
    # method: what it returns instead of what BitTask's returns, and what is said about it
    "cross_entropy": ("s.sum()", "expected a tensor of shape (2,), not one of shape ()"),
    "cross_entropy_gradient": ("s[0]", "expected a tensor of shape (3, 2, 2), not one of shape (2, 2)"),
    "count_errors": ("s.expand(3, 2)", "expected a tensor of shape (2,), not one of shape (3, 2)"),
    "count_targets": ("1 / 0", "expected a tensor of shape (2,), not an error: ZeroDivisionError: division by zero"),
}


def test_what_a_task_s_own_loss_and_scores_return_wrongly_is_said(tmp_path: Path) -> None:
    text = GOOD
    for method, (returned, _) in SCORED.items():
        text += f"\n\nclass Own_{method}(Good):\n    def {method}(self, *arguments):\n"
        text += f"        s = super().{method}(*arguments)\n        return {returned}\n"
    (tmp_path / "scored.py").write_text(text)
    names = [f"Own_{method}" for method in SCORED]
    lines = [["train", f"scored:{name}", "--out", tmp_path / name, *FEW] for name in names]
    for (method, (_, expected)), said in zip(SCORED.items(), tapeheads(lines, tmp_path), strict=True):
        assert said == Said(2, "", f"tapehead: Own_{method}.{method}: {expected}\n"), said
    assert not [name for name in names if (tmp_path / name).exists()], "nothing is begun"
