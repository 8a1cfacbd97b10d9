"""The order of writing, and reading along it, in words."""

import itertools

import numpy as np
import pytest
import torch
from torch import Tensor

from tapehead.maths import linkage
from tapehead.maths.addressing import content, masked_content
from tests.maths.slots import SLOTS, assert_close, onehot, vector


def test_precedence_is_the_slot_last_written_to() -> None:
    precedence = torch.zeros(1, 1, SLOTS).double()
    for place in (3, 0, 2):
        precedence = linkage.precedence(precedence, onehot(place))
        assert torch.equal(precedence, onehot(place))


def test_precedence_stays_where_nothing_is_written() -> None:
    assert torch.equal(linkage.precedence(onehot(3), 0 * onehot(0)), onehot(3))


def written_in(order: list[int]) -> tuple[Tensor, Tensor]:
    """The links and the precedence after one-hot writes to these slots, one after the other."""
    links, precedence = torch.zeros(1, 1, SLOTS, SLOTS).double(), torch.zeros(1, 1, SLOTS).double()
    for place in order:
        links, precedence = (
            linkage.links(links, onehot(place), precedence),
            linkage.precedence(precedence, onehot(place)),
        )
    return links, precedence


def test_forward_and_backward_move_along_the_order_of_writing() -> None:
    order = [3, 0, 4, 1]
    links, _ = written_in(order)
    for before, after in itertools.pairwise(order):
        assert torch.equal(linkage.forward(links, onehot(before))[:, :, 0], onehot(after))
        assert torch.equal(linkage.backward(links, onehot(after))[:, :, 0], onehot(before))


def test_nothing_comes_before_the_first_write_or_after_the_last() -> None:
    links, _ = written_in([3, 0, 4, 1])
    assert (linkage.backward(links, onehot(3)) == 0).all()
    assert (linkage.forward(links, onehot(1)) == 0).all()


def test_a_slot_that_was_never_written_to_has_no_links() -> None:
    links, _ = written_in([3, 0, 4, 1])
    assert (linkage.backward(links, onehot(2)) == 0).all()
    assert (linkage.forward(links, onehot(2)) == 0).all()


def test_writing_to_a_slot_again_drops_its_old_links() -> None:
    links, _ = written_in([3, 0, 4, 0])
    assert torch.equal(linkage.forward(links, onehot(4))[:, :, 0], onehot(0))
    assert (linkage.forward(links, onehot(3)) == 0).all()


def test_writing_to_the_same_slot_twice_makes_no_link_to_itself() -> None:
    links, _ = written_in([3, 3])
    assert (links == 0).all()


def test_a_write_of_nothing_leaves_links_and_precedence_as_they_were() -> None:
    links, precedence = written_in([3, 0, 4, 1])
    assert torch.equal(linkage.links(links, 0 * onehot(2), precedence), links)
    assert torch.equal(linkage.precedence(precedence, 0 * onehot(2)), precedence)


def test_each_write_head_has_links_of_its_own() -> None:
    first, second = written_in([3, 0])[0], written_in([1, 2])[0]
    links = torch.cat([first, second], 1)
    heads = torch.cat([onehot(3), onehot(1)], 1)
    followed = linkage.forward(links, heads)
    assert torch.equal(followed[0, 0], torch.stack([onehot(0)[0, 0], 0 * onehot(0)[0, 0]]))
    assert torch.equal(followed[0, 1], torch.stack([0 * onehot(0)[0, 0], onehot(2)[0, 0]]))


@pytest.mark.parametrize("count", [None, 1, 3, SLOTS])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
def test_rows_and_columns_of_links_and_the_precedence_sum_to_at_most_one(dtype: torch.dtype, count: int | None) -> None:
    """Over many writes, of sums up to 1; each adds a rounding or two."""
    generator = np.random.default_rng(0)
    links, precedence = torch.zeros(4, 2, SLOTS, SLOTS, dtype=dtype), torch.zeros(4, 2, SLOTS, dtype=dtype)
    rounding = 10 * torch.finfo(dtype).eps
    for step in range(200):
        weights = generator.dirichlet(np.full(SLOTS, 0.3), (4, 2)) * generator.choice([1, 0.5, 1e-3], (4, 2, 1))
        written = torch.tensor(weights, dtype=dtype)
        to, of = (part if count is None else linkage.keep_top_k(part, count) for part in (written, precedence))
        links, precedence = linkage.links(links, to, of), linkage.precedence(precedence, to)
        assert (links >= -rounding).all(), step
        assert (links.sum(-1) <= 1 + rounding).all(), step
        assert (links.sum(-2) <= 1 + rounding).all(), step
        assert (links.diagonal(dim1=-2, dim2=-1) == 0).all(), step
        assert (precedence >= -rounding).all(), step
        assert (precedence.sum(-1) <= 1 + rounding).all(), step


def test_thinning_to_all_slots_changes_nothing() -> None:
    weighting = torch.rand(2, 3, SLOTS, generator=torch.Generator().manual_seed(0))
    for count in (SLOTS, SLOTS + 1):
        assert torch.equal(linkage.keep_top_k(weighting, count), weighting)


def test_keep_top_k_keeps_the_largest_weights_as_they_are() -> None:
    assert_close(linkage.keep_top_k(vector(0.1, 0.2, 0.05, 0.4, 0.05)[None, None], 2), [[[0, 0.2, 0, 0.4, 0]]])


def test_rounding_does_not_choose_the_slots_that_thinning_keeps() -> None:
    equal = torch.full((1, 1, 100), 0.01, dtype=torch.float64)
    shaken = equal + 1e-9 * torch.randn(1, 1, 100, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    assert_close(linkage.keep_top_k(shaken, 8), linkage.keep_top_k(equal, 8).numpy(), tolerance=1e-8)


def test_sharpening_what_the_links_say_gives_back_a_onehot() -> None:
    blurred = vector(0.1, 0.6, 0.1, 0.1, 0.0)[None, None, None]
    sharp = linkage.sharpen_followed(blurred, torch.full((1, 1, 1), 20.0).double())
    assert_close(sharp[0, 0, 0], [0, 1, 0, 0, 0], tolerance=1e-12)


def test_sharpening_links_that_hardly_exist_gives_nearly_no_direction() -> None:
    faint = onehot(2, 1e-9)[:, None]
    sharp = linkage.sharpen_followed(faint, torch.ones(1, 1, 1).double())
    assert_close(sharp, np.full((1, 1, 1, SLOTS), 1 / SLOTS), tolerance=1e-3)


def test_read_modes_choose_among_backward_content_and_forward() -> None:
    ways = [onehot(0)[:, None], onehot(1), onehot(2)[:, None]]
    for mode in range(3):
        chosen = linkage.read_weightings(*ways, torch.eye(3, dtype=torch.float64)[mode][None, None])
        assert torch.equal(chosen, onehot(mode))


def test_a_mask_hides_columns_from_the_comparison() -> None:
    memory = torch.tensor([[[1.0, 5.0], [-1.0, 5.0], [1.0, -5.0]]], dtype=torch.float64)
    key, strength = vector(1, 0)[None, None], torch.full((1, 1), 50.0).double()
    shown = masked_content(memory, key, strength, vector(1, 0.1)[None, None])
    assert shown[0, 0, 0] == shown[0, 0, 2] > 0.49


def test_a_mask_that_hides_nothing_changes_nothing() -> None:
    draw = torch.Generator().manual_seed(0)
    memory, keys = (torch.randn(2, rows, 3, generator=draw, dtype=torch.float64) for rows in (SLOTS, 4))
    strengths = 1 + torch.rand(2, 4, generator=draw, dtype=torch.float64)
    assert_close(masked_content(memory, keys, strengths, torch.ones_like(keys)), content(memory, keys, strengths))
