"""Runs the Python of pages, each in a process forked from one that has imported torch already, which takes seconds.

python tests/pages.py FOLDER: reads the paths of pages, a line each, and answers each with an exit status. What pages
print, and why one fails, goes to standard error; files that they write are left in folders in FOLDER.
"""

import os
import re
import sys
import tempfile
import warnings
from pathlib import Path

import torch

import tapehead

PYTHON = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)


def run_page(path: Path, folder: Path) -> None:
    """Run a page's blocks from top to bottom, as a reader would who pastes one after the other."""
    os.chdir(tempfile.mkdtemp(dir=folder))
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    names = {"__name__": path.stem}
    for block in PYTHON.findall(path.read_text()):
        exec(compile(block, str(path), "exec"), names)  # noqa: S102


def main(folder: Path) -> None:
    torch.set_num_threads(1)
    torch.optim.Adam(tapehead.NTM(1, 1).parameters())  # imports what the first optimizer imports
    warnings.simplefilter("error")
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            run_page(Path(line.strip()), folder)
            sys.stdout.flush()
            os._exit(0)
        _, status = os.waitpid(child, 0)
        sys.stdout.write(f"{os.waitstatus_to_exitcode(status)}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
