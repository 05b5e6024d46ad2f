"""Creating a study, and changing the one thing about it that may change."""

from importlib.metadata import version
from typing import Any
from uuid import uuid4

from sqlalchemy import Connection, insert, select, update

from search_spaces.errors import InputError
from trials.names import check_name
from trials.records import NewStudy, Refusal, TrialState
from trials.store.models import StudyRow, TallyRow, clock
from trials.store.transactions import StudyChange


class Creation:
    """Creates a study, and recognises it where an earlier try had created it."""

    def __init__(self, new: NewStudy) -> None:
        check_name(new.name)
        _check_trials(new.trials)
        self._new = new
        self._token = uuid4().hex

    def __call__(self, connection: Connection) -> None:
        """Work inside the transaction of ``connection``."""
        query = select(TallyRow.unit).join(StudyRow, StudyRow.id == TallyRow.study_id)
        found = connection.execute(query.where(StudyRow.name == self._new.name)).one_or_none()
        if found is None:
            self._create(connection)
        elif found.unit != self._token:
            name = self._new.name
            raise InputError(
                f"There is a study {name!r} already.",
                f"Go on with 'kwsearch resume {name}', or choose another name.",
            )

    def _create(self, connection: Connection) -> None:
        new = self._new
        row: dict[str, Any] = {
            "name": new.name,
            "settings": dict(new.settings),
            "backbone": new.backbone.to_dict(),
            "seed": new.seed,
            "trials": new.trials,
            "reference_params": new.reference_params,
            "reference_accuracy": new.reference_accuracy,
            "version": version("kwsearch"),
            "created_at": clock(),
        }
        key = connection.scalar(insert(StudyRow).values(row).returning(StudyRow.id))
        zeros = dict.fromkeys((*TrialState, *Refusal), 0)
        tally = {"study_id": key, "epochs": 0, "seconds": 0.0, "unit": self._token}
        connection.execute(insert(TallyRow).values({**zeros, **tally}))


def set_trials(work: StudyChange, trials: int) -> None:
    """Change how many trials the study asks for.

    Raises:
        InputError: more than that were begun.
    """
    _check_trials(trials)
    if trials < work.asked:
        raise InputError(
            f"Study {work.name!r} cannot ask for {trials} trials: {work.asked} were begun.",
            f"Ask for {work.asked} or more.",
        )
    change = update(StudyRow).where(StudyRow.id == work.head.id)
    work.connection.execute(change.values(trials=trials))


def _check_trials(trials: int) -> None:
    if not 0 <= trials < 2**31:
        raise InputError(
            f"{trials} is not a number of trials.", "Ask for 0 to 2,147,483,647 of them."
        )
