"""The same run ends the same, bit by bit, however often it is done and on however many threads."""

import pytest
import torch

from tapehead.training.recipes import describe
from tapehead.training.run import Run
from tests.processes import elsewhere
from tests.training.tiny import tiny_run, undisturbed


def usual_size(model: str, controller: str | None = None) -> Run:
    """The sizes of the papers, at which threads do share the work."""
    few = {"updates": 3, "evaluate_every": 3, "evaluation_sequences": 64, "warmup_updates": 1}
    return describe(task="copy", model=model, seed=1, **few, controller=controller)


def on_threads(run: Run, path, threads: int) -> tuple[str, str]:
    torch.set_num_threads(threads)
    return undisturbed(run, path)


def test_the_same_run_ends_the_same(tmp_path):
    ends = {elsewhere(on_threads, tiny_run(), tmp_path / f"{threads}", threads) for threads in (1, 2)}
    assert len(ends) == 1


@pytest.mark.slow
@pytest.mark.parametrize(
    ("model", "controller"), [("ntm", "lstm"), ("ntm", "feedforward"), ("lstm", None), ("rnn", None)]
)
def test_ten_repeats_on_one_and_on_two_threads_are_bit_identical(model, controller, tmp_path):
    run = usual_size(model, controller)
    ends = {
        elsewhere(on_threads, run, tmp_path / f"{threads}-{repeat}", threads)
        for threads in (1, 2)
        for repeat in range(10)
    }
    assert len(ends) == 1
