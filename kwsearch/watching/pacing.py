"""Doing something again and again, without it taking more than a share of the time."""

from collections.abc import Callable
from threading import Lock
from time import monotonic

LEAST = 1.0
"""Seconds of rest at least."""

REST = 9.0
"""Rest after work that took a second: so it takes a tenth of the time, however many ask."""


class Paced:
    """Calls ``work`` when it is called, unless that was done a moment ago.

    Threads that call while it works wait for it to end.
    """

    def __init__(self, work: Callable[[], None]) -> None:
        self._work = work
        self._lock = Lock()
        self._due = 0.0

    def __call__(self) -> None:
        """Work, or leave things as they are."""
        with self._lock:
            began = monotonic()
            if began < self._due:
                return
            try:
                self._work()
            finally:
                ended = monotonic()
                self._due = ended + max(LEAST, REST * (ended - began))
