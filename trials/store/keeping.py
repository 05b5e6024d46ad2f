"""Writing what is kept of trials: weights of the front, results of full trainings."""

from dataclasses import asdict

from sqlalchemy import bindparam, delete, insert, select

from search_spaces.errors import InputError
from trials.records import FrontUpdate, FullTraining, KeptFile
from trials.store.models import FileRow, FrontMemberRow, TrainingRow
from trials.store.types import plain
from trials.store.work import StudyWork

_MEMBERS = select(FrontMemberRow.trial_id)
_FALLEN = delete(FileRow).where(
    FileRow.trial_id.in_(_MEMBERS.where(FrontMemberRow.front_id == bindparam("before"))),
    FileRow.trial_id.not_in(_MEMBERS.where(FrontMemberRow.front_id == bindparam("after"))),
)


def keep_file(
    work: StudyWork, key: int, number: int, file: KeptFile, front: FrontUpdate | None
) -> None:
    """Name the weights of a trial that has just joined the front.

    Raises:
        InputError: it is no member of it.
    """
    if front is None or number not in front.members:
        raise InputError(
            f"Trial {number} of study {work.name!r} is not on the front.",
            "Only weights of its members are kept.",
        )
    row = {"trial_id": key, "path": plain(file.path), "sha256": file.sha256, "bytes": file.bytes}
    work.connection.execute(insert(FileRow).values(row))


def drop_fallen(work: StudyWork, before: int | None, after: int | None) -> None:
    """Forget the weights of trials that have left the front."""
    if before is not None and before != after:
        work.connection.execute(_FALLEN, {"before": before, "after": after})


def add_training(work: StudyWork, number: int, training: FullTraining) -> None:
    """Write what a full training reached."""
    row = {**asdict(training), "data": plain(training.data), "finished_at": work.head.now}
    work.connection.execute(insert(TrainingRow).values(trial_id=work.trial(number).id, **row))
