"""Targets worked out from the inputs alone, step by step as a person would: no array, nothing of the tasks'.

A decoder takes the time steps of one sequence, blank ones at its end included, each a list of numbers (or a token id),
and what its encoding is to be. It gives the time steps that have a target, with that target; a None stands for a bit
that nothing tells. Where a sequence is not written as it should be, it raises.
"""

import math
from collections.abc import Callable
from typing import Any, TypeAlias

Step: TypeAlias = list[float]
Due: TypeAlias = dict[int, list[float | None]]

BITS, ITEM_BITS, ITEM_LENGTH = 8, 6, 3
TRAINED_REPEATS = range(1, 11)


class MalformedError(Exception):
    """A sequence is not written as its encoding says."""


def expect(right: bool, what: str) -> None:
    """Raise unless it is so."""
    if not right:
        raise MalformedError(what)


def blank(steps: list[Step]) -> None:
    """Raise unless nothing is heard on these steps."""
    expect(all(value == 0 for step in steps for value in step), "an input where an output is to come, or later")


def bits_of(step: Step, count: int) -> list[float]:
    """Read a vector: the first channels; the others are silent."""
    expect(all(value in {0.0, 1.0} for value in step[:count]), "a vector is not of bits")
    expect(all(value == 0 for value in step[count:]), "a vector sounds on a channel that is not its own")
    return step[:count]


def copy(steps: list[Step], encoding: str) -> Due:
    """Say again what was heard before the delimiter."""
    due: Due = {}
    length = next(number for number, step in enumerate(steps) if step[BITS] != 0)
    expect(steps[length] == ([0.0] * BITS if encoding == "graves2014" else [1.0] * BITS) + [1.0], "delimiter")
    for place in range(length):
        due[length + 1 + place] = list(bits_of(steps[place], BITS))
    blank(steps[length + 1 :])
    return due


def repeat_copy(steps: list[Step], encoding: str) -> Due:
    """Say what was heard before the number, that many times, and the end if it is asked for."""
    graves = encoding == "graves2014"
    if not graves:
        start = steps[0]
        expect(start == [0.0] * BITS + [1.0, 0.0], "start")
    asked = next(number for number, step in enumerate(steps) if step[-1] != 0)
    expect(all(value == 0 for value in steps[asked][:-1]), "the number stands alone")
    written = steps[asked][-1]
    if graves:
        mean = sum(TRAINED_REPEATS) / len(TRAINED_REPEATS)
        variance = sum((number - mean) ** 2 for number in TRAINED_REPEATS) / len(TRAINED_REPEATS)
        meant = written * math.sqrt(variance) + mean
    else:
        meant = written * 10
    repeats = round(meant)
    expect(abs(meant - repeats) < 1e-4, "the number is whole")
    heard = [bits_of(step, BITS) for step in steps[0 if graves else 1 : asked]]
    due: Due = {}
    step = asked
    for _ in range(repeats):
        for vector in heard:
            step += 1
            due[step] = [*vector, 0.0] if graves else list(vector)
    if graves:
        due[step + 1] = [0.0] * BITS + [1.0]
    blank(steps[asked + 1 :])
    return due


def associative_recall(steps: list[Step], encoding: str) -> Due:
    """Find the item that is asked for, and say the one after it."""
    graves = encoding == "graves2014"
    kinds = {
        "item": [0.0] * ITEM_BITS + [1.0, 0.0],
        "query": [0.0] * ITEM_BITS + [0.0, 1.0] if graves else [1.0] * (ITEM_BITS + 1),
    }
    items, step = [], 0
    while steps[step] != kinds["query"]:
        if graves:
            expect(steps[step] == kinds["item"], "a delimiter stands before each item")
            step += 1
        items.append([bits_of(steps[step + place], ITEM_BITS) for place in range(ITEM_LENGTH)])
        step += ITEM_LENGTH
    query = [bits_of(steps[step + 1 + place], ITEM_BITS) for place in range(ITEM_LENGTH)]
    expect(steps[step + 1 + ITEM_LENGTH] == kinds["query"], "a delimiter stands after the query")
    first = step + 2 + ITEM_LENGTH
    blank(steps[first:])
    answers = [items[number + 1] for number in range(len(items) - 1) if items[number] == query]
    expect(len(answers) >= 1, "some item but the last is the query")
    if len(answers) > 1:  # by chance the query is like several items, and nothing tells which is meant
        return {first + place: [None] * ITEM_BITS for place in range(ITEM_LENGTH)}
    return {first + place: list(vector) for place, vector in enumerate(answers[0])}


def priority_sort(steps: list[Step], _: str) -> Due:
    """Pick the item of highest priority again and again, until a fifth is left."""
    left: list[tuple[float, list[float]]] = []
    for step in steps:
        if step[BITS + 1] != 0:
            expect(step == [0.0] * (BITS + 1) + [1.0], "delimiter")
            break
        expect(-1 <= step[BITS] <= 1, "a priority lies between -1 and 1")
        left.append((step[BITS], bits_of([*step[:BITS], 0.0], BITS)))
    items = len(left)
    blank(steps[items + 1 :])
    wanted = max(1, math.floor(items * 0.8 + 1e-9))
    due: Due = {}
    while len(due) < wanted:
        highest = 0
        for number, (priority, _vector) in enumerate(left):
            if priority > left[highest][0]:
                highest = number
        due[items + 1 + len(due)] = list(left.pop(highest)[1])
    return due


def ngrams(steps: list[Step], _: str) -> Due:
    """Say each bit one step before it is heard; nothing tells the last, and where zeros end cannot be heard either."""
    expect(steps[0] == [0.0], "nothing is heard at first")
    due: Due = {number: list(bits_of(after, 1)) for number, after in enumerate(steps[1:])}
    due[len(steps) - 1] = [None]
    return due


DECODERS: dict[str, Callable[[list[Any], str], Due]] = {
    "copy": copy,
    "repeat_copy": repeat_copy,
    "associative_recall": associative_recall,
    "ngrams": ngrams,
    "priority_sort": priority_sort,
}
