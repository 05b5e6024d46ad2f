"""What Ray changes around it, and is not to: signals, environment, logging. Imports no Ray."""

import logging
import os
import secrets
import signal
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from threading import current_thread, main_thread

LOOPBACK = "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"
"""At 0 Ray keeps to the loopback interface, as it does by default on systems other than Linux."""

_HEARD = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1)


def keep_private() -> None:
    """Let clusters that this process starts ask for a token; call it before Ray is imported.

    Ray reads the variables once. A process that has imported Ray before stays with what it had.
    """
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    if "ray" not in sys.modules:
        os.environ.setdefault("RAY_AUTH_MODE", "token")
        os.environ.setdefault("RAY_AUTH_TOKEN", secrets.token_hex(32))


@contextmanager
def signals_kept() -> Iterator[None]:
    """Put handlers of signals back as they were; Ray and Tune install their own."""
    before = {number: signal.getsignal(number) for number in _HEARD}
    try:
        yield
    finally:
        if current_thread() is main_thread():
            for number, handler in before.items():
                signal.signal(number, handler)


@contextmanager
def environment(variables: Mapping[str, str]) -> Iterator[None]:
    """Set environment variables for a while."""
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


@contextmanager
def quiet() -> Iterator[None]:
    """Keep Ray's loggers silent: standard error is for the search's own progress."""
    logger = logging.getLogger("ray")
    before = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        logger.setLevel(before)
