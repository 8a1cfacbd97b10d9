"""Pictures of the heads show the slots that were used, at their places and under their numbers."""

import numpy as np
import pytest
from matplotlib.figure import Figure

from tapehead import plots
from tests.pictures import find_panels, slot_numbers, weightings


def _row_names(figure: Figure) -> list[str]:
    axes = figure.axes[0]
    formatter = axes.yaxis.get_major_formatter()
    return [formatter(row) for row in range(axes.images[0].get_array().shape[0])]


def test_a_weighting_is_painted_at_its_slot_and_time_step() -> None:
    panels = find_panels(plots.weightings(weightings(3, 4, 5), weightings(4, 4, 4)))
    assert panels["write head 1"].shape == (7, 3)  # slots 1 to 7: the used ones and two more on either side
    np.testing.assert_array_equal(np.argwhere(panels["write head 1"] == 1), [[2, 0], [3, 1], [4, 2]])
    np.testing.assert_array_equal(np.argwhere(panels["read head 1"] == 1), [[3, 0], [3, 1], [3, 2]])


def test_slots_on_both_sides_of_slot_0_are_shown_next_to_each_other_under_their_own_numbers() -> None:
    figure = plots.weightings(weightings(15, 0, 1), weightings(15, 0, 1))
    assert slot_numbers(figure) == ["13", "14", "15", "0", "1", "2", "3"]
    np.testing.assert_array_equal(np.argwhere(find_panels(figure)["write head 1"] == 1), [[2, 0], [3, 1], [4, 2]])


def test_slots_at_the_end_of_the_memory_keep_their_numbers() -> None:
    figure = plots.weightings(weightings(13, 14), weightings(13, 14))
    assert slot_numbers(figure) == ["11", "12", "13", "14", "15", "0"]


def test_a_blurred_weighting_shows_all_slots() -> None:
    blurred = np.full((3, 1, 40), 1 / 40)
    assert find_panels(plots.weightings(blurred, blurred))["read head 1"].shape == (40, 3)


def test_a_long_stretch_of_unused_slots_is_a_gray_row_and_the_others_keep_their_numbers() -> None:
    weights = np.zeros((4, 1, 200))
    weights[0, 0, 198] = weights[1, 0, 3] = weights[2, 0, 60] = weights[3, 0, 70] = 1
    figure = plots.weightings(weights, weights)
    picture = find_panels(figure)["write head 1"]
    shown = [*range(196, 200), *range(6), None, *range(58, 73)]
    assert picture.shape == (len(shown), 4)
    assert _row_names(figure) == ["" if slot is None else str(slot) for slot in shown]
    blank = shown.index(None)
    assert np.ma.getmaskarray(np.ma.masked_invalid(picture)).all(axis=1).nonzero()[0].tolist() == [blank]
    for step, slot in enumerate((198, 3, 60, 70)):
        assert picture[shown.index(slot), step] == 1


def test_a_weak_weight_is_seen() -> None:
    weights = weightings(3) * 0.04 + weightings(5) * 0.96
    image = plots.weightings(weights, weights).axes[0].images[0]
    assert image.norm(0.04) == pytest.approx(0.2)


def test_heads_of_one_kind_fill_their_column_however_many_there_are_of_the_other() -> None:
    one, four = weightings(3), np.repeat(weightings(3), 4, axis=1)
    figure = plots.weightings(one, four)
    assert [axes.get_title("left") for axes in figure.axes if axes.images and "head" in axes.get_title("left")] == [
        "write head 1", *(f"read head {head}" for head in range(1, 5))
    ]  # fmt: skip
    assert all(axes.axison for axes in figure.axes)


def test_every_head_has_a_panel() -> None:
    write, read = weightings(1, 2), np.concatenate([weightings(1, 2)] * 3, axis=1)
    assert list(find_panels(plots.weightings(write, read))) == [
        "write head 1",
        "read head 1",
        "read head 2",
        "read head 3",
    ]
