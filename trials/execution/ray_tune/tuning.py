"""Runs in a companion of `trials.execution.ray_tune.beside`: joins a cluster and runs Tune there.

What it prints goes to a file beside Ray's state, as Ray talks when it dies.
"""

import os
import signal
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

from ray import cloudpickle

from search_spaces.errors import KwsearchError
from trials.errors import InterruptedSearchError
from trials.execution.companion import die_with
from trials.execution.ray_tune import cluster, running
from trials.execution.ray_tune.asked import AskedDecider, Joined, Over
from trials.execution.ray_tune.settings import RaySettings

if TYPE_CHECKING:
    from trials.records import Measure

TALK = "ray.log"
"""File in the executor's folder that takes what this process and Ray say."""


def main(descriptor: int, parent: int) -> None:
    """Run trials for the decider at the other end of the connection.

    It hears the settings, a folder of Ray's own and the measure, says `Joined`, asks, and says
    `Over`. SIGTERM ends it in order.
    """
    die_with(parent)
    signal.signal(signal.SIGTERM, _interrupt)
    signal.signal(signal.SIGINT, _interrupt)
    decider: Connection[Any, Any] = Connection(descriptor)
    with _told():
        settings, own, pickled = decider.recv()
        _talk_to(settings.folder / TALK)
        over = _over(decider, settings, own, pickled)
        decider.send(over)


def _over(decider: "Connection[Any, Any]", settings: RaySettings, own: str, pickled: bytes) -> Over:
    joined = False
    try:
        measure: Measure = cloudpickle.loads(pickled)
        with cluster.joined(settings, own) as processes:
            decider.send(Joined(processes))
            joined = True
            try:
                running.run(settings, AskedDecider(decider), measure)
            finally:
                decider.send(Joined(()))  # leaving it ends its processes, as it should
    except KwsearchError as error:
        return Over(error.with_traceback(None), joined)
    except (EOFError, ConnectionError, KeyboardInterrupt):
        raise
    except Exception as error:  # noqa: BLE001 - told where the search is driven
        return Over(
            InterruptedSearchError(
                f"Ray ended the search; everything measured is kept. "
                f"{type(error).__name__}: {error}",
                "Look after the cluster.",
            ),
            joined,
        )
    return Over()


def _talk_to(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    for stream in (1, 2):
        os.dup2(file, stream)
    os.close(file)


@contextmanager
def _told() -> Iterator[None]:
    """What ends this process before its time is for the log: nobody listens any more."""
    try:
        yield
    except (EOFError, ConnectionError, KeyboardInterrupt):
        traceback.print_exc()


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt
