"""Flags of components of one's own: names that mean two things, options without a default, types that no flag holds."""

import json
from pathlib import Path

import pytest

from tapehead.kernels import SCANS
from tapehead.models import BACKENDS
from tests.command_line import tapeheads

OWN = '''
from dataclasses import dataclass
from typing import Literal

import torch

from tapehead import LSTM
from tapehead.models.sequence_model import SequenceModel
from tapehead.tasks import Copy


@dataclass(frozen=True, kw_only=True)
class Task(Copy):
    """Copy, with options of every kind.

    Args:
        needed: What must be given.
    """

    needed: int
    bits: int = 2
    max_length: int = 3
    clip: float = 1.0
    no_amsgrad: bool = False
    level: Literal[1, 2] = 1
    pair: tuple[int, float] = (1, 2.0)
    names: list[str] | None = None
    nested: tuple[int, int] | None = None


@dataclass(frozen=True, kw_only=True)
class NeedsList(Copy):
    salts: list[int]


class Model(LSTM):
    def __init__(self, inputs, outputs, *, hidden_size: int = 3, clip: float = 2.0, device=None) -> None:
        super().__init__(inputs, outputs, hidden_size=hidden_size, num_layers=1, device=device)


class NoCell(SequenceModel):
    pass


class TorchCell(SequenceModel):
    cell_type = torch.nn.LSTMCell
'''
FEW = ["--steps=1", "--batch-size=2", "--eval-sequences=2"]
TRAIN = ["train", "own:Task", "--model", "own:Model", "--out", "run", *FEW]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "own.py").write_text(OWN)
    return tmp_path


def trained(folder: Path, *words: str) -> dict[str, dict[str, object]]:
    """Train with these flags, and give the options that run.json then has, by the kind of component."""
    (said,) = tapeheads([[*TRAIN, *words]], folder)
    assert said.status == 0, said
    return {
        kind: described["options"]
        for kind, described in json.loads((folder / "run/run.json").read_text()).items()
        if isinstance(described, dict)
    }


def complaints(folder: Path, *lines: list[str]) -> list[str]:
    """What is said about command lines that are wrong, each in one line."""
    every = tapeheads(lines, folder)
    assert [(said.status, said.out, said.err.count("\n")) for said in every] == [(2, "", 1)] * len(lines), every
    return [said.err.removeprefix("tapehead: ").rstrip() for said in every]


def help_of(folder: Path, *words: str) -> str:
    (said,) = tapeheads([["train", *words, "--help"]], folder)
    assert (said.status, said.err) == (0, "")
    return " ".join(said.out.split())


def test_options_of_one_name_have_a_flag_each_with_their_component_s_kind_in_front(folder):
    options = trained(
        folder, "--needed=1", "--task-clip=3", "--model-clip=4", "--task-no-amsgrad", "--optimizer-amsgrad"
    )
    assert (options["task"]["clip"], options["model"]["clip"]) == (3.0, 4.0)
    assert (options["task"]["no_amsgrad"], options["optimizer"]["amsgrad"]) == (True, True)


def test_a_name_that_two_components_have_is_said_to_be_ambiguous_and_both_are_named(folder):
    ambiguous = "--task-no-amsgrad or --optimizer-amsgrad"
    assert complaints(folder, *([*TRAIN, flag] for flag in ("--clip=3", "--amsgrad", "--no-amsgrad"))) == [
        "--clip: ambiguous, expected --task-clip or --model-clip",
        f"--amsgrad: ambiguous, expected {ambiguous}",
        f"--no-amsgrad: ambiguous, expected {ambiguous}",
    ]


def test_an_option_without_a_default_is_a_flag_that_must_be_given(folder):
    assert trained(folder, "--needed", "3")["task"]["needed"] == 3
    assert "--needed N What must be given [required]" in help_of(folder, "own:Task")
    missing = "needed: expected a whole number, since the task own:Task has no default for it"
    assert complaints(folder, TRAIN) == [missing]


def test_numbers_among_choices_and_tuples_of_several_types_can_be_typed(folder):
    options = trained(folder, "--needed=1", "--level=2", "--pair", "3", "0.5")
    assert (options["task"]["level"], options["task"]["pair"]) == (2, [3, 0.5])


def test_what_a_flag_cannot_hold_is_said_with_its_type(folder):
    given = [*TRAIN, "--needed=1"]
    cannot = "which the command line cannot set"
    assert complaints(folder, [*given, "--names", "x"], [*given, "--nested=1"], ["train", "own:NeedsList", *FEW]) == [
        f"--names: the task own:Task has it with the type list[str] | None, {cannot}",
        f"--nested: the task own:Task has it with the type tuple[int, int] | None, {cannot}",
        "task: expected own:NeedsList to have a default for salts, since an option cannot have the type list[int]",
    ]
    listed = "names (the type list[str] | None), nested (the type tuple[int, int] | None)"
    assert f"set in Python only: {listed}" in help_of(folder, "own:Task")


def test_a_model_of_one_s_own_without_a_cell_is_told_what_it_needs(folder):
    needs = "to set cell_type to the class of its cell, derived from tapehead.cells.cell.Cell, not to"
    assert complaints(folder, ["train", "copy", "--model=own:NoCell"], ["train", "copy", "--model=own:TorchCell"]) == [
        f"model: expected own:NoCell {needs} None",
        f"model: expected own:TorchCell {needs} LSTMCell",
    ]


def test_the_help_says_what_none_means_and_lists_the_backends(folder):
    for model in ("ntm", "dnc"):
        said = help_of(folder, "copy", "--model", model)
        assert f"--backend {'|'.join(BACKENDS)} " in said
        for flag, default in (
            ("--no-memory-trainable", "none"),
            ("--clip X|none", "20.0"),
            ("--sparse-links N|none", "none"),
        ):
            described = said.partition(f"{flag} ")[2].partition(f"[{default}]")[0]
            assert "none: " in described or (flag.startswith("--sparse") and model == "ntm"), flag
    assert set(BACKENDS) == {"auto", *(name for scan in SCANS.values() for name in scan)}
    assert "with none, all sequences have the largest size" in help_of(folder, "copy")


def test_words_after_two_dashes_and_two_dashes_as_a_value_are_told_apart(folder):
    assert complaints(folder, ["evaluate", "run", "--threads=--"], ["resume", "--", "run", "--json"]) == [
        "--threads: expected a value, not '--'",
        "--json: expected options before --, not after it",
    ]
