"""The bandit over sizes: its equations, and that it goes where most is learned."""

import math

import numpy as np
import pytest

from tapehead.tasks import Copy
from tapehead.training.curricula.exp3s import next_log_weights, policy, rewards
from tapehead.training.curricula.prediction_gain import MOST_ARMS, RESERVOIR, PredictionGain
from tests.training.curricula.ranges import NO_ROOM, TWO_AXES, Range

EXPLORATION, STEP_SIZE = 0.05, 0.001
ROUNDING = 1e-12
"""Two orders of float64 operations on numbers of about 1 agree to this."""


class Bandit:
    """Exp3.S written out one number at a time, from the paper: the oracle."""

    def __init__(self, arms: int) -> None:
        self.w, self.history, self.t = [0.0] * arms, [], 1

    def policy(self) -> list[float]:
        total = sum(math.exp(w) for w in self.w)
        return [0.95 * math.exp(w) / total + 0.05 / len(self.w) for w in self.w]

    def step(self, arm: int, gain: float) -> None:
        self.history.append(gain)
        low, high = np.percentile(self.history, 20), np.percentile(self.history, 80)
        reward = 0.0 if low == high else min(1.0, max(-1.0, 2 * (gain - low) / (high - low) - 1))
        estimates = [reward / p if i == arm else 0.0 for i, p in enumerate(self.policy())]
        v = [math.exp(w + 0.001 * estimate) for w, estimate in zip(self.w, estimates, strict=True)]
        self.t += 1
        alpha = 1 / self.t
        self.w = [
            math.log((1 - alpha) * v[i] + alpha / (len(v) - 1) * sum(v[j] for j in range(len(v)) if j != i))
            for i in range(len(v))
        ]


def test_the_bandit_is_that_of_the_paper():
    curriculum, oracle, generator = PredictionGain(Copy(max_length=7)), Bandit(7), np.random.default_rng(0)
    for _ in range(900):
        assert policy(curriculum.log_weights, EXPLORATION) == pytest.approx(oracle.policy(), abs=ROUNDING, rel=0)
        size = curriculum.draw(1, generator)
        gain = float(generator.standard_normal() + size[0, 0])
        curriculum.report_gains(np.repeat(size, 4, axis=0), np.full(4, gain), generator)
        oracle.step(int(size[0, 0]) - 1, gain)
        assert curriculum.log_weights == pytest.approx(np.array(oracle.w), abs=ROUNDING, rel=0)


def test_at_first_every_size_is_as_likely():
    assert policy(PredictionGain(TWO_AXES).log_weights, EXPLORATION) == pytest.approx(np.full(40, 1 / 40))


def test_every_size_keeps_its_share_of_the_twentieth_that_is_not_the_bandit_s():
    assert policy(np.array([0.0, 5000.0, 0.0, 0.0]), EXPLORATION) == pytest.approx([0.0125, 0.9625, 0.0125, 0.0125])


def test_weights_far_apart_stay_finite():
    moved = next_log_weights(np.array([0.0, 5000.0, -5000.0]), np.zeros(3), 2, STEP_SIZE)
    assert np.isfinite(moved).all()


def test_an_arm_gives_the_others_one_part_in_the_number_of_the_step():
    weights = np.exp(next_log_weights(np.log([1.0, 0.1, 0.1]), np.zeros(3), 10, STEP_SIZE))
    assert weights == pytest.approx([0.9 * 1 + 0.1 * 0.1, 0.9 * 0.1 + 0.1 * 0.55, 0.9 * 0.1 + 0.1 * 0.55])


def test_gains_become_rewards_between_the_quantiles_of_all_gains():
    history = np.arange(11.0)
    assert rewards(np.array([0.0, 2.0, 5.0, 6.5, 8.0, 10.0]), history) == pytest.approx([-1, -1, 0, 0.5, 1, 1])


def test_the_first_gain_sets_no_scale_and_is_no_reward():
    assert rewards(np.array([3.0]), np.array([3.0])) == 0
    curriculum = PredictionGain(Copy())
    curriculum.report_gains(np.array([[4]]), np.array([3.0]), np.random.default_rng(0))
    assert curriculum.log_weights == pytest.approx(np.zeros(20), abs=ROUNDING)


@pytest.mark.parametrize("per", [1, 8])
def test_it_draws_most_where_most_is_gained(per):
    curriculum, generator = PredictionGain(Copy(max_length=5)), np.random.default_rng(0)
    for _ in range(6000):
        sizes = curriculum.draw(per, generator)
        curriculum.report_gains(sizes, (sizes[:, 0] == 3) + 0.1 * generator.standard_normal(per), generator)
    probabilities = policy(curriculum.log_weights, EXPLORATION)
    assert probabilities.argmax() == 2
    assert probabilities[2] > 0.8


def test_it_turns_to_another_size_when_the_gains_do():
    curriculum, generator = PredictionGain(Copy(max_length=3)), np.random.default_rng(0)
    for step in range(20_000):
        size = curriculum.draw(1, generator)
        good = 1 if step < 2_000 else 3
        curriculum.report_gains(size, (size[:, 0] == good) + 0.1 * generator.standard_normal(1), generator)
        if step == 1_999:
            assert policy(curriculum.log_weights, EXPLORATION).argmax() == 0
    assert policy(curriculum.log_weights, EXPLORATION).argmax() == 2


def test_sequences_of_one_size_are_one_draw_weighted_by_their_share_of_the_batch():
    curriculum = PredictionGain(Copy(max_length=4))
    gains = np.array([1.0, 3.0, 0.0, 1.0])  # means by size: 2, 0 and 1; of these the quantiles are 0.4 and 1.6
    curriculum.report_gains(np.array([[2], [2], [1], [4]]), gains, np.random.default_rng(0))
    expected = next_log_weights(np.zeros(4), np.array([-1 / 4, 2 / 4, 0, 0]) / 0.25, 2, STEP_SIZE)
    assert curriculum.log_weights == pytest.approx(expected, abs=ROUNDING)


def test_where_there_is_one_size_it_is_drawn():
    curriculum, generator = PredictionGain(NO_ROOM), np.random.default_rng(0)
    for _ in range(10):
        assert curriculum.draw(3, generator).tolist() == [[200]] * 3
        curriculum.report_gains(np.full((3, 1), 200), generator.standard_normal(3), generator)
    assert np.isfinite(curriculum.log_weights).all()


def test_every_gain_is_remembered_as_likely_as_another():
    kept = []
    for seed in range(20):
        curriculum, generator = PredictionGain(NO_ROOM), np.random.default_rng(seed)
        for gain in range(2 * RESERVOIR):
            curriculum._keep(float(gain), generator)
        assert len(set(curriculum.reservoir)) == RESERVOIR
        kept.append(np.mean(curriculum.reservoir))
    assert np.mean(kept) == pytest.approx(RESERVOIR, rel=0.01)


@pytest.mark.parametrize(
    "change",
    [
        {"log_weights": [0.0] * 19},
        {"log_weights": [0.0] * 19 + [math.nan]},
        {"log_weights": [0.0] * 19 + [None]},
        {"log_weights": 3},
        {"reservoir": [0.0]},
        {"reservoir": [0.0, math.inf]},
        {"reservoir": [0.0, "1"]},
        {"steps": 3},
        {"steps": -1},
        {"steps": 1.0},
        {"steps": True},
        {"gains": 1},
        {"gains": 2**70},
        {"gains": None},
    ],
)
def test_a_state_that_cannot_be_is_refused(change):
    curriculum, generator = PredictionGain(Copy()), np.random.default_rng(0)
    for _ in range(2):
        curriculum.report_gains(np.array([[4]]), generator.standard_normal(1), generator)
    state = curriculum.state()
    with pytest.raises(ValueError, match="expected the log-weights of 20 sizes"):
        curriculum.load_state({**state, **change})
    assert curriculum.state() == state


def test_more_sizes_than_can_be_tried_are_refused():
    assert len(PredictionGain(Range((1,), (MOST_ARMS,))).arms) == MOST_ARMS
    with pytest.raises(ValueError, match="expected at most 10,000 sizes with 'prediction_gain', not 1,000,0"):
        PredictionGain(Range((1, 1), (10**6, 10**6)))
