"""Runs in a companion of `trials.execution.isolated`: forks one process for each attempt.

What measures is loaded once, and a fork begins with it loaded; so torch costs seconds once and not
with each trial. The nursery itself trains nothing and runs none of a person's code.
"""

import os
import pickle
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from multiprocessing.connection import Connection
from multiprocessing.reduction import recv_handle
from typing import Any

from search_spaces import InputError, KwsearchError
from trials.errors import StudyError
from trials.execution.companion import die_with, signal_group
from trials.execution.outcomes import outcome_of
from trials.records import Job, Measure, Measurement, Outcome, Verdict

Said = Measurement | Outcome | StudyError
"""A measurement that waits for its verdict, or how the measure ended."""


def main(descriptor: int, parent: int) -> None:
    """Fork whenever the driver says so, until it closes the connection.

    The driver sends the measure, and hears None when it is loaded, or the error. Then it sends the
    descriptor of a connection and hears the number of a process that measures the trial which that
    connection says; or it sends the number of such a process and hears how it ended.
    """
    die_with(parent)
    driver: Connection[Any, Any] = Connection(descriptor)
    with suppress(EOFError, ConnectionError):
        measure = _loaded(driver)
        while measure is not None:
            asked = driver.recv()
            if asked is None:
                driver.send(_forked(measure, driver, recv_handle(driver)))
            else:
                driver.send(_ended(asked))


def _loaded(driver: "Connection[Any, Any]") -> Measure | None:
    try:
        measure: Measure = pickle.loads(driver.recv_bytes())  # noqa: S301 - the driver's own
        prepare: Callable[[], object] | None = getattr(measure, "prepare", None)
        if prepare is not None:
            prepare()
    except Exception as error:  # noqa: BLE001 - the driver raises it
        driver.send(_told(error))
        return None
    driver.send(None)
    return measure


def _told(error: Exception) -> KwsearchError:
    """An error that the driver can be sent, in a sentence."""
    if isinstance(error, StudyError):
        return error.with_traceback(None)
    if isinstance(error, KwsearchError):
        return InputError(error.cause, error.cure)
    return InputError(
        "What measures trials cannot be loaded in a process of its own: "
        f"{type(error).__name__}: {error}.",
        "Mend what the message says, or set isolate = false in [execution].",
    )


def _forked(measure: Measure, driver: "Connection[Any, Any]", descriptor: int) -> int:
    nursery = os.getpid()
    process = os.fork()
    if process:
        os.close(descriptor)
        return process
    try:
        os.setsid()
        die_with(nursery)
        driver.close()
        _attempt(measure, Connection(descriptor))
    except (EOFError, ConnectionError):  # the driver has lost interest
        os._exit(1)
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(0)


def _attempt(measure: Measure, driver: "Connection[Any, Any]") -> None:
    trial: Job = driver.recv()

    def report(measurement: Measurement) -> Verdict:
        driver.send(measurement)
        verdict: Verdict = driver.recv()
        return verdict

    driver.send(_outcome(measure, trial, report))


def _outcome(
    measure: Measure, trial: Job, report: Callable[[Measurement], Verdict]
) -> Outcome | StudyError:
    try:
        measure(trial, report)
    except StudyError as error:
        return error.with_traceback(None)
    except (EOFError, ConnectionError):
        raise
    except BaseException as error:  # noqa: BLE001 - whatever a training raises is its outcome
        return outcome_of(error)
    return outcome_of(None)


def _ended(process: int) -> int:
    """Kill what a process has left behind; how it ended, as an exit code or minus a signal."""
    signal_group(process, signal.SIGKILL)
    _, status = os.waitpid(process, 0)
    return os.waitstatus_to_exitcode(status)
