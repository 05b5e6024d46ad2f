"""Files and folders that are whole or not there: written under another name, synced, renamed."""

import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from trials.errors import StorageError

DRAFT = "."
"""What the names of unfinished files and folders begin with."""

_CHUNK = 1 << 20


def write_whole(path: Path, write: Callable[[IO[bytes]], object], *, need: int = 0) -> Path:
    """Write a file with ``write``; an older file of that name stays whole until then.

    Args:
        path: of the file; its folder is made if missing.
        write: is given the open file.
        need: bytes that it takes, for the message; 0 if nobody knows.

    Raises:
        StorageError: it cannot be written; nothing is left behind.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, draft = tempfile.mkstemp(prefix=f"{DRAFT}{path.name[:100]}.", dir=path.parent)
        try:
            with os.fdopen(handle, "wb") as file:
                write(file)
                file.flush()
                os.fsync(file.fileno())
            os.chmod(draft, 0o666 & ~_mask())  # noqa: PTH101 - a name, not yet a path of ours
            os.replace(draft, path)  # noqa: PTH105 - likewise
        except BaseException:
            os.unlink(draft)  # noqa: PTH108 - likewise
            raise
        _sync(path.parent)
    except OSError as error:
        wanted = f"; it needs {need:,} bytes" if need else ""
        raise StorageError(
            f"{path} cannot be written: {error.strerror or error}{wanted}.",
            "Make room, or name a file that you may write to.",
        ) from None
    return path


@contextmanager
def new_folder(final: Path) -> Iterator[Path]:
    """A folder to fill, which gets its name once every file in it is on the disk.

    Raises:
        OSError: it cannot be written, or a folder with files in it has the name; nothing is left.
    """
    final.parent.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(prefix=f"{DRAFT}{final.name[:100]}.", dir=final.parent))
    try:
        yield draft
        for path in (*draft.rglob("*"), draft):
            _sync(path)
        draft.chmod(0o777 & ~_mask())
        draft.rename(final)
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)
        raise
    _sync(final.parent)


def file_sha256(path: Path) -> str:
    """SHA-256 of a file, read in pieces."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(_CHUNK):
            digest.update(piece)
    return digest.hexdigest()


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _mask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
