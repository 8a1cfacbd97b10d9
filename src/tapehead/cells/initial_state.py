"""The memory, the weightings and the reads before the first step, which the NTM's paper leaves open."""

import math
import sys
from typing import Literal, get_args

import torch
from torch import Tensor, nn

from tapehead._arguments import check_choice, check_count, check_flag
from tapehead._shapes import Memory, Reads, Weightings

MemoryInit = Literal["constant", "learned", "random"]
HeadInit = Literal["onehot", "uniform", "learned"]
ReadInit = Literal["zero", "learned"]

CONSTANT = 1e-6
RANDOM_STD = 0.5
ZERO_WEIGHT_LOGIT = -1e4
"""A logit whose softmax is exactly zero beside any learned one."""


class InitialState(nn.Module):
    """Holds M_0, w_0 and r_0 as parameters or buffers, everything in a cell that depends on the number of slots.

    `NTMCell` documents the options (Collier & Beel 2018, section 3).
    """

    memory: Tensor
    weightings: nn.Parameter | None
    reads: nn.Parameter | None

    def __init__(
        self,
        memory_slots: int,
        memory_width: int,
        read_heads: int,
        write_heads: int,
        memory_init: MemoryInit,
        memory_trainable: bool | None,
        head_init: HeadInit,
        read_init: ReadInit,
        device: torch.device | str | None,
        dtype: torch.dtype | None,
    ) -> None:
        super().__init__()
        check_count("memory_slots", memory_slots)
        check_count("memory_width", memory_width)
        check_choice("memory_init", memory_init, get_args(MemoryInit))
        check_choice("head_init", head_init, get_args(HeadInit))
        check_choice("read_init", read_init, get_args(ReadInit))
        if memory_trainable is not None:
            check_flag("memory_trainable", memory_trainable)
        self.memory_init, self.head_init, self.read_init = memory_init, head_init, read_init
        self.heads, self.read_heads = read_heads + write_heads, read_heads
        memory = torch.empty(memory_slots, memory_width, device=device, dtype=dtype)
        trained = memory_init == "learned" if memory_trainable is None else memory_trainable
        if trained:
            self.memory = nn.Parameter(memory)
        else:
            self.register_buffer("memory", memory)
        self.weightings = nn.Parameter(memory.new_empty(self.heads, memory_slots)) if head_init == "learned" else None
        self.reads = nn.Parameter(memory.new_empty(read_heads, memory_width)) if read_init == "learned" else None

    @torch.no_grad()
    def reset_parameters(self) -> None:
        """Initialize all values again; those behind a tanh or softmax Glorot-uniform, as Collier & Beel's code."""
        if self.memory_init == "constant":
            self.memory.fill_(CONSTANT)
        elif self.memory_init == "random":
            _fill_truncated_normal(self.memory)
        else:
            _fill_glorot(self.memory, self.memory.numel())
        if self.weightings is not None:
            _fill_glorot(self.weightings, self.weightings.shape[-1])
        if self.reads is not None:
            _fill_glorot(self.reads, self.reads.shape[-1])

    def forward(self, batch_size: int, memory_slots: int | None = None) -> tuple[Memory, Weightings, Reads]:
        """Expand M_0 (B, N, W), w_0 (B, heads, N) and r_0 (B, R, W) to a batch; its sequences share memory.

        Args:
            batch_size: B.
            memory_slots: N; None: as many as there are. More are made as in `copy_resized`; fewer are the first ones.

        Raises:
            ValueError: A random memory has fewer slots.
        """
        own = self.memory if memory_slots is None else self.resize_memory(memory_slots)
        memory = torch.tanh(own) if self.memory_init == "learned" else own
        slots, width = memory.shape
        if self.weightings is not None:
            weightings = torch.softmax(_resize_logits(self.weightings, slots), dim=-1)
        elif self.head_init == "uniform":
            weightings = memory.new_full((self.heads, slots), 1 / slots)
        else:
            weightings = torch.eye(1, slots, device=memory.device, dtype=memory.dtype).expand(self.heads, -1)
        reads = memory.new_zeros(self.read_heads, width) if self.reads is None else torch.tanh(self.reads)
        return (
            memory.expand(batch_size, -1, -1),
            weightings.expand(batch_size, -1, -1),
            reads.expand(batch_size, -1, -1),
        )

    @property
    def most_slots(self) -> int:
        """The most slots that M_0 can be given: a random one has no more than were drawn."""
        return len(self.memory) if self.memory_init == "random" else sys.maxsize

    def resize_memory(self, memory_slots: int) -> Tensor:
        """Return M_0, before any tanh, with another number of slots."""
        own = len(self.memory)
        if memory_slots <= own:
            return self.memory[:memory_slots]
        if memory_slots > self.most_slots:
            raise ValueError(f"memory_slots: expected at most {own}, as many as are drawn, not {memory_slots}")
        new = self.memory.mean(0, keepdim=True).expand(memory_slots - own, -1)
        return torch.cat([self.memory, new])

    @torch.no_grad()
    def copy_resized(self, other: "InitialState") -> None:
        """Copy the values of an initial state with another number of memory slots.

        Slots that both have keep their values. New slots get the mean of the old ones, or stay as drawn where M_0 is
        random; a learned w_0 gives them no weight.

        Args:
            other: Made with the same options, but for the number of slots.
        """
        slots = len(self.memory)
        if self.memory_init == "random":
            self.memory[: len(other.memory)] = other.memory[:slots]
        else:
            self.memory.copy_(other.resize_memory(slots))
        if self.weightings is not None and other.weightings is not None:
            self.weightings.copy_(_resize_logits(other.weightings, slots))
        if self.reads is not None and other.reads is not None:
            self.reads.copy_(other.reads)


def _resize_logits(logits: Tensor, memory_slots: int) -> Tensor:
    """Return the logits of w_0 for another number of slots, the new ones without weight."""
    more = max(memory_slots - logits.shape[-1], 0)
    return torch.nn.functional.pad(logits[:, :memory_slots], (0, more), value=ZERO_WEIGHT_LOGIT)


def _fill_truncated_normal(values: Tensor) -> None:
    nn.init.trunc_normal_(values, std=RANDOM_STD, a=-2 * RANDOM_STD, b=2 * RANDOM_STD)


def _fill_glorot(values: Tensor, fan_out: int) -> None:
    bound = math.sqrt(6 / (1 + fan_out))
    nn.init.uniform_(values, -bound, bound)
