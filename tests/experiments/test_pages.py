"""The pages about papers are made from records, and again the same."""

import re
from pathlib import Path

import pytest

from tapehead.experiments.figures import load_figure
from tapehead.experiments.grid import GRIDS, PAPERS, SUITES
from tapehead.experiments.pages import (
    OWN,
    RESULTS,
    add_records,
    describe_figure,
    draw_examples,
    put_between_marks,
    tabulate_papers,
    write_pages,
)
from tapehead.experiments.records import Record, read_records, record_run, write_records
from tests.training.tiny import tiny_config, train

PAGES = (*PAPERS, SUITES)
ROOT = Path(__file__).parents[2]


def recorded() -> list[Record]:
    return read_records(ROOT / RESULTS) if (ROOT / RESULTS).exists() else []


@pytest.mark.parametrize("paper", PAGES)
def test_a_page_has_every_figure_and_says_what_the_records_do(paper: str) -> None:
    page = (ROOT / "docs" / f"{paper}.md").read_text()
    figures = [name for name in GRIDS if name.startswith(f"{paper}/")]
    assert sorted(re.findall(r"<!-- figure: (.*) -->", page)) == sorted(figures)
    for name in figures:
        told = describe_figure(load_figure(name), [], []).splitlines()[2]
        assert told == "| claim | theirs | ours | verdict |"
        assert told in page


def test_pages_come_out_the_same_from_their_records(tmp_path: Path) -> None:
    for paper in PAGES:
        (tmp_path / f"{paper}.md").write_text((ROOT / "docs" / f"{paper}.md").read_text())
    write_pages(recorded(), tmp_path)
    for paper in PAGES:
        assert (tmp_path / f"{paper}.md").read_text() == (ROOT / "docs" / f"{paper}.md").read_text()
    readme = (ROOT / "README.md").read_text()
    made = tabulate_papers(recorded(), read_records(ROOT / OWN)).to_markdown()
    assert put_between_marks(readme, "table: papers", made) == readme


def test_the_pages_show_the_pictures_of_models_at_work(tmp_path: Path) -> None:
    drawn = draw_examples(tmp_path)
    linked = re.findall(r"\]\((figures/[^/)]*-ntm/[^)]*)\)", (ROOT / "docs" / "graves2014.md").read_text())
    assert sorted(linked) == sorted(path.relative_to(tmp_path).as_posix() for path in drawn)
    assert all((ROOT / "docs" / path).exists() for path in linked)


def test_a_page_without_marks_is_told() -> None:
    with pytest.raises(ValueError, match="expected the marks once: <!-- figure: a/b -->"):
        put_between_marks("nothing", "figure: a/b", "text")


def test_a_record_of_the_same_run_replaces_the_earlier_one(tmp_path: Path) -> None:
    for seed, name in ((1, "a"), (1, "b"), (2, "c")):
        train(tiny_config("lstm", seed=seed), tmp_path / name)
    a, b, c = (record_run(tmp_path / name) for name in "abc")
    write_records(tmp_path / "papers.jsonl", [a])
    write_records(tmp_path / "new.jsonl", [b, c])
    add_records(tmp_path / "papers.jsonl", [tmp_path / "new.jsonl"])
    assert [(record.name, record.seed) for record in read_records(tmp_path / "papers.jsonl")] == [("b", 1), ("c", 2)]
