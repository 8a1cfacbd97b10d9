"""Two processes that train one run together compute what one does, and write its files once (RELIABILITY 17)."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from tapehead.training import loop
from tapehead.training.errors import DivergedError, LostRankError, StoppedError, TrainingError
from tapehead.training.ranks import Ranks
from tapehead.training.run_dir import METRICS, read_environments, read_rows
from tapehead.training.step import Learner
from tests.command_line import TINY_FLAGS
from tests.ranks import RANKS, SAME, call_in_ranks
from tests.training.tiny import digests, expect_no_warning, ignore_progress, never, stop_after, tiny_config, train

UNCLIPPED: dict[str, Any] = {"max_grad_norm": None, "max_grad_value": None, "batch_size": 8}
CONFIGS = {
    "sizes differ": tiny_config(**UNCLIPPED),
    "a loss per sequence": tiny_config(**UNCLIPPED, loss_reduction="batchmean"),
    "memories of drawn sizes": tiny_config(**UNCLIPPED, min_memory_slots=4, memory_slots=12),
    "a DNC": tiny_config("dnc", **UNCLIPPED, min_memory_slots=None),
    "an LSTM and symbols": tiny_config("lstm", task="reverse", **UNCLIPPED),
}
GAINS = tiny_config(curriculum="prediction_gain", steps=6, batch_size=8, rollback_patience=1)


def take_steps(rank: int, folder: Path) -> None:
    """Take a training step of each configuration, and save the gradients."""
    for name, config in CONFIGS.items():
        torch.save(step_once(config, Ranks(rank, RANKS)), folder / f"{name}-{rank}.pt")


def step_once(config: Any, ranks: Ranks) -> tuple[torch.Tensor, list[float]]:
    learner = Learner(config, ranks=ranks)
    learner.train_step(1)
    return learner.weights.grad, [number for metrics in learner.take_metrics() for number in metrics]


@pytest.mark.reliability(17)
def test_the_gradients_and_metrics_of_a_step_are_those_of_one_process(tmp_path: Path, record_property) -> None:
    record_property("cases", len(CONFIGS))
    call_in_ranks(take_steps, tmp_path, tmp_path)
    for name, config in CONFIGS.items():
        gradient, metrics = step_once(config, Ranks())
        assert gradient.abs().max() > 1e-3
        for rank in range(RANKS):
            found, measured = torch.load(tmp_path / f"{name}-{rank}.pt")
            torch.testing.assert_close(found, gradient, rtol=0, atol=SAME * max(1.0, float(gradient.abs().max())))
            assert measured == pytest.approx(metrics, rel=1e-5)


def do_runs(rank: int, folder: Path) -> None:
    """Do a run in one go, and again with a signal to one of the processes in between; say how that ended."""
    ranks = Ranks(rank, RANKS)
    for config, name in ((tiny_config(batch_size=8), "whole"), (GAINS, "gains")):
        begin(config, folder / name, ranks, never)
    stop = stop_after(7) if rank == 1 else never
    with pytest.raises(StoppedError) as stopped:
        begin(tiny_config(batch_size=8), folder / "stopped", ranks, stop)
    (folder / f"signal-{rank}").write_text(str(stopped.value.status))
    loop.resume(folder / "stopped", on_progress=ignore_progress, should_stop=never, warn=expect_no_warning, ranks=ranks)


def begin(config: Any, path: Path, ranks: Ranks, should_stop: loop.ShouldStop) -> None:
    loop.train(config, path, on_progress=ignore_progress, should_stop=should_stop, checkpoint_every=4, ranks=ranks)


def test_a_run_of_two_is_that_of_one_and_can_be_stopped_and_resumed(tmp_path: Path) -> None:
    call_in_ranks(do_runs, tmp_path, tmp_path)
    for config, name in ((tiny_config(batch_size=8), "whole"), (GAINS, "gains")):
        train(config, tmp_path / f"alone {name}")
        ours, alone = (read_rows(tmp_path / run / METRICS) for run in (name, f"alone {name}"))
        for row, expected in zip(ours, alone, strict=True):
            assert row.pop("eval_optimal_bits") is expected.pop("eval_optimal_bits") is None
            assert row == pytest.approx(expected, rel=1e-3), name
    assert {(tmp_path / f"signal-{rank}").read_text() for rank in range(RANKS)} == {str(128 + 15)}
    assert [one["fingerprint"]["processes"] for one in read_environments(tmp_path / "stopped")] == [RANKS]
    assert digests(tmp_path / "stopped") == digests(tmp_path / "whole")
    assert {path.name for path in tmp_path.glob("*/*.jsonl")} == {METRICS, "timings.jsonl"}


def test_a_batch_that_cannot_be_shared_out_is_refused() -> None:
    with pytest.raises(ValueError, match=r"batch_size: expected a multiple of 3, the number of processes, not 8"):
        Learner(tiny_config(batch_size=8), ranks=Ranks(1, 3))


def diverge(rank: int, folder: Path) -> None:
    """Do a run whose loss is not finite in the third step, for the sequences of the second process only."""
    config, ranks = tiny_config(batch_size=8), Ranks(rank, RANKS)
    whole = Ranks.join

    def join(self: Ranks, logits: torch.Tensor) -> torch.Tensor:
        poisoned = count_calls(folder, rank) == 3 and rank == 1
        return whole(self, logits * float("nan") if poisoned else logits)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(Ranks, "join", join)
        with pytest.raises(DivergedError) as diverged:
            begin(config, folder / "diverged", ranks, never)
    (folder / f"said-{rank}").write_text(str(diverged.value))


def count_calls(folder: Path, rank: int) -> int:
    """Count the calls of a process."""
    counted = folder / f"calls-{rank}"
    counted.write_text(counted.read_text() + "." if counted.exists() else ".")
    return len(counted.read_text())


def begin_where_a_run_is(rank: int, folder: Path) -> None:
    """Begin a run in a directory that only the first process knows to be taken; say how that ended."""
    with pytest.raises(TrainingError) as failed:
        begin(tiny_config(batch_size=8), folder / "taken", Ranks(rank, RANKS), never)
    (folder / f"said-{rank}").write_text(f"{type(failed.value).__name__}")


def lose_one(rank: int, folder: Path) -> None:
    """Begin a run in whose fifth step the second process goes; say how that ended for the first."""

    def go_in_step_5() -> None:
        if rank == 1 and count_calls(folder, rank) == 5:
            os._exit(0)

    with pytest.raises(LostRankError) as lost:
        begin(tiny_config(batch_size=8), folder / "lost", Ranks(rank, RANKS), go_in_step_5)
    (folder / "said").write_text(str(lost.value))
    os._exit(0)  # there is nobody left to meet


def test_a_loss_that_is_not_finite_for_one_ends_all_at_the_same_step(tmp_path: Path) -> None:
    call_in_ranks(diverge, tmp_path, tmp_path)
    first, second = ((tmp_path / f"said-{rank}").read_text() for rank in range(RANKS))
    assert first == second == "step 3: the loss is nan; there is no checkpoint yet"


def test_what_only_the_first_finds_wrong_ends_the_others(tmp_path: Path) -> None:
    train(tiny_config(batch_size=8), tmp_path / "taken")
    call_in_ranks(begin_where_a_run_is, tmp_path, tmp_path)
    assert [(tmp_path / f"said-{rank}").read_text() for rank in range(RANKS)] == ["RunDirError", "FirstFailedError"]


def test_a_process_that_is_gone_ends_the_others_in_a_sentence(tmp_path: Path) -> None:
    call_in_ranks(lose_one, tmp_path, tmp_path)
    expected = "a process that trains this run too is gone or does not answer, and may have said why; `tapehead resume`"
    assert (tmp_path / "said").read_text().startswith(expected)
    assert sorted(int(path.stem) for path in tmp_path.glob("lost/checkpoints/*.json")) == [4]


@pytest.mark.slow  # a quarter of a minute, of which torchrun takes most
def test_torchrun_trains_one_run_in_two_processes(tmp_path: Path) -> None:
    words = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2", "-m", "tapehead"]
    train_words = ["train", "copy", *TINY_FLAGS, "--out", "run", "--json"]
    first, again = (
        subprocess.run([*words, *more], cwd=tmp_path, capture_output=True, text=True, check=False)
        for more in (train_words, ["resume", "run", "--json"])
    )
    assert (first.returncode, again.returncode) == (0, 0), first.stderr
    assert json.loads(first.stdout) == json.loads(again.stdout), "the run is finished already"
    assert again.stderr.count("this run is finished already") == 1
    for wrong, said in (
        (["train", "copy", "--seed", "x"], "tapehead: --seed: expected a whole number, not 'x'"),
        (["evaluate", "run"], "tapehead: evaluate: runs in one process, and cannot be started by torchrun; train and"),
    ):
        failed = subprocess.run([*words, *wrong], cwd=tmp_path, capture_output=True, text=True, check=False)
        assert failed.stderr.count(said) == 1
    assert not list(tmp_path.glob("run/**/*.part"))
