"""A run can go on beyond its end, and begin with the weights of another."""

import json
import shutil
from collections import OrderedDict
from dataclasses import replace

import pytest
import torch

import tapehead
from tapehead.models import MODELS
from tapehead.training import loop
from tapehead.training.checkpoints import remove_checkpoint, saved_steps
from tapehead.training.checksums import hash_tensors
from tapehead.training.config import RunConfig
from tapehead.training.errors import RunDirError, StoppedError
from tapehead.training.loaded_run import load_run
from tapehead.training.run_dir import CHECKPOINTS, CONFIG, METRICS, RESULT, read_config, read_rows, start_run_dir
from tests.command_line import TINY_FLAGS, tapeheads
from tests.command_line import tapehead as command
from tests.processes import complaints
from tests.training.tiny import (
    digests,
    expect_no_warning,
    ignore_progress,
    never,
    resume,
    stop_after,
    tiny_config,
    train,
    undisturbed,
)


def extend(path, steps, **changes):
    return loop.resume(
        path,
        **{"on_progress": ignore_progress, "should_stop": never, "warn": expect_no_warning, "checkpoint_every": 4}
        | {"steps": steps}
        | changes,
    )


EVERY_MODEL = pytest.mark.parametrize(
    "model", [pytest.param(model, marks=[] if model == "ntm" else pytest.mark.slow) for model in MODELS]
)


@EVERY_MODEL
def test_a_run_that_is_extended_ends_as_one_that_was_configured_so_from_the_beginning(model, tmp_path):
    config = tiny_config(model, rollback_patience=2)
    train(config, tmp_path / "run")
    for steps in (13, 30):
        result = extend(tmp_path / "run", steps)
        assert (result.step, finished_step(tmp_path / "run")) == (steps, steps)
    longer = replace(config, steps=30, extended_at=(12, 13))
    assert read_config(tmp_path / "run") == longer
    assert undisturbed(longer, tmp_path / "longer") == digests(tmp_path / "run")
    assert undisturbed(replace(config, steps=30), tmp_path / "straight") != digests(tmp_path / "run")


def finished_step(path):
    return json.loads((path / RESULT).read_bytes())["step"]


def test_the_learning_rate_after_the_end_is_that_of_the_longer_run(tmp_path):
    config = tiny_config(steps=10, eval_every=5, warmup_steps=0)
    train(config, tmp_path / "run")
    extend(tmp_path / "run", 20)
    rates = {row["step"]: row["learning_rate"] for row in read_rows(tmp_path / "run" / METRICS)}
    train(replace(config, steps=20), tmp_path / "straight")
    straight = {row["step"]: row["learning_rate"] for row in read_rows(tmp_path / "straight" / METRICS)}
    assert rates[10] < straight[10]
    assert (rates[15], rates[20]) == (straight[15], straight[20])


def test_a_run_that_has_not_ended_is_extended_as_well_and_can_be_stopped_on_the_way(tmp_path):
    config = tiny_config()
    with pytest.raises(StoppedError):
        train(config, tmp_path / "run", should_stop=stop_after(6))
    with pytest.raises(StoppedError):
        extend(tmp_path / "run", 20, should_stop=stop_after(9))
    extend(tmp_path / "run", 20)
    assert digests(tmp_path / "run") == undisturbed(config.extend(20), tmp_path / "longer")


def test_a_crash_between_the_two_files_of_an_extension_leaves_the_run_as_it_was(tmp_path):
    train(tiny_config(), tmp_path / "run")
    before = digests(tmp_path / "run")
    (tmp_path / "run" / RESULT).unlink()
    resume(tmp_path / "run")
    assert digests(tmp_path / "run") == before
    extend(tmp_path / "run", 20)
    assert extend(tmp_path / "run", 20) == extend(tmp_path / "run", None), "there is nothing left to do"


def test_a_run_cannot_become_shorter_nor_go_on_without_a_checkpoint_or_once_it_stopped_as_solved(tmp_path):
    run, solved = tmp_path / "run", tmp_path / "solved"
    train(tiny_config(), run)
    with pytest.raises(ValueError, match="steps: expected 12 or more, which the run has already, not 11"):
        extend(run, 11)
    for step in saved_steps(run / CHECKPOINTS):
        remove_checkpoint(run / CHECKPOINTS, step)
    with pytest.raises(RunDirError, match=r"expected a checkpoint to go on from, and there is none; `tapehead train"):
        extend(run, 20)
    train(tiny_config(solved_below=100.0, stop_when_solved=True), solved)
    with pytest.raises(RunDirError, match="the run stops when the task is solved, at step 5; `tapehead train copy"):
        extend(solved, 20)
    with (solved / RESULT).open("a") as file:
        file.write(" ")
    with pytest.raises(RunDirError, match="the run stops when the task is solved, at step 5"):
        extend(solved, 20)
    for path in (run, solved):
        assert (path / RESULT).exists()
        assert read_config(path).steps == 12


def test_what_a_run_was_extended_at_rises_up_to_its_steps():
    wrong = [(0,), (5, 5), (6, 5), (12,), (True,), (5.0,), [5], "5", None]
    for kind, said in complaints(tiny_config, [{"extended_at": ends} for ends in wrong]):
        assert kind in {TypeError, ValueError}
        assert said.startswith("extended_at: expected")
    ((_, said),) = complaints(tiny_config, [{"initial_weights": 1}])
    assert said == "initial_weights: expected a string or None, not 1"


def test_a_run_that_was_never_extended_is_written_as_before_there_were_extensions():
    described = tiny_config().to_json()
    assert not {"extended_at", "initial_weights"} & described.keys()
    longer = tiny_config().extend(20)
    assert RunConfig.from_json(json.dumps(longer.to_json()).encode(), "run.json") == longer


# ------------------------------------------------------------------------------------------------- initial weights


def begin(config, path, initial, **changes):
    return loop.train(
        config,
        path,
        initial=initial,
        **{"on_progress": ignore_progress, "should_stop": never, "checkpoint_every": 4} | changes,
    )


@EVERY_MODEL
def test_training_begins_with_the_weights_that_are_given(model, tmp_path):
    config = tiny_config(model)
    initial = replace(config, seed=5).make_model().state_dict()
    begin(config, tmp_path / "run", initial, should_stop=never)
    assert read_config(tmp_path / "run") == replace(config, initial_weights=hash_tensors(initial))
    assert digests(tmp_path / "run") != undisturbed(config, tmp_path / "other")
    own = config.make_model().state_dict()
    begin(config, tmp_path / "own", own)
    assert digests(tmp_path / "own") == digests(tmp_path / "other"), "those of the seed give the run of the seed"


def test_it_goes_on_bit_by_bit_wherever_it_was_stopped(tmp_path):
    config, initial = tiny_config(), tiny_config(seed=5).make_model().state_dict()
    begin(config, tmp_path / "run", initial)
    for step in (1, 7):
        path = tmp_path / str(step)
        with pytest.raises(StoppedError):
            begin(config, path, initial, should_stop=stop_after(step))
        resume(path)
        assert digests(path) == digests(tmp_path / "run")
    kept = tmp_path / "kept"
    with pytest.raises(StoppedError):
        begin(config, kept, initial, should_stop=stop_after(1))
    remove_checkpoint(kept / CHECKPOINTS, 1)
    assert saved_steps(kept / CHECKPOINTS) == [0]
    resume(kept)
    assert digests(kept) == digests(tmp_path / "run")


def test_a_crash_before_the_first_checkpoint_leaves_a_directory_in_which_it_can_begin(tmp_path, monkeypatch):
    config, initial = tiny_config(), tiny_config(seed=5).make_model().state_dict()
    with monkeypatch.context() as patched:
        patched.setattr("tapehead.training.run_writer.save_checkpoint", crash)
        with pytest.raises(MemoryError):
            begin(config, tmp_path / "run", initial)
    begin(config, tmp_path / "run", initial)
    begin(config, tmp_path / "other", initial)
    assert digests(tmp_path / "run") == digests(tmp_path / "other")


def crash(*_: object) -> None:
    raise MemoryError


def test_without_the_checkpoint_that_holds_them_it_cannot_begin(tmp_path):
    config = replace(tiny_config(), initial_weights="0" * 64)
    (tmp_path / "run").mkdir()
    start_run_dir(tmp_path / "run", config)
    with pytest.raises(RunDirError, match="expected a checkpoint, the first of which holds the weights"):
        resume(tmp_path / "run")
    with pytest.raises(ValueError, match="initial: expected the weights of which initial_weights='0000.* not None"):
        train(config, tmp_path / "other")
    with pytest.raises(ValueError, match="initial: expected the weights of which initial_weights='0000"):
        begin(config, tmp_path / "other", config.make_model().state_dict())
    assert not (tmp_path / "other").exists()


def test_weights_of_another_model_or_that_are_not_finite_are_an_error_before_anything_is_written(tmp_path):
    weights = tiny_config().make_model().state_dict()
    with pytest.raises(ValueError, match="initial: expected weights of the model that is trained: .*size mismatch"):
        begin(tiny_config(hidden_size=7), tmp_path / "run", weights)
    broken = OrderedDict(weights)
    name, tensor = next(iter(broken.items()))
    broken[name] = torch.full_like(tensor, torch.inf)
    with pytest.raises(ValueError, match="initial: expected finite weights, not these"):
        begin(tiny_config(), tmp_path / "run", broken)
    assert not (tmp_path / "run").exists()


def test_the_digest_of_tensors_depends_on_names_types_shapes_and_values_and_on_nothing_else():
    one = {"a": torch.tensor([[1.0, 2.0]]), "b": torch.tensor(3)}
    assert hash_tensors(one) == hash_tensors(dict(reversed(one.items())))
    others = [
        {"c": one["a"], "b": one["b"]},
        {"a": one["a"].double(), "b": one["b"]},
        {"a": one["a"][0], "b": one["b"]},
        {"a": one["a"] + 1, "b": one["b"]},
        {"a": one["a"], "b": torch.tensor(4)},
    ]
    assert len({hash_tensors(each) for each in (one, *others)}) == 6


# ------------------------------------------------------------------------------------------------- the command line

SHORT = ["--max-length=3", "--eval-every=5", "--eval-sequences=8", "--batch-size=4", "--steps=6"]


@pytest.fixture
def run(tmp_path):
    command("train", "copy", *TINY_FLAGS, *SHORT, "--out", tmp_path / "run")
    return tmp_path / "run"


def test_resume_takes_the_number_of_steps_in_all(run):
    steps = ("9", "9", "7", "0")
    longer, again, fewer, none = tapeheads([["resume", run, "--steps", number] for number in steps])
    assert "9 steps" in longer.out
    assert read_config(run).extended_at == (6,)
    assert "nothing is left to do" in again.err
    assert fewer.err == "tapehead: steps: expected 9 or more, which the run has already, not 7\n"
    assert none.err == f"tapehead: --steps: expected a whole number from 1 to {2**63 - 1}, not '0'\n"


def test_train_begins_with_a_run_a_file_or_a_model_of_the_package(run, tmp_path):
    weights = load_run(run, expect_no_warning).model.state_dict()
    for number, source in enumerate((run, run / "weights.safetensors")):
        path = tmp_path / f"from-{number}"
        command("train", "copy", "--from", source, *SHORT, "--out", path)
        config = read_config(path)
        assert config.initial_weights == hash_tensors(weights)
        assert config.model == read_config(run).model, "its options are those of the model"
    tapehead.pretrained("copy-ntm").save(tmp_path / "copy.safetensors")
    for source in ("pretrained:copy-ntm", tmp_path / "copy.safetensors"):
        shutil.rmtree(tmp_path / "run")
        said = command("train", "copy", "--from", source, "--steps", "1", "--out", tmp_path / "run")
        assert "solved at step 1 " in said.out


def test_the_memory_may_have_another_number_of_slots_and_nothing_else_may_differ(run, tmp_path):
    command("train", "copy", "--from", run, *SHORT, "--memory-slots", "9", "--out", tmp_path / "more")
    assert read_config(tmp_path / "more").model.options["memory_slots"] == 9
    said = tapeheads(
        [
            ["train", "copy", "--from", run, "--model", "dnc"],
            ["train", "ngrams", "--from", run],
            ["train", "copy", "--from", "pretrained:copi-ntm"],
            ["train", "copy", "--from", tmp_path / "nowhere"],
            ["train", "copy", "--from", run / CONFIG],
            ["train", "copy", "--from", run, "--hidden-size", "7", "--memory-slots", "9"],
        ],
        tmp_path,
    )
    assert [each.status for each in said] == [2] * 6
    model, task, name, nowhere, no_weights, size = (each.err.removeprefix("tapehead: ").strip() for each in said)
    assert model == "--model: expected ntm, as in --from, not dnc"
    assert task == f"--from: expected a model with 1 inputs and 1 outputs, as ngrams has them, not {run} with 9 and 8"
    assert "did you mean copy-ntm?" in name
    assert nowhere == f"{tmp_path / 'nowhere'}: holds no run: run.json: No such file or directory"
    assert "expected a model saved by tapehead" in no_weights
    assert size == "--from: expected a model with hidden_size=7, not 6"
