"""Writing a file so that a crash leaves either the old one or the new one, never half of one."""

import errno
import os
from pathlib import Path
from uuid import uuid4


def write_atomically(path: Path, data: bytes) -> None:
    """Write beside the file, flush to disk, and rename to its name.

    Args:
        path: The file; its folder must exist.
        data: Its new content.

    Raises:
        OSError: The folder cannot be written to, or the disk is full; the old file is then unchanged. Or the path is
            not a file, but a folder or a device.
    """
    if path.exists() and not path.is_file():
        raise OSError(errno.EINVAL, "expected a file, or a path that does not exist", str(path))
    if not path.parent.is_dir():
        raise FileNotFoundError(errno.ENOENT, "expected a folder that exists", str(path.parent))
    temporary = path.with_name(f".{path.name}.{uuid4().hex}.part")
    try:
        _write_and_rename(temporary, path, data)
    except OSError as problem:
        problem.filename = str(path)  # not that of the temporary file, or none at all
        raise
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _write_and_rename(temporary: Path, path: Path, data: bytes) -> None:
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise
