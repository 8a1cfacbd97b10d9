"""Evaluations with another memory than in training."""

import pytest
import torch

from tapehead.experiments.evaluations import with_memory_slots
from tapehead.models.memory_model import MemoryModel
from tapehead.training.loaded_run import LoadedRun
from tests.training.tiny import tiny_config


def test_another_memory_is_drawn_on_the_cpu_and_put_on_the_model_s_device(monkeypatch: pytest.MonkeyPatch) -> None:
    resize, drawn_on = MemoryModel.with_memory_slots, []

    def spy(model: MemoryModel, memory_slots: int) -> MemoryModel:
        drawn_on.append(next(model.parameters()).device.type)
        return resize(model, memory_slots)

    monkeypatch.setattr(MemoryModel, "with_memory_slots", spy)
    monkeypatch.setattr(torch.nn.Module, "cpu", lambda module: module.to_empty(device="cpu"))  # meta has no numbers
    config = tiny_config("ntm")
    loaded = LoadedRun(config, 1, config.make_task(), config.make_model("meta"))
    resized = with_memory_slots(loaded, 20).model
    assert drawn_on == ["cpu"]
    assert resized.config["memory_slots"] == 20
    assert {tensor.device.type for tensor in (*resized.parameters(), *loaded.model.parameters())} == {"meta"}
