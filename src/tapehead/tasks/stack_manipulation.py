"""Stack manipulation: what is left on a stack after some instructions."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from tapehead.tasks.batch import Counts
from tapehead.tasks.strings import END, Strings, StringTask

POP, PUSH_0 = 2, 3


@dataclass(frozen=True, kw_only=True)
class StackManipulation(StringTask):
    """A stack of bits from the bottom to the top, then instructions; the answer is the stack from the top, and an end.

    With a stack of 3 and 3 instructions, where v takes the top away, and a digit with ^ is put there:

        in     1  0  1  v  v  0^ | _ _ _
        out    .  .  .  .  .  .  | 0 1 $

    A deterministic context-free language. Steps marked with . are not scored. Input ids are the bits, then 2 for v, 3
    and 4 for 0^ and 1^; target ids are the bits, then 2 for the end. From an empty stack nothing is taken. The first
    stack has any height below the length with equal probability, and is all of a single symbol. Chance is about half an
    error for each bit left, if the end is known.

    Args:
        min_length: Smallest number of symbols in training.
        max_length: Largest number of symbols in training.

    Raises:
        TypeError: An argument is of the wrong type.
        ValueError: An argument is out of its range.
    """

    input_symbols: ClassVar[int] = 5
    output_symbols: ClassVar[int] = 3

    def draw(self, lengths: Counts, generator: np.random.Generator) -> Strings:
        """Draw stacks and instructions of these lengths together, (B,)."""
        heights = 1 + (generator.random(len(lengths)) * np.maximum(lengths - 1, 1)).astype(np.int64)
        count = int(lengths.max(initial=0))
        chance, places = generator.random((count, len(lengths))), np.arange(count)[:, None]
        given = places < heights
        symbols = np.where(given, chance * 2, 2 + chance * 3).astype(np.int64)
        pops = (symbols == POP) & (places < lengths)
        pushes = ~pops & (places < lengths)
        moves = (pushes.astype(np.int64) - pops).cumsum(axis=0)
        depth = moves - np.minimum(np.minimum.accumulate(moves, axis=0), 0)  # nothing is taken from an empty stack
        least_later = np.minimum.accumulate(depth[::-1], axis=0)[::-1]
        stays = pushes & (least_later >= depth)
        left = stays.sum(axis=0)
        outputs = np.zeros((count + 1, len(lengths)), np.int64)
        place, column = stays.nonzero()
        from_top = (left - stays.cumsum(axis=0))[place, column]
        outputs[from_top, column] = symbols[place, column] % PUSH_0
        outputs[left, np.arange(len(lengths))] = END
        return Strings(symbols, lengths, outputs, left + 1)
