"""Networks of a person's own, by name: ``"package.module:function"``.

The function may take ``num_classes`` and ``in_channels`` (``in_chans`` is timm's word for it) as
keyword arguments, and is given those that its signature names. One that takes ``**kwargs`` is given
``num_classes`` beside them, as the models of torchvision and timm want it, and a model of timm
``in_chans`` too.

Modules are looked for in the current directory first, as ``python -m`` does, unless the name is
that of a model of torchvision or timm.

Whoever calls a function by name runs code. Where the name comes from a file that a stranger may
have written, `require_trust` stands before.
"""

import importlib
import inspect
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from pathlib import Path
from types import ModuleType
from typing import Any

from torch import nn

from search_spaces.errors import InputError, nearest
from search_spaces.networks.tracing import trace
from search_spaces.sites import Backbone

_SHOWN = 8
"""Functions of a module that a message names."""

LIBRARIES = ("torchvision.models", "timm.models")
"""Packages whose models are known by name."""


def is_library_model(name: str) -> bool:
    """Whether a name is that of a model which torchvision or timm lists among its own."""
    where, _, what = name.partition(":")
    package = next((p for p in LIBRARIES if where == p or where.startswith(f"{p}.")), None)
    if package is None:
        return False
    try:
        library, module = importlib.import_module(package), importlib.import_module(where)
    except ImportError:
        return False
    listed = getattr(library, "list_models", None) or importlib.import_module("timm").list_models
    return what in listed() and callable(getattr(module, what, None))


def require_trust(name: str, *, trust_code: bool) -> None:
    """Refuse to run code that a file names, unless a person has asked for it.

    Args:
        name: of a backbone; shipped names and models of torchvision and timm need no trust.
        trust_code: whether the person has.

    Raises:
        InputError: it is other code, and the person has not.
    """
    if ":" in name and not trust_code and not is_library_model(name):
        raise InputError(
            f"The network is made by code that is not kwsearch's, torchvision's or timm's: {name}. "
            "Nothing of it was run.",
            "Read that code; to run it, ask with --trust-code, or trust_code=True in Python.",
        )


def trace_named(
    name: str,
    *,
    num_classes: int,
    in_channels: int,
    input_size: tuple[int, int],
    exclude: Iterable[str] = (),
    addresses: Mapping[str, str] | None = None,
) -> Backbone:
    """The table of the network that a function returns; arguments are those of `trace`.

    Raises:
        InputError: there is no such function, it fails, or its network does not fit the data.
        InfeasibleError: there is nothing that a warehouse could serve.
    """
    network = named_network(name, num_classes=num_classes, in_channels=in_channels)
    return trace(
        network,
        name=name,
        num_classes=num_classes,
        in_channels=in_channels,
        input_size=input_size,
        exclude=exclude,
        addresses=addresses,
        spare_depthwise=True,
    )


def named_network(name: str, *, num_classes: int, in_channels: int) -> nn.Module:
    """Call the function of that name.

    Args:
        name: ``"package.module:function"``.
        num_classes: outputs of the classifier, for a function that takes it.
        in_channels: channels of an input image, for a function that takes it.

    Raises:
        InputError: the module cannot be imported, or the function is not there, fails, or returns
            something else than a module.
    """
    with nullcontext() if is_library_model(name) else here_first():
        function = find_function(name, "backbone")
        offered = {"num_classes": num_classes, "in_channels": in_channels, "in_chans": in_channels}
        wanted = _taken(function, offered)
        try:
            network = function(**wanted)
        except Exception as error:
            told = ", ".join(f"{key}={value}" for key, value in wanted.items())
            raise InputError(
                f"{name}({told}) failed with {_brief(error)}.", "Mend the function."
            ) from error
    if not isinstance(network, nn.Module):
        raise InputError(
            f"{name} returned a {type(network).__name__}, not an nn.Module.",
            "Let the function return the network.",
        )
    return network


def rebuilt(table: Backbone) -> nn.Module:
    """The network of a table that was traced from a name, with fresh weights.

    Raises:
        InputError: likewise, or the function now returns a network of another size.
    """
    network = named_network(
        table.name, num_classes=table.num_classes, in_channels=table.in_channels
    )
    found = sum(parameter.numel() for parameter in network.parameters())
    if found != table.params:
        raise InputError(
            f"{table.name} returns a network of {found:,} parameters; the one that was traced has "
            f"{table.params:,}.",
            "Put the old function back, or start a new study.",
        )
    return network


def find_function(name: str, role: str) -> Callable[..., Any]:
    """The function of a module, named as ``"package.module:function"``.

    Args:
        name: its name.
        role: what it is named for, in a word.

    Raises:
        InputError: the module cannot be imported, or has no such function.
    """
    where, _, what = name.partition(":")
    try:
        module = importlib.import_module(where)
    except Exception as error:
        raise InputError(
            f"{where!r}, of the {role} {name!r}, cannot be imported: {_brief(error)}.",
            "Run kwsearch from the folder that holds it, or install it.",
        ) from error
    function = getattr(module, what, None)
    if not callable(function):
        raise InputError(
            f"{where!r} has no function {what!r}.{_offered(module, what)}",
            f"Name the {role} as 'package.module:function'.",
        )
    found: Callable[..., Any] = function
    return found


def _offered(module: ModuleType, what: str) -> str:
    """The function of a module that was meant, or those that there are.

    What a module has imported from elsewhere is not meant, unless it lists it in ``__all__`` or is
    a package: packages gather what their modules define.
    """
    listed = getattr(module, "__all__", ())
    inside = f"{module.__name__}." if hasattr(module, "__path__") else None
    names = [
        name
        for name, found in vars(module).items()
        if callable(found) and not name.startswith("_")
        if name in listed or _comes_from(found, module.__name__, inside)
    ]
    if not names:
        return " It defines no function."
    told = ", ".join(names[:_SHOWN]) + (", ..." if len(names) > _SHOWN else "")
    return nearest(what, names) or f" It has {told}."


def _comes_from(found: object, module: str, inside: str | None) -> bool:
    where = getattr(found, "__module__", None) or ""
    return where == module or (inside is not None and where.startswith(inside))


def _taken(function: Callable[..., Any], offered: dict[str, int]) -> dict[str, int]:
    """Those of the offered arguments that a function takes."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except ValueError:  # some functions written in C tell no signature
        return {}
    names = {p.name for p in parameters if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)}
    if any(p.kind is p.VAR_KEYWORD for p in parameters):
        names.add("num_classes")
        if getattr(function, "__module__", "").startswith("timm."):
            names.add("in_chans")
    return {name: value for name, value in offered.items() if name in names}


def _brief(error: Exception) -> str:
    text = str(error).splitlines()
    return f"{type(error).__name__}: {text[0]}" if text else type(error).__name__


@contextmanager
def here_first() -> Iterator[None]:
    """Look for modules in the current directory first."""
    here = str(Path.cwd())
    sys.path.insert(0, here)
    try:
        yield
    finally:
        if here in sys.path:
            sys.path.remove(here)
