"""Two processes that share a batch with DistributedDataParallel compute the gradients of one (RELIABILITY 17)."""

from pathlib import Path

import pytest
import torch
from torch import Tensor
from torch.nn.parallel import DistributedDataParallel

from tests.ranks import RANKS, SAME, call_in_ranks
from tests.small_models import INPUT_SIZE, MEMORY_KINDS, OUTPUT_SIZE, made

T, B = 7, 6


def batch(dtype: torch.dtype) -> tuple[Tensor, Tensor, Tensor]:
    """Inputs, targets and lengths, (T, B, ...)."""
    generator = torch.Generator().manual_seed(1)
    inputs = torch.randn(T, B, INPUT_SIZE, generator=generator, dtype=dtype)
    targets = torch.rand(T, B, OUTPUT_SIZE, generator=generator, dtype=dtype).round()
    return inputs, targets, torch.tensor([7, 3, 1, 7, 5, 6])


def gradients(model: torch.nn.Module, part: slice, dtype: torch.dtype) -> list[Tensor]:
    """Give the gradients of the mean loss over a part of the batch."""
    inputs, targets, lengths = (tensor[:, part] if tensor.ndim > 1 else tensor[part] for tensor in batch(dtype))
    outputs, _ = model(inputs, lengths=lengths)
    torch.nn.functional.binary_cross_entropy_with_logits(outputs, targets).backward()
    return [parameter.grad for parameter in model.parameters()]


def run_rank(rank: int, folder: Path, kinds: list[str], dtype: torch.dtype) -> None:
    """What each process does: its own sequences of the batch, for one model after the other."""
    for number, kind in enumerate(kinds):
        torch.save(share_of_gradients(rank, kind, dtype), folder / f"{number}-{rank}.pt")


def share_of_gradients(rank: int, kind: str, dtype: torch.dtype) -> list[Tensor]:
    model = DistributedDataParallel(made(kind, seed=rank, dtype=dtype))  # takes over the weights of rank 0
    share = B // RANKS
    return gradients(model, slice(rank * share, (rank + 1) * share), dtype)


@pytest.mark.reliability(17)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
def test_two_data_parallel_processes_compute_the_gradients_of_one(dtype, tmp_path, record_property):
    record_property("cases", len(MEMORY_KINDS))
    call_in_ranks(run_rank, tmp_path, tmp_path, MEMORY_KINDS, dtype)
    for number, kind in enumerate(MEMORY_KINDS):
        expected = gradients(made(kind, dtype=dtype), slice(None), dtype)
        assert any(gradient.abs().max() > 1e-3 for gradient in expected)
        for rank in range(RANKS):
            found = torch.load(tmp_path / f"{number}-{rank}.pt")
            assert len(found) == len(expected)
            for ours, theirs in zip(found, expected, strict=True):
                torch.testing.assert_close(ours, theirs, rtol=0, atol=SAME)
