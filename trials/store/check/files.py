"""Checks the files that the database names against those that are there."""

from collections.abc import Callable, Collection, Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from sqlalchemy import Connection, inspect, text

from trials.files import file_sha256


class Named(NamedTuple):
    """A file that the database names.

    Attributes:
        study: its study.
        trial: whose weights it holds.
        path: in the runs folder.
        sha256: as the database has it.
        member: whether the trial is on the present front.
    """

    study: str
    trial: int
    path: str
    sha256: str
    member: bool


Still = Callable[[], Collection[Named]]
"""Reads again which files the database names."""


def named_files(connection: Connection, study: str | None) -> list[Named]:
    """Files that the database names, of one study or of all."""
    if not inspect(connection).has_table("kw_file"):  # an older schema
        return []
    query = """
        SELECT s.name, t.number, f.path, f.sha256, m.trial_id FROM kw_file f
        JOIN kw_trial t ON t.id = f.trial_id JOIN kw_study s ON s.id = t.study_id
        JOIN kw_tally y ON y.study_id = s.id
        LEFT JOIN kw_front_member m ON m.front_id = y.front_id AND m.trial_id = t.id
        WHERE s.name = coalesce(:study, s.name)
        ORDER BY s.name, t.number
        """
    return [
        Named(name, number, path, sha256, member is not None)
        for name, number, path, sha256, member in connection.execute(text(query), {"study": study})
    ]


def wrong_files(named: Iterable[Named], runs: Path, still: Still) -> Iterator[str]:
    """Kept weights that are missing, differ from what was written, or are of a trial off the front.

    Args:
        named: what the database named at one moment.
        runs: the folder that paths in the database start from.
        still: those that it names now: a search may have dropped one in the meantime.
    """
    for file in named:
        whose = f"study {file.study!r}, trial {file.trial}"
        if not file.member:
            yield f"{whose} is off the front, but its weights are kept"
        fault = _fault(runs / file.path, file.sha256)
        if fault is not None and file in still():
            yield f"{whose}: {fault}"


def _fault(path: Path, sha256: str) -> str | None:
    try:
        found = file_sha256(path)
    except OSError as error:
        return f"{path}: {error.strerror}"
    return None if found == sha256 else f"{path} is not the file that was kept"
