"""The pages about papers: what each claims, what records say of it, and the pictures; made from recorded results.

python -m tapehead.experiments.pages                  write the pages, their pictures, and the README's table of papers
python -m tapehead.experiments.pages RECORDS ...      first add the records of figures; one of the same run is replaced

It is called in the folder that holds the README and docs/. The rest of a page is written, not made.
"""

import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import get_args

from tapehead import plots
from tapehead.experiments.claims import Claim, Verdict, converged_at, spell_sequences
from tapehead.experiments.figures import (
    Figure,
    check_claims,
    count_hours,
    draw,
    load_figure,
    tabulate,
    tabulate_claims,
)
from tapehead.experiments.grid import GRIDS, PAPERS, SUITES
from tapehead.experiments.labels import count, identify
from tapehead.experiments.model_pictures import draw_sequence
from tapehead.experiments.records import RECORDS, Record, read_records, select_records, write_records
from tapehead.experiments.tables import Table
from tapehead.pretrained import find_pretrained
from tapehead.training.data import Purpose, draw_batch_of_size, make_generator
from tapehead.training.loaded_run import load_run

DOCS = Path("docs")
RESULTS = DOCS / "results" / "papers.jsonl"
OWN = DOCS / "results" / RECORDS
OWN_SETTINGS = "_own_settings"
"""How the name of a figure ends that makes the same comparison at our settings."""
EXAMPLES = {"copy-ntm": ("memory_use",), "ngrams-ntm": ("predictions",), "priority_sort-ntm": ("sorting",)}
"""Pictures of models of the package at work, which the pages show, by the name of the model."""


def load_figures(paper: str) -> list[Figure]:
    """Load all figures of a paper, or all suites."""
    return [load_figure(name) for name in GRIDS if name.startswith(f"{paper}/")]


def tabulate_papers(records: Sequence[Record], own: Sequence[Record]) -> Table:
    """Count the claims of each paper, and how many held, and tell what came of those that it is known for.

    What is found at our settings is no claim of it, and stands beside.

    Args:
        records: Those of runs of the papers' figures.
        own: Those of runs at our settings.
    """
    verdicts = get_args(Verdict)
    rows: list[tuple[str, ...]] = []
    for paper in PAPERS:
        found: Counter[str] = Counter()
        told: list[tuple[str, ...]] = []
        for figure in load_figures(paper):
            if figure.name.endswith(OWN_SETTINGS):
                continue
            findings = check_claims(figure, select_records(figure.grid, records))
            found.update(finding.verdict for finding in findings)
            task = figure.name.rpartition("/")[2].replace("_", " ")
            told += [
                (f"{task}: {claim.text}", claim.theirs, finding.ours, find_own(figure, claim, records, own))
                for claim, finding in zip(figure.claims, findings, strict=True)
                if claim.headline
            ]
        counts = (f"[{paper}](docs/{paper}.md)", str(found.total()), *(str(found[verdict]) for verdict in verdicts))
        rows += [
            (*(counts if number == 0 else [""] * len(counts)), *row) for number, row in enumerate(told or [("",) * 4])
        ]
    return Table("papers", ("paper", "claims", *verdicts, "among them", "theirs", "at their settings", "at ours"), rows)


def find_own(figure: Figure, claim: Claim, records: Sequence[Record], own: Sequence[Record]) -> str:
    """Tell what came of a claim at our settings: of the same one, or of how soon our NTMs learn the figure's task."""
    if f"{figure.name}{OWN_SETTINGS}" in GRIDS:
        again = load_figure(f"{figure.name}{OWN_SETTINGS}")
        findings = check_claims(again, select_records(again.grid, records))
        return next(found.ours for same, found in zip(again.claims, findings, strict=True) if same.text == claim.text)
    task = figure.name.rpartition("/")[2]
    name = f"{task}_graves2014" if f"{task}_graves2014" in GRIDS else task  # a grid of its own for that encoding
    ended = [one for one in select_records(load_figure(name).grid, own) if one.model == "ntm"]
    return spell_sequences(list(map(converged_at, ended))) if ended else ""


def describe_figure(figure: Figure, records: Sequence[Record], pictures: Sequence[str]) -> str:
    """Write what a page says of a figure, in Markdown.

    Args:
        figure: The figure.
        records: Those of its finished runs.
        pictures: The paths of its pictures, as the page links them.
    """
    done = f"{len(records)} of {count(len(figure.grid.runs), 'run')}, {count_hours(records):.1f} hours of one core"
    tables = "".join(f"\n{table.title}:\n\n{table.to_markdown()}\n" for table in tabulate(figure, records))
    shown = "".join(f"\n![{Path(path).stem}]({path})\n" for path in pictures)
    folder, _, name = figure.name.rpartition("/")
    command = f"suite {name}" if folder == SUITES else f"figure {figure.name}"
    claims = tabulate_claims(figure, records).to_markdown()
    return f"`tapehead {command}`: {done}.\n\n{claims}\n{tables}{shown}"


def write_pages(records: Sequence[Record], docs: Path) -> None:
    """Write what is made from records into the pages, and draw their pictures.

    Args:
        records: All that are recorded.
        docs: The folder of the pages.

    Raises:
        OSError: A page cannot be read or written.
        ValueError: A page lacks the marks of a figure.
    """
    for paper in (*PAPERS, SUITES):
        page = docs / f"{paper}.md"
        text = page.read_text()
        for figure in load_figures(paper):
            own = select_records(figure.grid, records)
            text = put_between_marks(
                text, f"figure: {figure.name}", describe_figure(figure, own, _draw(figure, own, docs))
            )
        page.write_text(text)


def _draw(figure: Figure, records: Sequence[Record], docs: Path) -> list[str]:
    """Draw a figure's pictures, and give their paths as a page of the folder links them."""
    pictures = draw(figure, records).items()
    drawn = [plots.save(picture, docs / "figures" / figure.name / name)[0] for name, picture in pictures]
    return [path.relative_to(docs).as_posix() for path in drawn]


def draw_examples(docs: Path) -> list[Path]:
    """Draw models of the package at work, on a sequence of the largest size of training; gives the paths."""
    drawn = []
    for name, shown in EXAMPLES.items():
        loaded = load_run(find_pretrained(name), print)
        generator = make_generator(loaded.config.seed, Purpose.PICTURE)
        batch = draw_batch_of_size(loaded.task, loaded.task.max_size, 1, generator)
        pictures = draw_sequence(loaded, batch, f"tapehead plot pretrained:{name}")
        drawn += [plots.save(pictures[one], docs / "figures" / name / one)[0] for one in shown]
    return drawn


def put_between_marks(text: str, name: str, made: str) -> str:
    """Replace what stands between two marks.

    Raises:
        ValueError: The text lacks the marks, or has them twice.
    """
    begin, end = f"<!-- {name} -->\n", f"<!-- end of {name.rpartition(': ')[2]} -->"
    if text.count(begin) != 1 or text.count(end) != 1:
        raise ValueError(f"expected the marks once: {begin.strip()} and {end}")
    before, rest = text.split(begin)
    return before + begin + made.rstrip("\n") + "\n" + end + rest.split(end)[1]


def add_records(path: Path, files: Sequence[Path]) -> None:
    """Put the records of figures among the recorded ones; of the same run the later one is kept."""
    kept = {identify(record.config): record for record in (read_records(path) if path.exists() else [])}
    kept |= {identify(record.config): record for file in files for record in read_records(file)}
    write_records(path, kept.values())


def main(words: Sequence[str]) -> None:
    """Add records, and write the pages and the README's table."""
    if words:
        add_records(RESULTS, list(map(Path, words)))
    records = read_records(RESULTS) if RESULTS.exists() else []
    write_pages(records, DOCS)
    draw_examples(DOCS)
    readme = Path("README.md")
    made = tabulate_papers(records, read_records(OWN)).to_markdown()
    readme.write_text(put_between_marks(readme.read_text(), "table: papers", made))


if __name__ == "__main__":
    main(sys.argv[1:])
