"""How far a ConvNet can go inside a parameter budget.

The verbs of the command line as functions, and studies as pandas frames: ``kwsearch.trials``,
``kwsearch.front`` and ``kwsearch.measurements``. Nothing is loaded before it is used.
"""

from importlib import import_module
from typing import Any

_FRAMES = ("front", "measurements", "trials")
_VERBS = (
    "best",
    "compare",
    "count",
    "dashboard",
    "export",
    "export_ladder",
    "init",
    "load",
    "mirror",
    "plan",
    "report",
    "resume",
    "search",
    "show",
    "status",
    "studies",
    "verify",
)

__all__ = [*_FRAMES, *_VERBS]  # noqa: PLE0604 - names of functions that are loaded when used


def __getattr__(name: str) -> Any:  # noqa: ANN401 - whatever the verb is
    if name in _FRAMES:
        return getattr(import_module("kwsearch.frames"), name)
    if name in _VERBS:
        return getattr(import_module("kwsearch.api"), name)
    raise AttributeError(f"module 'kwsearch' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
