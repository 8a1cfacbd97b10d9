"""A task of one's own whose training sequences have no end is tried before anything is written, as any other is."""

from pathlib import Path

import pytest

from tests.command_line import TINY_MODEL_FLAGS, tapeheads

COUNT = """
from dataclasses import dataclass
import numpy as np
import torch
from tapehead.tasks import Batch, StreamTask, SymbolTask

@dataclass(frozen=True, kw_only=True)
class Count(StreamTask, SymbolTask):
    "The time since the training began, modulo 3."

    length: int = 4
    input_size = output_size = 3
    size_names = ("length",)
    min_size = max_size = property(lambda self: (self.length,))

    def sample(self, sizes, generator):
        return self.draw(sizes, 1)

    def sample_continued(self, sizes, step, generator):
        return self.draw(sizes, step)

    def draw(self, sizes, step):
        time = torch.arange(self.length).unsqueeze(1) + (step - 1) * self.length + torch.zeros(len(sizes), dtype=int)
        every = torch.ones_like(time, dtype=torch.bool)
        return Batch(time % 3, (time + 1) % 3, every, torch.full((len(sizes),), self.length))
"""
CONTINUED = "return self.draw(sizes, step)"
DAMAGES = {
    "an error": ("raise RuntimeError('boom')", "expected sequences, not an error: RuntimeError: boom"),
    "an error later": ("assert step < 2; return self.draw(sizes, step)", "expected sequences, not an error: Assertion"),
    "nothing": ("return None", "expected a tapehead.tasks.Batch, not NoneType"),
    "too few": ("return self.draw(sizes[1:], step)", "expected mask of shape (4, 2), not (4, 1)"),
}
TRAIN = ["train", "own:Count", "--out", "run", *TINY_MODEL_FLAGS]


def test_a_task_without_end_of_one_s_own_is_trained_resumed_and_evaluated(tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text(COUNT)
    said = tapeheads([TRAIN, ["resume", "run"], ["evaluate", "run", "--sequences", "2"]], tmp_path)
    assert [one.status for one in said] == [0, 0, 0], said


@pytest.mark.parametrize("damage", DAMAGES)
def test_what_it_draws_in_training_is_tried_before_anything_is_written(damage: str, tmp_path: Path) -> None:
    code, expected = DAMAGES[damage]
    assert COUNT.count(CONTINUED) == 1
    (tmp_path / "own.py").write_text(COUNT.replace(CONTINUED, code))
    (said,) = tapeheads([TRAIN], tmp_path)
    assert said.status != 0
    assert said.err.startswith(f"tapehead: Count.sample_continued: {expected}")
    assert not (tmp_path / "run").exists()


def test_sequences_of_several_sizes_are_refused(tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text(COUNT.replace("min_size = max_size", "min_size = (1,)\n    max_size"))
    (said,) = tapeheads([TRAIN], tmp_path)
    expected = "tapehead: task: expected sequences of one size in training, since Count carries the state of the model"
    assert said.err == f"{expected} from batch to batch, not from (1,) to (4,)\n"
    assert not (tmp_path / "run").exists()


def test_a_digest_of_its_data_is_a_text(tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text(COUNT.replace("    length: int", "    data_digest = ('a', 1)\n    length: int"))
    (said,) = tapeheads([TRAIN], tmp_path)
    assert said.err == "tapehead: Count.data_digest: expected a str or None, not ('a', 1)\n"


FIXED = """
from tapehead.models import LSTM
from tapehead.cells.baselines import LSTMCell

class Fixed(LSTM):
    def __init__(self, input_size, output_size, *, device=None, embedding_size: int | None = 6):
        super().__init__(input_size, output_size, device=device, embedding_size=embedding_size, hidden_size=4)
"""


@pytest.mark.parametrize("size", ["none", "3", "6"])
def test_a_model_of_one_s_own_may_have_an_embedding_by_default(size: str, tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text(FIXED)
    small = [word for word in TINY_MODEL_FLAGS if "memory" not in word and "hidden" not in word]
    train = ["train", "reverse", "--model", "own:Fixed", "--embedding-size", size, "--out", "run", *small]
    said = tapeheads([train, ["evaluate", "run", "--sequences", "2"], ["resume", "run"]], tmp_path)
    assert [one.status for one in said] == [0, 0, 0], said
