"""The command starts at once where it can, and can be interrupted while its imports take their time."""

import signal
import subprocess
import sys
import time
from importlib.metadata import entry_points

import pytest

from tapehead import __version__

LAUNCH = """
import signal, sys, time
signal.signal(signal.SIGINT, signal.default_int_handler)  # as in a terminal, wherever the tests run
sys.argv = ["tapehead", *sys.argv[1:]]
import tapehead_launcher
{before}
status = tapehead_launcher.main()
{after}
sys.exit(status)
"""


def launch(*words: str, before: str = "", after: str = "") -> list[str]:
    """The command line of a process that launches `tapehead` as its script does."""
    return [sys.executable, "-c", LAUNCH.format(before=before, after=after), *words]


def test_the_script_is_the_launcher():
    (script,) = (point for point in entry_points(group="console_scripts") if point.name == "tapehead")
    assert script.value == "tapehead_launcher:main"


def test_the_version_is_printed_without_torch_and_at_once():
    after = "print(sorted({'torch', 'numpy', 'tapehead'} & sys.modules.keys()), time.process_time())"
    said = subprocess.run(launch("--version", after=after), capture_output=True, text=True, check=True)
    version, rest = said.stdout.splitlines()
    modules, seconds = rest.split("] ")
    assert version == f"tapehead {__version__}"
    assert modules == "["
    assert float(seconds) < 0.5
    assert said.stderr == ""


def test_all_else_is_done_by_the_command_line():
    for words, status in (["doctor", "--help"], 0), (["trian"], 2), (["--version", "copy"], 0), ([], 0):
        said = subprocess.run(launch(*words), capture_output=True, text=True, check=False)
        assert said.returncode == status
        assert said.stderr.count("\n") == (1 if status else 0)


@pytest.mark.parametrize("closed", ["<&- >&-", "<&- >&- 2>&-", "2>&-"])
def test_closed_streams_are_no_error(closed):
    line = f'"$0" -m tapehead doctor --json {closed}'
    said = subprocess.run(["/bin/sh", "-c", line, sys.executable], stderr=subprocess.PIPE, check=False)
    assert (said.returncode, said.stderr) == (0, b"")


def test_a_path_that_is_no_text_can_be_printed():
    before = "sys.modules['tapehead'] = cli = sys.modules['tapehead.cli'] = type(sys)('tapehead.cli')\n"
    before += "cli.main = lambda: print('run\\udcff') or 0"
    said = subprocess.run(launch("doctor", before=before), capture_output=True, check=False)
    assert (said.returncode, said.stdout, said.stderr) == (0, b"run\\udcff\n", b"")


def interrupt(command: list[str], delay: float) -> tuple[int, str]:
    """Send Ctrl-C so many seconds after the process says that it is ready; give its exit status and what it said."""
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "ready\n"
        time.sleep(delay)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate()
    return process.returncode, said


SLOW = """
class Slow:
    def find_spec(self, name, *rest):
        if name == "tapehead":
            print("ready", flush=True)
            time.sleep(60)

sys.meta_path.insert(0, Slow())
"""


@pytest.mark.reliability(10)
def test_ctrl_c_during_the_imports_is_one_line():
    assert interrupt(launch("train", before=SLOW), 0.1) == (130, "tapehead: interrupted\n")


@pytest.mark.reliability(10)
@pytest.mark.parametrize("delay", [0.05, 0.2, 0.4])
def test_ctrl_c_at_any_time_of_the_real_imports_is_one_line(delay):
    status, said = interrupt(launch("doctor", before="print('ready', flush=True)"), delay)
    assert (status, said) == (130, "tapehead: interrupted\n")


def test_ctrl_c_during_the_imports_of_the_module_is_one_line(tmp_path, monkeypatch):
    (tmp_path / "sitecustomize.py").write_text(
        "import signal, sys, time\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n" + SLOW.replace('"tapehead"', '"torch"')
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    for words in ["-m", "tapehead", "doctor"], ["-X", "dev", "-mtapehead"]:
        assert interrupt([sys.executable, *words], 0.1) == (130, "tapehead: interrupted\n")


def test_programs_that_import_the_package_keep_their_ctrl_c(tmp_path, monkeypatch):
    (tmp_path / "other").mkdir()  # a package, which is imported while Python still looks for what `-m` is to run
    (tmp_path / "other" / "__init__.py").write_text("import sys, tapehead\nassert sys.argv[0] == '-m'")
    (tmp_path / "other" / "__main__.py").write_text("import signal\nprint(signal.getsignal(signal.SIGINT).__name__)")
    monkeypatch.chdir(tmp_path)
    start = "import os, signal, sys\nsignal.signal(signal.SIGINT, signal.SIG_DFL)\n"
    start += "os.execv(sys.executable, [sys.executable, *sys.argv[1:]])"
    said = subprocess.run(
        [sys.executable, "-c", start, "-m", "other", "tapehead"], capture_output=True, text=True, check=True
    )
    assert said.stdout == "default_int_handler\n"
