"""Watches Triton's interpreter for what it lets pass and a GPU does not: what threads pass on without a barrier.

The interpreter runs a program one operation after the other. On a GPU each thread of a program runs ahead until the
next barrier, so what one thread stores another may find or not; and of a small tile several threads load each number.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

KERNELS = "/tapehead/kernels/"


@contextmanager
def watch(heed_barriers: bool = True) -> Iterator[list[str]]:
    """Give a list that gets, in words, what is both loaded and stored, or stored twice, between two barriers."""
    from triton.runtime.interpreter import InterpreterBuilder  # only where there is Triton

    found: list[str] = []
    loaded: dict[int, str] = {}
    stored: dict[int, str] = {}
    load, store = InterpreterBuilder.create_masked_load, InterpreterBuilder.create_masked_store

    def meet(before: dict[int, str], places: list[int], line: str, what: str) -> None:
        found.extend({f"{before[place]}, then {what} at {line}" for place in places if place in before} - set(found))

    def watched_load(self: Any, pointers: Any, mask: Any, *rest: Any) -> Any:
        line, places = _line(), pointers.data[mask.data].tolist()
        meet(stored, places, line, "loaded")
        loaded.update(dict.fromkeys(places, f"loaded at {line}"))
        return load(self, pointers, mask, *rest)

    def watched_store(self: Any, pointers: Any, value: Any, mask: Any, *rest: Any) -> Any:
        line, places = _line(), pointers.data[mask.data].tolist()
        meet(loaded, places, line, "stored")
        meet(stored, places, line, "stored")
        stored.update(dict.fromkeys(places, f"stored at {line}"))
        return store(self, pointers, value, mask, *rest)

    def barrier(self: Any) -> None:
        if heed_barriers:
            loaded.clear()
            stored.clear()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(InterpreterBuilder, "create_masked_load", watched_load)
        patch.setattr(InterpreterBuilder, "create_masked_store", watched_store)
        patch.setattr(InterpreterBuilder, "create_barrier", barrier)
        yield found


def _line() -> str:
    """The line of a kernel that is being run, and the function's name."""
    frame = sys._getframe(2)
    while KERNELS not in frame.f_code.co_filename:
        frame = frame.f_back
    return f"{frame.f_code.co_filename.split(KERNELS)[1]}:{frame.f_lineno} ({frame.f_code.co_name})"
