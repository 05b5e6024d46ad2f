"""Keeping a lease while nothing is written: an epoch may take longer than a lease lasts."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Event, Thread

from search_spaces import KwsearchError
from trials.store.store import Store

BEATS = 3
"""Renewals in the time that a lease lasts."""


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
