"""The knobs of a run: what each is for, what it accepts, and whose it is."""

from collections.abc import Iterable
from dataclasses import Field, field
from typing import Any, Literal, NamedTuple

from tapehead._arguments import check_choice, check_count, check_flag, check_number, check_text

Owner = Literal["run", "task", "model", "optimiser"]

MANY = 10**6
"""Sizes are at most this: more is a slip of the finger, and would end in a failed allocation."""
UNBOUNDED = 2**63 - 1
"""What a seed or a number of updates may be: whatever 64 bits hold."""


class Knob(NamedTuple):
    """What one field of a run's description accepts.

    Attributes:
        kind: What its values are; what a text may be is for its reader to say.
        purpose: What it is for, as `--help` shows it.
        owner: Whose it is. All but the run's own may be None, for what the owner does unless told otherwise.
        choices: The values of a `choice`.
        least: The smallest value of a count or number.
        most: The largest value of a count.
        above: Numbers must be greater than this.
        below: Numbers must be smaller than this.
        word: A word that is accepted in a number's place.
    """

    kind: Literal["choice", "count", "number", "flag", "text"]
    purpose: str
    owner: Owner
    choices: tuple[str, ...] = ()
    least: float = 0
    most: int = MANY
    above: float = -1
    below: float = float("inf")
    word: str | None = None

    def check(self, name: str, value: object) -> None:
        """Raise unless the knob can be set to this value.

        Raises:
            TypeError: The value is of the wrong type.
            ValueError: The value is out of range.
        """
        if (value is None and self.owner != "run") or (self.word is not None and value == self.word):
            return
        if self.kind == "choice":
            check_choice(name, value, self.choices)
        elif self.kind == "flag":
            check_flag(name, value)
        elif self.kind == "text":
            check_text(name, value)
        elif self.kind == "number":
            check_number(name, value, self.least, above=self.above)
            if isinstance(value, int | float) and value >= self.below:
                raise ValueError(f"{name}: expected a number < {self.below:g}, not {value}")
        else:
            check_count(name, value, int(self.least))
            if isinstance(value, int) and value > self.most:
                raise ValueError(f"{name}: expected a whole number <= {self.most}, not {value}")


def knob_of(described: Field[Any]) -> Knob:
    """Say what a field accepts."""
    knob: Knob = described.metadata["knob"]
    return knob


def choice(owner: Owner, purpose: str, choices: Iterable[str]) -> Any:
    """A field that is one of a few words."""
    return _field(Knob("choice", purpose, owner, choices=tuple(choices)))


def count(owner: Owner, purpose: str, *, least: int = 1, most: int = MANY) -> Any:
    """A field that is a whole number."""
    return _field(Knob("count", purpose, owner, least=least, most=most))


def number(
    owner: Owner,
    purpose: str,
    *,
    least: float = float("-inf"),
    above: float = float("-inf"),
    below: float = float("inf"),
    word: str | None = None,
) -> Any:
    """A field that is a number, or a word where one is given."""
    return _field(Knob("number", purpose, owner, least=least, above=above, below=below, word=word))


def flag(owner: Owner, purpose: str) -> Any:
    """A field that is True or False."""
    return _field(Knob("flag", purpose, owner))


def text(owner: Owner, purpose: str) -> Any:
    """A field that is a word, which only its reader can check."""
    return _field(Knob("text", purpose, owner))


def _field(knob: Knob) -> Any:
    if knob.owner == "run":
        return field(metadata={"knob": knob})
    return field(default=None, metadata={"knob": knob})
