"""The example scripts run, at toy size."""

import inspect
import json
import math
import runpy
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import tapehead
from tapehead.tasks.copy import Copy
from tapehead.training.config import RunConfig
from tapehead.training.recipes import configure
from tapehead.training.step import Learner
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
        "larger_memory",
        "your_own_data",
        "your_own_model",
        "your_own_task",
    }


def test_train_copy_trains() -> None:
    config = replace(configure("copy"), steps=2, batch_size=2)
    assert 0 < _main("train_copy")(config) < 8 * 20


def test_your_own_data_trains_and_carries_on_from_a_state() -> None:
    assert math.isfinite(_main("your_own_data")(steps=2, batch_size=2, longest=3))


def test_train_copy_has_the_settings_of_the_command() -> None:
    assert inspect.signature(_main("train_copy")).parameters["config"].default == configure("copy")


def test_train_copy_follows_the_same_gradients_as_the_command() -> None:
    """On batches that are the same, it ends in the same weights up to rounding."""
    usual = configure("copy", changes={"model": {"head_gain": 1.0}})  # with 0 the first keys are 0: rounding turns them
    config = replace(usual, steps=5, batch_size=3, warmup_steps=2, min_memory_slots=128)
    learner, model = Learner(config), config.make_model()
    steps = iter(range(1, 6))

    class SameBatches(type(config.make_task())):
        def sample_training(self, *_):
            return learner._take_batch(next(steps))[1]

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(RunConfig, "make_task", lambda self: SameBatches())
        patched.setattr(RunConfig, "make_model", lambda self: model)
        _main("train_copy")(config)
    reference = Learner(config)
    for step in range(1, 6):
        reference.train_step(step)
    for name, weights in reference.model.state_dict().items():
        torch.testing.assert_close(model.state_dict()[name], weights, rtol=1e-4, atol=1e-6)


def _use(run: Path, *words: str) -> tuple[dict[str, Any], list[int]]:
    """Train a small run in the folder of the examples and use every command on it; its configuration, and lengths."""
    small = ["--hidden-size=4", "--steps=30", "--max-length=4", "--eval-sequences=20"]
    lines = [
        ["train", *words, "--out", run, *small],
        ["resume", run],
        ["evaluate", run, "--sequences", "10", "--json"],
        ["plot", run],
    ]
    said = tapeheads(lines, EXAMPLES)
    assert [command.status for command in said] == [0] * 4, said
    return json.loads((run / "run.json").read_text()), [score["length"] for score in json.loads(said[2].out)["scores"]]


def test_your_own_task_is_trained_resumed_evaluated_and_drawn_by_its_import_path(tmp_path: Path) -> None:
    described, lengths = _use(tmp_path / "parity", "your_own_task:Parity", "--model=lstm", "--every=2")
    assert lengths == [4]
    assert described["task"] == {"name": "your_own_task:Parity", "options": {"every": 2, "max_length": 4}}


@pytest.mark.parametrize("every", [1, 2, 5])
def test_your_own_task_gives_the_parity_so_far(every: int) -> None:
    task = runpy.run_path(str(EXAMPLES / "your_own_task.py"))["Parity"](every=every)
    batch = task.sample(np.array([[3], [7]]), np.random.default_rng(1))
    task.check_batch(batch, 2)
    assert batch.lengths.tolist() == [3, 7]
    for sequence, length in enumerate((3, 7)):
        bits = batch.inputs[:, sequence, 0].tolist()
        scored = [step < length and (length - 1 - step) % every == 0 for step in range(7)]
        assert batch.mask[:, sequence].tolist() == scored
        parities = [sum(bits[: step + 1]) % 2 if scored[step] else 0 for step in range(7)]
        assert batch.targets[:, sequence, 0].tolist() == parities


def test_your_own_task_is_in_the_help_and_refuses_what_makes_no_sense() -> None:
    command = [sys.executable, "-m", "tapehead", "train", "your_own_task:Parity"]
    helped = subprocess.run([*command, "--help"], cwd=EXAMPLES, capture_output=True, text=True, check=True)
    (refused,) = tapeheads([["train", "your_own_task:Parity", "--every", "0"]], EXAMPLES)
    assert "Time steps from one scored output to the next [1]" in " ".join(helped.stdout.split())
    assert (refused.status, refused.err) == (2, "tapehead: every: expected a whole number >= 1, not 0\n")


def test_your_own_model_is_trained_resumed_evaluated_and_drawn_by_its_import_path(tmp_path: Path) -> None:
    described, lengths = _use(tmp_path / "gru", "copy", "--model=your_own_model:GRU")
    assert lengths == [size for (size,) in Copy(max_length=4).eval_sizes]
    options = {"hidden_size": 4, "num_layers": 3, "state_init": "learned"}
    assert described["model"] == {"name": "your_own_model:GRU", "options": options}


def test_your_own_model_is_torch_s_gru_with_an_output_layer() -> None:
    model = runpy.run_path(str(EXAMPLES / "your_own_model.py"))["GRU"](3, 2, hidden_size=5, num_layers=2).double()
    inputs = torch.randn(7, 4, 3, dtype=torch.float64)
    units, last = model.cell.recurrence(inputs)
    outputs, state = model(inputs, lengths=[7, 7, 3, 7])
    torch.testing.assert_close(outputs[:, :2], model.cell.readout(units)[:, :2])
    torch.testing.assert_close(state.hidden[:2], last.transpose(0, 1)[:2])
    torch.testing.assert_close(state.hidden[2, -1], units[2, 2])
    assert torch.equal(outputs[3:, 2], torch.zeros(4, 2, dtype=torch.float64))


def test_look_inside_draws_a_picture(run: Path) -> None:
    assert all(path.stat().st_size > 1000 for path in _main("look_inside")(run, run / "pictures", length=3))


def test_larger_memory_scores_every_length(run: Path) -> None:
    assert len(_main("larger_memory")(run, memory_slots=32, lengths=(2, 5))) == 2


@pytest.mark.parametrize("name", ["look_inside", "larger_memory"])
def test_a_model_without_a_memory_is_refused_in_a_sentence(name: str, lstm_run: Path) -> None:
    arguments = [lstm_run, lstm_run] if name == "look_inside" else [lstm_run]
    with pytest.raises(SystemExit, match="expected a Neural Turing Machine"):
        _main(name)(*arguments)


@pytest.mark.parametrize(
    ("name", "usage"),
    [
        ("look_inside", "usage: python examples/look_inside.py RUN_DIR PICTURE_DIR\n"),
        ("larger_memory", "usage: python examples/larger_memory.py RUN_DIR\n"),
    ],
)
def test_without_arguments_a_script_says_how_it_is_called(name: str, usage: str) -> None:
    said = subprocess.run([sys.executable, EXAMPLES / f"{name}.py"], capture_output=True, text=True, check=False)
    assert (said.returncode, said.stdout, said.stderr) == (1, "", usage)
