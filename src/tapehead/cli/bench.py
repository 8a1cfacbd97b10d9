"""tapehead bench: how fast a training step is here, each backend against the reference."""

import json
from argparse import Namespace
from typing import Any

import torch
from rich.console import Console
from rich.progress import track
from rich.table import Table

from tapehead.cli._errors import CommandError
from tapehead.cli._parser import Parser, add_json, add_threads, nearest, whole_number
from tapehead.cli._speed import COMPILED, REFERENCE, SHAPES, Figures, matrix_product_peak, measure
from tapehead.cli._table import new_table, print_table
from tapehead.kernels._backend import Problem
from tapehead.kernels.ntm_scan import REFUSALS
from tapehead.models import NTM
from tapehead.training.machine import fingerprint, surroundings

REPEATS = 7


def add_arguments(parser: Parser) -> None:
    """Add what `bench` takes."""
    parser.add_argument("--shapes", nargs="+", default=list(SHAPES), metavar="S", help=f"of {', '.join(SHAPES)} [all]")
    parser.add_argument(
        "--repeats", type=whole_number, default=REPEATS, metavar="N", help=f"times a figure [{REPEATS}]"
    )
    parser.add_argument(
        "--compile", action="store_true", help="also time the reference with its step compiled by torch"
    )
    add_threads(parser)
    add_json(parser)


def do(chosen: Namespace) -> None:
    """Measure, and print."""
    for name in chosen.shapes:
        if name not in SHAPES:
            raise CommandError(f"--shapes: expected some of {', '.join(SHAPES)}, not {name!r}{nearest(name, SHAPES)}")
    if chosen.threads is not None:
        torch.set_num_threads(chosen.threads)
    problem = Problem(torch.device("cpu"), torch.float32)
    others = [name for name, refuse in REFUSALS.items() if name != REFERENCE and refuse(problem) is None]
    ways = [REFERENCE, *others, *([COMPILED] if chosen.compile else [])]
    peak = matrix_product_peak()
    rows: list[Figures] = []
    for name in track(chosen.shapes, "measuring", console=Console(stderr=True), transient=True):
        rows += measure(name, ways, chosen.repeats, peak)
    machine = {**fingerprint(NTM(1, 1)), **surroundings(), "matrix_product_gflops": peak}
    if chosen.json:
        print(json.dumps({"machine": machine, "repeats": chosen.repeats, "figures": [row._asdict() for row in rows]}))
    else:
        print_table(table(rows, machine))


def table(rows: list[Figures], machine: dict[str, Any]) -> Table:
    """Lay the figures out for reading."""
    drawn = new_table(
        title=f"one training step in ms, float32, {machine['threads']} threads, {machine['instruction_set']}",
        caption="Medians. forward: with what a backward pass needs; step: and backward, and Adam. ratio: to the "
        "reference. peak: share of this machine's matrix product, measured in the same run: "
        f"{machine['matrix_product_gflops']:.0f} GFLOP/s. error: from the reference, in outputs and gradients, "
        "relative to the largest. MB: what a step adds to a process.",
    )
    for column in ("shape", "run by", "forward", "step", "ratio", "GFLOP/s", "peak", "error", "MB"):
        drawn.add_column(column, justify="left" if column in {"shape", "run by"} else "right", no_wrap=True)
    for row in rows:
        drawn.add_row(
            row.shape,
            row.way,
            f"{row.forward_ms:.2f}",
            f"{row.step_ms:.2f}",
            f"{row.ratio:.1f}",
            f"{row.gflops:.1f}",
            f"{row.share_of_peak:.0%}",
            f"{row.difference:.0e}",
            f"{row.peak_mb:.0f}",
            end_section=row.way == rows[-1].way,
        )
    return drawn
