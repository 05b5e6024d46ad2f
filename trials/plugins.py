"""Samplers and executors of other distributions, found by their entry points.

A distribution names them in its ``pyproject.toml``::

    [project.entry-points."kwsearch.samplers"]
    smallest-first = "my_package.samplers:SmallestFirst"

    [project.entry-points."kwsearch.executors"]
    threads = "my_package.running:make_executor"

A sampler's entry point is called with ``dimensions``, ``seed``, ``startup`` and ``asked`` (see
`trials.sampling.make_sampler`) and returns a `trials.sampling.Sampler`. An executor's is called
with ``folder``, its own in ``runs/``, and ``options``, the values of ``[execution]``, and returns a
`trials.execution.Executor`. Both contracts are prose in those packages. Nothing of a distribution
is loaded before a study names it.
"""

from collections.abc import Callable
from importlib.metadata import entry_points
from typing import Any

from search_spaces.errors import InputError

SAMPLERS, EXECUTORS = "kwsearch.samplers", "kwsearch.executors"
"""Groups of entry points."""


def plugin_names(group: str) -> tuple[str, ...]:
    """Names that installed distributions give in a group."""
    return tuple(sorted(entry_points(group=group).names))


def load_plugin(group: str, name: str) -> Callable[..., Any]:
    """What an entry point names.

    Raises:
        InputError: no distribution has it, two have it, or it cannot be loaded.
    """
    found = tuple(entry_points(group=group, name=name))
    if len(found) != 1:
        owners = " and ".join(sorted(point.dist.name for point in found if point.dist))
        raise InputError(
            f"{owners} both give {name!r} in {group}."
            if found
            else f"No installed distribution gives {name!r} in {group}.",
            "Uninstall one of them." if found else "Install the one that the study was made with.",
        )
    try:
        loaded = found[0].load()
    except (ImportError, AttributeError) as error:
        raise InputError(
            f"{name!r} of {group} is {found[0].value}, which cannot be loaded: {error}.",
            "Install its distribution again.",
        ) from error
    if not callable(loaded):
        raise InputError(
            f"{name!r} of {group} is {found[0].value}, which cannot be called.",
            "Name a class or a function there.",
        )
    made: Callable[..., Any] = loaded
    return made
