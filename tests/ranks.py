"""Two processes that meet through torch.distributed."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist

from tests.processes import PROCESSES

RANKS = 2

SAME = 1e-6
"""What RELIABILITY promises of gradients: the sum over the batch is taken in another order, in float32."""


def call_in_ranks(function: Callable[..., None], folder: Path, *arguments: Any) -> None:
    """Call a function with the rank and arguments in each of two processes, which meet in a folder."""
    ranks = [PROCESSES.Process(target=_call_in_rank, args=(function, rank, folder, arguments)) for rank in range(RANKS)]
    for process in ranks:
        process.start()
    for process in ranks:
        process.join(120)
        process.kill()  # one that waits for the other
        process.join()
    assert [process.exitcode for process in ranks] == [0] * RANKS


def _call_in_rank(function: Callable[..., None], rank: int, folder: Path, arguments: tuple[Any, ...]) -> None:
    torch.set_num_threads(1)
    dist.init_process_group("gloo", f"file://{folder / 'meeting'}", timedelta(seconds=60), RANKS, rank)
    function(rank, *arguments)
    dist.barrier()
    dist.destroy_process_group()
