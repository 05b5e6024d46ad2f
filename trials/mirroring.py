"""A study of ours as one of Optuna's, for programs that read Optuna's.

The mirror lives in memory and follows the database; nothing that is done to it reaches us. Numbers
of trials are the same on both sides. A stopped trial is pruned there, and has no values: only
complete trials do. Optuna plots no intermediate values of two objectives, so a trial's curve is
among its user attributes as well.
"""

import warnings
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import optuna
from optuna.distributions import BaseDistribution
from optuna.storages import BaseStorage, InMemoryStorage
from optuna.trial import FrozenTrial
from optuna.trial import TrialState as OptunaState

from search_spaces.choices import Choice
from trials.records import Measurement, TrialRecord, TrialState
from trials.sampling.kinds import distribution

OBJECTIVES = ("parameters", "accuracy")
"""To be minimised and maximised."""

STATES = {
    TrialState.WAITING: OptunaState.WAITING,
    TrialState.RUNNING: OptunaState.RUNNING,
    TrialState.COMPLETE: OptunaState.COMPLETE,
    TrialState.STOPPED: OptunaState.PRUNED,
    TrialState.FAILED: OptunaState.FAIL,
}

Curves = Mapping[int, Sequence[Measurement]]
"""Measurements by number of the trial."""


class Mirror:
    """A study in Optuna's memory.

    Attributes:
        storage: Optuna's, to be handed to whoever reads it.
    """

    def __init__(self, name: str) -> None:
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        self.storage: BaseStorage = InMemoryStorage()
        self._study = optuna.create_study(
            storage=self.storage, study_name=name, directions=["minimize", "maximize"]
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            self._study.set_metric_names(list(OBJECTIVES))
        self._ids: dict[int, int] = {}
        self._shown: dict[int, tuple[object, ...]] = {}

    def update(
        self, records: Sequence[TrialRecord], curves: Curves, dimensions: Mapping[str, Choice]
    ) -> None:
        """Bring the mirror up to what these trials are now.

        Args:
            records: every trial, by number.
            curves: their measurements.
            dimensions: what was searched.
        """
        distributions = {name: distribution(choice) for name, choice in dimensions.items()}
        for record in records:
            curve = curves.get(record.number, ())
            stamp = (record.state, record.trial.attempt, len(curve))
            shown = self._shown.get(record.number)
            if shown is None:
                self._study.add_trial(_frozen(record, curve, distributions))
                trials = self.storage.get_all_trials(self._study._study_id, deepcopy=False)  # noqa: SLF001 - Optuna names it nowhere else
                self._ids[record.number] = trials[-1]._trial_id  # noqa: SLF001 - likewise
            elif shown != stamp and not TrialState(str(shown[0])).final:
                self._follow(record, curve, STATES[TrialState(str(shown[0]))])
            self._shown[record.number] = stamp

    def _follow(
        self, record: TrialRecord, curve: Sequence[Measurement], before: OptunaState
    ) -> None:
        """Change a trial that was not over."""
        key, state = self._ids[record.number], STATES[record.state]
        for name, value in _attributes(record, curve).items():
            self.storage.set_trial_user_attr(key, name, value)
        for measurement in curve:
            self.storage.set_trial_intermediate_value(key, measurement.epoch, measurement.accuracy)
        if before is OptunaState.WAITING and state is not before:
            self.storage.set_trial_state_values(key, OptunaState.RUNNING)
            before = OptunaState.RUNNING
        if state is not before:
            self.storage.set_trial_state_values(key, state, _objectives(record))


def _frozen(
    record: TrialRecord,
    curve: Sequence[Measurement],
    distributions: Mapping[str, BaseDistribution],
) -> FrozenTrial:
    frozen = optuna.trial.create_trial(
        state=STATES[record.state],
        values=_objectives(record),
        params={name: record.values[name] for name in distributions},
        distributions=dict(distributions),
        user_attrs=_attributes(record, curve),
        intermediate_values={m.epoch: m.accuracy for m in curve},
    )
    frozen.datetime_start = (
        None if record.state is TrialState.WAITING else _local(record.started_at)
    )
    frozen.datetime_complete = None if record.finished_at is None else _local(record.finished_at)
    return frozen


def _objectives(record: TrialRecord) -> tuple[float, float] | None:
    if record.state is not TrialState.COMPLETE or record.accuracy is None:
        return None
    return float(record.trial.params), record.accuracy


def _attributes(record: TrialRecord, curve: Sequence[Measurement]) -> dict[str, Any]:
    facts = {
        "digest": record.trial.digest,
        "params": record.trial.params,
        "macs": record.trial.macs,
        "accuracy": record.accuracy,
        "accuracy_error": record.accuracy_error,
        "epochs": record.epochs,
        "seconds": record.seconds,
        "cause": record.cause,
        "detail": record.detail,
        "curve": {str(m.epoch): m.accuracy for m in curve},
    }
    return {name: value for name, value in facts.items() if value is not None}


def _local(time: datetime) -> datetime:
    """Optuna's times are the machine's own, and say no zone."""
    return time.astimezone().replace(tzinfo=None)
