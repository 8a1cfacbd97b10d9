"""Language models of characters: the state goes on from batch to batch, and they write text."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from tapehead.models import MODELS
from tapehead.tasks import Text
from tapehead.training.curricula import CURRICULA
from tapehead.training.data import draw_training_batch, model_inputs
from tapehead.training.errors import DamagedFileError, RunDirError
from tapehead.training.loaded_run import load_run
from tapehead.training.ranks import Ranks
from tapehead.training.restore import restore_last
from tapehead.training.sampling import sample_text
from tapehead.training.step import Learner
from tests.command_line import tapehead
from tests.training.tiny import digests, expect_no_warning, resume, stop_after, tiny_config, train

SOME = "To be, or not to be, that is the question: whether 'tis nobler in the mind to suffer. " * 5


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A text of one's own."""
    path = tmp_path / "some.txt"
    path.write_text(SOME)
    return path


def batches(learner: Learner, steps: int) -> list[torch.Tensor]:
    drawn = (
        draw_training_batch(learner.config, learner.task, learner.curriculum, step) for step in range(1, steps + 1)
    )
    return [batch.inputs for _, batch in drawn]


def test_each_sequence_reads_the_training_text_from_its_own_place_round_and_round(file: Path) -> None:
    learner = Learner(tiny_config(task="text", file=str(file), length=7))
    training = SOME[: len(SOME) - len(SOME) // 10]
    read = torch.cat(batches(learner, 2 * len(training) // 7), dim=0).T.tolist()
    texts = [learner.task.decode(ids) for ids in read]
    assert len({text[:20] for text in texts}) == 4
    for text in texts:
        assert text in training * 4


def test_the_target_is_the_character_that_is_read_next(file: Path) -> None:
    learner = Learner(tiny_config(task="text", file=str(file), length=7))
    first, second = (draw_training_batch(learner.config, learner.task, learner.curriculum, step)[1] for step in (1, 2))
    assert torch.equal(first.targets[:-1], first.inputs[1:])
    assert torch.equal(first.targets[-1], second.inputs[0])
    assert bool(first.mask.all())


def test_evaluation_is_on_what_is_never_trained_on_after_as_many_characters_as_are_scored(file: Path) -> None:
    task = Text(file=str(file), length=7)
    batch = task.sample(np.full((50, 1), 9), np.random.default_rng(1))
    assert batch.inputs.shape == (18, 50)
    assert torch.equal(batch.mask, torch.arange(18).unsqueeze(1).expand(18, 50) >= 9)
    held_out = SOME[len(SOME) - len(SOME) // 10 :]
    for ids, target in zip(batch.inputs.T.tolist(), batch.targets[-1].tolist(), strict=True):
        assert task.decode([*ids, target]) in held_out


def test_a_piece_longer_than_what_is_held_out_is_refused(file: Path) -> None:
    with pytest.raises(
        ValueError, match="^length: expected at most 21, as 43 characters of the text are held out, not 22$"
    ):
        Text(file=str(file), length=7).sample(np.array([[22]]), np.random.default_rng(1))


@pytest.mark.parametrize("model", MODELS)
def test_the_state_goes_on_from_batch_to_batch(model: str, file: Path) -> None:
    config = tiny_config(model, task="text", file=str(file), optimizer="adam", lr=0.0)
    learner = Learner(config)
    for step in (1, 2, 3):
        learner.train_step(step)
    read = torch.cat(batches(learner, 3))
    batch = learner.task.sample(np.full((4, 1), 5), np.random.default_rng(1))._replace(inputs=read)
    with torch.no_grad():
        _, expected = learner.model(model_inputs(learner.model, learner.task, batch))
    torch.testing.assert_close(tuple(learner.carried.state), tuple(expected))
    assert not any(tensor.requires_grad for tensor in learner.carried.state)


@pytest.mark.parametrize("model", MODELS)
def test_a_run_that_was_stopped_ends_bit_for_bit_as_one_that_was_not(model: str, tmp_path: Path) -> None:
    config = tiny_config(model, task="text")
    train(config, tmp_path / "whole")
    with pytest.raises(Exception, match="SIGTERM"):
        train(config, tmp_path / "stopped", should_stop=stop_after(7))
    resume(tmp_path / "stopped")
    assert digests(tmp_path / "stopped") == digests(tmp_path / "whole")


def test_a_checkpoint_with_the_state_of_other_sequences_is_refused(tmp_path: Path) -> None:
    learner = Learner(tiny_config(task="text"))
    learner.train_step(1)
    tensors = learner.tensors()
    tensors["carried.memory"] = tensors["carried.memory"][:2]
    with pytest.raises(
        RuntimeError, match=r"^the state that is carried over: state.memory: expected a tensor of shape"
    ):
        learner.load_tensors(tensors)
    del tensors["carried.memory"]
    with pytest.raises(RuntimeError, match=r"^the state that is carried over: .*memory"):
        learner.load_tensors(tensors)


def test_a_text_that_was_changed_since_is_not_gone_on_with(file: Path, tmp_path: Path) -> None:
    config = tiny_config(task="text", file=str(file))
    with pytest.raises(Exception, match="SIGTERM"):
        train(config, tmp_path / "run", should_stop=stop_after(7))
    file.write_text(SOME.replace("question", "noitseuq"))
    expected = rf"^{tmp_path / 'run'}: the data that text reads were changed after the run began$"
    with pytest.raises(RunDirError, match=expected):
        restore_last(tmp_path / "run", Learner(config))
    with pytest.raises((RunDirError, DamagedFileError), match=expected):
        resume(tmp_path / "run")


def test_nor_is_a_finished_run_taken_for_one_of_another_text(file: Path, tmp_path: Path) -> None:
    train(tiny_config(task="text", file=str(file)), tmp_path / "run")
    load_run(tmp_path / "run", expect_no_warning)
    file.write_text(SOME.replace("question", "noitseuq"))
    for command in (["evaluate"], ["sample"]):
        told = tapehead(*command, tmp_path / "run")
        assert told.status == 2
        assert told.err == f"tapehead: {tmp_path / 'run'}: the data that text reads were changed after the run began\n"


def test_a_text_that_is_changed_while_it_is_trained_on_does_no_harm(file: Path, tmp_path: Path) -> None:
    config = tiny_config(task="text", file=str(file))
    train(config, tmp_path / "undisturbed")
    seen = iter(range(100))

    def change() -> None:
        if next(seen) == 3:
            file.write_text("another text " * 50)

    train(config, tmp_path / "run", should_stop=change)
    assert digests(tmp_path / "run") == digests(tmp_path / "undisturbed")
    with pytest.raises(RunDirError, match="the data that text reads were changed after the run began"):
        load_run(tmp_path / "run", expect_no_warning)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        (
            {"min_memory_slots": 4},
            "min_memory_slots: expected None, since Text carries the state",
        ),
        (
            {"curriculum": "prediction_gain"},
            "curriculum: expected one that does not compare losses, since Text",
        ),
    ],
)
def test_what_does_not_go_together_with_a_carried_state_is_refused(
    changes: dict[str, Any], expected: str, tmp_path: Path
) -> None:
    with pytest.raises(ValueError, match=f"^{expected}"):
        train(tiny_config(task="text", **changes), tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_several_processes_are_refused() -> None:
    with pytest.raises(ValueError, match="^task: expected one process, since Text carries the state .*, not 2$"):
        Learner(tiny_config(task="text"), ranks=Ranks(0, 2))


def test_curricula_that_compare_no_losses_have_the_one_size_there_is(tmp_path: Path) -> None:
    for name in CURRICULA:
        if name != "prediction_gain":
            train(tiny_config(task="text", curriculum=name, steps=6), tmp_path / name)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A language model that has hardly learned anything."""
    path = tmp_path_factory.mktemp("text") / "run"
    train(tiny_config("lstm", task="text", embedding_size=3), path)
    return path


def test_what_is_written_is_drawn_by_the_model_s_chances(run: Path) -> None:
    loaded = load_run(run, expect_no_warning)
    task = loaded.task
    assert isinstance(task, Text)
    prompt = "The "
    with torch.no_grad():
        logits = loaded.model(torch.tensor(task.encode(prompt)))[0][-1].double()
    first = [
        next(sample_text(loaded.model, task, prompt, 1, 2.0, torch.Generator().manual_seed(seed)))
        for seed in range(400)
    ]
    found = torch.bincount(torch.tensor(task.encode("".join(first))), minlength=task.output_size) / 400
    chances = torch.softmax(logits / 2.0, dim=0)
    assert ((found - chances).abs() <= 5 * (chances * (1 - chances) / 400).sqrt() + 1e-3).all()
    likeliest = task.decode([int(logits.argmax())])
    assert next(sample_text(loaded.model, task, prompt, 1, 0.0, torch.Generator())) == likeliest


def test_writing_on_is_reading_what_was_written(run: Path) -> None:
    loaded = load_run(run, expect_no_warning)
    task = loaded.task
    written = "".join(sample_text(loaded.model, task, "A", 20, 0.0, torch.Generator()))
    with torch.no_grad():
        outputs, _ = loaded.model(torch.tensor(task.encode("A" + written[:-1])))
    assert task.decode(outputs.argmax(dim=-1).tolist()) == written


def test_the_command_writes_text_the_same_for_the_same_seed(run: Path) -> None:
    said = [tapehead("sample", run, "--prompt", "WORM", "--length", 30, "--seed", seed).out for seed in (3, 3, 4)]
    assert said[0] == said[1] != said[2]
    assert said[0].startswith("WORM")
    assert len(said[0]) == 4 + 30 + 1
    written = json.loads(tapehead("sample", run, "--prompt", "WORM", "--length", 30, "--seed", 3, "--json").out)
    assert written == {"run": str(run), "prompt": "WORM", "text": said[0][4:-1]}
    assert tapehead("sample", run, "--length", 3).out.startswith("\n")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--prompt", ""], "--prompt: expected at least one character, not ''"),
        (["--prompt", "caf\u00e9"], "--prompt: expected characters that occur in the text of the run, not 'é'"),
        (["--temperature", "-1"], "--temperature: expected a finite number >= 0, not '-1'"),
        (["--temperature", "hot"], "--temperature: expected a finite number >= 0, not 'hot'"),
        (["--length", "0"], "--length: expected a whole number from 1 to 1000000, not '0'"),
        (["--seed", "-1"], "--seed: expected a whole number from 0 to 9223372036854775807, not '-1'"),
    ],
)
def test_what_cannot_be_written_is_an_error_of_one_line(words: list[str], said: str, run: Path) -> None:
    told = tapehead("sample", run, *words)
    assert told.status == 2
    assert told.err == f"tapehead: {said}\n"


def test_only_a_language_model_writes(tmp_path: Path) -> None:
    train(tiny_config("lstm"), tmp_path / "run")
    told = tapehead("sample", tmp_path / "run")
    assert (told.status, told.err) == (2, "tapehead: RUN: expected a run of the task text, not of copy\n")


def test_bits_are_told_for_a_character(run: Path) -> None:
    row = json.loads(tapehead("evaluate", run, "--sequences", 8, "--json").out)["scores"][0]
    assert row["bits_per_target"] == pytest.approx(row["bits"] / 5)
    assert "bits per character" in " ".join(tapehead("evaluate", run, "--sequences", 8).out.split())
    told = tapehead("resume", run).out
    result = json.loads((run / "result.json").read_text())
    assert f"{result['bits'] / 5:.3f} bits per character at the last evaluation" in told
