"""Two processes that share a batch (DistributedDataParallel) get the gradients of one that has all of it."""

from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pytest
import torch
from torch import distributed
from torch.nn.parallel import DistributedDataParallel

from tests.processes import PROCESSES
from tests.small_models import DNC_KINDS, NTM_KINDS, drawn_inputs, made

T, B, RANKS = 6, 4, 2

MOST_APART = 1e-6  # float32: the two add up their halves in another order


def gradients_of_a_rank(rank: int, kind: str, meeting_point: str) -> list[torch.Tensor]:
    """Called in a process of its own: take one half of the batch, and give the gradients after the exchange."""
    distributed.init_process_group("gloo", init_method=f"file://{meeting_point}", rank=rank, world_size=RANKS)
    try:
        model = made(kind, dtype=torch.float32)
        inputs = drawn_inputs(T, B, dtype=torch.float32)[:, rank::RANKS]
        shared = DistributedDataParallel(model)  # what exchanges gradients: it must live until they are there
        shared(inputs)[0].square().mean().backward()
        return [parameter.grad for parameter in model.parameters()]
    finally:
        distributed.destroy_process_group()


@pytest.mark.parametrize(
    "kind", [NTM_KINDS[0], *(pytest.param(kind, marks=pytest.mark.slow) for kind in (*NTM_KINDS[1:], *DNC_KINDS))]
)
def test_two_ranks_have_the_gradients_of_one_process(kind: str, tmp_path: Path) -> None:
    with ProcessPoolExecutor(RANKS, PROCESSES) as pool:
        meeting_point = str(tmp_path / "meeting")
        calls = [pool.submit(gradients_of_a_rank, rank, kind, meeting_point) for rank in range(RANKS)]
        ranks = [call.result() for call in calls]
    model = made(kind, dtype=torch.float32)
    model(drawn_inputs(T, B, dtype=torch.float32))[0].square().mean().backward()
    for parameter, *halves in zip(model.parameters(), *ranks, strict=True):
        assert torch.equal(*halves)
        torch.testing.assert_close(halves[0], parameter.grad, rtol=0, atol=MOST_APART)
