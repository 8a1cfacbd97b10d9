"""Runs whose model reads token ids through an embedding, from the first step to the pictures."""

from pathlib import Path

import numpy as np
import pytest
import torch

from tapehead.experiments.model_pictures import MOST_SYMBOLS, choose_channels, draw_sequence
from tapehead.models import MODELS
from tapehead.tasks import MQAR
from tapehead.training.data import draw_batch_of_size, model_inputs
from tapehead.training.loaded_run import load_run
from tapehead.training.step import Learner
from tests.training.tiny import digests, expect_no_warning, resume, stop_after, tiny_config, train


@pytest.mark.parametrize("model", MODELS)
def test_a_run_with_an_embedding_is_resumed_bit_for_bit(model: str, tmp_path: Path) -> None:
    config = tiny_config(model, task="mqar", embedding_size=5)
    train(config, tmp_path / "whole")
    with pytest.raises(Exception, match="SIGTERM"):
        train(config, tmp_path / "stopped", should_stop=stop_after(7))
    resume(tmp_path / "stopped")
    assert digests(tmp_path / "stopped") == digests(tmp_path / "whole")


def test_the_embedding_is_trained_with_the_rest() -> None:
    learner = Learner(tiny_config(task="mqar", embedding_size=5))
    before = learner.model.embedding.weight.detach().clone()
    learner.train_step(1)
    assert not torch.equal(learner.model.embedding.weight, before)


def test_a_task_of_vectors_has_none(tmp_path: Path) -> None:
    expected = "^embedding_size: expected None for copy, whose inputs are vectors, not token ids, not 5$"
    with pytest.raises(ValueError, match=expected):
        train(tiny_config(embedding_size=5), tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_pictures_of_many_symbols_show_those_that_occur(tmp_path: Path) -> None:
    train(tiny_config(task="mqar", embedding_size=5, vocabulary=4 * MOST_SYMBOLS), tmp_path / "run")
    loaded = load_run(tmp_path / "run", expect_no_warning)
    batch = draw_batch_of_size(MQAR(vocabulary=4 * MOST_SYMBOLS), (3,), 1, np.random.default_rng(1))
    logits = loaded.model(model_inputs(loaded.model, loaded.task, batch))[0].detach()
    inputs, targets, outputs = choose_channels(loaded.task, batch, logits)
    assert inputs.shape == (len(batch.mask), len(batch.inputs.unique()))
    assert 3 <= outputs.shape[1] == targets.shape[1] <= 6
    mask = batch.mask[:, 0].numpy()
    wrong = (outputs[mask].argmax(axis=1) != targets[mask].argmax(axis=1)).sum()
    assert wrong == loaded.task.count_errors(logits, batch)[0]
    assert {"sequence", "weightings", "memory_use"} <= draw_sequence(loaded, batch, "title").keys()
