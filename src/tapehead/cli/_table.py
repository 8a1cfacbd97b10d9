"""Tables on standard output: as wide as the window, and whole where there is none."""

import sys

from rich.box import SIMPLE
from rich.console import Console
from rich.markup import escape
from rich.table import Table

WITHOUT_WINDOW = 200
"""Columns that a table may take in a file or a pipe."""


def make_table(title: str, caption: str) -> Table:
    """Make a table without rows."""
    return Table(
        box=SIMPLE, show_edge=False, pad_edge=False, collapse_padding=True, title=escape(title), caption=caption
    )


def print_table(table: Table) -> None:
    """Print a table."""
    Console(width=None if sys.stdout.isatty() else WITHOUT_WINDOW).print(table)
