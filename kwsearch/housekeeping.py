"""Deleting and renaming a study, with what it has left in the runs folder.

Both take the study's lease first, so nobody drives it meanwhile. The database never names a file
that is not there: a deletion strikes the rows before the files, and a renaming links the files to
their new names before the rows say so, and removes the old names last.
"""

import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from search_spaces import InputError
from trials.checkpoints import Checkpoints, runs_folders
from trials.errors import StorageError
from trials.names import check_name
from trials.records import StudyRecord
from trials.store import Store, new_owner, renewed

_LEASE = 60.0
"""Seconds, renewed for as long as it takes."""

_CHECKPOINTS = "checkpoints"
_OURS = (_CHECKPOINTS, "plain", "ray", "report.html")
"""What commands write into the folder of a study; anything else in it is a person's own."""


def delete(store: Store, name: str) -> list[Path]:
    """Delete a study, and what it has left in the runs folder.

    Where its folder holds checkpoints of another database's study of that name too, this study's
    own go alone. What a person has put there stays.

    Returns:
        What was removed.

    Raises:
        InputError: no such study.
        StudyBusyError: someone drives it.
        StorageError: a file cannot be removed; the study is gone from the database.
    """
    study = store.study(name)
    with _driving(store, name):
        store.delete_study(name)
    removed = []
    for runs in _runs(store, study):
        own, folder = runs / Checkpoints.of(study).subfolder, runs / name
        with _storage(own):
            _remove(own)
            alone = _is_empty(own.parent)
            for path in (folder / entry for entry in _OURS if alone):
                _remove(path)
            removed.append(folder if _gone(folder) else own)
    return removed


def rename(store: Store, name: str, new: str) -> list[Path]:
    """Call a study and its folder in the runs folder by another name.

    Returns:
        The folders as they are called now.

    Raises:
        InputError: no such study, the new name breaks the rule or is taken, or the runs folder has
            another file in the way.
        StudyBusyError: someone drives the study.
        StorageError: a file cannot be linked or moved.
    """
    check_name(new)
    study = store.study(name)
    _require_unknown(store, new)
    with _driving(store, name) as called:
        found = _runs(store, study)
        before = Checkpoints.of(study).subfolder
        after = f"{new}{before.removeprefix(name)}"
        for runs in found:
            with _storage(runs / after):
                _link(runs / before, runs / after)
        paths = {
            number: f"{new}{kept.path.removeprefix(name)}"
            for number, kept in store.files(name).items()
            if kept.path.startswith(f"{name}/")
        }
        store.rename_study(name, new, paths)
        called(new)
        for runs in found:
            with _storage(runs / new):
                _remove(runs / before)
                _move_rest(runs / name, runs / new)
    return [runs / new for runs in found]


def _require_unknown(store: Store, name: str) -> None:
    if any(study.name == name for study in store.studies()):
        raise InputError(
            f"There is a study {name!r} already.",
            f"Choose another name, or delete it: kwsearch database delete {name}.",
        )


def _runs(store: Store, study: StudyRecord) -> Sequence[Path]:
    """The runs folders that hold something of this very study."""
    file = Path(store.location)
    folders = runs_folders(file if file.is_file() else None)
    subfolder = Checkpoints.of(study).subfolder
    own = [runs for runs in folders if (runs / subfolder).is_dir()]
    # A study without checkpoints has at most reports and the like, beside where it was searched.
    return own or [runs for runs in folders[:1] if (runs / study.name).is_dir()]


@contextmanager
def _driving(store: Store, name: str) -> Iterator[Callable[[str], None]]:
    """Hold a study's lease; call what is given with the name that it has got."""
    owner, names = new_owner(), [name]
    store.acquire(name, owner, _LEASE)
    try:
        with renewed(store, name, owner, _LEASE):
            yield names.append
    finally:
        with suppress(InputError):  # it has been deleted
            store.release(names[-1], owner)


@contextmanager
def _storage(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StorageError(
            f"{error.filename or path}: {error.strerror or error}.",
            "See who owns the file and what space there is, then run the command again.",
        ) from None


def _link(source: Path, target: Path) -> None:
    """Give every file of a folder a second name in another; files that have it stay."""
    for path in sorted(source.rglob("*")):
        if not path.is_file():
            continue
        other = target / path.relative_to(source)
        other.parent.mkdir(parents=True, exist_ok=True)
        if other.exists() and other.samefile(path):  # linked by a renaming that was cut off
            continue
        other.unlink(missing_ok=True)
        try:
            other.hardlink_to(path)
        except OSError:
            shutil.copyfile(path, other)


def _move_rest(source: Path, target: Path) -> None:
    """Move reports and the like, unless another study needs them or the name is taken."""
    if not _is_empty(source / _CHECKPOINTS):
        return
    _remove(source / _CHECKPOINTS)
    for path in (source / entry for entry in _OURS):
        if path.exists() and not (target / path.name).exists():
            target.mkdir(parents=True, exist_ok=True)
            path.rename(target / path.name)
    _gone(source)


def _is_empty(folder: Path) -> bool:
    return not folder.is_dir() or not any(folder.iterdir())


def _gone(folder: Path) -> bool:
    """Remove a folder if nothing is left in it; whether it is gone."""
    if folder.is_dir() and _is_empty(folder):
        folder.rmdir()
    return not folder.exists()


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
