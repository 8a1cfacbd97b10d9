"""Writes docs/results/reliability.md from what pytest recorded: `python -m tests.reliability.table`.

Every `*.xml` in build/reliability is a part of the tests, as `pytest --junitxml` wrote it, with the commit that it ran
on as its name. Of a test that several parts ran the last counts, so a part can be run again by itself.
"""

import contextlib
import io
import sys
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree as ET

import pytest

from tests.reliability.promises import PROMISES, Promise
from tests.tree import ROOT

RECORDS = ROOT / "build" / "reliability"
TABLE = ROOT / "docs" / "results" / "reliability.md"

EXPLANATION = """\
# Reliability

What the project promises, and what the tests that stand for it found. `make reliability` runs them with their full
counts, which takes about an hour on two cores, and writes this page. A test counts as one case unless it says how many
it tries; a failing test as one failure, since it ends at the first. Seconds are added over the processes that ran.
"""


class Outcome(NamedTuple):
    """How one test ended."""

    test: str
    rows: tuple[int, ...]
    cases: int
    seconds: float
    failed: bool
    skipped: bool


class Part(NamedTuple):
    """What one call of pytest recorded."""

    name: str
    commit: str
    began: str
    outcomes: list[Outcome]


def read_part(path: Path) -> Part:
    """Read a file of `pytest --junitxml`."""
    (suite,) = ET.parse(path).getroot()  # noqa: S314 - pytest's own file
    outcomes = [_read_outcome(case) for case in suite.iter("testcase")]
    return Part(path.stem, suite.attrib["name"], suite.attrib["timestamp"][:16].replace("T", " "), outcomes)


def _read_outcome(case: ET.Element) -> Outcome:
    said = [(each.attrib["name"], each.attrib["value"]) for each in case.iter("property")]
    cases = [int(value) for name, value in said if name == "cases"]
    return Outcome(
        test=f"{case.attrib['classname']}.{case.attrib['name']}",
        rows=tuple(int(value) for name, value in said if name == "reliability"),
        cases=sum(cases) if cases else 1,
        seconds=float(case.attrib["time"]),
        failed=any(case.find(kind) is not None for kind in ("failure", "error")),
        skipped=case.find("skipped") is not None,
    )


def last_outcomes(parts: Iterable[Part]) -> list[Outcome]:
    """Give how each test ended the last time; one whose clean-up failed too is in a part twice."""
    found: dict[str, Outcome] = {}
    for part in sorted(parts, key=lambda part: part.began):
        failed = {outcome.test for outcome in part.outcomes if outcome.failed}
        found |= {outcome.test: outcome._replace(failed=outcome.test in failed) for outcome in part.outcomes}
    return list(found.values())


class _Marked:
    """A plugin that counts the tests of each row, without running any."""

    def __init__(self) -> None:
        self.rows: Counter[int] = Counter()

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        for item in session.items:
            self.rows.update(value for name, value in item.user_properties if name == "reliability")


def count_marked() -> Counter[int]:
    """Count the tests that there are for each row."""
    marked = _Marked()
    with contextlib.redirect_stdout(io.StringIO()) as said:
        status = pytest.main(["--collect-only", "-q", "-m", "reliability", str(ROOT / "tests")], plugins=[marked])
    assert status == pytest.ExitCode.OK, said.getvalue()
    return marked.rows


def describe_row(row: int, promise: Promise, outcomes: list[Outcome], marked: int) -> tuple[str, str]:
    """Write a line of the table, and what has to be said beside it, if anything."""
    own = [outcome for outcome in outcomes if row in outcome.rows]
    ran = [outcome for outcome in own if not outcome.skipped]
    failed = [outcome.test for outcome in ran if outcome.failed]
    cases, seconds = sum(outcome.cases for outcome in ran), sum(outcome.seconds for outcome in ran)
    line = f"| {row} | {promise.sentence} | {len(ran)} | {cases:,} | {len(failed)} | {seconds:,.0f} |"
    notes = []
    if not marked:
        notes.append(f"no test: {promise.untested}")
    if len(own) < marked:
        notes.append(f"{len(own)} of its {marked} tests were run")
    if len(ran) < len(own):
        notes.append(f"{len(own) - len(ran)} tests could not run here")
    if failed:
        notes.append("failed: " + ", ".join(f"`{test}`" for test in sorted(failed)))
    return line, f"- Row {row}: {'; '.join(notes)}." if notes else ""


def describe_part(part: Part) -> str:
    """Say of a part of the tests what it ran on."""
    return f"- {part.name}: commit {part.commit}, {part.began}, {len(part.outcomes)} tests"


def write_table(parts: list[Part], marked: Counter[int], environment: str) -> str:
    """Write the page."""
    outcomes = last_outcomes(parts)
    rows = [describe_row(row, promise, outcomes, marked[row]) for row, promise in PROMISES.items()]
    table = ["| # | promise | tests | cases | failures | seconds |", "| --- | --- | --- | --- | --- | --- |"]
    notes = [note for _, note in rows if note]
    lines = [EXPLANATION, environment, *map(describe_part, parts), "", *table, *(line for line, _ in rows)]
    return "\n".join([*lines, *(["", *notes] if notes else []), ""])


def describe_environment() -> str:
    """Say which software and what kind of computer this is."""
    from tapehead import NTM  # only now: collecting the tests comes first, with their checks of signatures
    from tapehead.training.environment import fingerprint, surroundings

    found = fingerprint(NTM(1, 1)) | surroundings()
    versions = f"tapehead {found['tapehead']}, torch {found['torch']}, numpy {found['numpy']}, Python {found['python']}"
    return f"- {versions}; {found['architecture']}, {found['instruction_set']}, {found['cores']} cores"


def main() -> int:
    """Write the page; the exit status says whether a test failed or was not run."""
    marked = count_marked()
    parts = sorted(map(read_part, RECORDS.glob("*.xml")), key=lambda part: part.began)
    TABLE.write_text(write_table(parts, marked, describe_environment()))
    outcomes = last_outcomes(parts)
    ran = Counter(row for outcome in outcomes for row in outcome.rows)
    return int(any(outcome.failed for outcome in outcomes) or ran != marked)


if __name__ == "__main__":
    sys.exit(main())
