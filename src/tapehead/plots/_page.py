"""What all pictures share: the page, its colors, panels and strips, and how they are saved."""

from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import Any, TypeAlias

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Colormap, LinearSegmentedColormap, PowerNorm
from matplotlib.figure import Figure, FigureBase
from matplotlib.image import AxesImage
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from tapehead._arguments import check_choice
from tapehead._files import write_atomically

Numbers: TypeAlias = NDArray[np.floating[Any]]
Counts: TypeAlias = NDArray[np.integer[Any]]
Flags: TypeAlias = NDArray[np.bool_]

WIDTH = 7.0
"""Inches: two columns of a paper."""
DOTS_PER_INCH = 300
"""The resolution of a picture unless another one is given."""
_METADATA: dict[str, dict[str, str | None]] = {
    "png": {"Software": None},
    "svg": {"Date": None, "Creator": None},
    "pdf": {"CreationDate": None, "Creator": None, "Producer": None},
}
"""By the format of a file, what matplotlib would write into it that changes with time or version."""
FORMATS = tuple(_METADATA)
"""The formats of a picture that there are."""
DEFAULT_FORMATS = ("png", "svg")
"""The formats that a picture is written in unless others are given."""
INK, PALE, BLANK = "#222222", "#8a8a8a", "#f2f2f2"
BLUE, ORANGE, *OTHERS = "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#000000"
"""The palette of Okabe and Ito, which color-blind readers can tell apart."""
WRITING = LinearSegmentedColormap.from_list("writing", ["white", "#f4a261", ORANGE, "#5c2600"])
READING = LinearSegmentedColormap.from_list("reading", ["white", "#6baed6", BLUE, "#002a47"])
WRONG = LinearSegmentedColormap.from_list("wrong", ["white", "#c00000"])
SIGNED = LinearSegmentedColormap.from_list("signed", ["#6a3d9a", "white", "black"])
"""For channels that are not bits: gray to black above 0, purple below."""


def page(height: float, title: str) -> Figure:
    """Start a page of the common width, of this height in inches, with a title."""
    figure = Figure(figsize=(WIDTH, height), layout="constrained", facecolor="white")
    figure.suptitle(title, fontsize=9, color=INK, x=0.01, ha="left", fontweight="bold")
    return figure


def label(axes: Axes, x: str, y: str, name: str = "") -> None:
    """Label a panel and both its axes, with ticks and lines fine enough for a column of text."""
    axes.set_title(name, loc="left", fontsize=8, color=INK, pad=3)
    axes.set_xlabel(x, fontsize=8, color=INK)
    axes.set_ylabel(y, fontsize=8, color=INK)
    axes.tick_params(labelsize=7, width=0.6, length=2.5, color=PALE, labelcolor=INK)
    for spine in axes.spines.values():
        spine.set(linewidth=0.6, color=PALE)


def heat(
    axes: Axes,
    picture: Numbers,
    colors: str | Colormap | None,
    limits: tuple[float, float],
    first: int = 0,
    power: float = 1.0,
) -> AxesImage:
    """Draw a matrix as an image, rows downwards from number `first` on; cells are sharp unless finer than the page.

    Colors follow the numbers' `power`, within the limits.
    """
    rows, columns = picture.shape[:2]
    axes.set_facecolor(BLANK)
    for axis, ticks in ((axes.xaxis, 8 if columns > 24 else 4), (axes.yaxis, 8 if rows > 12 else 2)):
        axis.set_major_locator(MaxNLocator(ticks, integer=True, steps=[1, 2, 5, 10]))
    if rows == 1:
        axes.set_yticks([first])
    return axes.imshow(
        picture, cmap=colors, norm=PowerNorm(power, *limits), aspect="auto",
        interpolation="none" if max(rows, columns) < WIDTH * DOTS_PER_INCH / 2 else "auto",
        extent=(-0.5, columns - 0.5, first + rows - 0.5, first - 0.5),
    )  # fmt: skip


def strips(axes: Axes, values: Numbers, names: Sequence[str], what: str, black: str) -> None:
    """Draw numbers from 0 to 1 over time, (T, rows), with a name for each row, and what black means."""
    heat(axes, values.T, "Greys", (0, 1))
    label(axes, "time step", what, f"{what}s (black: {black})")
    axes.set_yticks(range(len(names)), names)
    axes.hlines(np.arange(1, len(names)) - 0.5, -0.5, len(values) - 0.5, color="white", linewidth=1.5)


def channels(axes: Axes, values: Numbers, name: str) -> None:
    """Draw inputs or outputs, (T, channels): bits black on white, numbers below 0 purple."""
    signed = bool((values < 0).any())
    heat(axes, values.T, SIGNED if signed else "Greys", (-1 if signed else 0, 1))
    label(axes, "", "channel", f"{name} (purple: below 0)" if signed else name)


def color_bar(figure: FigureBase, image: AxesImage, beside: Sequence[Axes], meaning: str) -> None:
    """Put a color bar beside some panels."""
    bar = figure.colorbar(image, ax=list(beside), fraction=0.05, pad=0.02, aspect=30)
    label(bar.ax, "", meaning)
    bar.locator = MaxNLocator(5)
    bar.outline.set_visible(False)


def apply_mask(picture: Numbers, mask: Flags) -> Numbers:
    """Leave out the time steps outside the mask."""
    return np.where(mask[:, None], picture, np.nan)


def save(
    figure: Figure, stem: str | Path, *, formats: Sequence[str] = DEFAULT_FORMATS, dpi: int = DOTS_PER_INCH
) -> list[Path]:
    """Write a figure, and return the paths written.

    They are written atomically, and depend on the figure alone: they have no date and no random names, so drawing again
    gives the same bytes.

    Args:
        figure: The figure.
        stem: The path without a suffix; its folder is created where it is missing.
        formats: The suffixes of the files: png, svg, pdf.
        dpi: Dots per inch of a png, and of the images in a pdf or svg.

    Raises:
        TypeError: The formats are a single string.
        ValueError: There is no such format, or the path has the suffix of one.
    """
    if isinstance(formats, str):
        raise TypeError(f"formats: expected several, as ({formats!r},), not a single string")
    for suffix in formats:
        check_choice("formats", suffix, FORMATS)
    stem = Path(stem)
    if stem.suffix.removeprefix(".") in FORMATS:
        chosen = f"formats=({stem.suffix[1:]!r},) chooses the format"
        raise ValueError(f"stem: expected a path without a suffix, as {stem.stem!r}, not {stem.name!r}; {chosen}")
    stem.parent.mkdir(parents=True, exist_ok=True)
    written = [stem.with_name(f"{stem.name}.{suffix}") for suffix in formats]
    for path, suffix in zip(written, formats, strict=True):
        drawn = BytesIO()
        with mpl.rc_context({"svg.hashsalt": "tapehead", "svg.fonttype": "none"}):
            figure.savefig(drawn, format=suffix, dpi=dpi, metadata=_METADATA[suffix])
        write_atomically(path, drawn.getvalue())
    return written
