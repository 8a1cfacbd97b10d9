"""Hard sequences come again, in proportion to their losses, until they are learned."""

import math
from collections import Counter

import pytest
import torch

from tapehead.tasks import TASKS, Batch
from tapehead.training.config import MOST_REPLAYED
from tapehead.training.data import Purpose, draw_batch_of_size, make_generator
from tapehead.training.replay import Replay
from tapehead.training.step import FORGETTING, SMOOTHING, Learner
from tests.training.tiny import tiny_config


def draw(number: int, count: int, size: int = 3) -> Batch:
    return draw_batch_of_size(TASKS["copy"](), (size,), count, make_generator(1, Purpose.TRAINING, number))


def test_nothing_is_added_until_enough_sequences_are_known() -> None:
    replay, batch = Replay(4, seed=1), draw(1, 3)
    assert replay.extend(batch, 1) is batch
    replay.report(batch, torch.ones(3))
    assert replay.extend(batch, 2) is batch
    replay.report(batch, torch.ones(3))
    assert len(replay.extend(batch, 3).lengths) == 7


def test_the_sequence_with_all_the_loss_comes_again_after_the_new_ones_padded_with_zeros() -> None:
    replay, old, new = Replay(1, seed=1), draw(1, 5, size=2), draw(2, 3, size=6)
    losses = torch.zeros(5)
    losses[3] = 1.0
    replay.report(old, losses)
    batch = replay.extend(new, 2)
    assert batch.lengths.tolist() == [*new.lengths.tolist(), int(old.lengths[3])]
    steps = len(old.mask)
    for whole, own, hard in zip(batch[:3], new[:3], old[:3], strict=True):
        assert torch.equal(whole[:, :3], own)
        assert torch.equal(whole[:steps, 3], hard[:, 3])
        assert not whole[steps:, 3].any()


def test_what_was_learned_no_longer_comes() -> None:
    replay, old = Replay(1, seed=1), draw(1, 4)
    replay.report(old, torch.tensor([0.0, 9.0, 0.0, 1.0]))
    first = replay.extend(draw(2, 2), 2)
    assert torch.equal(first.inputs[:, 2], old.inputs[:, 1]) or torch.equal(first.inputs[:, 2], old.inputs[:, 3])
    replay.losses[:] = torch.tensor([0.0, 9.0, 0.0, 0.0])
    chosen = replay.extend(draw(2, 2), 3)
    assert torch.equal(chosen.inputs[:, 2], old.inputs[:, 1])
    replay.report(chosen, torch.tensor([1e-3, 2e-3, 0.0]))
    assert sorted(round(float(loss), 4) for loss in replay.losses) == [0.0, 0.0, 0.0, 0.0, 0.001, 0.002]


def test_sequences_are_drawn_in_proportion_to_their_losses() -> None:
    replay, old = Replay(1, seed=1), draw(1, 3)
    replay.report(old, torch.tensor([1.0, 3.0, 0.0]))
    new, drawn = draw(2, 1), Counter[int]()
    for step in range(2000):
        added = replay.extend(new, step).inputs[:, 1]
        drawn.update(number for number in range(3) if torch.equal(added, old.inputs[:, number]))
    assert drawn[2] == 0
    assert 0.7 < drawn[1] / 2000 < 0.8  # five standard errors are 0.05


def test_only_the_hardest_are_kept() -> None:
    replay, count = Replay(1, seed=1), 40
    for number in range(3):
        replay.report(draw(number, count), torch.arange(count) + number * count + 1.0)
    assert replay.losses.sort().values.tolist() == [
        float(3 * count - MOST_REPLAYED + n + 1) for n in range(MOST_REPLAYED)
    ]


def test_losses_that_are_not_finite_change_nothing() -> None:
    replay, batch = Replay(1, seed=1), draw(1, 3)
    replay.report(batch, torch.ones(3))
    replay.report(batch, torch.tensor([1.0, math.nan, 1.0]))
    assert replay.losses.tolist() == [1.0, 1.0, 1.0]


def test_a_restored_replay_gives_the_same() -> None:
    replay, other, new = Replay(2, seed=1), Replay(2, seed=1), draw(2, 3)
    replay.report(draw(1, 6), torch.rand(6))
    other.load_tensors(replay.tensors(), torch.device("cpu"))
    for one, two in zip(replay.extend(new, 5), other.extend(new, 5), strict=True):
        assert torch.equal(one, two)


def test_a_missing_tensor_is_named() -> None:
    replay = Replay(2, seed=1)
    replay.report(draw(1, 6), torch.rand(6))
    with pytest.raises(RuntimeError, match=r"^replay\.mask: expected a tensor, which is missing$"):
        Replay(2, seed=1).load_tensors(
            {name: tensor for name, tensor in replay.tensors().items() if name != "mask"}, torch.device("cpu")
        )


@pytest.mark.parametrize("task", list(TASKS))
def test_metrics_are_of_the_new_sequences_alone(task: str) -> None:
    plain, replaying = Learner(tiny_config(task=task)), Learner(tiny_config(task=task, replayed_sequences=3))
    for step in (1, 2):
        plain.train_step(step)
        replaying.train_step(step)
    one, two = list(plain.take_metrics()), list(replaying.take_metrics())
    assert one[0] == two[0]
    assert one[1].loss == pytest.approx(two[1].loss, rel=1e-6)  # the same weights, the same new sequences
    assert one[1].gradient_norm != two[1].gradient_norm


def test_the_learning_rate_follows_the_lowest_smoothed_loss_below_the_scale() -> None:
    config = tiny_config(lr_loss_scale=10.0, lr_schedule="constant", warmup_steps=0)
    learner = Learner(config)
    peak = learner.learning_rate(1)
    smoothed, lowest = None, math.inf
    for step in range(1, 7):
        learner.train_step(step)
        (metrics,) = learner.take_metrics()
        smoothed = metrics.loss if smoothed is None else SMOOTHING * smoothed + (1 - SMOOTHING) * metrics.loss
        lowest = min(FORGETTING * lowest, smoothed)
        assert learner.learning_rate(step) == pytest.approx(peak * math.sqrt(lowest / 10.0))
        if step == 3:
            learner.lowest_loss = lowest = smoothed / 2  # it was lower before
    assert lowest < smoothed
    learner.lowest_loss = 11.0
    assert learner.learning_rate(7) == peak


def test_the_models_own_slots_as_the_fewest_change_nothing() -> None:
    weights = []
    for least in (None, 5):
        learner = Learner(tiny_config(memory_slots=5, min_memory_slots=least))
        for step in range(1, 6):
            learner.train_step(step)
        weights.append(learner.weights.detach())
    assert torch.equal(*weights)
