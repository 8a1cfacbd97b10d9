"""The pictures show the numbers they are given, at the places their axes say, and come out the same every time."""

import hashlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure

from tapehead import plots
from tests.pictures import SLOTS, find_panels, slot_numbers, weightings

STEPS, CHANNELS, WIDTH = 9, 4, 5


def _curve() -> plots.Curve:
    return plots.Curve(np.array([0, 3200, 6400]), np.array([16.0, 0.5, 0.0]), np.array([32.0, 1.0, 0.01]))


def _bits(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 2, (STEPS, CHANNELS)).astype(np.float32)


def _mask() -> np.ndarray:
    return np.arange(STEPS) > STEPS // 2


def _scores() -> dict[str, plots.Scores]:
    line = plots.ErrorBand(*np.array([[20, 40], [1.0, 2.0], [0.5, 1.5], [1.5, 3.0]]))
    return {"seed 1": plots.Scores(line, line)}


def _bookkeeping(write_heads: int = 2, read_heads: int = 3) -> plots.Bookkeeping:
    def drawn(*shape: int) -> np.ndarray:
        return np.random.default_rng(0).random((STEPS, *shape))

    heads = {name: drawn(write_heads, SLOTS) for name in ("allocation", "write")} | {"read": drawn(read_heads, SLOTS)}
    gates = {"allocation_gates": drawn(write_heads), "write_gates": drawn(write_heads), "free_gates": drawn(read_heads)}
    modes = drawn(read_heads, 2 * write_heads + 1)
    return plots.Bookkeeping(usage=drawn(SLOTS), **heads, **gates, read_modes=modes)


def _vectors() -> tuple[np.ndarray, np.ndarray]:
    return np.linspace(-1, 1, STEPS * WIDTH).reshape(STEPS, 1, WIDTH), np.ones((STEPS, 2, WIDTH))


def _sorting() -> plots.Sorting:
    """Items written to slots 15, 0 and 1, of which the last two are targets."""
    write, read = weightings(15, 0, 1)[:, 0], weightings(1, 0)[:, 0]
    return plots.Sorting(np.arange(3.0), write, read, np.array([1.0, 0.0]), by_priority=0.25, by_time=1, in_order=0.5)


def _every_figure() -> dict[str, Callable[[], Figure]]:
    write, read = weightings(*range(STEPS)), weightings(*range(STEPS))
    memory = np.random.default_rng(0).normal(size=(SLOTS, WIDTH))
    return {
        "learning_curve": lambda: plots.learning_curve({"seed 1": [_curve()]}, solved_below=0.1, title="Learning"),
        "example": lambda: plots.example(_bits(0), _bits(1), _bits(1), _mask(), title="One sequence"),
        "weightings": lambda: plots.weightings(write, read, title="Heads"),
        "memory": lambda: plots.memory({"at the start": memory * 0, "at the end": memory}, title="Memory"),
        "generalisation": lambda: plots.generalization({"length": _scores()}, trained_to={"length": 20}, title="Sizes"),
        "accuracies": lambda: plots.accuracies(
            {f"task {number}": {"a model": _scores()["seed 1"].errors} for number in range(4)},
            trained_to={f"task {number}": 20 for number in range(4)},
            axis="length",
            title="Accuracies",
        ),
        "memory_use": lambda: plots.memory_use(_bits(0), _bits(1), _mask(), *_vectors(), write, read, title="Use"),
        "sorting": lambda: plots.sorting(_sorting(), title="Sorting"),
        "predictions": lambda: plots.predictions(_bits(0)[:, 0], _bits(1)[:, 0], _bits(2)[:, 0], title="Predictions"),
        "allocation": lambda: plots.allocation(_bookkeeping(), title="Free slots"),
        "links": lambda: plots.links({"at the end": np.zeros((2, SLOTS, SLOTS))}, _bookkeeping(), title="Links"),
        "at_work": lambda: plots.at_work(_bits(0), _bits(1), _mask(), write, read, memory, title="At work"),
    }


QUICK_FIGURES = ("learning_curve", "at_work")
"""One of lines and one of images: the others are written by the same function."""


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[] if name in QUICK_FIGURES else pytest.mark.slow) for name in _every_figure()]
)
def test_a_figure_is_written_as_png_and_as_svg_with_the_same_bytes_each_time(name: str, tmp_path: Path) -> None:
    first, second = (plots.save(_every_figure()[name](), tmp_path / folder / name) for folder in ("one", "two"))
    assert [path.name for path in first] == [f"{name}.png", f"{name}.svg"]
    assert first[0].read_bytes().startswith(b"\x89PNG")
    assert b"<svg" in first[1].read_bytes()
    for one, two in zip(first, second, strict=True):
        assert hashlib.sha256(one.read_bytes()).digest() == hashlib.sha256(two.read_bytes()).digest()


@pytest.mark.parametrize("name", list(_every_figure()))
def test_every_axis_of_a_figure_has_a_name(name: str) -> None:
    figure = _every_figure()[name]()
    figure.draw_without_rendering()
    assert any(axes.get_xlabel() for axes in figure.axes)
    for axes in figure.axes:
        left_of_row = axes.get_subplotspec() is not None and axes.get_subplotspec().is_first_col()
        assert axes.get_ylabel() or not left_of_row


def test_a_learning_curve_has_one_line_a_run_in_each_panel_and_marks_where_a_task_counts_as_solved() -> None:
    figure = plots.learning_curve({"seed 1": [_curve()], "seed 2": [_curve()]}, solved_below=0.1)
    errors, bits = figure.axes
    assert [line.get_label() for line in bits.lines] == ["seed 1", "seed 2"]
    np.testing.assert_array_equal(errors.lines[0].get_xdata(), [0.0, 3.2, 6.4])
    np.testing.assert_array_equal(errors.lines[0].get_ydata(), _curve().errors)
    np.testing.assert_array_equal(bits.lines[1].get_ydata(), _curve().bits)
    assert list(errors.lines[2].get_ydata()) == [0.1, 0.1]


def test_ten_runs_have_ten_different_lines() -> None:
    figure = plots.learning_curve({f"seed {seed}": [_curve()] for seed in range(10)})
    assert len({(line.get_color(), line.get_linestyle()) for line in figure.axes[0].lines}) == 10


def test_an_example_counts_the_wrong_bits_within_the_mask_only() -> None:
    targets = _bits(1)
    outputs = targets.copy()
    outputs[0] = 1 - outputs[0]
    outputs[-1, 2] = 1 - outputs[-1, 2]
    panels = find_panels(plots.example(_bits(0), outputs, targets, _mask()))
    assert list(panels) == ["input", "target", "output", "wrong bits: 1"]
    assert panels["wrong bits: 1"][2, -1] == 1
    assert np.nansum(panels["wrong bits: 1"].filled(np.nan)) == 1


def test_an_example_leaves_out_the_outputs_outside_the_mask() -> None:
    outputs = find_panels(plots.example(_bits(0), _bits(1), _bits(1), _mask()))["output"]
    np.testing.assert_array_equal(np.ma.getmaskarray(outputs).all(axis=0), ~_mask())


def test_a_perfect_example_has_no_wrong_bits() -> None:
    assert "wrong bits: none" in find_panels(plots.example(_bits(0), _bits(1), _bits(1), _mask()))


def test_an_example_of_symbols_counts_the_wrong_symbols_within_the_mask_only() -> None:
    symbols = np.eye(CHANNELS)[np.arange(STEPS) % CHANNELS]
    outputs = 0.4 * symbols  # none above 0.5: the largest is the prediction
    outputs[[0, -1]] = 0.4 * symbols[1]
    panels = find_panels(plots.example(_bits(0), outputs, symbols, _mask(), symbols=True))
    assert list(panels)[-1] == "wrong symbols: 1"
    np.testing.assert_array_equal(panels["wrong symbols: 1"][0, -4:], [0, 0, 0, 1])


def test_a_path_with_a_suffix_and_an_unknown_format_are_errors_that_say_what_to_do(tmp_path: Path) -> None:
    figure = plots.memory({"now": np.ones((4, 2))})
    with pytest.raises(
        ValueError, match=r"stem: expected a path without a suffix, as 'a', not 'a.pdf'; formats=\('pdf',"
    ):
        plots.save(figure, tmp_path / "a.pdf")
    with pytest.raises(ValueError, match="formats: expected one of 'png', 'svg', 'pdf', not 'eps'"):
        plots.save(figure, tmp_path / "a", formats=("eps",))
    with pytest.raises(TypeError, match="formats: expected several, as"):
        plots.save(figure, tmp_path / "a", formats="pdf")
    assert not list(tmp_path.iterdir())


def test_the_moments_of_a_memory_share_one_color_scale_around_zero() -> None:
    small, large = np.full((SLOTS, WIDTH), 0.1), np.full((SLOTS, WIDTH), -0.7)
    figure = plots.memory({"at the start": small, "at the end": large})
    assert {image.get_clim() for axes in figure.axes[:2] for image in axes.images} == {(-0.7, 0.7)}


def test_a_model_at_work_is_orange_where_it_writes_and_blue_where_it_reads() -> None:
    memory = np.ones((SLOTS, WIDTH))
    figure = plots.at_work(_bits(0)[:2], _bits(1)[:2], _mask()[:2], weightings(3, 5), weightings(5, 3), memory)
    heads = figure.axes[0].images[0].get_array()
    red, blue = heads[..., 0] > heads[..., 2], heads[..., 2] > heads[..., 0]
    np.testing.assert_array_equal(np.argwhere(red), [[2, 0], [4, 1]])
    np.testing.assert_array_equal(np.argwhere(blue), [[2, 1], [4, 0]])


def test_what_is_added_and_read_stands_above_where() -> None:
    adds, reads = _vectors()
    write, read = weightings(*range(STEPS)), weightings(*range(STEPS))
    panels = find_panels(plots.memory_use(_bits(0), _bits(1), _mask(), adds, reads, write, read))
    np.testing.assert_array_equal(panels["vectors added"], adds[:, 0].T)
    assert panels["vectors read"].shape == (2 * WIDTH, STEPS)
    assert panels["output"].mask[:, : STEPS // 2 + 1].all()
    np.testing.assert_array_equal(np.argwhere(panels["write weighting"])[:, 1], range(STEPS))


def test_items_are_marked_at_their_slots_around_the_circle() -> None:
    figure = plots.sorting(_sorting())
    fitted, _, read = figure.axes
    np.testing.assert_array_equal(fitted.collections[0].get_offsets(), [[0, 0], [1, 1], [2, 2]])
    np.testing.assert_array_equal(read.collections[0].get_offsets(), [[0, 1], [1, 0]])
    assert slot_numbers(figure)[2:5] == ["15", "0", "1"]
    assert [axes.get_title("left").partition(":")[2].split()[0] for axes in figure.axes] == ["25%", "100%", "50%"]


def test_an_empty_memory_can_be_drawn(tmp_path: Path) -> None:
    assert plots.save(plots.memory({"at the start": np.zeros((SLOTS, WIDTH))}), tmp_path / "memory")


def test_a_channel_that_is_no_bit_differs_from_the_bits_where_it_is_below_0() -> None:
    inputs = _bits(0)
    inputs[0, 3] = -0.5
    image = plots.example(inputs, _bits(1), _bits(1), _mask()).axes[0].images[0]
    red, green, _, _ = image.cmap(image.norm(-0.5))
    assert red > green
    assert image.cmap(image.norm(1.0))[:3] == (0, 0, 0)
    assert image.axes.get_title("left") == "input (purple: below 0)"


def test_predictions_stand_beside_the_optimal_ones_and_the_target_bits() -> None:
    bits, predicted, optimal = np.random.default_rng(0).integers(0, 2, (3, 120)).astype(float)
    figure = plots.predictions(bits, predicted, optimal, model="ntm")
    lines = [line for axes in figure.axes for line in axes.lines]
    for name, probabilities in {"ntm": predicted, "optimal": optimal}.items():
        drawn = [line.get_ydata() for line in lines if line.get_label() == name]
        np.testing.assert_array_equal(np.concatenate(drawn), probabilities)
    bits_drawn = np.concatenate([axes.collections[0].get_offsets() for axes in figure.axes])
    np.testing.assert_array_equal(bits_drawn, np.stack([np.arange(120), bits], axis=1))
    assert {text.get_text() for text in figure.legends[0].texts} == {"target bit", "optimal", "ntm"}


def test_usage_and_each_head_s_allocation_are_painted_over_the_gates() -> None:
    bookkeeping = _bookkeeping()
    panels = find_panels(plots.allocation(bookkeeping))
    names = ["usage", "allocation for write head 1", "allocation for write head 2", "gates (black: open)"]
    assert list(panels)[:4] == names
    np.testing.assert_array_equal(panels["usage"], bookkeeping.usage.T)
    np.testing.assert_array_equal(panels[names[2]], bookkeeping.allocation[:, 1].T)
    np.testing.assert_array_equal(panels[names[3]][2:4], bookkeeping.allocation_gates.T)


def test_every_gate_and_every_way_of_reading_has_a_row_with_its_name() -> None:
    gates = plots.allocation(_bookkeeping()).axes[3].get_yticklabels()
    assert [text.get_text() for text in gates] == [
        *("write 1", "write 2", "allocation 1", "allocation 2", "free 1", "free 2", "free 3"),
    ]
    single = plots.links({"at the end": np.zeros((1, SLOTS, SLOTS))}, _bookkeeping(1, 1)).subfigs[1].axes[0]
    assert [text.get_text() for text in single.get_yticklabels()] == ["backward", "content", "forward"]


def test_a_link_is_painted_in_the_row_of_the_slot_that_was_written_to_later() -> None:
    write, later, earlier = weightings(3, 5), 5, 3
    link = np.zeros((1, SLOTS, SLOTS))
    link[0, later, earlier] = 1
    figure = plots.links({"at the end": link}, _bookkeeping(1, 1)._replace(write=write))
    axes = figure.subfigs[0].axes[0]
    np.testing.assert_array_equal(np.argwhere(axes.images[0].get_array() == 1), [[4, 2]])  # shown from slot 1 on
    assert axes.images[0].get_extent() == [0.5, 7.5, 7.5, 0.5]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("right after slot", "slot written to")
