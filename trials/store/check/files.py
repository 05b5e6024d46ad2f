"""Checks the files that the database names against those that are there."""

from collections.abc import Iterator
from pathlib import Path

from sqlalchemy import Connection, inspect, text

from trials.files import file_sha256


def kept_files(connection: Connection, study: str | None, runs: Path) -> Iterator[str]:
    """Kept weights that are missing, differ from what was written, or are of a trial off the front.

    Args:
        connection: to the database.
        study: only this one's; None for all.
        runs: the folder that paths in the database start from.
    """
    if not inspect(connection).has_table("kw_file"):  # an older schema
        return
    query = """
        SELECT s.name, t.number, f.path, f.sha256, m.trial_id FROM kw_file f
        JOIN kw_trial t ON t.id = f.trial_id JOIN kw_study s ON s.id = t.study_id
        JOIN kw_tally y ON y.study_id = s.id
        LEFT JOIN kw_front_member m ON m.front_id = y.front_id AND m.trial_id = t.id
        WHERE s.name = coalesce(:study, s.name)
        ORDER BY s.name, t.number
        """
    for name, number, path, sha256, member in connection.execute(text(query), {"study": study}):
        if member is None:
            yield f"study {name!r}, trial {number} is off the front, but its weights are kept"
        try:
            found = file_sha256(runs / path)
        except OSError as error:
            yield f"study {name!r}, trial {number}: {runs / path}: {error.strerror}"
            continue
        if found != sha256:
            yield f"study {name!r}, trial {number}: {runs / path} is not the file that was kept"
