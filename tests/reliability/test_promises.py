"""No promise loses its test silently, and the table of how they end says what pytest recorded."""

import ast
import re
from collections import Counter
from pathlib import Path

from tests.reliability import table
from tests.reliability.promises import PROMISES
from tests.tree import ROOT


def marked_rows() -> set[int]:
    """Read off the sources which rows tests stand for."""
    return {
        argument.value
        for path in (ROOT / "tests").rglob("*.py")
        for call in ast.walk(ast.parse(path.read_text()))
        if isinstance(call, ast.Call) and ast.unparse(call.func) == "pytest.mark.reliability"
        for argument in call.args
    }


def test_every_promise_has_a_test_or_says_why_not() -> None:
    assert marked_rows() | {row for row, promise in PROMISES.items() if promise.untested} == set(PROMISES)
    assert [row for row in marked_rows() if PROMISES[row].untested] == []


def junit(path: Path, began: str, *cases: str) -> table.Part:
    """Write a file as `pytest --junitxml` does, and read it."""
    attributes = f'name="0a1b2c3" timestamp="{began}.000000+00:00" hostname="somewhere"'
    path.write_text(f"<testsuites><testsuite {attributes}>{''.join(cases)}</testsuite></testsuites>")
    return table.read_part(path)


def case(name: str, *rows: int, cases: int | None = None, ended: str = "") -> str:
    said = [("reliability", row) for row in rows] + ([] if cases is None else [("cases", cases)])
    properties = "".join(f'<property name="{name}" value="{value}" />' for name, value in said)
    attributes = f'classname="tests.a" name="{name}" time="1.5"'
    return f"<testcase {attributes}><properties>{properties}</properties>{ended}</testcase>"


def line(page: str, row: int) -> str:
    """Find the numbers that a page has of a row."""
    return re.search(rf"^\| {row} \| (.*) \|$", page, re.MULTILINE)[1]


FAILED = "<failure message='wrong'>here</failure>"


def test_the_table_adds_up_the_tests_of_each_row(tmp_path: Path) -> None:
    part = junit(
        tmp_path / "tests.xml",
        "2026-01-02T03:04:05",
        case("test_one", 1, cases=200),
        case("test_two", 1, 2),
        case("test_three", 2, ended=FAILED),
        case("test_three", 2, ended="<error message='clean-up'>too</error>"),
        case("test_four", 3, ended="<skipped />"),
        case("test_none", 5, cases=0),
        case("test_five"),
    )
    page = table.write_table([part], Counter({1: 2, 2: 2, 3: 1, 4: 7, 5: 1}), "- nowhere")
    assert [line(page, row).split(" | ")[-4:] for row in (1, 2, 3, 4, 5)] == [
        ["2", "201", "0", "3"],
        ["2", "2", "1", "3"],
        ["0", "0", "0", "0"],
        ["0", "0", "0", "0"],
        ["1", "0", "0", "2"],
    ]
    assert "- tests: commit 0a1b2c3, 2026-01-02 03:04, 7 tests" in page
    assert "- Row 1:" not in page
    assert "- Row 2: failed: `tests.a.test_three`.\n" in page
    assert "- Row 3: 1 tests could not run here.\n" in page
    assert "- Row 4: 0 of its 7 tests were run.\n" in page
    assert "somewhere" not in page


def test_of_a_test_that_ran_twice_the_last_run_counts(tmp_path: Path) -> None:
    first = junit(tmp_path / "first.xml", "2026-01-02T03:04:05", case("test_one", 1, ended=FAILED))
    second = junit(tmp_path / "second.xml", "2026-01-02T04:04:05", case("test_one", 1, cases=7))
    for parts in ([first, second], [second, first]):
        assert line(table.write_table(parts, Counter({1: 1}), ""), 1).split(" | ")[-4:] == ["1", "7", "0", "2"]
