"""A long run takes no more room at its end than near its beginning."""

import os
from pathlib import Path

import pytest
import torch

from tapehead.training import loop
from tapehead.training.train_state import Progress
from tests.processes import elsewhere
from tests.training.tiny import never, tiny_config

pytestmark = pytest.mark.reliability(14)

SETTLED, LAST = 3_000, 13_000


def room(path: Path) -> list[tuple[int, int]]:
    """Bytes of memory and open files after SETTLED steps and after LAST."""
    torch.set_num_threads(1)
    measured: list[tuple[int, int]] = []

    def measure(progress: Progress) -> None:
        if progress.step in {SETTLED, LAST}:
            pages = int(Path("/proc/self/statm").read_text().split()[1])
            measured.append((pages * os.sysconf("SC_PAGE_SIZE"), len(os.listdir("/proc/self/fd"))))

    config = tiny_config(steps=LAST, eval_every=100, max_length=2)
    loop.train(config, path, on_progress=measure, should_stop=never, checkpoint_every=250)
    return measured


@pytest.mark.slow
def test_ten_thousand_steps_leak_neither_memory_nor_open_files(tmp_path):
    (memory, files), (memory_after, files_after) = elsewhere(room, tmp_path)
    assert memory_after - memory < 2**20
    assert files_after == files
