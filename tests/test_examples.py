"""The example scripts run, at toy size."""

import json
import math
import runpy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tapehead
from tests.command_line import tapeheads

EXAMPLES = Path(__file__).parents[1] / "examples"


def _main(name: str) -> Callable[..., Any]:
    return runpy.run_path(str(EXAMPLES / f"{name}.py"))["main"]


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """The folder of a run, as far as the examples look into one, with a machine fresh from its first weights."""
    tapehead.NTM(9, 8, hidden_size=8, memory_slots=16, memory_width=4).save(tmp_path / "weights.safetensors")
    return tmp_path


@pytest.fixture
def lstm_run(tmp_path: Path) -> Path:
    """The same, of a model without a memory."""
    tapehead.LSTM(9, 8, hidden_size=4, num_layers=1).save(tmp_path / "weights.safetensors")
    return tmp_path


def test_every_example_is_tested_here() -> None:
    assert {path.stem for path in EXAMPLES.glob("*.py")} == {
        "train_copy",
        "look_inside",
        "longer_tape",
        "your_own_data",
        "your_own_task",
    }


def test_train_copy_trains() -> None:
    assert 0 < _main("train_copy")(updates=2, batch_size=2) < 8 * 20


def test_your_own_data_trains_and_carries_on_from_a_state() -> None:
    assert math.isfinite(_main("your_own_data")(updates=2, batch_size=2, longest=3))


def test_your_own_task_is_trained_resumed_evaluated_and_drawn_by_its_import_path(tmp_path: Path) -> None:
    run, flags = tmp_path / "parity", ["--hidden-size=4", "--updates=30", "--max-length=4", "--evaluation-sequences=20"]
    lines = [
        ["train", "your_own_task:Parity", "--model", "lstm", "--out", run, *flags],
        ["resume", run],
        ["evaluate", run, "--sequences", "10", "--json"],
        ["plot", run],
    ]
    said = tapeheads(lines, EXAMPLES)
    assert [command.status for command in said] == [0] * 4, said
    assert json.loads((run / "run.json").read_text())["task"] == "your_own_task:Parity"
    assert [score["length"] for score in json.loads(said[2].out)["scores"]] == [4, 8, 20]


def test_your_own_task_says_the_parity_of_what_it_heard() -> None:
    task = runpy.run_path(str(EXAMPLES / "your_own_task.py"))["Parity"]()
    batch = task.sample(np.array([[3], [7]]), np.random.default_rng(1))
    assert batch.lengths.tolist() == [3, 7]
    for sequence, length in enumerate((3, 7)):
        heard = batch.inputs[:, sequence, 0].tolist()
        due = [sum(heard[: step + 1]) % 2 for step in range(length)] + [0] * (7 - length)
        assert batch.targets[:, sequence, 0].tolist() == due
        assert batch.scored[:, sequence].tolist() == [step < length for step in range(7)]


def test_look_inside_draws_a_picture(run: Path) -> None:
    assert all(path.stat().st_size > 1000 for path in _main("look_inside")(run, run / "pictures", length=3))


def test_longer_tape_scores_every_length(run: Path) -> None:
    assert len(_main("longer_tape")(run, memory_slots=32, lengths=(2, 5))) == 2


@pytest.mark.parametrize("name", ["look_inside", "longer_tape"])
def test_a_model_without_a_memory_is_refused_in_a_sentence(name: str, lstm_run: Path) -> None:
    arguments = [lstm_run, lstm_run] if name == "look_inside" else [lstm_run]
    with pytest.raises(SystemExit, match="expected a Neural Turing Machine"):
        _main(name)(*arguments)
