"""A run that is stopped and goes on ends as if it had not been."""

import json
import random
import shutil

import pytest
import torch

import tapehead
from tapehead.models import MODELS
from tapehead.training.checkpoints import last_checkpoint, write_checkpoint
from tapehead.training.components import known_options
from tapehead.training.curricula import CURRICULA
from tapehead.training.errors import DamagedFileError, RunDirError, StoppedError
from tapehead.training.optimizers import OPTIMIZERS
from tapehead.training.run_dir import METRICS, read_rows, start_run_dir
from tests.training.tiny import digests, expect_no_warning, resume, stop_after, tiny_config, train, undisturbed

EVERY_KIND = [(model, optimizer) for model in MODELS for optimizer in OPTIMIZERS]


def stopped_and_resumed(config, path, step: int) -> tuple[str, str]:
    """Stop at that call of `should_stop`: there is one after every step, and one in a curriculum's evaluation."""
    with pytest.raises(StoppedError, match=rf"after step \d+, and saved; go on with `tapehead resume {path}`"):
        train(config, path, should_stop=stop_after(step))
    resume(path)
    return digests(path)


@pytest.mark.reliability(12)
@pytest.mark.parametrize(
    ("model", "optimizer"),
    [
        pytest.param(model, optimizer, marks=[] if model == "rnn" or optimizer == "adam" else pytest.mark.slow)
        for model, optimizer in EVERY_KIND
    ],
)
def test_every_model_with_every_optimizer_goes_on_bit_by_bit(model, optimizer, tmp_path):
    config = tiny_config(model, optimizer=optimizer)
    expected = undisturbed(config, tmp_path / "undisturbed")
    for step in (1, 7):
        assert stopped_and_resumed(config, tmp_path / str(step), step) == expected


@pytest.mark.reliability(12)
@pytest.mark.slow
@pytest.mark.parametrize(("model", "optimizer"), EVERY_KIND)
def test_a_run_goes_on_bit_by_bit_from_any_step(model, optimizer, tmp_path, record_property):
    record_property("cases", 20)
    config = tiny_config(model, optimizer=optimizer, steps=60, eval_every=7)
    expected = undisturbed(config, tmp_path / "undisturbed")
    for step in random.Random(0).sample(range(1, 60), 20):
        assert stopped_and_resumed(config, tmp_path / str(step), step) == expected


def eager(curriculum: str) -> dict[str, object]:
    """Options of a curriculum that grows at every evaluation, however many errors a tiny model makes."""
    growing = "threshold" in known_options("curriculum", curriculum)
    return {"curriculum": curriculum, "eval_every": 3, "max_length": 6} | ({"threshold": 100.0} if growing else {})


@pytest.mark.reliability(12)
@pytest.mark.parametrize("sizes_per", ["batch", "sequence"])
@pytest.mark.parametrize("curriculum", CURRICULA)
def test_every_curriculum_goes_on_bit_by_bit(curriculum, sizes_per, tmp_path):
    config = tiny_config(sizes_per=sizes_per, **eager(curriculum))
    expected = undisturbed(config, tmp_path / "undisturbed")
    for step in (1, 6, 11):
        assert stopped_and_resumed(config, tmp_path / str(step), step) == expected


@pytest.mark.reliability(12)
@pytest.mark.slow
@pytest.mark.parametrize("curriculum", CURRICULA)
def test_every_curriculum_goes_on_bit_by_bit_from_any_step(curriculum, tmp_path, record_property):
    config = tiny_config(**eager(curriculum))
    record_property("cases", config.steps - 1)
    expected = undisturbed(config, tmp_path / "undisturbed")
    for step in range(1, config.steps):
        assert stopped_and_resumed(config, tmp_path / str(step), step) == expected


def test_the_metrics_say_how_large_sequences_were_until_the_evaluation(tmp_path):
    for curriculum, lengths in {"none": [6, 6, 6, 6], "uniform": [3.5] * 4, "naive": [1, 2, 4, 6]}.items():
        train(tiny_config(**eager(curriculum)), tmp_path / curriculum)
        assert [row["mean_length"] for row in read_rows(tmp_path / curriculum / METRICS)] == lengths


@pytest.mark.reliability(8)
def test_a_checkpoint_without_its_curriculum_s_state_is_refused(tmp_path):
    for curriculum in CURRICULA:
        for number, state in enumerate([None, {"stage": 7}, {"log_weights": [0.0]}]):
            folder = tmp_path / f"{curriculum}{number}"
            with pytest.raises(StoppedError):
                train(tiny_config(curriculum=curriculum), folder, should_stop=stop_after(5))
            last, _ = last_checkpoint(folder / "checkpoints")
            write_checkpoint(folder / "checkpoints", last._replace(state={**last.state, "curriculum": state}))
            with pytest.raises(DamagedFileError, match="the checkpoint is of another curriculum: expected"):
                resume(folder)


@pytest.mark.reliability(12)
def test_a_run_may_be_stopped_after_every_single_step(tmp_path):
    config = tiny_config()
    expected = undisturbed(config, tmp_path / "undisturbed")
    with pytest.raises(StoppedError):
        train(config, tmp_path / "stopped", should_stop=stop_after(1))
    for _ in range(config.steps - 2):
        with pytest.raises(StoppedError):
            resume(tmp_path / "stopped", should_stop=stop_after(1))
    resume(tmp_path / "stopped")
    assert digests(tmp_path / "stopped") == expected


@pytest.mark.reliability(12)
def test_how_often_a_run_is_saved_does_not_change_it(tmp_path):
    config = tiny_config()
    for every in (1, 5, 100):
        train(config, tmp_path / str(every), checkpoint_every=every)
    assert len({digests(tmp_path / str(every)) for every in (1, 5, 100)}) == 1


def test_a_finished_run_is_left_as_it_is(tmp_path):
    result = train(tiny_config(), tmp_path)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*") if path.name != "lock"}
    assert resume(tmp_path) == result
    assert before == {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*") if path.name != "lock"}


def test_a_new_run_does_not_go_into_the_directory_of_another(tmp_path):
    train(tiny_config(), tmp_path)
    with pytest.raises(RunDirError, match=f"holds a run already; go on with `tapehead resume {tmp_path}`"):
        train(tiny_config(), tmp_path)


def test_a_directory_without_a_run_cannot_be_resumed(tmp_path):
    with pytest.raises(RunDirError, match="holds no run"):
        resume(tmp_path)


@pytest.mark.reliability(8)
def test_a_changed_configuration_is_refused(tmp_path):
    with pytest.raises(StoppedError):
        train(tiny_config(lr=0.25), tmp_path, should_stop=stop_after(5))
    described = json.loads((tmp_path / "run.json").read_text())
    described["optimizer"]["options"]["lr"] = 0.5
    (tmp_path / "run.json").write_text(json.dumps(described))
    with pytest.raises(RunDirError, match=r"was changed after the run began: optimizer\.lr was 0\.25 and is 0\.5"):
        resume(tmp_path)


@pytest.mark.reliability(8)
def test_the_configuration_of_another_run_is_refused(tmp_path):
    train(tiny_config("lstm", zero_vectors=0.2), tmp_path / "other")
    with pytest.raises(StoppedError):
        train(tiny_config(), tmp_path / "run", should_stop=stop_after(5))
    shutil.copy(tmp_path / "other/run.json", tmp_path / "run/run.json")
    with pytest.raises(RunDirError, match=r"was changed after the run began: model was 'ntm' and is 'lstm'"):
        resume(tmp_path / "run")


@pytest.mark.reliability(8)
def test_a_configuration_cannot_be_edited_before_the_first_checkpoint_either(tmp_path):
    start_run_dir(tmp_path, tiny_config(seed=1))
    text = (tmp_path / "run.json").read_text()
    (tmp_path / "run.json").write_text(text.replace('"seed": 1', '"seed": 2'))
    with pytest.raises(
        RunDirError, match=r"run\.json: was changed or damaged; `tapehead train` begins a run with other"
    ):
        resume(tmp_path)
    (tmp_path / "run.json").write_text(json.dumps(json.loads(text)))
    assert resume(tmp_path).step == 12, "only its layout was changed"


def test_going_on_under_other_software_warns(tmp_path):
    with pytest.raises(StoppedError):
        train(tiny_config(), tmp_path, should_stop=stop_after(5))
    environments = json.loads((tmp_path / "environment.json").read_text())
    environments[0]["fingerprint"]["torch"] = "1.0"
    (tmp_path / "environment.json").write_text(json.dumps(environments))
    warnings: list[str] = []
    resume(tmp_path, warn=warnings.append)
    assert warnings == [f"torch was 1.0 and is {torch.__version__}: the result may differ in its last bits"]
    assert [entry["from_step"] for entry in json.loads((tmp_path / "environment.json").read_text())] == [0, 5]


def test_going_on_under_the_same_software_does_not_warn(tmp_path):
    with pytest.raises(StoppedError):
        train(tiny_config(), tmp_path, should_stop=stop_after(5))
    resume(tmp_path, warn=expect_no_warning)
    assert len(json.loads((tmp_path / "environment.json").read_text())) == 1


def test_the_trained_weights_can_be_loaded(tmp_path):
    config = tiny_config()
    train(config, tmp_path)
    model = tapehead.load(tmp_path / "weights.safetensors")
    assert model.config == config.make_model().config


def test_stopping_when_solved_ends_the_run_early(tmp_path):
    result = train(tiny_config(solved_below=100, stop_when_solved=True), tmp_path)
    assert result.step == result.solved_at_step == 5


@pytest.mark.reliability(8)
@pytest.mark.parametrize("text", [None, "", "{}", "[", "{not json"])
def test_a_finished_run_that_lost_its_result_finishes_again(text, tmp_path):
    result = train(tiny_config(), tmp_path)
    before = digests(tmp_path)
    (tmp_path / "weights.safetensors").unlink()
    (tmp_path / "result.json").unlink() if text is None else (tmp_path / "result.json").write_text(text)
    warnings: list[str] = []
    assert resume(tmp_path, warn=warnings.append)._replace(seconds=0) == result._replace(seconds=0)
    assert digests(tmp_path) == before
    if text is None:
        assert warnings == []
    else:
        (warning,) = warnings
        assert warning.startswith(f"{tmp_path}/result.json: not what was written: ")
        assert warning.endswith("; it is made again from the checkpoint of step 12")


def test_a_lost_note_of_the_environment_is_a_warning(tmp_path):
    with pytest.raises(StoppedError):
        train(tiny_config(), tmp_path, should_stop=stop_after(5))
    (tmp_path / "environment.json").write_text("{")
    warnings: list[str] = []
    resume(tmp_path, warn=warnings.append)
    file, unknown = tmp_path / "environment.json", "the environment of the steps before is not known"
    assert warnings == [f"{file}: damaged, and set aside as environment.json.damaged; {unknown}"]
    assert (tmp_path / "environment.json.damaged").read_text() == "{"
    file.unlink()
    (tmp_path / "result.json").unlink()
    resume(tmp_path, warn=warnings.append)
    assert warnings[1:] == [f"{file}: missing; {unknown}"]


@pytest.mark.reliability(8)
@pytest.mark.parametrize(
    "line", ['{"step": "4", "seconds": 1}', '{"seconds": 1}', "[]", '{"step": 4, "seconds": null}', "{"]
)
def test_damaged_timings_are_set_aside_with_a_warning(line, tmp_path):
    with pytest.raises(StoppedError):
        train(tiny_config(), tmp_path, should_stop=stop_after(11))
    timings = (tmp_path / "timings.jsonl").read_text()
    (tmp_path / "timings.jsonl").write_text(f"{line}\n{timings}")
    warnings: list[str] = []
    resume(tmp_path, warn=warnings.append)
    assert warnings == [f"{tmp_path}/timings.jsonl: damaged, and set aside as timings.jsonl.damaged"]
    assert [row["step"] for row in read_rows(tmp_path / "timings.jsonl")] == [12]


def test_half_a_line_of_timings_that_a_crash_left_is_cut_off_without_a_word(tmp_path):
    with pytest.raises(StoppedError):
        train(tiny_config(), tmp_path, should_stop=stop_after(11))
    with (tmp_path / "timings.jsonl").open("a") as file:
        file.write('{"step": 12')
    resume(tmp_path)
    assert [row["step"] for row in read_rows(tmp_path / "timings.jsonl")] == [5, 10, 12]
