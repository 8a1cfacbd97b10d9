"""tapehead doctor: what is installed, what is missing, and what is lost without it."""

import json
from argparse import Namespace
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import torch

from tapehead.cli._parser import Parser, add_json
from tapehead.kernels._backend import Problem
from tapehead.kernels.ntm_scan import REFUSALS
from tapehead.models import NTM
from tapehead.training.machine import fingerprint, surroundings

REFERENCE = "reference"
EXTRAS = {
    "rich": "train, resume and evaluate",
    "matplotlib": "plot",
}


def add_arguments(parser: Parser) -> None:
    """Add what `doctor` takes."""
    add_json(parser)


def do(chosen: Namespace) -> None:
    """Look around and say what there is."""
    found = findings()
    if chosen.json:
        print(json.dumps(found))
        return
    for name, value in {**found["fingerprint"], **found["surroundings"]}.items():
        print(f"{name:16} {value}")
    for name, refusal in found["backends"].items():
        print(f"{'backend':16} {name}: {refusal or 'runs'}")
    if found["fingerprint"]["backend"] == REFERENCE:
        print(f"{'':16} without a kernel training takes 10 to 30 times as long; `tapehead bench` measures it")
    for name, installed in found["extras"].items():
        lost = f"missing; without it there is no {EXTRAS[name]}: pip install 'tapehead[cli]'"
        print(f"{name:16} {installed or lost}")


def findings() -> dict[str, Any]:
    """Find out all that `doctor` says."""
    problem = Problem(torch.device("cpu"), torch.float32)
    return {
        "fingerprint": fingerprint(NTM(1, 1)),
        "surroundings": surroundings(),
        "backends": {name: refuse(problem) for name, refuse in REFUSALS.items()},
        "extras": {name: installed_version(name) for name in EXTRAS},
    }


def installed_version(package: str) -> str | None:
    """Say which version of a package is installed, None if it is not."""
    try:
        return version(package)
    except PackageNotFoundError:
        return None
