"""Every backend of every scan in `BACKENDS`, as the tests of what each of them promises take it.

Each test of the test_conformance_*.py files takes a case, a backend of a scan, and nothing else: so test_conformance.py
can run all of them on backends that only it knows. oracle.py has what backends are held to.
"""

from collections.abc import Iterator
from typing import Any

import pytest
import torch
from torch import Tensor

from tapehead.kernels import SCANS
from tapehead.kernels.backend import Problem
from tests.kernels.oracle import Case


def cases() -> Iterator[Any]:
    """Every backend of every scan; one that cannot run here is skipped with the reason that it gives."""
    for model, backends in SCANS.items():
        for backend in backends.values():
            reason = backend.unsupported_reason(Problem(torch.device("cpu"), torch.float64))
            skipped = pytest.mark.skipif(reason is not None, reason=str(reason))
            yield pytest.param(Case(model, backend), id=f"{model}-{backend.name}", marks=skipped)


EACH_BACKEND = pytest.mark.parametrize("case", list(cases()))


def assert_equal(ours: list[Tensor], theirs: list[Tensor]) -> None:
    """The same bits."""
    assert len(ours) == len(theirs)
    assert all(torch.equal(one, other) for one, other in zip(ours, theirs, strict=True))
