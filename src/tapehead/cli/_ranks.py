"""Joining the processes that torchrun has started, so that they train one run together."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

import torch
import torch.distributed as dist

from tapehead.cli._errors import CommandError
from tapehead.training.ranks import ALONE, Ranks


class Place(NamedTuple):
    """Where a process trains: which of several processes it is, and its device."""

    ranks: Ranks
    device: torch.device


@contextmanager
def join_ranks(device: torch.device) -> Iterator[Place]:
    """Join the other processes if torchrun has started this one; each takes a GPU of its own if it is to be one.

    Args:
        device: The device that was asked for.

    Yields:
        Where this process trains.
    """
    if not dist.is_torchelastic_launched():
        yield Place(ALONE, device)
        return
    if device.type == "cuda":
        device, gpus = torch.device("cuda", dist.get_node_local_rank()), torch.cuda.device_count()
        if dist.get_node_local_rank() >= gpus:
            said = f"--nproc-per-node: expected at most one process for each of {gpus} GPUs, not more"
            raise CommandError(said, of_one=True)
        torch.cuda.set_device(device)
    dist.init_process_group("nccl" if device.type == "cuda" else "gloo")
    ranks = Ranks(dist.get_rank(), dist.get_world_size())
    try:
        yield Place(ranks, device)
    finally:
        dist.destroy_process_group()
