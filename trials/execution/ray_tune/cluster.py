"""Joining a cluster: one of our own on this machine, or one that a person names.

A cluster of our own listens on the loopback interface alone, asks for a token that only its own
processes know, shows no dashboard, reports no usage, and is gone when the search is. A cluster
elsewhere is never found by chance: only the address in the settings counts.
"""

import logging
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import ray
from ray._private import ray_constants
from ray._private import worker as ray_worker
from ray.exceptions import RayError
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from search_spaces import InputError
from trials.errors import InterruptedSearchError
from trials.execution.ray_tune.settings import RaySettings
from trials.execution.ray_tune.surroundings import LOOPBACK, environment, signals_kept

STORE = 100 * 2**20
"""Bytes of shared memory for objects: images are mapped from files, so there is little to share."""

_OWN = {
    LOOPBACK: "0",
    "RAY_memory_monitor_refresh_ms": "0",  # the kernel kills workers first, and Tune survives that
}
_QUIET: dict[str, Any] = {
    "include_dashboard": False,
    "log_to_driver": False,
    "logging_level": logging.CRITICAL,
}
_ANSWER = 60.0
"""Seconds that a node may take to answer."""


@contextmanager
def joined(settings: RaySettings, own: str) -> Iterator[tuple[int, ...]]:
    """Join the cluster that the settings name, and leave it afterwards.

    Args:
        settings: name the cluster.
        own: folder for the sockets and logs of a cluster of our own.

    Yields:
        The processes without which a cluster of our own is dead; none of another one.

    Raises:
        InputError: there is no such cluster, or it does not see the folder.
        InterruptedSearchError: a cluster of our own does not start.
    """
    with _silence():
        try:
            with signals_kept():
                if settings.address is None:
                    _start(settings, own)
                else:
                    _join(settings.address)
                    _check_folder(settings.folder.resolve())
            yield () if settings.address else _processes()
        except SystemExit:  # Ray's own answer to SIGTERM while it starts
            raise KeyboardInterrupt from None
        finally:
            with signals_kept():
                ray.shutdown()


@contextmanager
def _silence() -> Iterator[None]:
    """Ray prints what happens to workers on standard output, which is for data."""
    before = ray_worker.print_to_stdstream
    ray_worker.print_to_stdstream = lambda *_, **__: None
    try:
        yield
    finally:
        ray_worker.print_to_stdstream = before


def _start(settings: RaySettings, own: str) -> None:
    """A cluster on this machine; Ray's sockets and logs go to a folder that is removed."""
    wanted = settings.workers and settings.workers * settings.cpus_per_trial
    # Ray reads the variable as it is imported, maybe before now; its processes inherit it.
    ray_constants.ENABLE_RAY_CLUSTER = False
    try:
        with environment(_OWN):
            ray.init("local", num_cpus=wanted, object_store_memory=STORE, _temp_dir=own, **_QUIET)
    except (OSError, RuntimeError, RayError, ValueError) as error:
        last = str(error).strip().rpartition("\n")[2]
        raise InterruptedSearchError(
            f"Ray does not start on this machine: {type(error).__name__}: {last}",
            "Make room in /dev/shm and in the folder for temporary files, or set "
            "executor = 'serial'.",
        ) from None
    finally:
        ray_constants.ENABLE_RAY_CLUSTER = True


def _processes() -> tuple[int, ...]:
    """The head and this machine's node; the node ends with its agent."""
    node = ray_worker._global_node  # noqa: SLF001 - Ray has no public name for it
    kinds = (ray_constants.PROCESS_TYPE_GCS_SERVER, ray_constants.PROCESS_TYPE_RAYLET)
    started: dict[str, Any] = node.all_processes if node is not None else {}
    return tuple(info.process.pid for kind in kinds for info in started.get(kind, ()))


def _join(address: str) -> None:
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=10).close()
        ray.init(address, log_to_driver=False, logging_level=logging.CRITICAL)
    except (OSError, RuntimeError, RayError) as error:
        raise InputError(
            f"The Ray cluster at {address} cannot be joined: {error}",
            "Start it with 'ray start --head', set RAY_AUTH_MODE=token here too if it asks for a "
            "token, or leave address unset for one on this machine.",
        ) from None


def _check_folder(folder: Path) -> None:
    """Make sure that every node sees the driver's folder, and can import what measures."""
    folder.mkdir(parents=True, exist_ok=True)
    path, token = folder / "token", uuid4().hex
    path.write_text(token, encoding="utf-8")
    faults = []
    for node in ray.nodes():  # type: ignore[no-untyped-call] # Ray leaves it untyped
        if not node["Alive"]:
            continue
        there = NodeAffinitySchedulingStrategy(node["NodeID"], soft=False)
        reader = ray.remote(_read).options(num_cpus=0, scheduling_strategy=there)
        try:
            seen = ray.get(reader.remote(str(path)), timeout=_ANSWER)
        except RayError as error:
            seen = str(error).strip().rpartition("\n")[2]
        if seen != token:
            faults.append(f"{node['NodeManagerAddress']} ({seen or 'an old copy'})")
    if faults:
        raise InputError(
            f"These nodes of the cluster do not see the folder {folder} of this study: "
            f"{', '.join(faults)}.",
            "Start the search in a folder that all nodes share, with the same kwsearch installed.",
        )


def _read(path: str) -> str:
    from trials.execution.ray_tune import worker as _  # noqa: F401, PLC0415 - fails on a node without it

    return Path(path).read_text(encoding="utf-8")
