"""The learning rate's course, clipping, and the optimizers' own equations."""

import math

import numpy as np
import pytest
import torch
from torch import nn

from tapehead.training.optimizers import OPTIMIZERS, StableAdam, clip_gradient, learning_rate, make_optimizer
from tests.processes import complaints


def rates(**changes) -> list[float]:
    options = {"peak": 2.0, "warmup_steps": 4, "steps": 12, "schedule": "cosine"} | changes
    return [learning_rate(step, **options) for step in range(1, 13)]


def test_the_learning_rate_rises_in_a_straight_line_and_falls_as_a_cosine_to_zero():
    assert rates()[:5] == [0.5, 1.0, 1.5, 2.0, 2.0]
    assert rates()[8] == pytest.approx(1.0)
    assert 0 < rates()[-1] < 0.1
    assert learning_rate(13, 2.0, 4, 12, "cosine") == pytest.approx(0)
    assert learning_rate(17, 2.0, 4, 12, "cosine") == pytest.approx(0), "and stays there"
    wrong = {"step": 1, "peak": 2.0, "warmup_steps": 4, "steps": 12, "schedule": "consine"}
    ((kind, said),) = complaints(learning_rate, [wrong])
    assert kind is ValueError
    assert said.startswith("schedule: expected one of 'constant', 'cosine', not 'consine'")


def test_without_warm_up_on_a_constant_schedule_it_stays():
    assert set(rates(warmup_steps=0, schedule="constant")) == {2.0}


def test_a_warm_up_may_be_longer_than_the_run():
    assert rates(warmup_steps=24)[-1] == 1.0


@pytest.mark.parametrize(
    ("max_norm", "max_value", "left"),
    [(1.0, None, [0.6, 0.0, -0.8]), (None, 1.0, [1.0, 0.0, -1.0]), (None, None, [3.0, 0.0, -4.0])],
)
def test_a_gradient_is_clipped_as_a_whole_by_number_or_not(max_norm, max_value, left):
    gradient = torch.tensor([3.0, 0.0, -4.0])
    assert clip_gradient(gradient, max_norm, max_value) == 5.0
    torch.testing.assert_close(gradient, torch.tensor(left))


def test_a_short_gradient_is_left_alone():
    gradient = torch.tensor([0.3, 0.4])
    clip_gradient(gradient, 1.0, None)
    assert torch.equal(gradient, torch.tensor([0.3, 0.4]))


def steps(name: str, gradients: np.ndarray, **options: object) -> np.ndarray:
    weight = nn.Parameter(torch.zeros(gradients.shape[1], dtype=torch.float64))
    optimizer, course = make_optimizer(OPTIMIZERS[name], weight, {"lr": 0.1, **options}), []
    for gradient in gradients:
        weight.grad = torch.from_numpy(gradient.copy())
        optimizer.step()
        course.append(weight.detach().numpy().copy())
    return np.array(course)


GRADIENTS = np.random.default_rng(0).normal(size=(5, 3))
SPIKY = GRADIENTS * np.array([[1.0], [0.1], [0.1], [9.0], [0.1]])


def test_adam_is_that_of_its_paper():
    weight, mean, square, course = np.zeros(3), np.zeros(3), np.zeros(3), []
    for t, gradient in enumerate(GRADIENTS, 1):
        mean = 0.8 * mean + 0.2 * gradient
        square = 0.9 * square + 0.1 * gradient**2
        weight = weight - 0.1 * (mean / (1 - 0.8**t)) / (np.sqrt(square / (1 - 0.9**t)) + 1e-3)
        course.append(weight)
    np.testing.assert_allclose(steps("adam", GRADIENTS, betas=(0.8, 0.9), eps=1e-3), course, rtol=1e-12)


def test_amsgrad_divides_by_the_largest_mean_square_so_far():
    weight, mean, square, largest, course = np.zeros(3), np.zeros(3), np.zeros(3), np.zeros(3), []
    gradients = GRADIENTS * np.array([[5.0], [0.1], [0.1], [5.0], [0.1]])
    for t, gradient in enumerate(gradients, 1):
        mean = 0.8 * mean + 0.2 * gradient
        square = 0.9 * square + 0.1 * gradient**2
        largest = np.maximum(largest, square)
        weight = weight - 0.1 * (mean / (1 - 0.8**t)) / (np.sqrt(largest / (1 - 0.9**t)) + 1e-3)
        course.append(weight)
    options = {"betas": (0.8, 0.9), "eps": 1e-3}
    np.testing.assert_allclose(steps("adam", gradients, **options, amsgrad=True), course, rtol=1e-12)
    assert not np.allclose(steps("adam", gradients, **options), course)


def test_stable_adam_is_adam_with_updates_bounded_where_a_gradient_is_large_for_what_came_before():
    weight, mean, square, course, bounds = np.zeros(3), np.zeros(3), np.zeros(3), [], []
    for t, gradient in enumerate(SPIKY, 1):
        mean = 0.8 * mean + 0.2 * gradient
        square = 0.9 * square + 0.1 * gradient**2
        root = np.sqrt(square / (1 - 0.9**t))
        bounds.append(max(1.0, np.sqrt(np.mean((gradient / root) ** 2))))
        weight = weight - 0.1 / bounds[-1] * (mean / (1 - 0.8**t)) / (root + 1e-3)
        course.append(weight)
    assert bounds[0] == 1
    assert bounds[3] > 1.5
    np.testing.assert_allclose(steps("stable_adam", SPIKY, betas=(0.8, 0.9), eps=1e-3), course, rtol=1e-12)


def test_stable_adam_is_torch_s_adam_where_no_gradient_is_larger_than_before():
    gradients = GRADIENTS[:1] * np.array([[1.0], [1.0], [0.7], [0.3], [0.1]])
    np.testing.assert_allclose(steps("stable_adam", gradients), steps("adam", gradients), rtol=1e-12)


def test_stable_adam_bounds_all_parameters_of_a_group_alike() -> None:
    whole = nn.Parameter(torch.tensor([1.0, 2.0, 3.0, 4.0]))
    parts = [nn.Parameter(part.clone()) for part in whole.detach().split([1, 3])]
    optimizers = StableAdam([whole], lr=0.1), StableAdam(parts, lr=0.1)
    for gradient in torch.tensor([[1.0, -1.0, 2.0, 0.5], [50.0, 0.1, -1.0, 0.2], [1.0, 1.0, 1.0, 1.0]]):
        whole.grad = gradient
        for part, share in zip(parts, gradient.split([1, 3]), strict=True):
            part.grad = share
        for optimizer in optimizers:
            optimizer.step()
        torch.testing.assert_close(torch.cat(list(parts)), whole)


def test_stable_adam_moves_no_further_than_the_learning_rate_after_a_spike():
    quiet = np.full((200, 3), 1e-4)
    course = steps("stable_adam", np.concatenate([quiet, np.full((1, 3), 10.0)]))
    adams = steps("adam", np.concatenate([quiet, np.full((1, 3), 10.0)]))
    assert np.abs(course[-1] - course[-2]).max() < 0.1 * 0.11
    assert np.abs(adams[-1] - adams[-2]).max() > 0.1 * 1.3


def test_stable_adam_stands_still_where_every_gradient_was_zero():
    assert not steps("stable_adam", np.zeros((3, 3))).any()


def test_rmsprop_is_that_of_graves_2013_but_for_the_place_of_epsilon():
    weight, mean, square, velocity, course = np.zeros(3), np.zeros(3), np.zeros(3), np.zeros(3), []
    for gradient in GRADIENTS:
        square = 0.95 * square + 0.05 * gradient**2
        mean = 0.95 * mean + 0.05 * gradient
        velocity = 0.9 * velocity + gradient / (np.sqrt(square - mean**2) + 1e-4)
        weight = weight - 0.1 * velocity
        course.append(weight)
    options = {"momentum": 0.9, "alpha": 0.95, "eps": 1e-4, "centered": True}
    np.testing.assert_allclose(steps("rmsprop", GRADIENTS, **options), course, rtol=1e-9)
    assert math.isfinite(course[-1][0])


def test_the_norm_of_a_gradient_near_the_end_of_float32_is_finite_and_it_is_clipped():
    gradient = torch.tensor([3e37, 4e37])
    assert clip_gradient(gradient, 1.0, None) == pytest.approx(5e37)
    torch.testing.assert_close(gradient, torch.tensor([0.6, 0.8]))
