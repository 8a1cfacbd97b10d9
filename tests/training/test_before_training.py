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
