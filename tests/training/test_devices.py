"""A run can be trained, resumed and evaluated on any device that torch has here, and says so where it has none."""

import json
from pathlib import Path

import pytest
import torch

from tapehead.cli import main
from tapehead.tasks import Batch
from tapehead.training import loop
from tapehead.training.data import Purpose, draw_training_batch
from tapehead.training.environment import choose_device, device_name
from tapehead.training.errors import StoppedError
from tapehead.training.evaluation import score
from tapehead.training.loaded_run import load_run
from tapehead.training.step import Learner
from tests.command_line import TINY_FLAGS, tapeheads
from tests.training.tiny import digests, expect_no_warning, ignore_progress, never, stop_after, tiny_config, train

gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="torch sees no CUDA device")


@pytest.fixture
def without_cuda(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)


@pytest.fixture
def two_cuda_devices(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)


# ------------------------------------------------------------------------------------------------ names of devices


def test_auto_is_cuda_where_there_is_one(two_cuda_devices):
    assert choose_device("auto") == torch.device("cuda")
    assert [choose_device(name).index for name in ("cuda", "cuda:0", "cuda:1")] == [None, 0, 1]


def test_auto_is_the_cpu_where_there_is_none(without_cuda):
    assert choose_device("auto") == choose_device("cpu") == torch.device("cpu")
    assert device_name(torch.device("cpu")) == "cpu"


def test_a_device_that_is_not_there_is_refused_with_how_many_there_are(two_cuda_devices):
    with pytest.raises(
        ValueError, match="device: expected a device that is available, not 'cuda:2': CUDA devices available here: 2"
    ):
        choose_device("cuda:2")


@pytest.mark.parametrize("name", ["", "gpu", "meta", "mps", "cuda:x", "cuda:-1", "CUDA", "cpu:0:0", "tpu:1", "😀"])
def test_what_is_no_name_of_a_device_is_refused(name):
    with pytest.raises(ValueError, match=f"device: expected auto, cpu, cuda or cuda:N, not '{name}'"):
        choose_device(name)


# ------------------------------------------------------------------------------------------------ the command line


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that was stopped, so that there is something to resume."""
    path = tmp_path_factory.mktemp("runs") / "stopped"
    with pytest.raises(StoppedError):
        train(tiny_config(), path, should_stop=stop_after(5))
    return path


def test_cpu_and_auto_are_taken_by_every_command_that_runs_a_model(tmp_path):
    lines = [
        ["train", "copy", "--device", "cpu", "--out", tmp_path / "a", *TINY_FLAGS],
        ["train", "copy", "--device=auto", "--out", tmp_path / "b", *TINY_FLAGS],
        ["resume", tmp_path / "a", "--device", "auto"],
        ["evaluate", tmp_path / "a", "--device", "cpu", "--sizes", "3", "--sequences", "2"],
        ["evaluate", tmp_path / "b", "--device", "auto", "--sizes", "3", "--sequences", "2"],
    ]
    assert [said.status for said in tapeheads(lines)] == [0] * 5
    environment = json.loads((tmp_path / "a/environment.json").read_text())
    assert environment[0]["fingerprint"]["device"] == "cpu"
    assert "device" not in json.loads((tmp_path / "a/run.json").read_text()), "a run is the same run on every device"


@pytest.mark.parametrize("device", ["cuda", "cuda:1", "gpu", ""])
@pytest.mark.parametrize("command", ["train", "resume", "evaluate"])
def test_a_device_that_is_not_there_is_refused_in_a_line(command, device, run, tmp_path, without_cuda, capsys):
    words = (
        ["train", "copy", "--out", str(tmp_path / "new"), *TINY_FLAGS] if command == "train" else [command, str(run)]
    )
    assert main([*words, "--device", device]) == 2
    said = capsys.readouterr()
    expected = "a device that is available" if device.startswith("cuda") else "auto, cpu, cuda or cuda:N"
    assert said.out == ""
    assert said.err.startswith(f"tapehead: device: expected {expected}, not '{device}'")
    assert said.err.count("\n") == 1
    assert not (tmp_path / "new").exists()


def test_going_on_elsewhere_is_a_warning_and_is_recorded(tmp_path):
    with pytest.raises(StoppedError):
        train(tiny_config(), tmp_path, should_stop=stop_after(5))
    environments = json.loads((tmp_path / "environment.json").read_text())
    environments[0]["fingerprint"]["device"] = "NVIDIA H100"
    (tmp_path / "environment.json").write_text(json.dumps(environments))
    (said,) = tapeheads([["resume", tmp_path]])
    assert said.status == 0
    warning = "tapehead: warning: device was NVIDIA H100 and is cpu: the result may differ in its last bits"
    assert said.err.splitlines()[0] == warning
    entries = json.loads((tmp_path / "environment.json").read_text())
    assert [(entry["from_step"], entry["fingerprint"]["device"]) for entry in entries] == [
        (0, "NVIDIA H100"),
        (5, "cpu"),
    ]


# ------------------------------------------------------------------------------------- batches go where the model is


def test_a_learner_puts_weights_and_batches_on_its_device():
    for task in ("copy", "reverse"):
        learner = Learner(tiny_config("lstm", task=task), "meta")
        assert {parameter.device.type for parameter in learner.model.parameters()} == {"meta"}
        assert learner.weights.device.type == "meta"
        _, batch = learner._take_batch(1)
        assert {tensor.device.type for tensor in batch} == {"meta"}
        assert learner._loss_divisor(batch).device.type == "meta"
        assert learner.task.input_channels(batch).device.type == "meta"


def test_initial_weights_and_data_are_those_of_the_cpu_on_every_device(monkeypatch):
    config, moved = tiny_config(), []
    expected = config.make_model().state_dict()
    monkeypatch.setattr(torch.nn.Module, "to", lambda model, device: moved.append(device) or model)
    made = config.make_model(torch.device("meta")).state_dict()
    assert moved == [torch.device("meta")]
    assert all(torch.equal(made[name], tensor) for name, tensor in expected.items()), "drawn first, moved afterwards"


def test_a_batch_that_is_there_already_is_not_copied():
    config = tiny_config()
    _, batch = draw_training_batch(config, config.make_task(), config.make_curriculum(), 1)
    assert all(one is other for one, other in zip(batch, batch.to("cpu"), strict=True))


def test_evaluation_puts_batches_where_the_model_is(monkeypatch):
    class MovedError(Exception):
        pass

    def move(batch: Batch, device: torch.device) -> Batch:
        raise MovedError(device)

    monkeypatch.setattr(Batch, "to", move)
    config = tiny_config("lstm")
    with pytest.raises(MovedError, match="meta"):
        score(config.make_model("meta"), config.make_task(), (3,), 2, 1, Purpose.GENERALIZATION)


# ------------------------------------------------------------------------------------------------------- with a GPU


@gpu
@pytest.mark.gpu
@pytest.mark.parametrize("task", ["copy", "reverse", "ngrams"])
@pytest.mark.parametrize("model", ["ntm", "dnc", "lstm", "rnn"])
def test_a_run_on_cuda_measures_what_one_on_the_cpu_does(model, task):
    here, there = (Learner(tiny_config(model, task=task), device) for device in ("cpu", "cuda"))
    for learner in (here, there):
        for step in range(1, 4):
            learner.train_step(step)
    for one, other in zip(here.take_metrics(), there.take_metrics(), strict=True):
        assert one.loss == pytest.approx(other.loss, rel=1e-3)
        assert one.bits == pytest.approx(other.bits, rel=1e-3)
    assert here.evaluate(3).bits == pytest.approx(there.evaluate(3).bits, rel=1e-3)


@gpu
@pytest.mark.gpu
@pytest.mark.parametrize(("begun", "resumed"), [("cuda", "cpu"), ("cpu", "cuda"), ("cuda", "cuda")])
def test_a_checkpoint_of_one_device_goes_on_on_another(begun, resumed, tmp_path):
    warnings: list[str] = []
    config = tiny_config(curriculum="prediction_gain")
    with pytest.raises(StoppedError):
        loop.train(config, tmp_path, on_progress=ignore_progress, should_stop=stop_after(5), device=begun)
    result = loop.resume(tmp_path, on_progress=ignore_progress, should_stop=never, warn=warnings.append, device=resumed)
    assert result.step == config.steps
    assert any(warning.startswith("device was ") for warning in warnings) == (begun != resumed)
    loaded = load_run(tmp_path, warnings.append, resumed)
    assert {parameter.device.type for parameter in loaded.model.parameters()} == {resumed}


@gpu
@pytest.mark.gpu
def test_a_run_on_cuda_goes_on_bit_by_bit(tmp_path):
    config = tiny_config("lstm")
    options = {"on_progress": ignore_progress, "device": "cuda"}
    loop.train(config, tmp_path / "whole", should_stop=never, **options)
    with pytest.raises(StoppedError):
        loop.train(config, tmp_path / "stopped", should_stop=stop_after(7), **options)
    loop.resume(tmp_path / "stopped", should_stop=never, warn=expect_no_warning, **options)
    assert digests(tmp_path / "whole") == digests(tmp_path / "stopped")
