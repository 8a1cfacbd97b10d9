"""What several tasks on strings compute with: expressions with brackets, and numbers in binary."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tapehead._arguments import check_count
from tapehead.tasks.batch import Counts
from tapehead.tasks.strings import END, Strings, StringTask, draw_symbols

OPERATOR = 2
"""The input id between two numbers in binary."""

PLUS, MINUS, TIMES = 0, 1, 2
"""Operators in the order of their ids, of which the first is the modulus."""


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
    """Expressions of given lengths, as symbols: numbers below the modulus, then the operators, ( and )."""

    symbols: NDArray[np.int64]  # (L, B)
    values: Counts  # modulo the modulus, (B,)


def draw_expressions(lengths: Counts, generator: np.random.Generator, modulus: int, *, operators: int) -> Expressions:
    """Draw expressions with brackets by the grammar of Deletang et al. 2023.

    An expression of 5 symbols or more is (E+E), (E-E) or, with three operators, (E*E), each equally likely; the left E
    has any length with equal probability. The shorter ones are d, -d, (d) and (-d). All are drawn together, level by
    level; what is random about a part is a number that belongs to its place.

    Args:
        lengths: The number of symbols of each, (B,).
        generator: The source of all randomness.
        modulus: The numbers are below it.
        operators: Two, + and -, or three, with *.
    """
    opening, count = modulus + operators, len(lengths)
    chance = generator.random((int(lengths.max(initial=0)), count))
    symbols = np.zeros(chance.shape, np.int64)
    chances, written = chance.ravel(), symbols.reshape(-1)  # places one after the other: the next symbol is `count` on
    values = np.zeros_like(written)  # of the part that starts at a place
    at, length = np.arange(count), lengths
    levels: list[tuple[NDArray[Any], ...]] = []
    small_parts = []
    while len(at):
        small = length < 5
        small_parts.append((at[small], length[small]))
        at, length = at[~small], length[~small]
        left = 1 + (chances[at] * (length - 4)).astype(np.int64)
        place = at + (1 + left) * count
        operator = (chances[place] * operators).astype(np.int64)
        written[at], written[at + (length - 1) * count] = opening, opening + 1
        written[place] = modulus + operator
        levels.append((at, place, operator))
        at, length = np.concatenate([at, place]) + count, np.concatenate([left, length - 3 - left])
    if small_parts:
        at, length = map(np.concatenate, zip(*small_parts, strict=True))
        values[at] = _write_small(at, length, count, chances, written, modulus, opening)
    for at, place, operator in reversed(levels):
        one, other = values[at + count], values[place + count]
        result = np.where(operator == TIMES, one * other, one + np.where(operator == MINUS, -other, other))
        values[at] = result % modulus
    return Expressions(symbols, values[:count].copy() if len(values) else np.zeros_like(lengths))


def _write_small(
    at: NDArray[Any],
    length: NDArray[Any],
    count: int,
    chances: NDArray[Any],
    written: NDArray[Any],
    modulus: int,
    opening: int,
) -> NDArray[Any]:
    """Write d, -d, (d) or (-d) at these places, and give their values."""
    brackets, minus = length >= 3, length % 2 == 0
    digit = at + (brackets.astype(np.int64) + minus) * count
    number = (chances[digit] * modulus).astype(np.int64)
    written[digit] = number
    written[digit[minus] - count] = modulus + MINUS
    written[at[brackets]], written[digit[brackets] + count] = opening, opening + 1
    values: NDArray[Any] = np.where(minus, -number, number) % modulus
    return values


def read_numbers(bits: NDArray[Any], first: Counts, past: Counts) -> list[int]:
    """Read a number off each column, the lowest bit first; a 0 becomes a 1, which is so twice as likely as another.

    Args:
        bits: 0 or 1, (L, B); changed in place where a number is 0.
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
    """Write numbers from 0 on in binary, the lowest bit first, with so many bits each and zeros after them, (A, B)."""
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
