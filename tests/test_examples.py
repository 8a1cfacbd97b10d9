"""The example scripts run, at toy size."""

import math
import runpy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import tapehead

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
    }


def test_train_copy_trains() -> None:
    assert 0 < _main("train_copy")(updates=2, batch_size=2) < 8 * 20


def test_your_own_data_trains_and_carries_on_from_a_state() -> None:
    assert math.isfinite(_main("your_own_data")(updates=2, batch_size=2, longest=3))


def test_look_inside_draws_a_picture(run: Path) -> None:
    assert all(path.stat().st_size > 1000 for path in _main("look_inside")(run, run / "pictures", length=3))


def test_longer_tape_scores_every_length(run: Path) -> None:
    assert len(_main("longer_tape")(run, memory_slots=32, lengths=(2, 5))) == 2


@pytest.mark.parametrize("name", ["look_inside", "longer_tape"])
def test_a_model_without_a_memory_is_refused_in_a_sentence(name: str, lstm_run: Path) -> None:
    arguments = [lstm_run, lstm_run] if name == "look_inside" else [lstm_run]
    with pytest.raises(SystemExit, match="expected a Neural Turing Machine"):
        _main(name)(*arguments)
