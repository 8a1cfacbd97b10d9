"""Scans with a number in them that is not finite, or hardly: what must come of it (RELIABILITY 5, 13, 21)."""

import dataclasses
import math
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from tapehead.kernels import SCANS
from tapehead.kernels.backend import Backend
from tests.kernels import drawn
from tests.kernels.oracle import Case

NOT_FINITE = (math.nan, math.inf, -math.inf)
HARDLY_FINITE = (1e-45, -1e-40, 1e-38, 1e38, -1e38)
SEQUENCES = 3
LARGE_WEIGHTS = 16.0  # times those drawn: with these the reference overflows often enough to compare counts
LEAST_OVERFLOWS = 0.1  # of the scans from a huge memory, with the reference


class Spoiled(NamedTuple):
    """A scan with one number replaced, and where: in a tensor, and in a sequence unless it is a weight."""

    clean: drawn.Scan
    spoiled: drawn.Scan
    sequence: int | None
    number: float


def spoil(case: Case, seed: int) -> Spoiled:
    """Draw a scan, and replace a drawn number: of the inputs or the state of one sequence, or of a weight."""
    draw = np.random.default_rng(seed)
    steps, slots, first = int(draw.integers(1, 6)), int(draw.choice([5, 17])), seed
    while True:  # a tensor may have no numbers
        given = case.draw(
            first, work=2e4, steps=steps, sequences=SEQUENCES, slots=slots, keep_states=True, contiguous=True
        )
        tensors, carried = [tensor.clone() for tensor in given.tensors], len(given.state)
        place = int(draw.integers(carried + 2))
        place += int(draw.integers(len(tensors) - place)) if place > carried else 0
        sequence = int(draw.integers(SEQUENCES)) if place <= carried else None
        own = tensors[place] if sequence is None else tensors[place].select(1 if place == 0 else 0, sequence)
        if own.numel():
            break
        first += 10_000
    number = float(draw.choice([*NOT_FINITE, *HARDLY_FINITE]))
    own[tuple(int(draw.integers(size)) for size in own.shape)] = number
    return Spoiled(given, given.on(tensors), sequence, number)


def assert_is_kept_apart_and_not_hidden(case: Case, seed: int) -> None:
    """Other sequences get the same bits; and as many outputs and states are finite as with the reference."""
    dtype = (torch.float32, torch.float64)[seed % 2]
    given = spoil(case, seed)
    ours = case.results(given.spoiled, dtype)
    ends = len(ours) - len(given.clean.tensors)
    if given.sequence is not None:
        for one, other in zip(others_of(given, ours), others_of(given, case.results(given.clean, dtype)), strict=True):
            assert torch.equal(one, other), seed
    reference = SCANS[case.model]["reference"]
    theirs = ours if case.backend is reference else drawn.results(given.spoiled, reference, dtype)
    for one, other in zip(ours[:ends], theirs[:ends], strict=True):
        if given.number in HARDLY_FINITE:  # how near the end of the format it comes is a matter of rounding
            assert one.isfinite().all() or not other.isfinite().all(), seed
        else:
            assert torch.equal(one.isfinite(), other.isfinite()), seed


def others_of(given: Spoiled, results: list[Tensor]) -> list[Tensor]:
    """What the other sequences have of a scan's results, the gradients of inputs and state among them."""
    carried, others = len(given.clean.state), [each for each in range(SEQUENCES) if each != given.sequence]
    ends = len(results) - len(given.clean.tensors)
    with_time = [results[0], *results[1 + carried : ends], results[ends]]
    return [tensor[:, others] for tensor in with_time] + [
        tensor[others] for tensor in (*results[1 : 1 + carried], *results[ends + 1 : ends + 1 + carried])
    ]


def assert_no_more_overflow(case: Case, count: int) -> None:
    """Of so many scans in float32 from a huge memory, no more leave the format than with the reference, where some do.

    What leaves it are gradients, and now and then a value. Of 400 scans these are 189 (NTM) and 117 (DNC) with the
    reference, 77 and 60 with the C++ kernel.
    """
    reference = SCANS[case.model]["reference"]
    ours = theirs = 0
    for seed in range(count):
        given = with_a_huge_memory(case, seed)
        overflows = leaves_float32(given, reference)
        theirs += overflows
        ours += overflows if case.backend is reference else leaves_float32(given, case.backend)
    assert theirs >= LEAST_OVERFLOWS * count, f"of {count}, only {theirs} overflow with the reference"
    assert ours <= theirs, f"of {count}, {ours} overflow, and with the reference {theirs}"


def leaves_float32(given: drawn.Scan, backend: Backend[Any, Any, Any]) -> bool:
    """Whether any value or gradient of a scan is not finite in float32."""
    return not all(bool(tensor.isfinite().all()) for tensor in drawn.results(given, backend, torch.float32))


def with_a_huge_memory(case: Case, seed: int) -> drawn.Scan:
    """Draw a scan, without a clip, whose memory is of 1e30 to 1e38 in every slot, and whose weights are large."""
    draw = np.random.default_rng(seed)
    given = case.draw(seed, work=3e4, steps=int(draw.integers(1, 10)), sequences=2, clip=None, contiguous=True)
    tensors, carried = given.tensors, len(given.state)
    tensors[1] = tensors[1] / tensors[1].abs().amax() * 10 ** draw.uniform(30, 38)
    weights = [tensor * LARGE_WEIGHTS for tensor in tensors[1 + carried :]]
    return dataclasses.replace(given.on([*tensors[: 1 + carried], *weights]), keep_states=False)
