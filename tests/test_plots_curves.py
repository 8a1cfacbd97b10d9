"""Curves show what was measured: every run, their median and range, and the optimum where it is known."""

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from tapehead import plots

SEQUENCES = np.array([1000, 2000, 3000])


def _curve(*errors: float, optimal: float | None = None) -> plots.Curve:
    measured = np.array(errors, np.float64)
    sequences = SEQUENCES[: len(measured)]
    return plots.Curve(
        sequences, measured, 2 * measured, None if optimal is None else np.full(len(measured), float(optimal))
    )


def _line(axes: Axes, name: str) -> Line2D:
    (found,) = (line for line in axes.lines if line.get_label() == name)
    return found


def test_of_several_runs_the_median_is_drawn_within_their_range_and_each_run_as_well() -> None:
    runs = [_curve(4, 1, 0.5), _curve(5, 3, 0.2), _curve(9, 2, 0.3)]
    errors, bits = plots.learning_curve({"ntm": runs}).axes
    np.testing.assert_array_equal(_line(errors, "ntm").get_ydata(), [5, 2, 0.3])
    np.testing.assert_array_equal(_line(bits, "ntm").get_ydata(), [10, 4, 0.6])
    (band,) = errors.collections
    corners = band.get_paths()[0].vertices
    assert {(1.0, 4.0), (1.0, 9.0), (2.0, 1.0), (2.0, 3.0), (3.0, 0.2), (3.0, 0.5)} <= set(map(tuple, corners))
    drawn = [line.get_ydata().tolist() for line in errors.lines if line.get_label() != "ntm"]
    assert drawn == [run.errors.tolist() for run in runs]


def test_a_median_goes_as_far_as_all_its_runs() -> None:
    errors, _ = plots.learning_curve({"ntm": [_curve(4, 1, 0.5), _curve(5, 3)]}).axes
    np.testing.assert_array_equal(_line(errors, "ntm").get_xdata(), [1, 2])
    assert max(len(line.get_xdata()) for line in errors.lines) == 3


def test_where_optimal_predictions_cost_bits_the_gap_to_them_is_drawn() -> None:
    runs = {"ntm": [_curve(80, 70, 67, optimal=130)], "lstm": [_curve(90, 80, 69, optimal=131)]}
    gap, bits = plots.learning_curve(runs, solved_below=0.1).axes
    assert gap.get_ylabel() == "bits above the optimum"
    np.testing.assert_array_equal(_line(gap, "ntm").get_ydata(), [30, 10, 4])
    np.testing.assert_array_equal(_line(bits, "optimal").get_ydata(), [130, 130, 130])
    assert not gap.texts, "nothing is solved below a number of bit errors"


@pytest.mark.parametrize(
    ("errors", "scale"),
    [((60, 2, 0), "symlog"), ((60, 20, 2), "log"), ((60, 50, 40), "linear"), ((0, 0, 0), "symlog")],
)
def test_an_axis_shows_everything_down_to_nothing(errors: tuple[float, ...], scale: str) -> None:
    axes, _ = plots.learning_curve({"ntm": [_curve(*errors)]}).axes
    assert axes.get_yscale() == scale
    low, high = axes.get_ylim()
    assert 0 <= low <= min(errors)
    assert high > max(errors)


def test_an_axis_shows_a_model_that_was_luckier_than_the_optimum() -> None:
    axes, _ = plots.learning_curve({"ntm": [_curve(80, 64, 66, optimal=130)]}).axes
    np.testing.assert_array_equal(_line(axes, "ntm").get_ydata(), [30, -2, 2])
    low, high = axes.get_ylim()
    assert (axes.get_yscale(), low < -2, high > 30) == ("linear", True, True)


def test_the_line_of_a_solved_task_is_in_sight_of_a_run_that_is_far_from_it() -> None:
    axes, _ = plots.learning_curve({"ntm": [_curve(60, 50, 40)]}, solved_below=0.1).axes
    assert axes.get_ylim()[0] <= 0.1
    assert axes.texts[0].get_text() == "solved: below 0.1"


def test_generalization_has_a_row_for_each_axis_of_size_and_error_bars() -> None:
    errors = plots.ErrorBand(*np.array([[10, 20], [1.0, 4.0], [0.5, 3.0], [2.0, 6.0]]))
    bits = plots.ErrorBand.exact(np.array([10, 20]), np.array([3.0, 9.0]))
    lines = {"ntm": plots.Scores(errors, bits)}
    figure = plots.generalization({"length": lines, "repeats": lines}, trained_to={"length": 10, "repeats": 5})
    assert [axes.get_xlabel() for axes in figure.axes] == ["length", "length", "repeats", "repeats"]
    assert [axes.get_ylabel() for axes in figure.axes[:2]] == ["bit errors per sequence", "bits per sequence"]
    drawn, _, (bars,) = figure.axes[0].containers[0]
    np.testing.assert_array_equal(drawn.get_xydata(), [[10, 1], [20, 4]])
    np.testing.assert_array_equal(
        [bar.vertices for bar in bars.get_paths()], [[[10, 0.5], [10, 2]], [[20, 3], [20, 6]]]
    )
    assert [line.get_xdata()[0] for axes in figure.axes for line in axes.lines if line.get_linestyle() == "--"] == [
        *(10, 10, 5, 5),
    ]


def test_the_lines_of_guessing_are_in_sight_of_a_run_that_is_good_from_the_beginning() -> None:
    good = plots.Curve(np.array([0, 3200]), np.array([0.0, 0.0]), np.array([0.002, 0.001]), loss=np.array([0.1, 0.1]))
    figure = plots.learning_curve({"one": [good]}, solved_below=0.1, chance=plots.Chance(80.0, 160.0))
    for axes, height in zip(figure.axes, (80.0, 160.0), strict=False):
        low, high = axes.get_ylim()
        assert low <= 0
        assert high > height
    figure.draw_without_rendering()


def test_sizes_of_very_different_lengths_stand_at_their_doublings() -> None:
    for largest, scale in ((300, "linear"), (640, "log")):
        line = plots.ErrorBand(*np.array([[20, largest], [1.0, 2.0], [0.5, 1.5], [1.5, 3.0]]))
        figure = plots.generalization({"length": {"seed 1": plots.Scores(line, line)}}, trained_to={})
        assert {axes.get_xscale() for axes in figure.axes} == {"linear" if scale == "linear" else "log"}


def test_generalization_shows_the_gap_where_optimal_predictions_cost_bits() -> None:
    line, gap = (plots.ErrorBand.exact(np.array([100, 200]), np.array(bits)) for bits in ([70.0, 135.0], [2.0, 3.0]))
    left, right = plots.generalization(
        {"steps": {"ntm": plots.Scores(line, line, gap)}}, trained_to={"steps": 200}
    ).axes
    assert left.get_ylabel() == "bits above the optimum"
    np.testing.assert_array_equal(left.containers[0][0].get_ydata(), [2, 3])
    np.testing.assert_array_equal(right.containers[0][0].get_ydata(), [70, 135])


def test_errors_are_called_what_they_are() -> None:
    curve, line = _curve(4, 1), plots.ErrorBand.exact(np.array([10, 20]), np.array([3.0, 9.0]))
    figures = [
        plots.learning_curve({"ntm": [curve]}, error_name="symbol errors"),
        plots.generalization({"length": {"ntm": plots.Scores(line, line)}}, trained_to={}, error_name="symbol errors"),
    ]
    assert [figure.axes[0].get_ylabel() for figure in figures] == ["symbol errors per sequence"] * 2
