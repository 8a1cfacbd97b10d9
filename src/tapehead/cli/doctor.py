"""tapehead doctor: what is installed, what is missing, and what is lost without it."""

import json
import platform
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import torch

from tapehead import backends
from tapehead.cli._commands import COMMANDS
from tapehead.cli._parser import Parser, add_device, add_json, add_threads, use_device
from tapehead.models import NTM
from tapehead.training.environment import fingerprint, surroundings

EXTRAS = {
    module: [name for name, command in COMMANDS.items() if module in command.needs]
    for module in dict.fromkeys(module for command in COMMANDS.values() for module in command.needs)
}
"""The modules of the extra `cli`, and the commands that need each."""
TESTED = "Linux on x86-64"
"""The platform that the tests run on."""


def run(words: Sequence[str]) -> None:
    """Find out, and print."""
    parser = Parser("doctor")
    add_device(parser)
    add_threads(parser)
    add_json(parser)
    chosen = parser.read(words)
    found = find_out(use_device(chosen))
    if chosen.json:
        print(json.dumps(found))
        return
    for name, value in {**found["fingerprint"], **found["surroundings"]}.items():
        print(f"{name:22} {value}")
    print(f"{'CUDA devices':22} {', '.join(found['cuda_devices']) or 'none'}")
    for scan, reasons in found["backends"].items():
        for name, reason in reasons.items():
            print(f"{scan:22} {name}: {reason or 'runs'}")
    if found["fingerprint"]["backend"] == "reference":
        print(f"{'':22} without a kernel training takes 10 to 30 times as long; `tapehead bench` measures it")
    if (platform.system(), platform.machine()) != ("Linux", "x86_64"):
        print(f"{'platform':22} tested is {TESTED}; here the reference runs, and the C++ kernels if they were built")
    for name, installed in found["extras"].items():
        lost = f"missing; needed by {', '.join(EXTRAS[name])}: pip install 'tapehead[cli]'"
        print(f"{name:22} {installed or lost}")


def find_out(device: torch.device) -> dict[str, Any]:
    """Find out all that `doctor` prints."""
    return {
        "fingerprint": fingerprint(NTM(1, 1).to(device)),
        "surroundings": surroundings(),
        "cuda_devices": [torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count())],
        "backends": backends(device),
        "extras": {name: installed_version(name) for name in EXTRAS},
    }


def installed_version(package: str) -> str | None:
    """Give the version of a package, None if it is not installed."""
    try:
        return version(package)
    except PackageNotFoundError:
        return None
