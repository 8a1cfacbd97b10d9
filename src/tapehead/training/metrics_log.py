"""The learning curve of a run, as far as its checkpoint or its result vouches for it, and the log that adds to it."""

import hashlib
import json
import os
from pathlib import Path
from typing import Any

from tapehead._files import write_atomically
from tapehead.training.checkpoints import Checkpoint
from tapehead.training.checksums import sha256
from tapehead.training.errors import DamagedFileError
from tapehead.training.run_dir import METRICS, TIMINGS, explain_errors, read_rows


def read_metrics(path: Path, checkpoint: Checkpoint) -> bytes:
    """Read the metrics of a run up to a checkpoint.

    Raises:
        DamagedFileError: They are not what was written.
    """
    file, written = path / METRICS, checkpoint.state["metrics"]
    metrics = (file.read_bytes() if file.exists() else b"")[: written["bytes"]]
    if sha256(metrics) != written["sha256"]:
        raise DamagedFileError(f"{file}: not what was written up to step {checkpoint.step}")
    return metrics


def are_whole(timings: Path) -> bool:
    """Return whether every line of a file of timings is one, but for half a line that a crash may have left."""
    lines = timings.read_bytes().count(b"\n") if timings.exists() else 0
    return len([row for row in read_rows(timings) if _is_timing(row)]) >= lines


def _is_timing(row: dict[str, Any]) -> bool:
    return type(row.get("step")) is int and isinstance(row.get("seconds"), int | float)


class MetricsLog:
    """The metrics of a run, and their timings: append only, cut back on resume to what the checkpoint has."""

    def __init__(self, path: Path, checkpoint: Checkpoint | None) -> None:
        """Go on writing.

        Args:
            path: The run directory.
            checkpoint: Where the run goes on; None: at its beginning.

        Raises:
            DamagedFileError: The metrics are not those of the checkpoint.
            StorageError: The directory cannot be written to.
        """
        self.path = path
        metrics, step = (b"", 0) if checkpoint is None else (read_metrics(path, checkpoint), checkpoint.step)
        rows = [row for row in read_rows(path / TIMINGS) if _is_timing(row) and row["step"] <= step]
        timings = "".join(json.dumps(row) + "\n" for row in rows).encode()
        with explain_errors(path, len(metrics) + len(timings)):
            write_atomically(path / METRICS, metrics)
            write_atomically(path / TIMINGS, timings)
        self._digest = hashlib.sha256(metrics)
        self._bytes = len(metrics)

    def write(self, row: dict[str, Any], seconds: float) -> None:
        """Append a row of metrics, and the seconds until then."""
        line = (json.dumps(row) + "\n").encode()
        with explain_errors(self.path, len(line)):
            with (self.path / METRICS).open("ab") as file:
                file.write(line)
            with (self.path / TIMINGS).open("a") as file:
                file.write(json.dumps({"step": row["step"], "seconds": round(seconds, 3)}) + "\n")
        self._digest.update(line)
        self._bytes += len(line)

    def flush(self) -> dict[str, Any]:
        """Force the metrics to disk, and give the number of their bytes and their SHA-256 for a checkpoint."""
        with explain_errors(self.path), (self.path / METRICS).open("ab") as file:
            os.fsync(file.fileno())
        return {"bytes": self._bytes, "sha256": self._digest.hexdigest()}
