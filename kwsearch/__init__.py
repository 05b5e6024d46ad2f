"""How far a ConvNet can go inside a parameter budget.

The verbs of the command line as functions, and studies as pandas frames: ``kwsearch.trials``,
``kwsearch.front`` and ``kwsearch.measurements``. Nothing is loaded before it is used.
"""

from typing import Any

_FRAMES = ("front", "measurements", "trials")
_VERBS = (
    "audit",
    "best",
    "compare",
    "count",
    "dashboard",
    "detector",
    "evaluate",
    "export",
    "export_ladder",
    "init",
    "load",
    "mirror",
    "plan",
    "predict",
    "report",
    "resume",
    "search",
    "show",
    "simulate",
    "status",
    "studies",
    "train",
    "verify",
)

__all__ = [*_FRAMES, *_VERBS]  # noqa: PLE0604 - names of functions that are loaded when used


def __getattr__(name: str) -> Any:  # noqa: ANN401 - whatever the verb is
    if name in _FRAMES:
        from kwsearch import frames  # noqa: PLC0415 - loads pandas

        return getattr(frames, name)
    if name in _VERBS:
        from kwsearch import api  # noqa: PLC0415 - loads what reads study files

        return getattr(api, name)
    raise AttributeError(f"module 'kwsearch' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
