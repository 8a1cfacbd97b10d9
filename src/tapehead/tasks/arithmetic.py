"""What several tasks on strings compute with: expressions with brackets, and numbers in binary."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tapehead._arguments import check_count
from tapehead.tasks.batch import Counts
from tapehead.tasks.strings import Strings, StringTask, draw_symbols

OPERATOR, END = 2, 2
"""The input id between two numbers in binary, and the target id after one."""

MINUS_AFTER, OPEN_AFTER, CLOSE_AFTER = 1, 2, 3
"""The ids of -, ( and ) after that of +, which is the modulus."""


@dataclass(frozen=True, kw_only=True)
class ModularTask(StringTask, ABC):
    """Computes with numbers below a modulus; their ids come first, then those of the signs."""

    modulus: int = 5
    signs: ClassVar[int]
    """How many different ones there are."""

    def __post_init__(self) -> None:
        super().__post_init__()
        check_count("modulus", self.modulus, least=2)

    @property
    def symbols(self) -> int:
        """The numbers and the signs."""
        return self.modulus + self.signs

    @property
    def output_size(self) -> int:
        """The numbers."""
        return self.modulus


class Expressions(NamedTuple):
    """Expressions of given lengths, as symbols: numbers below the modulus, then +, -, ( and )."""

    symbols: NDArray[np.int64]  # (L, B)
    values: Counts  # modulo the modulus, (B,)


def draw_expressions(lengths: Counts, generator: np.random.Generator, modulus: int) -> Expressions:
    """Draw expressions with brackets by the grammar of Deletang et al. 2023.

    An expression of 5 symbols or more is (E+E) or (E-E), where the left E has any length with equal probability; the
    shorter ones are d, -d, (d) and (-d). All are drawn together, level by level; what is random about a part is a
    number that belongs to its place.

    Args:
        lengths: The number of symbols of each, (B,).
        generator: The source of all randomness.
        modulus: The numbers are below it.
    """
    chance = generator.random((int(lengths.max(initial=0)), len(lengths)))
    symbols = np.zeros(chance.shape, np.int64)
    values = np.zeros(chance.shape, np.int64)  # of the part that starts at a place
    levels: list[tuple[NDArray[Any], ...]] = []
    parts = np.stack([np.arange(len(lengths)), np.zeros_like(lengths), lengths])  # column, first place, length
    small_parts = []
    while parts.size:
        small = parts[2] < 5
        small_parts.append(parts[:, small])
        row, start, length = parts[:, ~small]
        left = 1 + (chance[start, row] * (length - 4)).astype(np.int64)
        operator = start + 1 + left
        minus = chance[operator, row] >= 0.5
        symbols[start, row], symbols[start + length - 1, row] = modulus + OPEN_AFTER, modulus + CLOSE_AFTER
        symbols[operator, row] = modulus + minus
        levels.append((row, start, operator, minus))
        parts = np.hstack([(row, start + 1, left), (row, operator + 1, length - 3 - left)])
    _write_small(np.hstack(small_parts) if small_parts else parts, chance, symbols, values, modulus)
    for row, start, operator, minus in reversed(levels):
        right = np.where(minus, -values[operator + 1, row], values[operator + 1, row])
        values[start, row] = (values[start + 1, row] + right) % modulus
    return Expressions(symbols, values[0].copy() if len(values) else np.zeros_like(lengths))


def _write_small(
    parts: NDArray[Any], chance: NDArray[Any], symbols: NDArray[Any], values: NDArray[Any], modulus: int
) -> None:
    """Write d, -d, (d) or (-d) at these places, and note their values."""
    row, start, length = parts
    brackets, minus = length >= 3, length % 2 == 0
    digit = start + brackets + minus
    number = (chance[digit, row] * modulus).astype(np.int64)
    symbols[digit, row] = number
    symbols[digit[minus] - 1, row[minus]] = modulus + MINUS_AFTER
    symbols[start[brackets], row[brackets]] = modulus + OPEN_AFTER
    symbols[digit[brackets] + 1, row[brackets]] = modulus + CLOSE_AFTER
    values[start, row] = np.where(minus, -number, number) % modulus


def read_numbers(bits: NDArray[Any], first: Counts, past: Counts) -> list[int]:
    """Read a number off each column, the lowest bit first; one without a bit that is set counts as 1, and gets it.

    Args:
        bits: (L, B); changed in place where a number is 0.
        first: The place of its lowest bit, (B,).
        past: The place after its highest, (B,).
    """
    numbers = []
    for column, (begin, end) in enumerate(zip(first.tolist(), past.tolist(), strict=True)):
        packed = np.packbits(bits[begin:end, column].astype(np.uint8), bitorder="little")
        number = int.from_bytes(packed.tobytes(), "little")
        if number == 0:
            number, bits[begin, column] = 1, 1
        numbers.append(number)
    return numbers


def write_numbers(numbers: Sequence[int], counts: Counts) -> NDArray[np.int64]:
    """Write numbers in binary, the lowest bit first, with so many bits each and zeros after them, (A, B)."""
    most = int(counts.max(initial=0))
    size = -(-most // 8)
    packed = b"".join(number.to_bytes(size, "little") for number in numbers)
    flat = np.frombuffer(packed, np.uint8).reshape(len(numbers), size)
    return np.unpackbits(flat, axis=1, bitorder="little", count=most).T.astype(np.int64)


@dataclass(frozen=True, kw_only=True)
class BinaryTask(StringTask, ABC):
    """Has two numbers in binary, with an operator between them, and what they come to."""

    min_length: int = 3
    least_length: ClassVar[int] = 3
    input_symbols: ClassVar[int] = 3
    output_symbols: ClassVar[int] = 3

    @abstractmethod
    def combine(self, one: int, other: int) -> int:
        """Compute what two numbers come to."""

    def draw(self, lengths: Counts, generator: np.random.Generator) -> Strings:
        """Draw pairs of numbers of these lengths, (B,)."""
        first, rows = 1 + (generator.random(len(lengths)) * (lengths - 2)).astype(np.int64), np.arange(len(lengths))
        symbols = draw_symbols(generator, lengths, 2)
        ones = read_numbers(symbols, np.zeros_like(lengths), first)
        others = read_numbers(symbols, first + 1, lengths)
        symbols[first, rows] = OPERATOR
        results = list(map(self.combine, ones, others))
        counts = np.array([result.bit_length() for result in results], np.int64)
        outputs = write_numbers(results, counts + 1)
        outputs[counts, rows] = END
        return Strings(symbols, lengths, outputs, counts + 1)
