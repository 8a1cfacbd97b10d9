"""Processes that begin where a user's do: without the checks of signatures that the tests' own process makes."""

import multiprocessing
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from typing import Any

import pytest

PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload(["tests.training.tiny"])


def elsewhere(function: Callable[..., Any], *arguments: Any) -> Any:
    """Call a function in a process of its own, and give what it returns."""
    with ProcessPoolExecutor(1, PROCESSES) as pool:
        return pool.submit(function, *arguments).result()


def complaints(make: Callable[..., Any], many_options: list[dict[str, Any]]) -> list[tuple[type[Exception], str]]:
    """Call with each of these options, all of them wrong, and give the errors as a user gets them."""
    return elsewhere(_complaints, make, many_options)


def _complaints(make: Callable[..., Any], many_options: list[dict[str, Any]]) -> list[tuple[type[Exception], str]]:
    raised = []
    for options in many_options:
        with pytest.raises((TypeError, ValueError)) as caught:
            make(**options)
        raised.append((caught.type, str(caught.value)))
    return raised
