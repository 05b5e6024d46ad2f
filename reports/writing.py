"""Files written whole or not at all: under a temporary name beside, synced, then renamed."""

import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import IO

from trials.errors import StorageError


def write_whole(path: Path, write: Callable[[IO[bytes]], object]) -> Path:
    """Write a file with ``write``; an older file of that name stays whole until then.

    Raises:
        StorageError: it cannot be written; nothing is left behind.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, draft = tempfile.mkstemp(prefix=f".{path.name[:100]}.", dir=path.parent)
        try:
            with os.fdopen(handle, "wb") as file:
                write(file)
                file.flush()
                os.fsync(file.fileno())
            mask = os.umask(0)
            os.umask(mask)
            os.chmod(draft, 0o666 & ~mask)  # noqa: PTH101 - a name, not yet a path of ours
            os.replace(draft, path)  # noqa: PTH105 - likewise
        except BaseException:
            os.unlink(draft)  # noqa: PTH108 - likewise
            raise
    except OSError as error:
        raise StorageError(
            f"{path} cannot be written: {error.strerror or error}.",
            "Make room, or name a file that you may write to.",
        ) from None
    return path
