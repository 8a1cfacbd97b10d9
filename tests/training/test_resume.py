"""A run that is stopped and goes on ends as if it had not been."""

import json
import random

import pytest
import torch

import tapehead
from tapehead.models import MODELS
from tapehead.training.checkpoints import last_checkpoint, write_checkpoint
from tapehead.training.curricula import CURRICULA, growing
from tapehead.training.errors import BrokenCheckpointError, FolderError, StoppedError
from tapehead.training.folder import METRICS, read_rows
from tapehead.training.optimisers import OPTIMISERS
from tests.training.tiny import digests, resume, stop_after, tiny_run, train, undisturbed, unwarned

EVERY_KIND = [(model, optimiser) for model in MODELS for optimiser in OPTIMISERS]


def stopped_and_resumed(run, path, update: int) -> tuple[str, str]:
    with pytest.raises(StoppedError, match=f"after update {update}, and saved; go on with `tapehead resume {path}`"):
        train(run, path, stop=stop_after(update))
    resume(path)
    return digests(path)


@pytest.mark.parametrize(("model", "optimiser"), EVERY_KIND)
def test_every_model_with_every_optimiser_goes_on_bit_by_bit(model, optimiser, tmp_path):
    run = tiny_run(model, optimiser=optimiser)
    expected = undisturbed(run, tmp_path / "undisturbed")
    for update in (1, 7):
        assert stopped_and_resumed(run, tmp_path / str(update), update) == expected


@pytest.mark.slow
@pytest.mark.parametrize(("model", "optimiser"), EVERY_KIND)
def test_a_run_goes_on_bit_by_bit_from_any_update(model, optimiser, tmp_path):
    run = tiny_run(model, optimiser=optimiser, updates=60, evaluate_every=7)
    expected = undisturbed(run, tmp_path / "undisturbed")
    for update in random.Random(0).sample(range(1, 60), 20):
        assert stopped_and_resumed(run, tmp_path / str(update), update) == expected


@pytest.fixture
def quickly_pleased(monkeypatch):
    """Curricula that grow at every evaluation, however many errors a tiny model makes."""
    monkeypatch.setattr(growing, "SOLVED_BELOW", 100.0)


@pytest.mark.parametrize("lengths_per", ["batch", "sequence"])
@pytest.mark.parametrize("curriculum", CURRICULA)
def test_every_curriculum_goes_on_bit_by_bit(curriculum, lengths_per, tmp_path, quickly_pleased):
    run = tiny_run(curriculum=curriculum, lengths_per=lengths_per, evaluate_every=3, max_length=6)
    expected = undisturbed(run, tmp_path / "undisturbed")
    for update in (1, 6, 11):
        assert stopped_and_resumed(run, tmp_path / str(update), update) == expected


@pytest.mark.slow
@pytest.mark.parametrize("curriculum", CURRICULA)
def test_every_curriculum_goes_on_bit_by_bit_from_any_update(curriculum, tmp_path, quickly_pleased):
    run = tiny_run(curriculum=curriculum, evaluate_every=3, max_length=6)
    expected = undisturbed(run, tmp_path / "undisturbed")
    for update in range(1, run.updates):
        assert stopped_and_resumed(run, tmp_path / str(update), update) == expected


def test_the_metrics_say_how_large_questions_were_until_the_evaluation(tmp_path, quickly_pleased):
    for curriculum, lengths in {"none": [6, 6, 6, 6], "uniform": [3.5] * 4, "naive": [1, 2, 4, 6]}.items():
        train(tiny_run(curriculum=curriculum, evaluate_every=3, max_length=6), tmp_path / curriculum)
        assert [row["mean_length"] for row in read_rows(tmp_path / curriculum / METRICS)] == lengths


def test_a_checkpoint_without_its_curriculum_s_state_is_refused(tmp_path):
    for curriculum in CURRICULA:
        for number, state in enumerate([None, {"rung": 7}, {"log_weights": [0.0]}]):
            folder = tmp_path / f"{curriculum}{number}"
            with pytest.raises(StoppedError):
                train(tiny_run(curriculum=curriculum), folder, stop=stop_after(5))
            last, _ = last_checkpoint(folder / "checkpoints")
            write_checkpoint(folder / "checkpoints", last._replace(facts={**last.facts, "curriculum": state}))
            with pytest.raises(BrokenCheckpointError, match="the checkpoint is of another curriculum: expected"):
                resume(folder)


def test_a_run_may_be_stopped_after_every_single_update(tmp_path):
    run = tiny_run()
    expected = undisturbed(run, tmp_path / "undisturbed")
    with pytest.raises(StoppedError):
        train(run, tmp_path / "stopped", stop=stop_after(1))
    for _ in range(run.updates - 2):
        with pytest.raises(StoppedError):
            resume(tmp_path / "stopped", stop=stop_after(1))
    resume(tmp_path / "stopped")
    assert digests(tmp_path / "stopped") == expected


def test_how_often_a_run_is_saved_does_not_change_it(tmp_path):
    run = tiny_run()
    for every in (1, 5, 100):
        train(run, tmp_path / str(every), checkpoint_every=every)
    assert len({digests(tmp_path / str(every)) for every in (1, 5, 100)}) == 1


def test_a_finished_run_is_left_as_it_is(tmp_path):
    result = train(tiny_run(), tmp_path)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*") if path.name != "lock"}
    assert resume(tmp_path) == result
    assert before == {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*") if path.name != "lock"}


def test_a_new_run_does_not_go_into_the_folder_of_another(tmp_path):
    train(tiny_run(), tmp_path)
    with pytest.raises(FolderError, match=f"holds a run already; go on with `tapehead resume {tmp_path}`"):
        train(tiny_run(), tmp_path)


def test_a_folder_without_a_run_cannot_be_resumed(tmp_path):
    with pytest.raises(FolderError, match="holds no run"):
        resume(tmp_path)


def test_a_changed_description_is_refused(tmp_path):
    with pytest.raises(StoppedError):
        train(tiny_run(learning_rate=0.25), tmp_path, stop=stop_after(5))
    described = json.loads((tmp_path / "run.json").read_text())
    (tmp_path / "run.json").write_text(json.dumps({**described, "learning_rate": 0.5}))
    with pytest.raises(FolderError, match="learning_rate was 0.25 and is 0.5"):
        resume(tmp_path)


def test_going_on_under_other_software_warns(tmp_path):
    with pytest.raises(StoppedError):
        train(tiny_run(), tmp_path, stop=stop_after(5))
    machines = json.loads((tmp_path / "machine.json").read_text())
    machines[0]["fingerprint"]["torch"] = "1.0"
    (tmp_path / "machine.json").write_text(json.dumps(machines))
    warnings: list[str] = []
    resume(tmp_path, warn=warnings.append)
    assert warnings == [f"torch was 1.0 and is {torch.__version__}: the result may differ in its last bits"]
    assert [entry["from_update"] for entry in json.loads((tmp_path / "machine.json").read_text())] == [0, 5]


def test_going_on_under_the_same_software_does_not_warn(tmp_path):
    with pytest.raises(StoppedError):
        train(tiny_run(), tmp_path, stop=stop_after(5))
    resume(tmp_path, warn=unwarned)
    assert len(json.loads((tmp_path / "machine.json").read_text())) == 1


def test_the_trained_weights_can_be_loaded(tmp_path):
    run = tiny_run()
    train(run, tmp_path)
    model = tapehead.load(tmp_path / "weights.safetensors")
    assert model.config == run.make_model().config


def test_stopping_when_solved_ends_the_run_early(tmp_path):
    result = train(tiny_run(solved_below=100, stop_when_solved=True), tmp_path)
    assert result.update == result.solved_at_update == 5


@pytest.mark.parametrize("text", [None, "", "{}", "[", "{not json"])
def test_a_finished_run_that_lost_its_result_finishes_again(text, tmp_path):
    result = train(tiny_run(), tmp_path)
    before = digests(tmp_path)
    (tmp_path / "weights.safetensors").unlink()
    (tmp_path / "result.json").unlink() if text is None else (tmp_path / "result.json").write_text(text)
    assert resume(tmp_path)._replace(seconds=0) == result._replace(seconds=0)
    assert digests(tmp_path) == before


def test_a_lost_note_of_the_machine_is_a_warning(tmp_path):
    with pytest.raises(StoppedError):
        train(tiny_run(), tmp_path, stop=stop_after(5))
    (tmp_path / "machine.json").write_text("{")
    warnings: list[str] = []
    resume(tmp_path, warn=warnings.append)
    assert warnings == [f"{tmp_path}/machine.json: missing or damaged, so what the run began on is not known"]
