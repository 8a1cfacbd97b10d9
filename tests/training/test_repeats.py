"""The same run ends the same, bit by bit, however often it is done and on however many threads."""

import json

import pytest
import torch

from tapehead.training.config import RunConfig
from tapehead.training.errors import StoppedError
from tapehead.training.recipes import configure
from tests.processes import elsewhere
from tests.training.tiny import resume, stop_after, tiny_config, train, undisturbed

pytestmark = pytest.mark.reliability(13)


def usual_size(model: str, controller: str | None = None) -> RunConfig:
    """The sizes of the papers, at which threads do share the work."""
    few = {"steps": 3, "eval_every": 3, "eval_sequences": 64, "warmup_steps": 1}
    return configure("copy", model, changes=few | {"model": {} if controller is None else {"controller": controller}})


def on_threads(config: RunConfig, path, threads: int) -> tuple[str, str]:
    torch.set_num_threads(threads)
    return undisturbed(config, path)


def test_the_same_run_ends_the_same(tmp_path):
    ends = {elsewhere(on_threads, tiny_config(), tmp_path / f"{threads}", threads) for threads in (1, 2)}
    assert len(ends) == 1


def ends_on(threads: int, config: RunConfig, path) -> set[tuple[str, str]]:
    """Do a run ten times on so many threads, and give how it ends."""
    return {elsewhere(on_threads, config, path / f"{threads}-{repeat}", threads) for repeat in range(10)}


@pytest.mark.slow
@pytest.mark.parametrize("controller", ["lstm", "feedforward"])
def test_ten_repeats_on_one_and_on_two_threads_are_bit_identical(controller, tmp_path, record_property):
    record_property("cases", 2 * 10)
    config = usual_size("ntm", controller)
    assert len(ends_on(1, config, tmp_path) | ends_on(2, config, tmp_path)) == 1


@pytest.mark.slow
@pytest.mark.parametrize("model", ["lstm", "rnn"])
def test_ten_repeats_of_a_baseline_on_as_many_threads_are_bit_identical(model, tmp_path, record_property):
    """Not on one and on two alike: on two, some of torch.nn.LSTM's and RNN's own sums come in another order."""
    record_property("cases", 2 * 10)
    config = usual_size(model)
    assert len(ends_on(1, config, tmp_path)) == 1
    assert len(ends_on(2, config, tmp_path)) == 1


def test_going_on_with_another_number_of_threads_warns(tmp_path):
    with pytest.raises(StoppedError):
        train(tiny_config(), tmp_path, should_stop=stop_after(5))
    environments = json.loads((tmp_path / "environment.json").read_text())
    environments[0]["fingerprint"]["threads"] += 1
    (tmp_path / "environment.json").write_text(json.dumps(environments))
    warnings: list[str] = []
    resume(tmp_path, warn=warnings.append)
    assert warnings == ["threads was 2 and is 1: the result may differ in its last bits"]
