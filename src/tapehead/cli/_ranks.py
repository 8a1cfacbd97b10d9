"""Joining the processes that torchrun has started, so that they train one run together."""

import os
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
        processes, gpus = int(os.environ["LOCAL_WORLD_SIZE"]), torch.cuda.device_count()
        if processes > gpus:  # which all of them find
            raise CommandError(f"--nproc-per-node: expected one process for each of {gpus} GPUs, not {processes}")
        device = torch.device("cuda", dist.get_node_local_rank())
        torch.cuda.set_device(device)
    dist.init_process_group("nccl" if device.type == "cuda" else "gloo")
    ranks = Ranks(dist.get_rank(), dist.get_world_size())
    try:
        yield Place(ranks, device)
    finally:
        dist.destroy_process_group()
