"""Checks of arguments: each error names the argument, what was expected and what came."""

import math
import sys
from collections.abc import Collection, Iterable
from difflib import get_close_matches
from importlib.util import find_spec

import torch


def check_choice(name: str, value: object, choices: Iterable[str]) -> None:
    """Raise unless the value is one of the choices; the message names the nearest one."""
    choices = list(choices)
    if not isinstance(value, str):
        raise TypeError(f"{name}: expected one of {_join(choices)}, not {value!r}")
    if value not in choices:
        hint = suggest(value, choices, likeness=0.5)
        raise ValueError(f"{name}: expected one of {_join(choices)}, not {value!r}{hint}")


def suggest(word: str, known: Collection[str], likeness: float = 0.7) -> str:
    """Name the known word that is most like this one, if one is.

    Args:
        word: What came.
        known: What could have come.
        likeness: How much alike two words must be, from 0 to 1.
    """
    bare = {str(name).lstrip("-").lower(): str(name) for name in known}
    near = get_close_matches(word.lstrip("-").lower(), bare, n=1, cutoff=likeness)
    return f" (did you mean {bare[near[0]]}?)" if near else ""


def check_count(name: str, value: object, least: int = 1) -> None:
    """Raise unless the value is an int of at least `least`, and of 64 bits as torch's sizes are."""
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError(f"{name}: expected a whole number >= {least}, not {value!r}")
    if value < least:
        raise ValueError(f"{name}: expected a whole number >= {least}, not {value}")
    if value > sys.maxsize:
        raise ValueError(f"{name}: expected a whole number of at most {sys.maxsize}, not {value}")


def check_number(
    name: str, value: object, least: float = -math.inf, most: float = math.inf, *, above: float = -math.inf
) -> None:
    """Raise unless the value is a finite number, from `least` to `most` and greater than `above`."""
    bounds = [f"> {above:g}"] if math.isfinite(above) else [f">= {least:g}"] if math.isfinite(least) else []
    bounds += [f"<= {most:g}"] if math.isfinite(most) else []
    expected = " ".join(["a finite number", " and ".join(bounds)]).rstrip()
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise TypeError(f"{name}: expected {expected}, not {value!r}")
    if not abs(value) <= sys.float_info.max or not least <= value <= most or value <= above:
        raise ValueError(f"{name}: expected {expected}, not {value}")


def check_flag(name: str, value: object) -> None:
    """Raise unless the value is True or False."""
    if not isinstance(value, bool):
        raise TypeError(f"{name}: expected True or False, not {value!r}")


def check_text(name: str, value: object) -> None:
    """Raise unless the value is a str."""
    if not isinstance(value, str):
        raise TypeError(f"{name}: expected a word, not {value!r}")


def check_dtype(dtype: object) -> None:
    """Raise unless the value is a floating-point torch.dtype, or None."""
    expected = "expected a floating-point torch.dtype such as torch.float32, or None"
    if dtype is not None and not isinstance(dtype, torch.dtype):
        raise TypeError(f"dtype: {expected}, not {dtype!r}")
    if dtype is not None and not dtype.is_floating_point:
        raise ValueError(f"dtype: {expected}, not {dtype}")


def check_device(device: object) -> None:
    """Raise unless the value is a device that torch can use here, the name of one, or None."""
    expected = "expected a torch.device, the name of one or None"
    if not isinstance(device, torch.device | str | None):
        raise TypeError(f"device: {expected}, not {device!r}")
    if isinstance(device, str):
        try:
            torch.device(device)
        except RuntimeError as problem:
            raise ValueError(f"device: {expected}, not {device!r}") from problem
    if device is not None and torch.device(device).type != "cpu":
        _check_usable(torch.device(device))


def _check_usable(device: torch.device) -> None:
    try:
        torch.empty(0, device=device)
    except (AssertionError, RuntimeError, NotImplementedError) as problem:
        reason = str(problem).partition("\n")[0].partition(". ")[0].rstrip(".")
        raise ValueError(f"device: expected one that torch can use here, not {str(device)!r}: {reason}") from problem


def _join(choices: list[str]) -> str:
    return ", ".join(repr(choice) for choice in choices)


def check_installed(name: str, extra: str, *modules: str) -> None:
    """Raise unless modules can be imported that only an extra of the package installs; the message says which it is."""
    missing = [module for module in modules if find_spec(module) is None]
    if missing:
        needed = f"{name} needs {' and '.join(missing)}, not installed here: pip install 'tapehead[{extra}]'"
        raise ModuleNotFoundError(needed, name=missing[0])
