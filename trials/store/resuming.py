"""Reading what a search needs to go on with a study, and no more."""

from collections.abc import Iterator, Sequence

from sqlalchemy import Connection, bindparam, or_, select

from trials.promotion import Entry
from trials.records import Earlier, PastTrial, TrialState
from trials.store import rows
from trials.store.models import MeasurementRow, StudyRow, TrialRow

_OF_STUDY = TrialRow.study_id == bindparam("study")
_PAST = (
    select(
        TrialRow.number,
        TrialRow.choices,
        TrialRow.sampler_state,
        TrialRow.params,
        TrialRow.epochs,
        TrialRow.accuracy,
    )
    .where(_OF_STUDY, TrialRow.state.in_((TrialState.COMPLETE, TrialState.STOPPED)))
    .order_by(TrialRow.place)
)
_RUNG = (
    select(
        TrialRow.number, TrialRow.params, TrialRow.epochs, TrialRow.state, MeasurementRow.accuracy
    )
    .join(MeasurementRow, MeasurementRow.trial_id == TrialRow.id)
    .where(_OF_STUDY, MeasurementRow.epoch == bindparam("rung"))
    .where(or_(TrialRow.epochs > bindparam("rung"), TrialRow.finished_at.is_not(None)))
    .order_by(TrialRow.number.desc())
    .limit(bindparam("most"))
)
_ELSEWHERE = (
    select(TrialRow.id, StudyRow.name, TrialRow.number)
    .join(StudyRow, StudyRow.id == TrialRow.study_id)
    .where(
        StudyRow.name.in_(bindparam("studies", expanding=True)),
        TrialRow.digest == bindparam("network"),
        TrialRow.seed == bindparam("trained_from"),
        TrialRow.state.in_((TrialState.COMPLETE, TrialState.STOPPED)),
    )
    .order_by(TrialRow.epochs.desc(), TrialRow.id)
    .limit(1)
)
_CURVE = (
    select(MeasurementRow.__table__)
    .where(MeasurementRow.trial_id == bindparam("trial"))
    .order_by(MeasurementRow.epoch)
)
_PAGE = 1000


def history(connection: Connection, study: int) -> Iterator[PastTrial]:
    """Trials that ended complete or stopped, in the order in which they ended, read in pages."""
    found = connection.execution_options(yield_per=_PAGE).execute(_PAST, {"study": study})
    for row in found:
        yield rows.past_trial(row)


def rung(connection: Connection, study: int, epoch: int, most: int) -> list[Entry]:
    """The latest trials that a rung has decided on, by number."""
    given = {"study": study, "rung": epoch, "most": most}
    return [
        Entry(
            row.number,
            row.params,
            row.accuracy,
            went_on=row.epochs > epoch or row.state is not TrialState.STOPPED,
        )
        for row in reversed(connection.execute(_RUNG, given).all())
    ]


def earlier(
    connection: Connection, studies: Sequence[str], digest: str, seed: int
) -> Earlier | None:
    """The longest measured trial of a network and a seed in some studies."""
    given = {"studies": list(studies), "network": digest, "trained_from": seed}
    found = connection.execute(_ELSEWHERE, given).one_or_none()
    if found is None:
        return None
    curve = connection.execute(_CURVE, {"trial": found.id})
    return Earlier(found.name, found.number, tuple(rows.measurement(row) for row in curve))
