"""Tasks whose sizes have one axis, two, or no room, for curricula to move in."""

from dataclasses import dataclass

import numpy as np

from tapehead.tasks import Batch, BitTask, Copy, Size, Sizes


@dataclass(frozen=True)
class Range(BitTask):
    """A task that is its range of sizes and no more: a curriculum asks for nothing else."""

    min_size: Size = (1,)
    max_size: Size = (20,)
    input_size = 1
    output_size = 1

    @property
    def size_names(self) -> tuple[str, ...]:
        return tuple(f"axis{number}" for number in range(len(self.max_size)))

    def sample(self, sizes: Sizes, generator: np.random.Generator) -> Batch:
        raise NotImplementedError


ONE_AXIS = Copy(min_length=3, max_length=6)
TWO_AXES = Range((1, 2), (10, 5))
NO_ROOM = Range((200,), (200,))
EVERY_RANGE = {"one axis": ONE_AXIS, "two axes": TWO_AXES, "no room": NO_ROOM}
