"""Decoders of the tasks on symbols; see decoders.py for what they take and give."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.tasks.decoders import Due, MalformedError, expect


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


def mqar(tokens: list[int], _: str) -> Due:
    """Look up in a list of pairs; what is below half the vocabulary is a key, and 0 is neither."""
    pairs: dict[int, int] = {}
    while len(tokens) > 2 * len(pairs) + 1 and tokens[2 * len(pairs) + 1] >= 4096:
        key, value = tokens[2 * len(pairs) : 2 * len(pairs) + 2]
        expect(0 < key < 4096 and key not in pairs and value not in pairs.values(), "a new key and a new value")
        pairs[key] = value
    queries = {step: key for step, key in enumerate(tokens) if step >= 2 * len(pairs) and key != 0}
    expect(sorted(queries.values()) == sorted(pairs), "every key once")
    expect(all(step % 2 == 0 for step in queries), "even distances")
    return {step: [pairs[key]] for step, key in queries.items()}


def text(tokens: list[int], _: str) -> Due:
    """Look for the characters in the last tenth of the text, and read on; scored is the second half."""
    whole = (Path(__file__).parents[2] / "src" / "tapehead" / "tasks" / "devils_dictionary.txt").read_text()
    kinds = sorted(set(whole))
    held_out, piece = whole[len(whole) - len(whole) // 10 :], "".join(kinds[token] for token in tokens)
    expect(len(piece) % 2 == 0, "as many characters before those that are scored")
    after = {found[1] for found in re.finditer(f"(?={re.escape(piece)}(.))", held_out, re.DOTALL)}
    expect(bool(after), "a piece of the text")
    half = len(tokens) // 2
    due: Due = {step: [tokens[step + 1]] for step in range(half, len(tokens) - 1)}
    return due | {len(tokens) - 1: [kinds.index(after.pop()) if len(after) == 1 else None]}


STRING_DECODERS: dict[str, Callable[[list[Any], str], Due]] = {
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
    "compute_sqrt": compute_sqrt,
    "group_words": group_words,
    "mqar": mqar,
    "text": text,
    "binary_addition": binary("+"),
    "binary_multiplication": binary("*"),
}
