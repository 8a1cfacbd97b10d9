"""The bandit Exp3.S and the rewards that it gets, as Graves et al. 2017 use them (arXiv 1704.03003).

The bandit is that of Auer et al. 2002 (The nonstochastic multiarmed bandit problem). The default step size
and exploration are those of Graves et al. and of Collier & Beel's published code; the bandit's beta is 0 in both, and
left out here.
"""

import numpy as np

from tapehead.training.curricula.curriculum import Numbers

QUANTILES = (0.2, 0.8)
"""The quantiles of all gains that become the rewards -1 and 1."""


def policy(log_weights: Numbers, exploration: float) -> Numbers:
    """Give the probability of each of A arms, (A,): (1 - epsilon) softmax(w) + epsilon / A."""
    weights: Numbers = np.exp(log_weights - log_weights.max())
    probabilities: Numbers = (1 - exploration) * weights / weights.sum() + exploration / len(weights)
    return probabilities


def rewards(gains: Numbers, history: Numbers) -> Numbers:
    """Put gains on the scale from -1 to 1 that a history of gains sets: r = 2 (g - low) / (high - low) - 1, cut off.

    Args:
        gains: What to rescale, (G,).
        history: Gains so far, in any order, these among them.

    Returns:
        The rewards, (G,); 0 while the history has no spread, and so no scale.
    """
    low, high = np.quantile(history, QUANTILES)
    return np.interp(gains, (low, high), (-1, 1)) if low < high else np.zeros(len(gains))


def next_log_weights(log_weights: Numbers, estimates: Numbers, step: int, step_size: float) -> Numbers:
    """Learn from a step: w_i <- log((1 - alpha) v_i + alpha / (A - 1) sum_{j != i} v_j), v_i = exp(w_i + eta r_i).

    Every arm gives the others a share alpha = 1 / step of its weight, so that an arm which becomes good is found.

    Args:
        log_weights: w, (A,).
        estimates: r, (A,): the reward of the arm that was drawn over the probability of drawing it; 0 for the others.
        step: The number of the step that the new weights are for, at least 2: the first is drawn from weights of 0.
        step_size: eta.
    """
    moved = log_weights + step_size * estimates
    if len(moved) == 1:  # no others
        return moved
    weights: Numbers = np.exp(moved - moved.max())
    others = (weights.sum() - weights) / (len(weights) - 1)
    mixed: Numbers = np.log((1 - 1 / step) * weights + others / step) + moved.max()
    return mixed
