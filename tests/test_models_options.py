"""A model's options are those of its cell: in its signature, in its documentation, and for type checkers."""

import inspect
import re
from typing import NamedTuple, TypedDict, get_type_hints

import pytest
import torch
from torch import Tensor, nn

import tapehead
from tapehead.cells.baselines import BaselineCellOptions, LSTMCell, RNNCell
from tapehead.cells.cell import Cell
from tapehead.cells.dnc import DNCCell, DNCCellOptions
from tapehead.cells.ntm import NTMCell, NTMCellOptions
from tapehead.models import MODELS, Model
from tapehead.models.sequence_model import SequenceModel
from tests.small_models import KINDS, made

every_model = pytest.mark.parametrize("model_type", MODELS.values())


class ToyState(NamedTuple):
    total: Tensor  # (B, O)


class ToyCell(Cell[ToyState]):
    """Adds up its inputs.

    Args:
        input_size: Channels of an input.
        output_size: Channels of an output.
        decay: How much of the sum is kept in each step.
        device: The device of the parameters.

    Raises:
        ValueError: Never.
    """

    def __init__(
        self, input_size: int, output_size: int, *, decay: float = 0.5, device: torch.device | str | None = None
    ) -> None:
        super().__init__(input_size, output_size)
        self.decay = decay
        self.layer = nn.Linear(input_size, output_size, device=device)

    def expand_initial_state(self, batch_size):
        return ToyState(self.layer.weight.new_zeros(batch_size, self.output_size))

    def scan(self, inputs, state, lengths=None, *, keep_states=False):
        assert lengths is None
        totals, total = [], state.total
        for step in self.layer(inputs):
            total = self.decay * total + step
            totals.append(total)
        return torch.stack(totals), ToyState(total), ToyState(torch.stack(totals)) if keep_states else None

    @property
    def backend_in_use(self) -> str:
        return "toy"


class Toy(SequenceModel[ToyState]):
    """A model of one's own."""

    cell_type = ToyCell


class NTMOfOneSize(tapehead.NTM):
    """A subclass with a constructor of its own."""

    def __init__(self, size: int) -> None:
        super().__init__(size, size)


@every_model
def test_the_signature_of_a_model_is_that_of_its_cell_batch_first_and_embedding_size(model_type: type[Model]) -> None:
    cell, model = (inspect.signature(kind).parameters for kind in (model_type.cell_type, model_type))
    assert set(model) - set(cell) == {"batch_first", "embedding_size"}
    assert all(model[name] == parameter for name, parameter in cell.items())
    assert len(cell) >= 7
    assert model["batch_first"].default is False
    assert model["embedding_size"].default is None


@pytest.mark.parametrize(
    ("cell_type", "options"),
    [
        (NTMCell, NTMCellOptions),
        (DNCCell, DNCCellOptions),
        (LSTMCell, BaselineCellOptions),
        (RNNCell, BaselineCellOptions),
    ],
)
def test_type_checkers_are_told_of_the_same_options(cell_type: type[Cell], options: type[TypedDict]) -> None:
    declared = {
        name: parameter.annotation
        for name, parameter in inspect.signature(cell_type).parameters.items()
        if parameter.kind is inspect.Parameter.KEYWORD_ONLY
    }
    assert get_type_hints(options) == declared


@every_model
def test_every_option_is_documented_in_a_short_sentence(model_type: type[Model]) -> None:
    arguments = model_type.__doc__.split("Args:\n")[1].split("\n\n")[0]
    described = dict(re.findall(r"^    (\w+): (.+?)(?=^    \w|\Z)", arguments, re.DOTALL | re.MULTILINE))
    assert list(described) == list(inspect.signature(model_type).parameters)
    for name, text in described.items():
        first_sentence = re.split(r"[.:](?:\s|$)", text)[0]
        assert 10 <= len(first_sentence) <= 80, name


@every_model
def test_the_documentation_begins_with_the_model_and_ends_with_what_is_raised(model_type: type[Model]) -> None:
    sections = model_type.__doc__.strip().split("\n\n")
    assert sections[0].startswith(
        {"NTM": "Neural Turing Machine", "DNC": "Differentiable"}.get(model_type.__name__, "The ")
    )
    assert sections[-1].startswith("Raises:\n    TypeError: ")


@pytest.mark.parametrize(
    ("name", "nearest"),
    [("memory_slot", "memory_slots"), ("hiddensize", "hidden_size"), ("batchfirst", "batch_first")],
)
def test_a_misspelt_option_is_told_the_nearest(name: str, nearest: str) -> None:
    with pytest.raises(TypeError, match=rf"^{name}: NTM has no option of this name \(did you mean {nearest}\?\)$"):
        tapehead.NTM(3, 2, **{name: 1})


@pytest.mark.parametrize("name", ["lr", "dropout", "masked_content", "state_init"])
def test_an_option_of_something_else_is_refused_without_a_guess(name: str) -> None:
    with pytest.raises(TypeError, match=rf"^{name}: NTM has no option of this name$"):
        tapehead.NTM(3, 2, **{name: 1})


@pytest.mark.parametrize("kind", KINDS)
def test_the_config_has_every_option_but_where_the_model_is_and_what_runs_it(kind: str) -> None:
    model = made(kind)
    parameters = inspect.signature(type(model)).parameters
    assert set(model.config) == set(parameters) - {"backend", "device", "dtype"}
    changed = KINDS[kind][1]
    for name, value in model.config.items():
        if name not in ("input_size", "output_size"):
            assert value == changed.get(name, parameters[name].default), name


def test_a_model_of_one_s_own_has_its_cell_s_options() -> None:
    parameters = list(inspect.signature(Toy).parameters)
    assert parameters == ["input_size", "output_size", "decay", "device", "batch_first", "embedding_size"]
    assert "decay: How much of the sum is kept in each step." in Toy.__doc__
    model = Toy(3, 2, decay=0.25, batch_first=True)
    assert model.config == {"input_size": 3, "output_size": 2, "decay": 0.25, "batch_first": True} | {
        "embedding_size": None
    }
    outputs, state = model(torch.ones(1, 2, 3))
    torch.testing.assert_close(outputs[:, 1], 1.25 * outputs[:, 0])
    assert torch.equal(state.total, outputs[:, 1])
    with pytest.raises(TypeError, match=r"^dekay: Toy has no option of this name \(did you mean decay\?\)$"):
        Toy(3, 2, dekay=0.1)


def test_a_subclass_with_a_constructor_of_its_own_shows_its_own_signature() -> None:
    assert list(inspect.signature(NTMOfOneSize).parameters) == ["size"]
    assert NTMOfOneSize(3).config == tapehead.NTM(3, 3).config


def test_help_shows_the_options() -> None:
    assert str(inspect.signature(tapehead.NTM)).count("memory_slots: int = 128") == 1
    assert inspect.getdoc(tapehead.NTM).count("memory_slots: ") == 1


def test_an_ntm_starts_from_the_biases_that_trained_best() -> None:
    cell = tapehead.NTM(3, 2, read_heads=2).cell
    _, strengths, gates, shifts, sharpenings, _, _ = cell.heads.bias.split(cell.options.head_sizes)
    assert (strengths == 0).all()
    assert (gates == -1).all()
    assert (sharpenings == 1).all()
    assert shifts.view(3, 3).tolist() == [[0, 0, 1]] * 3
