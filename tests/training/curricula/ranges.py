"""Tasks whose sizes have one axis, two, or no room, for curricula to move in."""

from dataclasses import dataclass

import numpy as np

from tapehead.tasks import Batch, Copy, Size, Sizes, Task


@dataclass(frozen=True)
class Range(Task):
    """A task that is its range of sizes and no more: a curriculum asks for nothing else."""

    smallest: Size = (1,)
    largest: Size = (20,)
    input_size = 1
    output_size = 1
    further = ()

    @property
    def size_names(self) -> tuple[str, ...]:
        return tuple(f"axis{number}" for number in range(len(self.largest)))

    def sample(self, sizes: Sizes, generator: np.random.Generator) -> Batch:
        raise NotImplementedError


ONE_AXIS = Copy(min_length=3, max_length=6)
TWO_AXES = Range((1, 2), (10, 5))
NO_ROOM = Range((200,), (200,))
EVERY_RANGE = {"one axis": ONE_AXIS, "two axes": TWO_AXES, "no room": NO_ROOM}
