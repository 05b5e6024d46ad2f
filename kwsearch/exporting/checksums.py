"""Checksums of a folder in the format of ``sha256sum``, which checks them too.

The first line is a comment with the hash of the lines below, so that a change of this file is told
from a change of the files that it lists.
"""

import hashlib
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from kwsearch.exporting.layout import CHECKSUMS
from trials.errors import DamagedDataError
from trials.files import file_sha256

CURE = "Export the trial again; a changed file can be put back from another copy."

_HEAD = "# SHA-256 of the lines below: "
_LINE = re.compile(r"([0-9a-f]{64})  ([^\r\n]+)")


def write_checksums(folder: Path, *, without: str | None = None) -> None:
    """List every file below ``folder``, those of earlier lists included.

    Args:
        folder: of the files.
        without: a folder in it whose files are not listed.
    """
    paths = [path.relative_to(folder) for path in _files(folder)]
    names = sorted(path.as_posix() for path in paths if path.parts[0] != without)
    lines = "".join(f"{file_sha256(folder / name)}  {name}\n" for name in names)
    text = f"{_HEAD}{hashlib.sha256(lines.encode()).hexdigest()}\n{lines}"
    (folder / CHECKSUMS).write_bytes(text.encode())


def read_checksums(folder: Path) -> dict[str, str]:
    """SHA-256 by name, with ``/`` between the parts of a path.

    Raises:
        DamagedDataError: the list is missing, or is not as it was written.
    """
    path = folder / CHECKSUMS
    try:
        head, _, lines = path.read_bytes().decode().partition("\n")
    except FileNotFoundError:
        raise DamagedDataError(f"{path} is missing.", CURE) from None
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is no text"
        raise DamagedDataError(f"{path} cannot be read: {reason}.", CURE) from None
    found = [_LINE.fullmatch(line) for line in lines.split("\n")[:-1]]
    whole = head == f"{_HEAD}{hashlib.sha256(lines.encode()).hexdigest()}"
    if not whole or not lines.endswith("\n") or not all(found):
        raise DamagedDataError(f"{path} is not as it was written.", CURE)
    return {line[2]: line[1] for line in found if line}


def faults_of(folder: Path, listed: Mapping[str, str]) -> list[str]:
    """What differs between a folder and its list, a phrase a file; links count as changes."""
    there = {path.relative_to(folder).as_posix(): path for path in _files(folder)}
    faults = [f"{name} is missing" for name in listed if name not in there]
    for name, path in sorted(there.items()):
        if name not in listed:
            faults.append(f"{name} was added")
        elif path.is_symlink() or not path.is_file():
            faults.append(f"{name} is not a file of its own")
        elif file_sha256(path) != listed[name]:
            faults.append(f"{name} has changed")
    return faults


def _files(folder: Path) -> Iterator[Path]:
    """Everything below a folder but folders and its own list; links are not followed."""
    for path in folder.rglob("*"):
        if path != folder / CHECKSUMS and (path.is_symlink() or not path.is_dir()):
            yield path
