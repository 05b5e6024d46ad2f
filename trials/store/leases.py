"""The lease on a study: who drives it, and until when by the database's clock."""

from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import update

from trials.errors import StudyBusyError
from trials.store.models import StudyRow
from trials.store.work import StudyWork


class Lease(NamedTuple):
    """A lease that this process holds, or believes to hold."""

    owner: str
    seconds: float


def take(work: StudyWork, lease: Lease, *, steal: bool) -> datetime:
    """Give the study to the owner of ``lease`` from now on.

    Returns:
        When the lease ends.

    Raises:
        StudyBusyError: someone else holds it, and it is not to be stolen.
    """
    if not steal:
        require_free(work, lease.owner)
    return _write(work, lease)


def require_free(work: StudyWork, owner: str | None = None) -> None:
    """See that nobody but ``owner`` drives the study.

    Raises:
        StudyBusyError: someone else does.
    """
    head = work.head
    if head.lease_owner not in (None, owner) and head.lease_until > head.now:
        raise _busy(work.name, head.lease_owner, head.lease_until)


def keep(work: StudyWork, lease: Lease, *, at_once: bool = False) -> datetime:
    """Check that the lease is still this owner's, and prolong it if half of it is over.

    Returns:
        When the lease ends.

    Raises:
        StudyBusyError: someone else has it now.
    """
    head = work.head
    if head.lease_owner != lease.owner:
        raise _busy(work.name, head.lease_owner, head.lease_until)
    until: datetime = head.lease_until
    if at_once or until - head.now < timedelta(seconds=lease.seconds / 2):
        return _write(work, lease)
    return until


def give_up(work: StudyWork, owner: str) -> None:
    """End the lease now; nothing happens if it is not ``owner``'s."""
    if work.head.lease_owner == owner:
        _set(work, None, None)


def _write(work: StudyWork, lease: Lease) -> datetime:
    now: datetime = work.head.now
    until = now + timedelta(seconds=lease.seconds)
    _set(work, lease.owner, until)
    return until


def _set(work: StudyWork, owner: str | None, until: datetime | None) -> None:
    change = update(StudyRow).where(StudyRow.id == work.head.id)
    work.connection.execute(change.values(lease_owner=owner, lease_until=until))


def _busy(study: str, owner: str | None, until: datetime | None) -> StudyBusyError:
    if owner is None or until is None:
        return StudyBusyError(
            f"The lease on study {study!r} is no longer held by this process.",
            f"Go on with 'kwsearch resume {study}'.",
        )
    host, _, process = owner.rpartition(":")
    return StudyBusyError(
        f"Study {study!r} is driven by process {process} on host {host or 'unknown'}; its lease "
        f"ends at {until:%Y-%m-%d %H:%M:%S} UTC unless it is renewed.",
        "Wait until then, or take the study over with --steal if that process is gone.",
    )
