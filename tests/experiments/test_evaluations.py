"""What a run is evaluated on, and evaluations with another memory than in training."""

from pathlib import Path

import pytest
import torch

from tapehead.experiments.evaluations import Evaluation, missing_evaluations, with_memory_slots
from tapehead.experiments.worker import Order
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


def test_an_evaluation_may_be_for_some_models_only(tmp_path: Path) -> None:
    evaluations = (Evaluation(sizes=((3,),), models=("ntm", "dnc")), Evaluation(sizes=((4,),), models=("lstm",)))
    wanted = {
        model: [size for size, *_ in missing_evaluations(tmp_path, tiny_config(model), 1, evaluations)]
        for model in ("ntm", "lstm")
    }
    assert wanted == {"ntm": [(3,)], "lstm": [(4,)]}


def test_a_worker_is_told_of_evaluations_as_they_are() -> None:
    evaluations = (Evaluation(sizes=((3, 1), (4, 2)), memory_slots=9, models=("ntm",)), Evaluation(sizes=((5, 5),)))
    order = Order(Path("run"), evaluations, 1)
    assert Order.from_words(order.to_words()) == order
