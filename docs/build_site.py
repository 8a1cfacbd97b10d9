"""Build the documentation site, as `make docs` does; end with an error if anything is amiss.

The pages of docs/ link to files of the whole tree, as they must on a code host. Zensical reads one folder. So the pages
are copied to build/pages, and what they link to outside of docs/ is copied to build/pages/source, source code as pages.
"""

import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path, PurePosixPath
from posixpath import relpath
from urllib.parse import unquote, urldefrag

ROOT = Path(__file__).resolve().parents[1]
PAGES, SITE = ROOT / "build" / "pages", ROOT / "build" / "docs"
LINK = re.compile(r"(\[([^\]]*)\]\()(?!https?:|#)([^)#\s]+)((?:#[^)]*)?\))")
NOT_PAGES = {".py", ".pyc"}
"""Files of docs/ that are not copied."""
EQUATION = re.compile(r"`(\w+)\.(\w+)`")
UNSEARCHED = "---\nsearch:\n  exclude: true\n---\n\n"


def copy_pages() -> None:
    """Copy docs/ and everything that it links to, with links that lead from copy to copy."""
    shutil.rmtree(PAGES, ignore_errors=True)
    copied = set[Path]()
    waiting = [path for path in (ROOT / "docs").rglob("*") if path.is_file() and path.suffix not in NOT_PAGES]
    waiting += [ROOT / name for name in ("README.md", "CHANGELOG.md", "CONTRIBUTING.md", "DESIGN.md")]
    while waiting:
        path = waiting.pop()
        if path not in copied:
            copied.add(path)
            waiting += copy_page(path)


def copy_page(path: Path) -> list[Path]:
    """Copy a file, or list a folder, and return what it links to."""
    place = PAGES / place_of(path)
    place.parent.mkdir(parents=True, exist_ok=True)
    name = path.relative_to(ROOT)
    if path.is_dir():
        files = sorted(file for file in path.iterdir() if file.is_file() and file.suffix != ".pyc")
        text = f"{UNSEARCHED}# {name}\n\n" + "".join(f"- [{file.name}]({file.name})\n" for file in files)
        text, linked = turn_links(text, path / "index.md")
    elif path.suffix == ".md":
        text, linked = turn_links(path.read_text(), path)
    elif place.suffix == ".md":
        text, linked = f"{UNSEARCHED}# {name}\n\n````{path.suffix.removeprefix('.')}\n{path.read_text()}````\n", []
    else:
        shutil.copyfile(path, place)
        return []
    place.write_text(text)
    return linked


def place_of(path: Path) -> PurePosixPath:
    """Say where in build/pages a file or a folder of the tree is copied to."""
    name = PurePosixPath(path.relative_to(ROOT).as_posix())
    if name.parts[0] == "docs" and path.is_file() and path.suffix not in NOT_PAGES:
        return name.relative_to("docs")
    if path.is_dir():
        return "source" / name / "index.md"
    return "source" / (name if path.suffix in {".md", ".png", ".svg"} else name.with_name(f"{name.name}.md"))


def turn_links(text: str, path: Path) -> tuple[str, list[Path]]:
    """Turn a page's links to files into links to their copies, and say which files these are."""
    linked = list[Path]()
    here = place_of(path if path.exists() else path.parent).parent

    def turn(found: re.Match[str]) -> str:
        before, words, target, after = found.groups()
        file = (path.parent / target).resolve()
        if not file.exists() or not file.is_relative_to(ROOT):
            return found[0]
        linked.append(file)
        place, equation = place_of(file), EQUATION.fullmatch(words)
        if equation and file == ROOT / "src" / "tapehead" / "maths" / f"{equation[1]}.py":
            place, after = PurePosixPath("api/maths.md"), f"#tapehead.maths.{equation[1]}.{equation[2]})"
        return f"{before}{relpath(place, here)}{after}"

    return LINK.sub(turn, text), linked


class Page(HTMLParser):
    """Reads a page's links, the files that it loads, and what can be linked to."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.links, self.loaded, self.anchors = list[str](), list[str](), set[str]()
        self.feed(path.read_text())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note a tag's link and its anchor."""
        values = {name: value for name, value in attrs if value}
        self.anchors |= {values[name] for name in ("id", "name") if name in values}
        if tag == "a" and "href" in values:
            self.links.append(values["href"])
        elif "src" in values or (tag == "link" and values.get("rel") != "canonical"):
            self.loaded.append(values.get("src") or values["href"])


def check_site() -> list[str]:
    """Find links that lead nowhere, and what a page would load from the network."""
    pages = {path: Page(path) for path in SITE.rglob("*.html")}
    found = []
    for path, page in pages.items():
        if path.name == "404.html":  # shown for any address, so its links are relative to none
            continue
        name = path.relative_to(SITE)
        found += [f"{name} loads {url}" for url in page.loaded if re.match(r"(https?:)?//", url)]
        for link in (link for link in [*page.links, *page.loaded] if not re.match(r"[a-z]+:|//", link)):
            target, anchor = urldefrag(link)
            file = (path.parent / unquote(target)).resolve() if target else path
            file = file / "index.html" if file.is_dir() else file
            if not file.is_file() or (anchor and file in pages and unquote(anchor) not in pages[file].anchors):
                found.append(f"{name} links to {link}")
    return found


def main() -> None:
    """Build and check the site."""
    copy_pages()
    shutil.rmtree(SITE, ignore_errors=True)
    command = [sys.executable, "-m", "zensical", "build", "--clean", "--strict"]
    built = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    sys.stderr.write(built.stdout + built.stderr)
    warnings = [line for line in built.stderr.splitlines() if line.startswith("griffe:")]
    found = [] if built.returncode else check_site()
    sys.stderr.writelines(f"{line}\n" for line in found)
    if built.returncode or warnings or found:
        raise SystemExit(f"docs: {len(warnings)} warnings about docstrings, {len(found)} links that lead nowhere")
    folder = SITE.relative_to(ROOT)
    sys.stderr.write(f"docs: {folder / 'index.html'}; to search in it: python -m http.server --directory {folder}\n")


if __name__ == "__main__":
    main()
