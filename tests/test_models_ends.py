"""Where sequences begin and end: the state before the first step, no steps at all, and what stands in the padding."""

import pytest
import torch

from tapehead import map_state
from tests.small_models import KINDS, MEMORY_KINDS, drawn_inputs, made
from tests.test_models import SAME

T, B = 6, 4

Changes = dict[str, str]
every_backend = pytest.mark.parametrize(
    ("kind", "changes"),
    [*((kind, {}) for kind in KINDS), *((kind, {"backend": "reference"}) for kind in MEMORY_KINDS)],
    ids=[*KINDS, *(f"{kind}, reference" for kind in MEMORY_KINDS)],
)


def assert_changing_it_changes_nothing_else(state: tuple[torch.Tensor, ...]) -> None:
    """Add to one sequence's part of each tensor after another, and look at all the rest."""
    for number, tensor in enumerate(state):
        before = map_state(torch.Tensor.clone, state)
        with torch.no_grad():
            tensor[0] += 1
        assert torch.equal(tensor[0], before[number][0] + 1)
        assert torch.equal(tensor[1:], before[number][1:])
        assert all(torch.equal(*pair) for other, pair in enumerate(zip(state, before, strict=True)) if other != number)


@every_backend
@pytest.mark.parametrize("batch_size", [1, B])
def test_an_initial_state_is_the_callers_to_change(kind: str, changes: Changes, batch_size: int) -> None:
    model = made(kind, **changes)
    untouched = model.initial_state(batch_size)
    assert_changing_it_changes_nothing_else(model.initial_state(batch_size))
    assert all(map(torch.equal, model.initial_state(batch_size), untouched))


@every_backend
@pytest.mark.parametrize("batch_size", [1, B])
def test_so_is_the_state_after_no_steps(kind: str, changes: Changes, batch_size: int) -> None:
    model = made(kind, **changes)
    outputs, state = model(drawn_inputs(0, batch_size))
    assert outputs.shape[0] == 0
    assert all(map(torch.equal, state, model.initial_state(batch_size)))
    assert_changing_it_changes_nothing_else(state)
    assert all(map(torch.equal, model(drawn_inputs(0, batch_size))[1], model.initial_state(batch_size)))


@every_backend
def test_what_stands_in_the_padding_does_not_matter(kind: str, changes: Changes) -> None:
    model, inputs, results = made(kind, **changes), drawn_inputs(T, B), []
    for padding in (0.0, 1e4, torch.inf, torch.nan):
        padded = inputs.clone()
        padded[2:, 1] = padded[:, 2] = padding
        padded.requires_grad_()
        outputs, state = model(padded, lengths=[T, 2, 0, 3])
        score = outputs.sum() + sum(tensor.sum() for tensor in state)
        gradients = torch.autograd.grad(score, [padded, *model.parameters()], allow_unused=True, materialize_grads=True)
        assert (gradients[0][2:, 1] == 0).all()
        assert (gradients[0][:, 2] == 0).all()
        results.append((outputs.detach(), *map_state(torch.Tensor.detach, state), *gradients))
    for result in results[1:]:
        torch.testing.assert_close(result, results[0], rtol=0, atol=SAME)
