"""tapehead bench: how fast a training step is here, each backend against the reference."""

import json
from collections.abc import Sequence
from typing import Any

import torch
from rich.console import Console
from rich.progress import track
from rich.table import Table

from tapehead import backends
from tapehead._arguments import suggest
from tapehead.cli._errors import CommandError
from tapehead.cli._parser import Parser, add_device, add_json, add_threads, read_count, use_device
from tapehead.cli._table import make_table, print_table
from tapehead.experiments.labels import count
from tapehead.experiments.speed import COMPILED, REFERENCE, SHAPES, Timing, matrix_product_peak, measure
from tapehead.models import NTM
from tapehead.training.environment import fingerprint, surroundings

REPEATS = 7


def run(words: Sequence[str]) -> None:
    """Measure, and print."""
    parser = Parser("bench")
    add_arguments(parser)
    chosen = parser.read(words)
    for name in chosen.shapes:
        if name not in SHAPES:
            raise CommandError(f"--shapes: expected some of {', '.join(SHAPES)}, not {name!r}{suggest(name, SHAPES)}")
    device = use_device(chosen)
    peak = matrix_product_peak(device)
    timings: list[Timing] = []
    for name in track(chosen.shapes, "measuring", console=Console(stderr=True), transient=True):
        methods = [*list_backends(name, device), *([COMPILED] if chosen.compile else [])]
        timings += measure(name, methods, chosen.repeats, peak, device)
    environment = {**fingerprint(NTM(1, 1).to(device)), **surroundings(), "matrix_product_gflops": peak}
    if chosen.json:
        rows = [timing._asdict() for timing in timings]
        print(json.dumps({"environment": environment, "repeats": chosen.repeats, "timings": rows}))
    else:
        print_table(lay_out(timings, environment))


def add_arguments(parser: Parser) -> None:
    """Add what `bench` takes."""
    parser.add_argument(
        "--shapes", nargs="+", default=list(SHAPES), metavar="S", help=f"any of {', '.join(SHAPES)} [all]"
    )
    parser.add_argument(
        "--repeats",
        type=read_count,
        default=REPEATS,
        metavar="N",
        help=f"repetitions, whose median is reported [{REPEATS}]",
    )
    parser.add_argument(
        "--compile", action="store_true", help="also time the reference with its time step compiled by torch.compile"
    )
    add_device(parser)
    add_threads(parser)
    add_json(parser)


def list_backends(shape: str, device: torch.device) -> list[str]:
    """List the backends that can run a shape on a device, the reference first."""
    of_model = backends(device)[SHAPES[shape].model.saved_as]
    able = [name for name, reason in of_model.items() if reason is None]
    return [REFERENCE, *(name for name in able if name != REFERENCE)]


def lay_out(timings: Sequence[Timing], environment: dict[str, Any]) -> Table:
    """Lay the timings out for reading."""
    where = f"{count(environment['threads'], 'thread')}, {environment['instruction_set']}"
    table = make_table(
        title=f"one training step in ms, float32, {where if environment['device'] == 'cpu' else environment['device']}",
        caption="Medians. forward: with what a backward pass needs; step: and backward, and Adam. ratio: to the "
        "reference. peak: share of the speed of a matrix product here, measured in the same run: "
        f"{environment['matrix_product_gflops']:.0f} GFLOP/s. error: from the reference, in outputs and gradients, "
        "relative to the largest. MB: what a step adds to a process.",
    )
    for column in ("shape", "backend", "forward", "step", "ratio", "GFLOP/s", "peak", "error", "MB"):
        table.add_column(column, justify="left" if column in {"shape", "backend"} else "right", no_wrap=True)
    for timing in timings:
        table.add_row(
            timing.shape,
            timing.backend,
            f"{timing.forward_ms:.2f}",
            f"{timing.step_ms:.2f}",
            f"{timing.ratio:.1f}",
            f"{timing.gflops:.1f}",
            f"{timing.share_of_peak:.0%}",
            f"{timing.difference:.0e}",
            f"{timing.peak_mb:.0f}",
            end_section=timing.backend == timings[-1].backend,
        )
    return table
