"""What the page computes is what Python computes: weights, every step of every network, and what it asks for."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import tapehead
from page.export_weights import main, round_network
from tapehead.pretrained import NAMES, find_pretrained
from tapehead.tasks import TASKS
from tapehead.tasks.batch import Batch
from tapehead.training.loaded_run import load_run
from tests.page.conftest import InNode
from tests.page.rounded import rounded_network

pytestmark = pytest.mark.page

TOLERANCE = 1e-5
"""What was promised; both sides compute in float64, so that what is left is rounding."""

SIZES = {
    "associative_recall-ntm": [(3,), (12,)],
    "copy-ntm": [(5,), (20,), (60,)],
    "ngrams-ntm": [(30,), (200,)],
    "priority_sort-ntm": [(6,), (20,)],
    "repeat_copy-ntm": [(3, 2), (10, 10)],
}
SLOTS = {name: (16, 128) if name == "ngrams-ntm" else (16, 128, 200) for name in NAMES}


@pytest.fixture(scope="module")
def networks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("networks")
    main(folder)
    return folder


def _draw(name: str, size: tuple[int, ...]) -> Batch:
    task = load_run(find_pretrained(name), pytest.fail).task
    return task.sample(np.array([size]), np.random.default_rng(sum(size)))


@pytest.mark.parametrize("name", NAMES)
def test_the_page_reads_the_weights_that_were_written(name: str, in_node: InNode, networks: Path) -> None:
    (read,) = in_node([{"what": "weights", "network": str(networks / f"{name}.js")}])
    written = round_network(tapehead.pretrained(name))
    assert set(read) == set(written)
    for matrix, rounded in written.items():
        assert (read[matrix]["rows"], read[matrix]["columns"]) == rounded.levels.shape
        assert read[matrix]["values"] == rounded.weights.ravel().tolist()


@pytest.mark.parametrize("name", NAMES)
def test_every_step_in_the_page_is_python_s(name: str, in_node: InNode, networks: Path) -> None:
    model = rounded_network(name)
    cases = [(_draw(name, size).inputs[:, 0].double(), slots) for size in SIZES[name] for slots in SLOTS[name]]
    network = str(networks / f"{name}.js")
    requests = [
        {"what": "run", "network": network, "inputs": inputs.tolist(), "slots": slots} for inputs, slots in cases
    ]
    for (inputs, slots), moments in zip(cases, in_node(requests), strict=True):
        state = model.initial_state(1, slots)
        trace = model.trace(inputs.unsqueeze(1), state)
        states = trace.states
        expected = {
            "logits": trace.outputs[:, 0],
            "weightings": torch.cat([states.read_weightings, states.write_weightings], dim=2)[:, 0],
            "memory": states.memory[-1:, 0].flatten(1),
        }
        for what, numbers in expected.items():
            computed = torch.tensor([moment[what] for moment in moments if what in moment], dtype=torch.float64)
            torch.testing.assert_close(computed, numbers, rtol=0, atol=TOLERANCE)


def _question(name: str, batch: Batch) -> dict[str, Any]:
    """Find what a person would have drawn for a sequence of the task, from its inputs."""
    inputs = batch.inputs[:, 0]
    question: dict[str, Any] = {"repeats": 0, "query": 0, "priorities": []}
    if name == "copy":
        vectors = inputs[: len(inputs) // 2, :8]
    elif name == "repeat_copy":
        number_step = int(inputs[:, 9].argmax())
        vectors = inputs[1:number_step, :8]
        question["repeats"] = round(inputs[number_step, 9].item() * 10)
    elif name == "associative_recall":
        first, last = torch.nonzero(inputs[:, 7]).flatten().tolist()
        vectors = inputs[:first][inputs[:first, 6] == 0, :6]
        items = vectors.unflatten(0, (-1, 3))
        question["query"] = int((items == inputs[first + 1 : last, :6]).all(dim=(1, 2)).int().argmax())
    elif name == "priority_sort":
        count = int(inputs[:, 9].argmax())
        vectors, question["priorities"] = inputs[:count, :8], inputs[:count, 8].tolist()
    else:
        vectors = batch.targets[:, 0]
    return {**question, "vectors": vectors.int().tolist()}


@pytest.mark.parametrize("name", NAMES)
def test_the_page_asks_as_the_task_does(name: str, in_node: InNode) -> None:
    task = name.removesuffix("-ntm")
    batches = [_draw(name, size) for size in SIZES[name]]
    requests = [{"what": "encode", "task": task, "question": _question(task, batch)} for batch in batches]
    for batch, steps in zip(batches, in_node(requests), strict=True):
        assert torch.equal(torch.tensor([step["input"] for step in steps], dtype=torch.float32), batch.inputs[:, 0])
        assert [step["target"] is not None for step in steps] == batch.mask[:, 0].tolist()
        targets = [step["target"] for step in steps if step["target"] is not None]
        assert targets == batch.targets[batch.mask].int().tolist()


def test_the_best_possible_predictions_in_the_page_are_the_task_s(in_node: InNode) -> None:
    task = TASKS["ngrams"]()
    batch = task.sample(np.array([[200]]), np.random.default_rng(7))
    (found,) = in_node([{"what": "predict", "bits": batch.targets[:, 0, 0].int().tolist()}])
    np.testing.assert_allclose(found["probabilities"], task.predict_optimally(batch)[:, 0], rtol=1e-12)
    assert found["cost"] == pytest.approx(task.optimal_bits(batch).item(), rel=1e-5)
