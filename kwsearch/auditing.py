"""Trains networks of a study to a longer schedule, to see how far its proxy is to be believed.

The study's own executor, images and settings are used; `trials.audits` chooses the networks, and
`reports.audit` says what they come to.
"""

import logging
from dataclasses import replace
from typing import TYPE_CHECKING, cast

from kwsearch import driving, seeding
from kwsearch.problems import Problem, problem, settings_of
from kwsearch.tasks import measure
from search_spaces import InputError
from search_spaces.errors import plural
from trials.audits import AUDITED, lengths, of_length, planned, spread
from trials.baselines import Baselines
from trials.checkpoints import Checkpoints
from trials.errors import InterruptedSearchError, LostDatabaseError
from trials.records import StudyRecord
from trials.store import Store, new_owner, renewed

if TYPE_CHECKING:
    from trials.execution import Decider

NETWORKS, EPOCHS = 8, 60
"""Of the first audit of a study, unless others are asked for."""

_LOG = logging.getLogger("kwsearch")


def audit(
    store: Store,
    study: StudyRecord,
    *,
    networks: int | None = None,
    epochs: int | None = None,
    watch: driving.WatchBaselines | None = None,
    steal: bool = False,
) -> int:
    """Train what an audit lacks; what is trained already is not trained again.

    Args:
        store: the database.
        study: whose networks are trained.
        networks: how many; as many as before if not given, or `NETWORKS`.
        epochs: of the longer schedule; those of the longest audit so far if not given, or `EPOCHS`.
        watch: called after each training.
        steal: take the study from a driver that is known to be dead.

    Returns:
        Epochs of the audit.

    Raises:
        InputError: the schedule is no longer than the proxy's, or no trial is over.
        StudyBusyError: another driver has the study.
        InterruptedSearchError: a person or a signal stopped it; given again, it goes on.
    """
    asked = problem(settings_of(study), study.spec.backbone)
    if asked.settings.own:
        raise InputError(
            f"Study {study.name!r} is measured by {asked.settings.task.measure}, whose schedule "
            "is its own: kwsearch cannot make it longer.",
            "Search with later epochs under [task], under another name.",
        )
    owner = new_owner()
    store.acquire(study.name, owner, driving.LEASE, steal=steal)
    decider = None
    try:
        length = _plan(store, study, asked, networks, epochs)
        decider = _decider(store, study, asked, owner.rpartition(":")[0], watch)
        with renewed(store, study.name, owner, driving.LEASE), driving.signals():
            longer = _longer(asked, length)
            run = driving.executor(longer, study.name)
            # The decider is told of baselines alone, as it hands out no trials.
            run(cast("Decider", decider), measure(asked.settings, study, asked.ladder))
    except LostDatabaseError:  # there is nothing to give back to: the lease ends by itself
        raise
    except BaseException as error:
        if decider is not None:
            decider.give_back()
        store.release(study.name, owner)
        if isinstance(error, KeyboardInterrupt | InterruptedSearchError):
            raise driving.interrupted(study.name, error, "audit") from None
        raise
    store.release(study.name, owner)
    return length


def _plan(
    store: Store, study: StudyRecord, asked: Problem, networks: int | None, epochs: int | None
) -> int:
    """Write down the trainings that are missing; return the length of the audit."""
    known, top = store.baselines(study.name), asked.ladder.top
    before = lengths(known, top)
    length = epochs or (before[-1] if before else EPOCHS)
    if length <= top:
        raise InputError(
            f"A schedule of {plural(length, 'epoch')} is no longer than the {top} of a trial of "
            f"study {study.name!r}.",
            f"Ask for at least five times as many, such as --epochs {5 * top}.",
        )
    measured = [one for one in store.trials(study.name, states=AUDITED) if one.epochs]
    if not measured:
        raise InputError(
            f"No trial of study {study.name!r} is over.",
            f"Search first, with 'kwsearch resume {study.name}'.",
        )
    digests = {one.baseline.digest for one in of_length(known, length)}
    chosen = {one.number for one in measured if one.trial.digest in digests}
    front = {one.number for one in store.front(study.name)}
    wanted = spread(measured, front, networks or len(chosen) or NETWORKS, chosen)
    missing = planned(wanted, known, study.spec.backbone, epochs=length, top=top)
    if missing:
        store.add_baselines(study.name, missing)
    return length


def _decider(
    store: Store,
    study: StudyRecord,
    asked: Problem,
    worker: str,
    watch: driving.WatchBaselines | None,
) -> Baselines:
    """What decides about the audits of the study."""
    settings, others = asked.settings, store.studies()
    for remark in seeding.remarks(study, others, reuse=settings.search.reuse):
        _LOG.warning(remark)
    kept = Checkpoints.of(study).of_audits()
    decider = Baselines(
        store=store,
        study=study,
        ladder=asked.ladder,
        worker=worker,
        watch=watch or (lambda _: None),
        max_failures=settings.execution.max_failures,
        alike=seeding.alike(study, others) if settings.search.reuse else (),
        audits=True,
        checkpoints=kept,
    )
    under_way = [one.number for one in store.baselines(study.name) if not one.state.final]
    kept.sweep(under_way, ())
    return decider


def _longer(asked: Problem, epochs: int) -> Problem:
    """The problem with rungs, and with the time for a training, of the longer schedule."""
    execution = asked.settings.execution
    if execution.trial_timeout is not None:
        timeout = execution.trial_timeout * epochs / asked.ladder.top
        execution = execution.model_copy(update={"trial_timeout": timeout})
    settings = asked.settings.model_copy(update={"execution": execution})
    return replace(asked, settings=settings, ladder=asked.ladder.to(epochs))
