"""What holds for every test, set before `tapehead` is imported for the first time."""

import os
from pathlib import Path

import hypothesis
import jaxtyping
import pytest
import torch

import tests.signatures

jaxtyping.install_import_hook("tapehead", f"{tests.signatures.__name__}.check")

# One thread, also in the processes that tests start: the tests share the cores, and toy sizes gain nothing from more.
torch.set_num_threads(1)
os.environ["OMP_NUM_THREADS"] = "1"

# Triton's kernels run in its interpreter, where there is no GPU; it must be told before Triton is imported.
if not torch.cuda.is_available():
    os.environ["TRITON_INTERPRET"] = "1"

# Memory that is used before it is written is NaN here, so that a forgotten initialisation cannot pass as a zero.
torch.use_deterministic_algorithms(True)
torch.utils.deterministic.fill_uninitialized_memory = True

# The same cases on every computer and every run, and none too slow on a busy one.
hypothesis.settings.register_profile("tapehead", derandomize=True, deadline=None, database=None)
hypothesis.settings.load_profile("tapehead")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--kernel-library", type=Path, help="a build of the C++ kernels to test instead")
    parser.addoption("--fuzz-seconds", type=int, default=600, help="how long each fuzzer runs")


def pytest_configure(config: pytest.Config) -> None:
    chosen = config.getoption("--kernel-library")
    if chosen is not None:
        from tapehead.kernels.cpp import library  # only now: the import hook above comes first

        library.library.cache_clear()
        library.LIBRARY = chosen.resolve(strict=True)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Record with each test the promises that it stands for; tests/reliability/table.py reads them."""
    for item in items:
        rows = {row for marker in item.iter_markers("reliability") for row in marker.args}
        item.user_properties += [("reliability", row) for row in sorted(rows)]


@pytest.fixture(autouse=True)
def _the_same_random_numbers_whatever_ran_before() -> None:
    torch.manual_seed(0)
