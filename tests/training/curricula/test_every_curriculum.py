"""What holds for every curriculum, on every range of sizes."""

import json

import numpy as np
import pytest

from tapehead.training.curricula import CURRICULA, draw
from tests.training.curricula.ranges import EVERY_RANGE, ONE_AXIS, TWO_AXES

MEAN_TOLERANCE = 0.02
"""Of the range, for the mean of 20,000 draws: five standard errors at least."""


def begun(name: str, task, steps: int = 30):
    """A curriculum that has been told something, solved sizes among it."""
    curriculum, generator = CURRICULA[name](task), np.random.default_rng(1)
    for step in range(steps):
        tell(curriculum, generator, step)
    return curriculum


def tell(curriculum, generator: np.random.Generator, step: int) -> None:
    sizes = draw(curriculum, "sequence", 4, generator)
    curriculum.report_gains(sizes, generator.standard_normal(4), generator)
    if step % 10 == 9:
        curriculum.report_errors(0.5)


@pytest.mark.parametrize("name", CURRICULA)
@pytest.mark.parametrize("task", EVERY_RANGE.values(), ids=list(EVERY_RANGE))
class TestEveryCurriculum:
    def test_sizes_stay_in_the_range(self, name, task):
        for steps in (0, 30, 200):
            for per in ("sequence", "batch"):
                sizes = draw(begun(name, task, steps), per, 500, np.random.default_rng(0))
                assert (sizes.shape, sizes.dtype) == ((500, len(task.max_size)), np.int64)
                assert (np.array(task.min_size) <= sizes).all()
                assert (sizes <= np.array(task.max_size)).all()

    def test_per_batch_all_sequences_have_one_size(self, name, task):
        sizes = draw(begun(name, task), "batch", 50, np.random.default_rng(0))
        assert (sizes == sizes[0]).all()

    def test_the_mean_size_is_the_mean_of_the_sizes_that_are_drawn(self, name, task):
        curriculum = begun(name, task)
        drawn = draw(curriculum, "sequence", 20_000, np.random.default_rng(0)).mean(axis=0)
        widths = np.array(task.max_size) - np.array(task.min_size)
        assert (np.abs(drawn - curriculum.mean_size) <= MEAN_TOLERANCE * widths).all()

    def test_one_that_is_given_the_state_of_another_goes_on_as_it(self, name, task):
        first, second = begun(name, task), CURRICULA[name](task)
        second.load_state(json.loads(json.dumps(first.state())))
        sources = [np.random.default_rng(2), np.random.default_rng(2)]
        for step in range(20):
            for curriculum, generator in zip((first, second), sources, strict=True):
                tell(curriculum, generator, step)
            assert first.state() == second.state()
            assert (first.mean_size, first.waits_for) == (second.mean_size, second.waits_for)

    def test_a_state_is_a_copy_that_hearing_more_leaves_alone(self, name, task):
        curriculum = begun(name, task)
        state = curriculum.state()
        before = json.dumps(state)
        tell(curriculum, np.random.default_rng(3), 9)
        assert json.dumps(state) == before

    @pytest.mark.parametrize("state", [None, [], 3, "none", {"more": 1}, {"stage": 99}, {"stage": True}, {"stage": -1}])
    def test_what_is_no_state_of_its_is_refused(self, name, task, state):
        curriculum = begun(name, task)
        before = curriculum.state()
        with pytest.raises(ValueError, match="expected"):
            curriculum.load_state(state)
        assert curriculum.state() == before

    def test_a_state_with_more_in_it_or_less_is_refused(self, name, task):
        curriculum = begun(name, task)
        state = curriculum.state()
        changed = [{**state, "more": 1}, *({key: state[key] for key in state if key != left} for left in state)]
        for other in changed:
            with pytest.raises(ValueError, match="expected"):
                curriculum.load_state(other)


def test_states_of_other_curricula_are_refused():
    states = {name: begun(name, ONE_AXIS).state() for name in ("uniform", "naive", "prediction_gain")}
    for name in states:
        for other in states.keys() - {name}:
            with pytest.raises(ValueError, match="expected"):
                CURRICULA[name](ONE_AXIS).load_state(states[other])


def test_states_of_larger_ranges_are_refused():
    for name in ("naive", "prediction_gain"):
        state = begun(name, TWO_AXES, steps=200).state()
        with pytest.raises(ValueError, match="expected"):
            CURRICULA[name](ONE_AXIS).load_state(state)
