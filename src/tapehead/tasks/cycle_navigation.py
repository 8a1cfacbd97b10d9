"""Cycle navigation: where a walk on a circle ends."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from tapehead._arguments import check_count
from tapehead.tasks.batch import Counts
from tapehead.tasks.strings import Strings, StringTask, draw_symbols, one_answer


@dataclass(frozen=True, kw_only=True)
class CycleNavigation(StringTask):
    """Steps on a circle, each to the left, none, or to the right; the answer is the place where they lead to from 0.

    With 5 places and 6 steps (columns are time steps):

        in     > > - > < > | _
        out    . . . . . . | 3

    A regular language. Steps marked with . are not scored. Input ids are 0 for <, 1 for -, and 2 for >. Chance
    for long walks is 1 - 1 / places errors, log2(places) bits.

    Args:
        places: Number of places on the circle, at least 2.
        min_length: Smallest number of steps in training.
        max_length: Largest number of steps in training.

    Raises:
        TypeError: An argument is of the wrong type.
        ValueError: An argument is out of its range.
    """

    places: int = 5
    input_symbols: ClassVar[int] = 3

    def __post_init__(self) -> None:
        super().__post_init__()
        check_count("places", self.places, least=2)

    @property
    def output_size(self) -> int:
        """The places."""
        return self.places

    def draw(self, lengths: Counts, generator: np.random.Generator) -> Strings:
        """Draw walks of these lengths, (B,)."""
        steps = draw_symbols(generator, lengths, 3)
        present = np.arange(len(steps))[:, None] < lengths
        return one_answer(steps, lengths, ((steps - 1) * present).sum(axis=0) % self.places)
