"""Text: a language model of characters, trained on one text from its beginning to its end, again and again."""

from dataclasses import dataclass
from functools import cached_property, lru_cache
from hashlib import sha256
from pathlib import Path
from typing import ClassVar, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from tapehead._arguments import check_count
from tapehead.tasks.batch import Batch, Size, Sizes, check_sizes
from tapehead.tasks.targets import SymbolTask
from tapehead.tasks.task import StreamTask

SHIPPED = Path(__file__).parent / "devils_dictionary.txt"
"""The Devil's Dictionary by Ambrose Bierce (1911), in the public domain; as Debian's package dict-devil has it."""
HELD_OUT = 10
"""One in so many characters, those at the end of the text, is for evaluation alone."""


class Characters(NamedTuple):
    """A text as ids of its characters."""

    kinds: str  # in the order of their ids
    training: NDArray[np.int64]
    held_out: NDArray[np.int64]
    digest: str


@lru_cache(maxsize=8)
def _read(path: Path, _changed: int) -> Characters:
    """Read a text; `_changed` is when it was written, so that one that was changed is read again."""
    text = path.read_bytes().decode("utf-8-sig")
    kinds = "".join(sorted(set(text)))
    ids = np.searchsorted(np.array(list(kinds)), np.array(list(text)))
    first = len(ids) - len(ids) // HELD_OUT
    return Characters(kinds, ids[:first], ids[first:], sha256(text.encode()).hexdigest())


@dataclass(frozen=True, kw_only=True)
class Text(StreamTask, SymbolTask):
    """A text; the target at every time step is the character that follows.

    From "to be or", with 6 characters (columns are time steps):

        in     t o _ b e _
        out    o _ b e _ o

    In training each sequence of a batch reads the text from a place of its own, drawn once; the next batch goes on
    where the one before ended, at the end of the text from its beginning again, and so does the state of the model;
    gradients reach back to the beginning of a batch (truncated backpropagation through time).

    The last tenth of the text is never trained on. A model is evaluated on pieces of it that are drawn at random: it
    reads as many characters before those that are scored, so that it knows where it is. Chance is log2(K) bits for each
    character, with K kinds of characters; the measure is bits per character.

    Args:
        file: A text file in UTF-8, of which every character counts, line breaks too; None: The Devil's Dictionary by
            Ambrose Bierce (1911), 382,679 characters of 83 kinds.
        length: Number of characters that are read between two training steps.

    Raises:
        TypeError: An argument is of the wrong type.
        ValueError: An argument is out of its range, or the file cannot be read, or is too short.
    """

    file: str | None = None
    length: int = 128
    error_name: ClassVar[str] = "wrong characters"
    target_name: ClassVar[str] = "character"

    def __post_init__(self) -> None:
        check_count("length", self.length)
        found, needed = len(self._characters.held_out), 2 * self.length + 1  # read now, and not again
        if found < needed:
            expected = f"expected at least {HELD_OUT * needed} characters with length={self.length}"
            raise ValueError(f"file: {expected}, not {len(self._characters.training) + found}")

    @cached_property
    def _characters(self) -> Characters:
        path = SHIPPED if self.file is None else Path(self.file)
        try:
            _check_is_file(path)
            return _read(path, path.stat().st_mtime_ns)
        except (OSError, ValueError) as problem:
            reason = problem.strerror if isinstance(problem, OSError) else problem
            raise ValueError(f"file: expected a text in UTF-8, not {str(path.absolute())!r}: {reason}") from problem

    @property
    def kinds(self) -> str:
        """The characters that there are, in the order of their ids."""
        return self._characters.kinds

    @property
    def data_digest(self) -> str:
        """The SHA-256 of the text."""
        return self._characters.digest

    @property
    def input_size(self) -> int:
        """The kinds of characters."""
        return len(self.kinds)

    @property
    def output_size(self) -> int:
        """The kinds of characters."""
        return len(self.kinds)

    @property
    def size_names(self) -> tuple[str, ...]:
        """A sequence has a length."""
        return ("length",)

    @property
    def min_size(self) -> Size:
        """All sequences that are trained on are of one length."""
        return (self.length,)

    @property
    def max_size(self) -> Size:
        """All sequences that are trained on are of one length."""
        return (self.length,)

    def encode(self, text: str) -> list[int]:
        """Give the ids of characters.

        Raises:
            ValueError: One does not occur in the text.
        """
        ids = {character: number for number, character in enumerate(self.kinds)}
        for character in text:
            if character not in ids:
                raise ValueError(f"expected characters that occur in the text of the run, not {character!r}")
        return [ids[character] for character in text]

    def decode(self, ids: list[int]) -> str:
        """Give the characters of ids."""
        return "".join(self.kinds[number] for number in ids)

    def sample(self, sizes: Sizes, generator: np.random.Generator) -> Batch:
        """Draw pieces of the text that is held out; so many characters are scored, (B, 1), after as many before.

        Raises:
            ValueError: A piece would be longer than the text that is held out.
        """
        check_sizes(sizes, self.size_names)
        scored, text = sizes[:, 0], self._characters.held_out
        longest = (len(text) - 1) // 2
        if scored.max(initial=0) > longest:
            held_out = f"{len(text)} characters of the text are held out"
            raise ValueError(f"length: expected at most {longest}, as {held_out}, not {scored.max()}")
        first = generator.integers(len(text) - 2 * scored, size=len(sizes))
        place = np.arange((2 * scored).max(initial=1))[:, None]
        return _cut(text, first + place, (place >= scored) & (place < 2 * scored), 2 * scored)

    def sample_continued(self, sizes: Sizes, step: int, generator: np.random.Generator) -> Batch:
        """Read on in the text; see `StreamTask.sample_continued`."""
        lengths, text = sizes[:, 0], self._characters.training
        first = generator.integers(len(text), size=len(sizes)) + (step - 1) * lengths
        place = np.arange(lengths.max(initial=1))[:, None]
        return _cut(text, first + place, place < lengths, lengths)


def _check_is_file(path: Path) -> None:
    """Raise if a path is not that of a file: of a pipe, reading might never end."""
    if path.exists() and not path.is_file():
        raise ValueError("it is a folder, a pipe or a device")


def _cut(
    text: NDArray[np.int64], places: NDArray[np.int64], mask: NDArray[np.bool_], lengths: NDArray[np.int64]
) -> Batch:
    """Make a batch of the characters at these places of a text, (T, B), and of those that follow them."""
    present = np.arange(len(places))[:, None] < lengths
    inputs, targets = (np.where(present, text[(places + after) % len(text)], 0) for after in (0, 1))
    return Batch(*map(torch.from_numpy, (inputs, np.where(mask, targets, 0), mask, lengths)))
