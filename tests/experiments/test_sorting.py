"""Whether a model writes by priority or as items come, and reads them in order, is told from its weightings alone."""

from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn.functional import one_hot

from tapehead.experiments.sorting import SEQUENCES, look_at_sorting
from tapehead.models import NTM
from tapehead.tasks import PrioritySort
from tapehead.training.loaded_run import LoadedRun
from tests.training.tiny import tiny_config

SLOTS, ITEMS, OUTPUTS = 64, 20, 16


def by_priority(inputs: Tensor) -> Tensor:
    """Write to a slot that a line in the priority gives, around the circle; (K, B)."""
    return (10 * inputs[:ITEMS, :, 8] - 5).round().long() % SLOTS


def as_they_come(inputs: Tensor) -> Tensor:
    """Write to one slot after the other, the last of the circle among them; (K, B)."""
    return ((torch.arange(ITEMS) + SLOTS - 5) % SLOTS)[:, None].expand(ITEMS, inputs.shape[1])


class Pretends(NTM):
    """An NTM with two heads of each kind, of which the second write head and a read head go where they are told."""

    locate: Any
    late = 0

    def trace(self, inputs: Tensor, *_: Any, **__: Any) -> Any:
        slots = self.locate(inputs)
        order = inputs[:ITEMS, :, 8].argsort(dim=0, descending=True)[:OUTPUTS].roll(self.late, 0)
        write = torch.full((len(inputs), SEQUENCES, 2, SLOTS), 1 / SLOTS)
        write[:ITEMS, :, 1] = one_hot(slots, SLOTS).float()
        read = torch.full((len(inputs), SEQUENCES, 2, SLOTS), 1 / SLOTS)
        read[-OUTPUTS:, :, 1] = one_hot(slots.gather(0, order), SLOTS).float()
        return SimpleNamespace(states=SimpleNamespace(write_weightings=write, read_weightings=read))


@pytest.mark.parametrize(
    ("locate", "late", "priority", "time", "in_order"),
    [(by_priority, 0, 0.99, 0.0, 1.0), (as_they_come, 0, 0.0, 1.0, 1.0), (as_they_come, 1, 0.0, 1.0, 0.0)],
)
def test_how_a_model_sorts(locate: Any, late: int, priority: float, time: float, in_order: float) -> None:
    task = PrioritySort()
    model = Pretends(task.input_size, task.output_size, memory_slots=SLOTS, hidden_size=4)
    model.locate, model.late = locate, late
    found = look_at_sorting(LoadedRun(tiny_config(task="priority_sort"), 1, task, model), task, ITEMS)
    assert found.by_priority == pytest.approx(priority, abs=0.02)
    assert found.by_time == pytest.approx(time, abs=0.02)
    assert found.in_order == pytest.approx(in_order, abs=0.05 if locate is as_they_come else 1e-9)
    assert (found.write.shape, found.read.shape, found.targets.shape) == ((ITEMS, SLOTS), (OUTPUTS, SLOTS), (OUTPUTS,))
    if locate is by_priority:
        written = found.write.argmax(axis=1)
        assert (abs((found.fitted - written + SLOTS / 2) % SLOTS - SLOTS / 2) <= 1).all()
