"""Reading what is kept of trials: weights of the front, results of full trainings."""

from sqlalchemy import Connection, bindparam, inspect, select

from trials.records import FullTraining, KeptFile
from trials.store.models import FileRow, FrontMemberRow, TallyRow, TrainingRow, TrialRow

_FILES = (
    select(TrialRow.number, FileRow.path, FileRow.sha256, FileRow.bytes)
    .join(FrontMemberRow, FrontMemberRow.trial_id == FileRow.trial_id)
    .join(TallyRow, TallyRow.front_id == FrontMemberRow.front_id)
    .join(TrialRow, TrialRow.id == FileRow.trial_id)
    .where(TallyRow.study_id == bindparam("study"))
    .order_by(FrontMemberRow.place)
)
_TRAININGS = (
    select(TrainingRow.__table__)
    .join(TrialRow, TrialRow.id == TrainingRow.trial_id)
    .where(TrialRow.study_id == bindparam("study"), TrialRow.number == bindparam("trial"))
    .order_by(TrainingRow.id)
)


def files(connection: Connection, study: int) -> dict[int, KeptFile]:
    """Weights that are kept, by trial; in the order of the front."""
    if not _has(connection, FileRow.__tablename__):
        return {}
    found = connection.execute(_FILES, {"study": study})
    return {row.number: KeptFile(row.path, row.sha256, row.bytes) for row in found}


def trainings(connection: Connection, study: int, number: int) -> list[FullTraining]:
    """Full trainings of a trial, oldest first."""
    if not _has(connection, TrainingRow.__tablename__):
        return []
    found = connection.execute(_TRAININGS, {"study": study, "trial": number})
    fields = FullTraining.__dataclass_fields__
    return [FullTraining(**{name: getattr(row, name) for name in fields}) for row in found]


def _has(connection: Connection, table: str) -> bool:
    """A database of an older schema, which may still be read, lacks these tables."""
    return inspect(connection).has_table(table)
