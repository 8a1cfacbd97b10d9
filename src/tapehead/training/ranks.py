"""Several processes that train one run together: each computes the gradients of its share of every batch."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, final

import torch
import torch.distributed as dist
from torch import Tensor

from tapehead.tasks import Batch
from tapehead.training.errors import FirstFailedError, LostRankError
from tapehead.training.evaluation import Score
from tapehead.training.signals import ShouldStop

FAILED = -1
"""In place of a step: there is none."""


@contextmanager
def _with_the_others() -> Iterator[None]:
    """Say in a sentence that another process does not answer if an exchange with it fails."""
    try:
        yield
    except torch.OutOfMemoryError:
        raise
    except RuntimeError as problem:
        gone = "a process that trains this run too is gone or does not answer, and may have said why"
        raise LostRankError(f"{gone}; `tapehead resume` goes on from the last checkpoint") from problem


@final
class Ranks:
    """The processes that train one run, seen from one of them; a process alone exchanges nothing.

    All draw the same batches and hold the same weights, optimizer and curriculum. What one decides all must decide:
    they see the same sums, the scores and the gains of the first, and a signal to any of them. Whatever is exchanged
    raises LostRankError if another process is gone.

    Args:
        rank: The number of this process, from 0 on; only the first writes files.
        size: The number of processes; with more than one torch.distributed must be initialized.
    """

    def __init__(self, rank: int = 0, size: int = 1) -> None:
        self.rank, self.size = rank, size

    @property
    def is_first(self) -> bool:
        """Whether this process writes the files of the run."""
        return self.rank == 0

    def check_batch_size(self, batch_size: int) -> None:
        """Raise unless a batch can be shared out evenly.

        Raises:
            ValueError: It cannot.
        """
        if batch_size % self.size:
            raise ValueError(
                f"batch_size: expected a multiple of {self.size}, the number of processes, not {batch_size}"
            )

    def take_share(self, batch: Batch) -> Batch:
        """Give this process's sequences of a batch."""
        if self.size == 1:
            return batch
        each = len(batch.lengths) // self.size
        own = slice(self.rank * each, (self.rank + 1) * each)
        return Batch(batch.inputs[:, own], batch.targets[:, own], batch.mask[:, own], batch.lengths[own])

    def join(self, logits: Tensor) -> Tensor:
        """Give the outputs of all sequences of a batch, (T, B, O), from those of each process's share."""
        if self.size == 1:
            return logits
        shares = [torch.empty_like(logits, memory_format=torch.contiguous_format) for _ in range(self.size)]
        with _with_the_others():
            dist.all_gather(shares, logits.contiguous())
        return torch.cat(shares, dim=1)

    def add(self, tensor: Tensor) -> None:
        """Add up a tensor over all processes, in place."""
        if self.size > 1:
            with _with_the_others():
                dist.all_reduce(tensor)

    def copy_first(self, tensor: Tensor) -> None:
        """Give the first process's tensor to all, in place."""
        if self.size > 1:
            with _with_the_others():
                dist.broadcast(tensor, src=0)

    def agree_on_score(self, score: Score) -> Score:
        """Give the first process's score to all."""
        if self.size == 1:
            return score
        fields = score._asdict()
        numbers = {name: value for name, value in fields.items() if isinstance(value, float)}
        firsts = self._copy_first(list(numbers.values()))
        return Score(**(fields | dict(zip(numbers, firsts, strict=True))))

    def agree_on_step(self, step: int) -> int:
        """Give the first process's step to all.

        Raises:
            FirstFailedError: It has failed before.
        """
        agreed = int(self._copy_first([float(step)])[0])
        if agreed == FAILED:
            raise FirstFailedError("the first process has failed, and says why")
        return agreed

    @contextmanager
    def tell_if_failed(self) -> Iterator[None]:
        """Let the others know, who wait in `agree_on_step`, if what the first does before that raises an error."""
        try:
            yield
        except BaseException:
            with suppress(LostRankError):  # what went wrong here is what is worth telling
                self._copy_first([float(FAILED)])
            raise

    def wait(self) -> None:
        """Wait until all have come here."""
        if self.size > 1:
            with _with_the_others():
                dist.barrier()

    def agree_on_signals(self, should_stop: ShouldStop) -> ShouldStop:
        """Make a ShouldStop that gives all processes the same signal as soon as one has come to any."""
        if self.size == 1:
            return should_stop

        def any_signal() -> int | None:
            came = torch.tensor(should_stop() or 0, device=self._device())
            with _with_the_others():
                dist.all_reduce(came, dist.ReduceOp.MAX)
            return int(came) or None

        return any_signal

    def _copy_first(self, numbers: list[float]) -> list[float]:
        if self.size == 1:
            return numbers
        copied = torch.tensor(numbers, dtype=torch.float64, device=self._device())
        self.copy_first(copied)
        return [float(number) for number in copied]

    def _device(self) -> Any:
        """Where what is exchanged must be: NCCL knows GPUs only."""
        return "cuda" if dist.get_backend() == "nccl" else "cpu"


ALONE = Ranks()
