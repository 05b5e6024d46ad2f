"""The front of a study and the weights of its members, written in one transaction.

There is a new front each time the members or the hypervolume change. Weights are named as long as
their trial is a member of the present front.
"""

from itertools import pairwise

from sqlalchemy import bindparam, delete, func, insert, select

from search_spaces.errors import InputError
from trials.records import FrontUpdate, KeptFile, TrialState
from trials.store.column_types import plain
from trials.store.tables import FILE, FRONT, MEMBER, TRIAL
from trials.store.transactions import StudyChange

_NUMBERS = (
    select(TRIAL.c.number)
    .join(MEMBER, MEMBER.c.trial_id == TRIAL.c.id)
    .where(MEMBER.c.front_id == bindparam("front"))
    .order_by(MEMBER.c.place)
)
_FRONT = select(FRONT.c.number, FRONT.c.hypervolume).where(FRONT.c.id == bindparam("front"))
_COST = func.coalesce(TRIAL.c.cost, TRIAL.c.params).label("cost")
_AMONG = select(TRIAL.c.id, TRIAL.c.number, _COST, TRIAL.c.accuracy).where(
    TRIAL.c.study_id == bindparam("study"),
    TRIAL.c.number.in_(bindparam("members", expanding=True)),
    TRIAL.c.state == TrialState.COMPLETE,
    TRIAL.c.accuracy.is_not(None),
)
_MEMBERS = select(MEMBER.c.trial_id)
_FALLEN = delete(FILE).where(
    FILE.c.trial_id.in_(_MEMBERS.where(MEMBER.c.front_id == bindparam("before"))),
    FILE.c.trial_id.not_in(_MEMBERS.where(MEMBER.c.front_id == bindparam("after"))),
)


def keep(work: StudyChange, number: int, front: FrontUpdate) -> int | None:
    """Write ``front`` if it differs from the present one.

    Args:
        work: on the study.
        number: the trial that has just been finished.
        front: what it made of the front.

    Returns:
        Key of the front after the trial; None if there is none yet.

    Raises:
        InputError: the members are not complete trials by strictly ascending cost and accuracy.
    """
    before: int | None = work.head.front_id
    last = None
    if before is not None:
        last = work.connection.execute(_FRONT, {"front": before}).one()
        members = tuple(work.connection.scalars(_NUMBERS, {"front": before}))
        if (members, last.hypervolume) == (front.members, front.hypervolume):
            return before
    keys = _members(work, front)
    row = {
        "study_id": work.head.id,
        "number": last.number + 1 if last else 0,
        "trial": number,
        "hypervolume": front.hypervolume,
        "reference_params": work.head.reference_params,
        "reference_accuracy": work.head.reference_accuracy,
        "created_at": work.head.now,
    }
    new = insert(FRONT).values(row).returning(FRONT.c.id)
    key: int = work.connection.execute(new).scalar_one()
    work.connection.execute(
        insert(MEMBER),
        [{"front_id": key, "place": at, "trial_id": member} for at, member in enumerate(keys)],
    )
    return key


def keep_file(
    work: StudyChange, key: int, number: int, file: KeptFile, front: FrontUpdate | None
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
    work.connection.execute(insert(FILE).values(row))


def drop_fallen(work: StudyChange, before: int | None, after: int | None) -> None:
    """Forget the weights of trials that have left the front."""
    if before is not None and before != after:
        work.connection.execute(_FALLEN, {"before": before, "after": after})


def _members(work: StudyChange, front: FrontUpdate) -> list[int]:
    query = {"study": work.head.id, "members": list(front.members)}
    found = {row.number: row for row in work.connection.execute(_AMONG, query)}
    ordered = [found[number] for number in front.members if number in found]
    rising = all(a.cost < b.cost and a.accuracy < b.accuracy for a, b in pairwise(ordered))
    if not ordered or len(ordered) != len(front.members) or not rising:
        raise InputError(
            f"Trials {list(front.members)} of study {work.name!r} are no front.",
            "Members are complete trials by strictly ascending cost and accuracy.",
        )
    return [row.id for row in ordered]
