"""tapehead suite: many tasks at the same settings, beside the published numbers of others."""

from collections.abc import Sequence

from tapehead.cli.figure import redraw
from tapehead.experiments.grid import GRIDS, SUITES


def run(words: Sequence[str]) -> None:
    """Train what is missing of a suite, and make its table."""
    prefix = f"{SUITES}/"
    redraw("suite", words, [name.removeprefix(prefix) for name in GRIDS if name.startswith(prefix)], prefix)
