"""Curricula that begin small and grow when the current size is solved."""

import numpy as np
import pytest

from tapehead.tasks import Copy
from tapehead.training.curricula import CURRICULA
from tapehead.training.curricula.growing import list_stages
from tests.training.curricula.ranges import NO_ROOM, TWO_AXES

GROWING = ["naive", "look_back", "look_back_and_forward"]
DRAWS = 40_000
SHARE_TOLERANCE = 0.01
"""Of a share of DRAWS draws: four standard errors at least."""


def at(name: str, size, task=None):
    """A curriculum that has come so far."""
    curriculum = CURRICULA[name](task or Copy())
    while curriculum.current != size:
        curriculum.report_errors(0.0)
    return curriculum


def shares(curriculum) -> dict[tuple[int, ...], float]:
    sizes, counts = np.unique(curriculum.draw(DRAWS, np.random.default_rng(0)), axis=0, return_counts=True)
    return dict(zip(map(tuple, sizes.tolist()), counts / DRAWS, strict=True))


def test_copy_s_length_doubles_and_ends_at_the_longest():
    assert list_stages((1,), (20,)) == [(1,), (2,), (4,), (8,), (16,), (20,)]


def test_repeats_grow_before_the_length_as_in_the_published_code():
    sizes = [(1, 1), (1, 2), (1, 4), (1, 8), (1, 10), (2, 10), (4, 10), (8, 10), (10, 10)]
    assert list_stages((1, 1), (10, 10)) == sizes


def test_a_size_of_nothing_grows_as_well():
    assert list_stages((0,), (3,)) == [(0,), (1,), (2,), (3,)]


def test_a_range_whose_ends_meet_has_one_stage():
    assert list_stages((200,), (200,)) == [(200,)]


@pytest.mark.parametrize("name", GROWING)
class TestEveryGrowingCurriculum:
    def test_it_begins_with_the_smallest_size(self, name):
        assert CURRICULA[name](TWO_AXES).current == (1, 2)

    def test_it_grows_by_one_stage_when_the_current_size_is_solved_and_only_then(self, name):
        curriculum = CURRICULA[name](Copy())
        for errors, size in [(4.0, 1), (1.0, 1), (0.99, 2), (1.5, 2), (0.0, 4), (9.0, 4), (0.5, 8)]:
            curriculum.report_errors(errors)
            assert curriculum.current == (size,)

    def test_its_threshold_decides_what_is_solved(self, name):
        strict, lenient = (CURRICULA[name](Copy(), threshold=threshold) for threshold in (0.5, 4.0))
        for curriculum in (strict, lenient):
            curriculum.report_errors(0.5)
        assert (strict.current, lenient.current) == ((1,), (2,))

    def test_it_stops_at_the_largest_size_and_then_waits_for_nothing(self, name):
        curriculum = CURRICULA[name](TWO_AXES)
        for _ in range(100):
            curriculum.report_errors(0.0)
        assert (curriculum.current, curriculum.waits_for) == ((10, 5), None)

    def test_where_there_is_one_size_it_waits_for_nothing(self, name):
        curriculum = CURRICULA[name](NO_ROOM)
        assert (curriculum.current, curriculum.waits_for) == ((200,), None)

    def test_what_an_step_gained_does_not_matter(self, name):
        curriculum = at(name, (4,))
        curriculum.report_gains(np.array([[4], [4]]), np.array([1.0, -1.0]), np.random.default_rng(0))
        assert curriculum.current == (4,)


def test_naive_draws_the_current_size_alone():
    assert shares(at("naive", (4,))) == {(4,): 1.0}


def test_look_back_draws_any_size_up_to_the_current_one_a_tenth_of_the_time():
    expected = {(1,): 0.025, (2,): 0.025, (3,): 0.025, (4,): 0.925}
    assert shares(at("look_back", (4,))) == pytest.approx(expected, abs=SHARE_TOLERANCE)


def test_look_back_and_forward_draws_any_size_a_fifth_of_the_time():
    expected = {(length,): 0.01 + 0.8 * (length == 4) for length in range(1, 21)}
    assert shares(at("look_back_and_forward", (4,))) == pytest.approx(expected, abs=SHARE_TOLERANCE)


def test_two_axes_are_looked_back_on_each_on_its_own():
    curriculum = at("look_back", (2, 5), TWO_AXES)
    expected = {(a, b): 0.1 / 8 + 0.9 * ((a, b) == (2, 5)) for a in (1, 2) for b in (2, 3, 4, 5)}
    assert shares(curriculum) == pytest.approx(expected, abs=SHARE_TOLERANCE)
