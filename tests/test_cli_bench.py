"""tapehead bench: only what agrees with the reference is timed, and a program can read what is printed."""

import json

import pytest
import torch

from tapehead.cli import _table, main
from tapehead.experiments import speed
from tapehead.experiments.readme import tabulate_bench
from tapehead.experiments.speed import SHAPES, Shape, measure, step_gflop

SMALL = Shape(2, 3, {"memory_slots": 8, "memory_width": 3, "hidden_size": 5})


@pytest.fixture
def _small(monkeypatch):
    monkeypatch.setitem(speed.SHAPES, "copy", SMALL)
    monkeypatch.setattr(speed, "peak_memory", lambda name, backend, device: 1.0)


@pytest.mark.usefixtures("_small")
def test_every_backend_is_measured_beside_the_reference(capsys):
    assert main(["bench", "--shapes", "copy", "--repeats", "2", "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    backends = [row["backend"] for row in printed["timings"]]
    assert backends[0] == "reference"
    assert printed["timings"][0]["ratio"] == 1
    assert all(row["step_ms"] > 0 and row["difference"] < 1e-3 for row in printed["timings"])
    assert printed["environment"]["matrix_product_gflops"] > 0


@pytest.mark.usefixtures("_small")
def test_what_is_printed_as_json_makes_the_table_of_the_readme(capsys):
    assert main(["bench", "--shapes", "copy", "--repeats", "1", "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    slow, fast = printed["timings"]
    (row,) = tabulate_bench(printed).rows
    assert row[:3] == ("copy", f"{slow['step_ms']:.1f}", f"{fast['step_ms']:.2f}")


@pytest.mark.usefixtures("_small")
@pytest.mark.parametrize("columns", [_table.WITHOUT_WINDOW, 80])
def test_the_table_is_whole_without_a_window_and_in_one_of_80_columns(capsys, monkeypatch, columns):
    monkeypatch.setattr(_table, "WITHOUT_WINDOW", columns)
    monkeypatch.setitem(speed.SHAPES, "dnc-repeat-copy", SMALL)
    monkeypatch.setattr(speed, "peak_memory", lambda name, backend, device: 1234.0)
    assert main(["bench", "--shapes", "dnc-repeat-copy", "--repeats", "1"]) == 0
    lines = capsys.readouterr().out.splitlines()
    rows = [line for line in lines if line.startswith("dnc-repeat-copy ")]
    assert rows
    assert all(line.split()[-1] == "1234" for line in rows)
    assert max(map(len, lines)) <= columns


@pytest.mark.usefixtures("_small")
def test_what_differs_from_the_reference_is_not_timed(monkeypatch):
    monkeypatch.setattr(speed, "MAX_DIFFERENCE", -1.0)
    with pytest.raises(ArithmeticError, match=r"copy: reference differs from the reference by 0.0e\+00"):
        measure("copy", ["reference"], 1, 1.0, torch.device("cpu"))


def test_an_unknown_shape_is_refused_with_the_nearest(capsys):
    assert main(["bench", "--shapes", "copi"]) == 2
    assert capsys.readouterr().err.endswith("not 'copi' (did you mean copy?)\n")


def test_the_copy_step_is_counted_as_in_the_papers_sizes():
    """Counted by hand, layer by layer; three times over for forward and backward."""
    controller, heads, readout = 400 * (9 + 20 + 100), 92 * 100, 8 * 120
    memory = 128 * 20 * (2 + 1 + 1 + 2)  # two heads' products with each row, their norms, a read, an erase and an add
    assert step_gflop(SHAPES["copy"]) == pytest.approx(6 * (controller + heads + readout + memory) * 32 * 41 / 1e9)
