"""Merging databases: studies of one are copied into another, or merged with those there.

`dump` reads a study as plain rows, `join` makes one dump of two, `restore` writes it back.
"""

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from enum import StrEnum
from uuid import uuid4

from sqlalchemy import Connection, select

from search_spaces.errors import InputError, nearest
from trials.names import check_name
from trials.store import leases
from trials.store.merge import dump
from trials.store.merge.dump import StudyDump
from trials.store.merge.join import differences, join
from trials.store.merge.restore import create_empty, restore
from trials.store.store import SqlStore, open_store
from trials.store.tables import STUDY
from trials.store.transactions import StudyChange, lock


class Way(StrEnum):
    """What became of a study of another database."""

    COPIED = "copied"
    UNITED = "united"
    KNOWN = "nothing new"


@dataclass(frozen=True, slots=True)
class Merged:
    """One study of one other database.

    Attributes:
        study: its name, as it is now.
        source: the other database.
        way: what became of it.
        trials: how many the study has now.
        new_trials: how many of them are new.
        new_measurements: epochs measured that were not there.
    """

    study: str
    source: str
    way: Way
    trials: int
    new_trials: int
    new_measurements: int


def merge(
    sources: Sequence[str], into: str | None = None, *, rename: Mapping[str, str] | None = None
) -> list[Merged]:
    """Take what other databases hold into one; see `trials.store.merge.join`.

    Studies are taken one by one, each in one transaction; merging again changes nothing. The
    other databases are only read.

    Args:
        sources: URLs or paths of the others.
        into: URL or path, as for `open_store`; made if it is not there.
        rename: other names for studies of the others.

    Returns:
        What became of each study.

    Raises:
        InputError: a study is another one than that of its name; then nothing is written.
        StudyBusyError: a study is being driven in ``into``.
        StorageError: a database cannot be reached, or has an older or newer schema.
        DamagedDataError: one cannot be read.
    """
    names = dict(rename or {})
    for name in names.values():
        check_name(name)
    with ExitStack() as opened:
        others = [
            opened.enter_context(open_store(source, create=False, read_only=True))
            for source in sources
        ]
        found = [(other, study.name) for other in others for study in other.studies()]
        _refuse_unknown(names, {name for _, name in found})
        target = opened.enter_context(open_store(into))
        _refuse_different(target, found, names)
        return [_take(target, other, name, names) for other, name in found]


class Merging:
    """Takes a study into a database, and recognises it where an earlier try had taken it."""

    def __init__(self, theirs: StudyDump, source: str) -> None:
        self._theirs = theirs
        self._source = source
        self._token = uuid4().hex
        self._merged: Merged | None = None

    def __call__(self, connection: Connection) -> Merged:
        """Work inside the transaction of ``connection``."""
        theirs = self._theirs
        new = not _is_there(connection, theirs.name)
        if new:
            create_empty(connection, theirs)
        head = lock(connection, theirs.name)
        if self._merged is None or head.unit != self._token:
            work = StudyChange(connection, theirs.name, head)
            leases.require_free(work)
            self._merged = self._merge(work, new=new)
            if self._merged.way is not Way.KNOWN:
                work.save(self._token)
        return self._merged

    def _merge(self, work: StudyChange, *, new: bool) -> Merged:
        ours = dump.read(work.connection, work.name)
        _refuse(work.name, differences(ours, self._theirs), self._source)
        both = join(ours, self._theirs)
        way = Way.COPIED if new else Way.UNITED if both != ours else Way.KNOWN
        if way is not Way.KNOWN:
            restore(work, ours, both)
        return Merged(
            study=work.name,
            source=self._source,
            way=way,
            trials=len(both.trials),
            new_trials=len(both.trials) - len(ours.trials),
            new_measurements=_measured(both) - _measured(ours),
        )


def _take(target: SqlStore, other: SqlStore, name: str, names: Mapping[str, str]) -> Merged:
    with other.transactions.open() as connection:
        study = _renamed(dump.read(connection, name), names)
    return target.transactions.write(Merging(study, other.location))


def _renamed(study: StudyDump, names: Mapping[str, str]) -> StudyDump:
    name = names.get(study.name, study.name)
    settings = dict(study.columns["settings"])
    if "name" in settings:
        settings["name"] = name
    return replace(study, columns={**study.columns, "name": name, "settings": settings})


def _refuse_unknown(names: Mapping[str, str], known: set[str]) -> None:
    for name in names:
        if name not in known:
            raise InputError(
                f"There is no study {name!r} to be renamed.{nearest(name, sorted(known))}",
                "Write --rename OLD=NEW with the name of a study of the other databases.",
            )


def _refuse_different(
    target: SqlStore, found: Sequence[tuple[SqlStore, str]], names: Mapping[str, str]
) -> None:
    """Compare all studies of one name before anything is written."""
    with target.transactions.open() as connection:
        first = {
            name: dump.outline(connection, name)
            for name in connection.scalars(select(STUDY.c.name))
        }
    for other, name in found:
        with other.transactions.open() as connection:
            study = _renamed(dump.outline(connection, name), names)
        differing = differences(first.setdefault(study.name, study), study)
        _refuse(study.name, differing, other.location)


def _refuse(name: str, differing: Sequence[str], source: str) -> None:
    if differing:
        raise InputError(
            f"Study {name!r} of {source} is another one than the study of that name here: they "
            f"differ in {', '.join(differing)}.",
            f"Take it under another name with --rename {name}={name}-2.",
        )


def _is_there(connection: Connection, name: str) -> bool:
    return connection.scalar(select(STUDY.c.id).where(STUDY.c.name == name)) is not None


def _measured(study: StudyDump) -> int:
    return sum(len(trial.measurements) for trial in study.trials)
