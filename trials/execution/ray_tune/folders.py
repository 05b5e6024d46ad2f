"""Folders of Ray's own, one a cluster, which go with whoever made them.

Ray keeps sockets and logs there; paths of sockets are short, so the folders lie in the system's
folder for temporary files. A lock on each says whether its maker lives: the kernel gives it up with
the process, even one that was killed. The next start removes what dead ones have left.
"""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

PREFIX = "kwsearch-ray-"
_DRAFT = "kwsearch-new-"
_LOCK = "lock"


@contextmanager
def own_folder() -> Iterator[str]:
    """An empty folder that is removed afterwards; those of dead processes are removed before."""
    sweep()
    folder, lock = _made()
    try:
        yield str(folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(lock)


def sweep() -> None:
    """Remove the folders of processes that are dead."""
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        with suppress(OSError):
            lock = os.open(folder / _LOCK, os.O_RDWR)  # others' cannot be opened
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(folder, ignore_errors=True)
            finally:
                os.close(lock)


def _made() -> tuple[Path, int]:
    """A folder that has its name only once it is locked."""
    draft = Path(tempfile.mkdtemp(prefix=_DRAFT))
    lock = os.open(draft / _LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    fcntl.flock(lock, fcntl.LOCK_EX)
    folder = draft.with_name(draft.name.replace(_DRAFT, PREFIX))
    draft.rename(folder)
    return folder, lock
