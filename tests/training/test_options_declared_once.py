"""An option is declared where it is used and nowhere else.

The task and the model below, each with an option that nothing else in the world has, stand in this file alone; the
package is not told of them. They are then flags, in the help, in run.json, in a resumed run, and checked.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from tapehead.cli import main
from tapehead.training.config import RunConfig
from tapehead.training.errors import StoppedError
from tapehead.training.loaded_run import load_run
from tapehead.training.recipes import configure
from tests.training.tiny import digests, resume, stop_after, train

TOYS = '''
"""A task and a model of somebody's own."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch

from tapehead import LSTM
from tapehead.tasks import Batch, BitTask


@dataclass(frozen=True, kw_only=True)
class Echo(BitTask):
    """Say each bit again, some time steps later.

    Args:
        delay: How many time steps later. The first outputs are not scored.
        tone: How the echo sounds.
        max_length: The longest sequence.
    """

    delay: int = 1
    tone: Literal["same", "opposite"] = "same"
    max_length: int = 4

    input_size, output_size, size_names, min_size = 1, 1, ("length",), (1,)

    @property
    def max_size(self):
        return (self.max_length,)

    def sample(self, sizes, generator):
        lengths = torch.from_numpy(sizes[:, 0]) + self.delay
        steps = torch.arange(int(lengths.max())).unsqueeze(1)
        bits = torch.from_numpy(generator.integers(0, 2, (len(steps), len(sizes)))).float()
        bits *= steps < lengths - self.delay
        mask = (steps >= self.delay) & (steps < lengths)
        echoed = bits.roll(self.delay, 0)
        if self.tone == "opposite":
            echoed = 1 - echoed
        return Batch(bits.unsqueeze(2), (echoed * mask).unsqueeze(2), mask, lengths)


class Loud(LSTM):
    """An LSTM whose initial weights are multiplied by a number.

    Args:
        hidden_size: Hidden units.
        volume: What the initial weights are multiplied by.
    """

    def __init__(self, input_size, output_size, *, hidden_size: int = 5, volume: float = 2.0, device=None) -> None:
        super().__init__(input_size, output_size, hidden_size=hidden_size, num_layers=1, device=device)
        with torch.no_grad():
            for parameter in self.parameters():
                parameter.mul_(volume)
'''
FEW = ["--batch-size=4", "--steps=12", "--warmup-steps=3", "--eval-every=5", "--eval-sequences=8"]
TRAIN = ["train", "toys:Echo", "--model", "toys:Loud"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the module of these two."""
    (tmp_path / "toys.py").write_text(TOYS)
    return tmp_path


def tapehead(folder: Path, *words: str | Path) -> subprocess.CompletedProcess[str]:
    """Call the command as a user does, in this folder."""
    environment = os.environ | {"OMP_NUM_THREADS": "1", "COLUMNS": "200"}
    command = [sys.executable, "-m", "tapehead", *map(str, words)]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


@pytest.fixture
def toys(monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of the module, in this process."""
    module = ModuleType("toys")
    exec(TOYS, module.__dict__)  # noqa: S102 - the text above
    monkeypatch.setitem(sys.modules, "toys", module)
    return "toys"


def test_each_is_a_flag_with_its_line_of_the_docstring_and_its_default(folder):
    said = tapehead(folder, *TRAIN, "--help")
    assert (said.returncode, said.stderr) == (0, "")
    text = " ".join(said.stdout.split())
    assert "task toys:Echo:" in text
    assert "model toys:Loud:" in text
    assert "--delay N How many time steps later [1]" in text
    assert "--tone same|opposite How the echo sounds [same]" in text
    assert "--hidden-size N Hidden units [5]" in text
    assert "--volume X What the initial weights are multiplied by [2.0]" in text
    assert "--memory-slots" not in text
    assert "--num-layers" not in text, "it is no argument of this model"


def test_each_is_in_run_json_and_in_a_resumed_run(folder):
    run = folder / "run"
    flags = ["--delay", "2", "--tone", "opposite", "--volume", "0.5", *FEW]
    said = tapehead(folder, *TRAIN, "--out", run, "--seed", "4", *flags)
    assert (said.returncode, said.stdout.splitlines()[0].split(":")[:2]) == (0, ["toys", "Echo, toys"]), said.stderr
    described = json.loads((run / "run.json").read_text())
    assert described["task"] == {
        "name": "toys:Echo",
        "options": {"delay": 2, "tone": "opposite", "max_length": 4},
    }
    assert described["model"] == {"name": "toys:Loud", "options": {"hidden_size": 5, "volume": 0.5}}

    whole = digests(run)
    (run / "result.json").unlink()
    for checkpoint in (run / "checkpoints").iterdir():
        checkpoint.unlink()
    again = tapehead(folder, "resume", run)
    assert again.returncode == 0, again.stderr
    assert digests(run) == whole
    assert json.loads((run / "run.json").read_text()) == described

    scores = json.loads(tapehead(folder, "evaluate", run, "--sequences", "4", "--json").stdout)["scores"]
    assert [score["length"] for score in scores] == [4]


def test_a_run_without_a_name_for_its_directory_is_named_after_the_classes(folder):
    assert tapehead(folder, *TRAIN, *FEW).returncode == 0
    assert (folder / "runs/Echo-Loud-1/run.json").exists()


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["--dealy", "2"], "--dealy: this command has no such option (did you mean --delay?)"),
        (["--volum=0.5"], "--volum: this command has no such option (did you mean --volume?)"),
        (["--delay", "two"], "--delay: expected a whole number, not 'two'"),
        (["--delay", "1.5"], "--delay: expected a whole number, not '1.5'"),
        (["--tone", "sam"], "--tone: expected one of 'same', 'opposite', not 'sam' (did you mean same?)"),
        (["--volume", "nan"], "--volume: expected a finite number, not nan"),
        (
            ["--bits", "2"],
            "--bits: the task toys:Echo has no such option (it is an option of associative_recall, copy, ",
        ),
        (
            ["--memory-slots", "2"],
            "--memory-slots: the model toys:Loud has no such option (it is an option of ntm, dnc)",
        ),
    ],
)
def test_a_misspelt_one_or_a_wrong_value_is_refused_in_a_line(words, expected, folder, toys, monkeypatch, capsys):
    monkeypatch.chdir(folder)
    assert main([*TRAIN, *words]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith(f"tapehead: {expected}")
    assert said.err.count("\n") == 1
    assert not (folder / "runs").exists()


def test_a_misspelt_one_is_refused_in_a_process_of_its_own_too(folder):
    said = tapehead(folder, *TRAIN, "--dealy", "2")
    assert (said.returncode, said.stdout) == (2, "")
    assert said.stderr == "tapehead: --dealy: this command has no such option (did you mean --delay?)\n"


def test_each_counts_in_this_process_as_well(toys, tmp_path):
    few = {"batch_size": 4, "steps": 12, "warmup_steps": 3, "eval_every": 5, "eval_sequences": 8}
    ends = set()
    for number, changes in enumerate(
        ({}, {"task": {"delay": 2}}, {"task": {"tone": "opposite"}}, {"model": {"volume": 1.0}})
    ):
        config = configure("toys:Echo", "toys:Loud", changes=few | changes)
        assert RunConfig.from_json(json.dumps(config.to_json()).encode(), "run.json") == config
        path = tmp_path / str(number)
        with pytest.raises(StoppedError):
            train(config, path, should_stop=stop_after(5))
        resume(path)
        loaded = load_run(path, print)
        assert loaded.config == config
        assert loaded.task == config.make_task()
        ends.add(digests(path))
    assert len(ends) == 4


def test_options_of_the_wrong_type_are_refused_in_this_process_as_well(toys):
    for changes, message in (
        ({"task": {"delay": 1.5}}, "delay: expected a whole number, not 1.5"),
        ({"task": {"delays": 1}}, "delays: expected an option of the task toys:Echo, which has no such one .*delay"),
        ({"model": {"volume": "loud"}}, "volume: expected a finite number, not 'loud'"),
        ({"model": {"volumes": 1.0}}, "volumes: expected an option of the model toys:Loud, which has no such .*volume"),
    ):
        with pytest.raises((TypeError, ValueError), match=message):
            configure("toys:Echo", "toys:Loud", changes=changes)
