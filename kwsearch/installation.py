"""Whether the four packages that run are this project's own, and whole.

They are called `kwsearch`, `reports`, `trials` and `search_spaces`. Other distributions have
packages of some of these names, and installers write over files without a word. So the command
looks before anything else is imported: where each package would be imported from, and, where they
are installed, which other distribution lists files among theirs in its ``RECORD``. The standard
library alone is used, as nothing else may be ours.
"""

import re
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

PACKAGES = ("kwsearch", "reports", "trials", "search_spaces")

_OURS = "kernelwarehouse_search-"
_AGAIN = "`pip install --force-reinstall --no-deps kernelwarehouse-search`"
_CURE = (
    "Install kernelwarehouse-search into an environment of its own, or uninstall {names} and then "
    f"install it again: {_AGAIN}."
)
_MARKS = tuple(f"\n{name}/".encode() for name in PACKAGES)
"""Looked for first: the lists of a whole environment are megabytes."""

_LINE = re.compile(
    rb"^((?:%s)/[^,\r\n]*),(?:sha256=[\w-]*)?,(\d*)" % "|".join(PACKAGES).encode(), re.MULTILINE
)


class ForeignPackageError(Exception):
    """A package that the command needs is another project's, or was partly written over."""


def check(folder: Path | None = None) -> str | None:
    """Look at the packages that an import would find.

    Args:
        folder: that `kwsearch` lies in; found out if not given.

    Returns:
        A warning, where another distribution lists files among ours, which are whole so far.

    Raises:
        ForeignPackageError: the command cannot run.
    """
    folder = Path(__file__).parents[1] if folder is None else folder
    for name in PACKAGES:
        found = _found(name)
        if found is None:
            raise ForeignPackageError(
                f"The package {name!r} is missing from {folder}. Install it again: {_AGAIN}."
            )
        if found.resolve() != (folder / name).resolve():
            raise ForeignPackageError(
                f"The package {name!r} would be imported from {found}, and is another project's: "
                f"kwsearch needs the one in {folder}. {_CURE.format(names=f'the other {name!r}')}"
            )
    claims = dict(_claims(folder))
    own = next((claims.pop(name) for name in list(claims) if name.startswith(_OURS)), {})
    if not claims:
        return None
    names = " and ".join(" ".join(name.rsplit("-", 1)) for name in sorted(claims))
    among = ", ".join(sorted({path.split("/")[0] for paths in claims.values() for path in paths}))
    changed = [path for path, size in own.items() if _size(folder / path) != size]
    if changed:
        raise ForeignPackageError(
            f"{names} wrote over {len(changed)} files of kernelwarehouse-search, among them "
            f"{changed[0]}, in {folder}. {_CURE.format(names=names)}"
        )
    return (
        f"{names} has files in the packages of kernelwarehouse-search ({among}) in {folder}: "
        f"installing or removing either damages the other. {_CURE.format(names=names)}"
    )


def _found(name: str) -> Path | None:
    """The folder that a package would be imported from, without importing it."""
    try:
        spec = find_spec(name)
    except (ImportError, ValueError):
        return None
    if spec is None:
        return None
    folders = list(spec.submodule_search_locations or ())
    found = folders[0] if folders else spec.origin  # a module has no folder
    return Path(found) if found else None


def _claims(folder: Path) -> Iterator[tuple[str, dict[str, int]]]:
    """Of each distribution in a folder that has any: its files in our packages, and their bytes."""
    for record in folder.glob("*.dist-info/RECORD"):
        try:
            listed = b"\n" + record.read_bytes()
        except OSError:
            continue
        if not any(mark in listed for mark in _MARKS):
            continue
        files = {
            match[1].decode(errors="replace"): int(match[2] or -1)
            for match in _LINE.finditer(listed)
            if not match[1].endswith(b".pyc")
        }
        if files:
            yield record.parent.name.removesuffix(".dist-info"), files


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return -1
