"""Every backend computes the values and the gradients of its oracle, and gives gradients to whom they belong."""

from typing import Any

import torch

from tests.kernels import drawn
from tests.kernels.conformance import EACH_BACKEND, assert_equal
from tests.kernels.oracle import EXACT, Case, compare_at

OPTIONS: dict[str, list[dict[str, Any]]] = {
    "ntm": [
        {"addressing": "content"},
        {"shift_range": 0},
        {"shift_range": 3},
        {"clip": None},
        {"clip": 0.5},
        {"controller": "feedforward"},
        {"controller": "lstm", "layers": 3},
    ],
    "dnc": [
        {"masked_content": True},
        {"deallocate": True},
        {"sharpen_links": True},
        {"sparse_links": 3},
        {"clip": None},
        {"clip": 0.5},
        {"controller": "feedforward"},
        {"controller": "lstm", "layers": 3},
    ],
}
PLAIN: dict[str, dict[str, Any]] = {
    "ntm": {"addressing": "content_and_location", "shift_range": 1, "clip": 20.0, "controller": "lstm", "layers": 1},
    "dnc": {
        "masked_content": False,
        "deallocate": False,
        "sharpen_links": False,
        "sparse_links": None,
        "clip": 20.0,
        "controller": "lstm",
        "layers": 1,
    },
}


@EACH_BACKEND
def test_values_and_gradients_are_the_oracle_s_at_drawn_shapes_and_options(case: Case) -> None:
    compare_at(case, range(16), work=3e4)


@EACH_BACKEND
def test_each_option_alone_gives_the_oracle_s_values_and_gradients(case: Case) -> None:
    for reads, writes in ((1, 1), (3, 2)):
        for option in OPTIONS[case.model]:
            settings = {**PLAIN[case.model], **option, "reads": reads, "writes": writes}
            given = case.draw(0, **settings, steps=9, sequences=3, slots=17, width=5, keep_states=True)
            assert drawn.distance(case.results(given), drawn.results(given, case.oracle)) <= EXACT, option


@EACH_BACKEND
def test_results_are_of_the_inputs_dtype_and_device(case: Case) -> None:
    for dtype in (torch.float32, torch.float64):
        for tensor in case.results(case.draw(0, steps=3, sequences=2), dtype):
            assert (tensor.dtype, tensor.device.type) == (dtype, "cpu")


@EACH_BACKEND
def test_without_a_gradient_the_values_are_the_same(case: Case) -> None:
    for seed in range(12):
        given = case.draw(seed, work=3e4)
        without = case.results(given, grad=False)
        assert_equal(without, case.results(given)[: len(without)])


@EACH_BACKEND
def test_what_a_scan_is_given_stays_as_it_was(case: Case) -> None:
    given = case.draw(4, steps=6, sequences=3)
    before = [tensor.clone() for tensor in given.tensors]
    case.results(given)
    assert_equal(given.tensors, before)


@EACH_BACKEND
def test_a_gradient_is_given_to_each_tensor_that_wants_one_and_to_no_other(case: Case) -> None:
    given = case.draw(3, steps=5, sequences=3)
    expected = case.results(given)[-len(given.tensors) :]
    for wanted in range(len(given.tensors)):
        if expected[wanted].numel() == 0:
            continue
        leaves = [tensor.detach().clone().requires_grad_(place == wanted) for place, tensor in enumerate(given.tensors)]
        given.on(leaves).run(case.backend).outputs.sum().backward()
        assert leaves[wanted].grad is not None or not expected[wanted].any()
        assert all(leaf.grad is None for place, leaf in enumerate(leaves) if place != wanted)


@EACH_BACKEND
def test_a_gradient_can_be_taken_twice(case: Case) -> None:
    given = case.draw(5, steps=6, sequences=3, clip=20.0, lengths=False)
    leaves = [tensor.requires_grad_() for tensor in given.tensors]
    loss = given.on(leaves).run(case.backend).outputs.sum()
    first = torch.autograd.grad(loss, leaves, retain_graph=True, allow_unused=True, materialize_grads=True)
    second = torch.autograd.grad(loss, leaves, allow_unused=True, materialize_grads=True)
    assert any(gradient.any() for gradient in first)
    assert_equal(list(first), list(second))
