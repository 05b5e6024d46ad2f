"""The function of a measure: found by its name where it is called, or handed over in Python.

A function that was handed over is pickled by value with cloudpickle, so that it may come from a
script or a notebook. Nothing of it is loaded before it is called: the process that starts trials
runs no code of a person's.
"""

import inspect
import pickle
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import cloudpickle

from search_spaces import InputError
from search_spaces.networks.named import find_function, here_first

Function = Callable[..., object]

HANDED_OVER = "__main__"
"""Module in the name of a function that no other process can import."""

OPTIONAL = ("state", "seed", "device")
"""What a function is given by name where its signature names it."""


@dataclass(frozen=True, slots=True)
class Named:
    """A function by its name, ``"package.module:function"``; the current directory comes first."""

    name: str

    def get(self) -> Function:
        """Import it.

        Raises:
            InputError: there is no such module or function.
        """
        with here_first():
            return find_function(self.name, "measure")


@dataclass(frozen=True, slots=True)
class Given:
    """A function at hand in this process; it becomes `Received` in others."""

    function: Function

    def get(self) -> Function:
        """The function."""
        return self.function

    def __reduce__(self) -> tuple[type["Received"], tuple[bytes, tuple[str, ...]]]:
        return Received, (self.pickled(), tuple(sys.path))

    def pickled(self) -> bytes:
        """The function by value.

        Raises:
            InputError: it holds something that cannot be sent to another process.
        """
        try:
            content: bytes = cloudpickle.dumps(self.function)
        except (TypeError, ValueError, AttributeError, pickle.PicklingError) as error:
            raise InputError(
                f"{name_of(self.function)} cannot be sent to the processes of trials: {error}.",
                "Make inside the function what it uses, or set executor = 'serial' and "
                "isolate = false under [execution].",
            ) from error
        return content


@dataclass(frozen=True, slots=True)
class Received:
    """A function from another process, as bytes."""

    content: bytes
    path: tuple[str, ...]

    def get(self) -> Function:
        """Load it; modules are looked for where the other process looks, too.

        Raises:
            InputError: what it needs cannot be imported here.
        """
        sys.path += [place for place in self.path if place not in sys.path]
        try:
            function: Function = cloudpickle.loads(self.content)
        except Exception as error:
            raise InputError(
                f"The measure cannot be loaded in the process of a trial: {error}.",
                "Import inside the function what it uses.",
            ) from error
        return function


def name_of(function: Function) -> str:
    """What a study calls a function: its module and name, where it can be imported by them."""
    module = getattr(function, "__module__", None) or HANDED_OVER
    name = getattr(function, "__qualname__", type(function).__qualname__)
    if module != HANDED_OVER and getattr(sys.modules.get(module), name, None) is function:
        return f"{module}:{name}"
    last = name.rpartition(".")[2]
    return f"{HANDED_OVER}:{last if last.isidentifier() else 'function'}"


def taken(function: Function, offered: Iterable[str] = OPTIONAL) -> list[str]:
    """Those of the optional arguments that a function names.

    Raises:
        InputError: it cannot be called with a network and a report.
    """
    try:
        signature = inspect.signature(function)
    except (ValueError, TypeError):  # some functions written in C tell no signature
        return []
    kinds = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    places = list(signature.parameters.values())
    named = [p.name for p in places[2:] if p.kind in kinds and p.name in offered]
    try:
        signature.bind(None, None, **dict.fromkeys(named))
    except TypeError as error:
        raise InputError(
            f"{name_of(function)}{signature} cannot be called as measure(network, report): "
            f"{error}.",
            f"Let it take the two, and if it likes {', '.join(OPTIONAL)}, by these names.",
        ) from None
    return named


def called(function: Function, *given: object, **named: Any) -> None:  # noqa: ANN401 - the person's own
    """Call it where modules are looked for in the current directory first."""
    with here_first():
        function(*given, **named)
