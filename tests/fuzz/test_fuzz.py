"""Coverage-guided fuzzers find nothing; and they would find what there is to be found."""

import random
import re
import shutil
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

from tapehead.experiments import records
from tapehead.models import loading
from tapehead.models.files import SavedModel
from tapehead.training import loop
from tests.fuzz import load_model, read_run
from tests.fuzz.silent import SilentLoadError
from tests.processes import elsewhere
from tests.tree import ROOT

TARGETS = ["load_model", "read_run", "command_line"]
LEAST_A_SECOND = 1000 / 600
"""Inputs that a fuzzer has to take; on a busy computer, the slowest one takes several times as many."""
EACH_TARGET = pytest.mark.parametrize("target", TARGETS)


@pytest.mark.fuzz
@pytest.mark.reliability(20)
@EACH_TARGET
def test_a_coverage_guided_fuzzer_finds_nothing(target, request, record_property):
    folder, seconds = ROOT / "build" / "fuzz" / target, request.config.getoption("--fuzz-seconds")
    shutil.rmtree(folder, ignore_errors=True)
    command = [sys.executable, "-m", "tests.fuzz", target, str(folder), str(seconds)]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, errors="replace", check=False)
    executed = re.findall(r"stat::number_of_executed_units:\s*(\d+)", ended.stderr)
    record_property("cases", cases := int(executed[0]) if executed else 0)
    assert sorted(path.name for path in (folder / "findings").iterdir()) == [], ended.stderr[-2000:]
    assert ended.returncode == 0, ended.stderr[-2000:]
    assert cases > seconds * LEAST_A_SECOND, ended.stderr[-2000:]


def changed(data: bytes, drawn: random.Random) -> bytes:
    place = drawn.randrange(len(data))
    return data[:place] + drawn.randbytes(drawn.randrange(3)) + data[place + drawn.randrange(3) :]


def take_seeds_and_some_changed_ones(target: str, folder: Path) -> None:
    seeds, take = import_module(f"tests.fuzz.{target}").prepare(folder)
    drawn = random.Random(0)
    for seed in seeds:
        for data in (seed, b"", changed(seed, drawn)):
            take(data)


@EACH_TARGET
def test_what_the_fuzzers_start_from_is_taken_and_some_damage_is_found_out(target, tmp_path):
    elsewhere(take_seeds_and_some_changed_ones, target, tmp_path)


def overlook_what_is_damaged(folder: Path) -> None:
    seeds, take = load_model.prepare(folder)
    read_model = loading.read_model

    def read_another(path: Path) -> SavedModel:
        saved = read_model(path)
        return saved._replace(tensors={name: tensor + 1 for name, tensor in saved.tensors.items()})

    loading.read_model = read_another
    with pytest.raises(SilentLoadError, match="NTM"):
        take(seeds[0])


def test_a_model_that_loads_as_another_is_found_out(tmp_path):
    elsewhere(overlook_what_is_damaged, tmp_path)


def trip_over_a_checkpoint(folder: Path) -> None:
    seeds, take = read_run.prepare(folder)

    def trip(*_: object) -> None:
        raise TypeError("planted")

    loop.restore_last = trip
    take(seeds[0])  # of the finished run, where nothing is restored
    with pytest.raises(TypeError, match="planted"):
        take(seeds[-2])


def test_a_type_error_while_a_run_is_resumed_is_found_out(tmp_path):
    elsewhere(trip_over_a_checkpoint, tmp_path)


def overlook_a_row(folder: Path) -> None:
    seeds, take = read_run.prepare(folder)
    read_curve = records.read_curve
    records.read_curve = lambda path: (read_curve(path)[0][1:], [])
    with pytest.raises(SilentLoadError, match="record"):
        take(seeds[0])


def test_a_curve_that_has_lost_a_row_is_found_out(tmp_path):
    elsewhere(overlook_a_row, tmp_path)
