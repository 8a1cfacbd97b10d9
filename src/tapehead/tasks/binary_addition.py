"""Binary addition: the sum of two numbers."""

from dataclasses import dataclass

from tapehead.tasks.arithmetic import BinaryTask


@dataclass(frozen=True, kw_only=True)
class BinaryAddition(BinaryTask):
    """Two numbers in binary, the lowest bit first, with a + between them; the answer is their sum, and an end.

    For 4 + 11 = 15 (columns are time steps):

        in     0 0 1 + 1 1 0 1 | _ _ _ _ _
        out    . . . . . . . . | 1 1 1 1 $

    A context-sensitive language. Steps marked with . are not scored. Input ids are the bits, then 2 for +; target ids
    are the bits, then 2 for the end, which comes after the highest bit. The first number has any count of bits that
    leaves one for the other, with equal probability; neither is 0. Chance is about half an error for each bit, if the
    end is known.

    Args:
        min_length: Smallest number of symbols in training, at least 3.
        max_length: Largest number of symbols in training.

    Raises:
        TypeError: An argument is of the wrong type.
        ValueError: An argument is out of its range.
    """

    def combine(self, one: int, other: int) -> int:
        """Compute the sum."""
        return one + other
