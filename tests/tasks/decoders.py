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


def string_of(tokens: list[int], symbols: int) -> list[int]:
    """Read a string: the tokens before the blank steps, of which all that follow are."""
    string = []
    for token in tokens:
        if token == symbols:
            break
        expect(0 <= token < symbols, "a symbol is of the alphabet")
        string.append(token)
    expect(all(token == symbols for token in tokens[len(string) :]), "a symbol where an output is to come, or later")
    expect(len(string) > 0, "a string has symbols")
    return string


def answered(string: list[int], answer: list[int]) -> Due:
    """Say an answer after the string."""
    return {len(string) + place: [symbol] for place, symbol in enumerate(answer)}


def reverse(tokens: list[int], _: str) -> Due:
    """Take the symbols from a pile, the last first."""
    string = string_of(tokens, 2)
    pile, answer = list(string), []
    while pile:
        answer.append(pile.pop())
    return answered(string, answer)


def duplicate_string(tokens: list[int], _: str) -> Due:
    """Say it, and say it again."""
    string = string_of(tokens, 2)
    return answered(string, string + string)


def odds_first(tokens: list[int], _: str) -> Due:
    """Go through the places from 1 on, and put every other one aside."""
    string = string_of(tokens, 2)
    odd, even = [], []
    for place, symbol in enumerate(string, 1):
        (odd if place % 2 == 1 else even).append(symbol)
    return answered(string, odd + even)


def bucket_sort(tokens: list[int], _: str) -> Due:
    """Count the symbols, and say each as often as it came."""
    string = string_of(tokens, 5)
    return answered(string, [symbol for symbol in range(5) for _ in range(string.count(symbol))])


def even_pairs(tokens: list[int], _: str) -> Due:
    """Count the changes."""
    string = string_of(tokens, 2)
    changes = 0
    for place in range(1, len(string)):
        changes += string[place] != string[place - 1]
    return answered(string, [changes % 2])


def parity_check(tokens: list[int], _: str) -> Due:
    """Turn a switch at every one."""
    string, switch = string_of(tokens, 2), False
    for symbol in string:
        if symbol == 1:
            switch = not switch
    return answered(string, [int(switch)])


def cycle_navigation(tokens: list[int], _: str) -> Due:
    """Walk."""
    string, place = string_of(tokens, 3), 0
    for step in string:
        if step == 0:
            place = 4 if place == 0 else place - 1
        if step == 2:
            place = 0 if place == 4 else place + 1
    return answered(string, [place])


def modular_arithmetic(tokens: list[int], _: str) -> Due:
    """Let Python read it."""
    string = string_of(tokens, 8)
    expect(all((symbol < 5) == (place % 2 == 0) for place, symbol in enumerate(string)), "an operator between numbers")
    expect(len(string) % 2 == 1, "a number at the end")
    return answered(string, [eval("".join("01234+-*"[symbol] for symbol in string)) % 5])  # noqa: S307


def modular_arithmetic_brackets(tokens: list[int], _: str) -> Due:
    """Let Python read it."""
    string = string_of(tokens, 10)
    return answered(string, [value_of("".join("01234+-*()"[symbol] for symbol in string))])


def value_of(expression: str) -> int:
    """Let Python read an expression; it knows nested brackets to a depth of 200, and the inner ones are read first."""
    while "(" in expression:
        begin = expression.rindex("(")
        end = expression.find(")", begin)
        expect(end >= 0, "a bracket is closed")
        expression = expression[:begin] + value_in_words(expression[begin + 1 : end]) + expression[end + 1 :]
    return int(value_in_words(expression))


def value_in_words(expression: str) -> str:
    """Give the value of what has no brackets, as a digit."""
    try:
        return str(eval(expression) % 5)  # noqa: S307
    except SyntaxError:
        raise MalformedError(expression) from None


def solve_equation(tokens: list[int], _: str) -> Due:
    """Try every number."""
    string = string_of(tokens, 11)
    left, equals, right = "".join("01234+-()x="[symbol] for symbol in string).partition("=")
    expect(equals == "=" and left.count("x") == 1 and right in set("01234"), "one x, and a number at the end")
    found = [number for number in range(5) if value_of(left.replace("x", str(number))) == int(right)]
    expect(len(found) == 1, "one number solves it")
    return answered(string, found)


def stack_manipulation(tokens: list[int], _: str) -> Due:
    """Do it, on a pile."""
    string, pile = string_of(tokens, 5), []
    instructed = False
    for symbol in string:
        expect(symbol >= 2 or not instructed, "the stack comes before the instructions")
        instructed = instructed or symbol >= 2
        if symbol == 2:
            if pile:
                pile.pop()
        else:
            pile.append(symbol % 3)
    return answered(string, [*reversed(pile), 2])


def missing_duplicate(tokens: list[int], _: str) -> Due:
    """Look at the same place of the other half."""
    string = string_of(tokens, 4)
    bits = string[:-1] if len(string) % 2 else string
    expect(string[len(bits) :] in ([], [3]) and bits.count(2) == 1 and 3 not in bits, "one bit is covered")
    half, covered = len(bits) // 2, bits.index(2)
    other = (covered + half) % len(bits)
    expect(all(bits[p] == bits[p + half] for p in range(half) if covered not in {p, p + half}), "both halves are alike")
    return answered(string, [bits[other]])


def binary(operator: str) -> Callable[[list[int], str], Due]:
    """Read two numbers as a person does, the highest bit first, and write what they come to."""

    def decode(tokens: list[int], _: str) -> Due:
        string = string_of(tokens, 3)
        expect(string.count(2) == 1, "one operator")
        place = string.index(2)
        one, other = ("".join(map(str, reversed(bits))) for bits in (string[:place], string[place + 1 :]))
        expect("1" in one and "1" in other, "two numbers")
        value = int(one, 2) + int(other, 2) if operator == "+" else int(one, 2) * int(other, 2)
        return answered(string, [*(int(bit) for bit in reversed(f"{value:b}")), 2])

    return decode


def compute_sqrt(tokens: list[int], _: str) -> Due:
    """Look for the root bit by bit, the highest first."""
    string = string_of(tokens, 2)
    number, root = int("".join(map(str, string)), 2), 0
    expect(number > 0, "a number that is not 0")
    bits = -(-len(string) // 2)
    for bit in reversed(range(bits)):
        if (root + (1 << bit)) ** 2 <= number:
            root += 1 << bit
    return answered(string, [int(bit) for bit in f"{root:b}".zfill(bits)])


def group_words(tokens: list[int], _: str) -> Due:
    """Move three things about: the product of two elements does first what the second says, then the first."""
    turn, flip = (1, 2, 0), (0, 2, 1)

    def after(one: tuple[int, ...], other: tuple[int, ...]) -> tuple[int, ...]:
        return tuple(one[other[thing]] for thing in range(3))

    elements = []
    for flips in (0, 1):
        for turns in range(3):
            element = (0, 1, 2)
            for _turn in range(turns):
                element = after(element, turn)
            elements.append(after(element, flip) if flips else element)
    place, due = (0, 1, 2), {}
    for step, token in enumerate(tokens):
        place = after(place, elements[token])
        due[step] = [elements.index(place)]
    return due


DECODERS: dict[str, Callable[[list[Any], str], Due]] = {
    "copy": copy,
    "repeat_copy": repeat_copy,
    "associative_recall": associative_recall,
    "ngrams": ngrams,
    "priority_sort": priority_sort,
    "reverse": reverse,
    "duplicate_string": duplicate_string,
    "odds_first": odds_first,
    "bucket_sort": bucket_sort,
    "even_pairs": even_pairs,
    "parity_check": parity_check,
    "cycle_navigation": cycle_navigation,
    "modular_arithmetic": modular_arithmetic,
    "modular_arithmetic_brackets": modular_arithmetic_brackets,
    "solve_equation": solve_equation,
    "stack_manipulation": stack_manipulation,
    "missing_duplicate": missing_duplicate,
    "binary_addition": binary("+"),
    "binary_multiplication": binary("*"),
    "compute_sqrt": compute_sqrt,
    "group_words": group_words,
}
