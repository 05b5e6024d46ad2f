"""The lease on a study: who drives it, and until when by the database's clock."""

import os
import re
import secrets
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from threading import Event, Thread
from typing import NamedTuple

from sqlalchemy import update

from search_spaces.errors import KwsearchError
from trials.errors import StudyBusyError
from trials.store.contract import Store
from trials.store.tables import STUDY
from trials.store.transactions import StudyChange

BEATS = 3
"""Renewals in the time that a lease lasts."""

_OWNER = re.compile(r"(?P<host>.+?):(?P<process>\d+)(:[0-9a-f]{16})?")


def new_owner() -> str:
    """A name for the holder of a lease, ``host:pid:token``.

    The token is random: containers may share a host's name and number their processes alike, and
    two threads are one process.
    """
    return f"{socket.gethostname() or 'unknown'}:{os.getpid()}:{secrets.token_hex(8)}"


class Lease(NamedTuple):
    """A lease that this process holds, or believes to hold."""

    owner: str
    seconds: float


def take(work: StudyChange, lease: Lease, *, steal: bool) -> datetime:
    """Give the study to the owner of ``lease`` from now on.

    Returns:
        When the lease ends.

    Raises:
        StudyBusyError: someone else holds it, and it is not to be stolen.
    """
    if not steal:
        require_free(work, lease.owner)
    return _write(work, lease)


def require_free(work: StudyChange, owner: str | None = None) -> None:
    """See that nobody but ``owner`` drives the study.

    Raises:
        StudyBusyError: someone else does.
    """
    head = work.head
    if head.lease_owner not in (None, owner) and head.lease_until > head.now:
        raise _busy(work.name, head.lease_owner, head.lease_until)


def keep(work: StudyChange, lease: Lease, *, at_once: bool = False) -> datetime:
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


def give_up(work: StudyChange, owner: str) -> None:
    """End the lease now; nothing happens if it is not ``owner``'s."""
    if work.head.lease_owner == owner:
        _set(work, None, None)


@contextmanager
def renewed(store: Store, study: str, owner: str, seconds: float) -> Iterator[None]:
    """Renew a lease that is held, in the background, for as long as the block runs.

    A renewal that fails is left to the next one. Where the study is someone else's by now, or the
    database is away, the next thing that the holder writes says so.

    Args:
        store: holds the lease.
        study: name.
        owner: as it was acquired.
        seconds: how long the lease lasts.
    """
    over = Event()

    def beat() -> None:
        while not over.wait(seconds / BEATS):
            with suppress(KwsearchError):
                store.renew(study, owner, seconds)

    thread = Thread(target=beat, name=f"lease on {study}", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join(timeout=1.0)  # it may be waiting for a server that is away


def _write(work: StudyChange, lease: Lease) -> datetime:
    now: datetime = work.head.now
    until = now + timedelta(seconds=lease.seconds)
    _set(work, lease.owner, until)
    return until


def _set(work: StudyChange, owner: str | None, until: datetime | None) -> None:
    change = update(STUDY).where(STUDY.c.id == work.head.id)
    work.connection.execute(change.values(lease_owner=owner, lease_until=until))


def _busy(study: str, owner: str | None, until: datetime | None) -> StudyBusyError:
    if owner is None or until is None:
        return StudyBusyError(
            f"The lease on study {study!r} is no longer held by this process.",
            f"Go on with 'kwsearch resume {study}'.",
        )
    process, host = _parts(owner)
    return StudyBusyError(
        f"Study {study!r} is driven by process {process} on host {host}; its lease ends at "
        f"{until:%Y-%m-%d %H:%M:%S} UTC unless it is renewed.",
        "Wait until then, or take the study over with --steal if that process is gone.",
    )


def _parts(owner: str) -> tuple[str, str]:
    """Process and host of an owner, for people."""
    found = _OWNER.fullmatch(owner)
    return (found["process"], found["host"]) if found else (owner, "unknown")
