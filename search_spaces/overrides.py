"""A person's changes to a table: layers that stay plain, and addresses of their choosing.

Both speak of layers by module path. A path that the table does not know is refused, so that a
misspelt one never passes for a change that was made.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from fnmatch import fnmatchcase

from search_spaces.errors import InfeasibleError, InputError, nearest
from search_spaces.sites import Address, AttentionNorm, Backbone, Site

ADDRESS = re.compile(r"stage[a-z0-9]+(_layer[a-z0-9]+)?_(conv|pwconv|dwconv)[0-9]+")
"""Text form of an address: stage, block, and group with the index in the block."""

EXCLUDED = "excluded in the study file"


def check_address(text: str) -> str:
    """Return an address as it is.

    Raises:
        InputError: it does not match `ADDRESS`.
    """
    if ADDRESS.fullmatch(text):
        return text
    raise InputError(
        f"{text[:80]!r} is not an address: stage, layer and group with an index, in this order.",
        "Write it like 'stage1_layer0_conv0'; groups are conv, pwconv and dwconv.",
    )


def overridden(
    table: Backbone,
    *,
    exclude: Iterable[str] = (),
    addresses: Mapping[str, str] | None = None,
    plain: Mapping[str, str] | None = None,
    attention_norm: AttentionNorm | None = None,
) -> Backbone:
    """The table after a person's changes.

    Args:
        table: what to change; it is left as it is.
        exclude: patterns such as ``"stem.*"``; a layer stays plain where one matches its module
            path or that of a module around it.
        addresses: address by module path. A layer of ``plain`` that is given one is served.
        plain: reason by module path, for sites of the table that stay plain unless addressed.
        attention_norm: norm of the attention's hidden layer; the table's own if None.

    Raises:
        InputError: a path or pattern meets no layer, an address is malformed, or a layer is both
            excluded and addressed.
        InfeasibleError: no site is left.
    """
    if attention_norm is not None:
        table = replace(table, attention_norm=attention_norm)
    moved = dict(addresses or {})
    reasons = dict(table.plain_layers)
    known = [*(site.name for site in table.sites), *reasons]
    for path in moved:
        if path in reasons:
            raise InputError(
                f"Layer {path!r} cannot be given an address: {reasons[path]}.",
                f"Leave {path!r} out of addresses.",
            )
        _require_known(path, path in known, known)
    for pattern in exclude:
        met = [path for path in known if matches(path, pattern)]
        _require_known(pattern, bool(met), known)
        twice = next((path for path in met if path in moved), None)
        if twice is not None:
            raise InputError(
                f"Layer {twice!r} is excluded by {pattern!r} and given an address.",
                "Keep one of the two.",
            )
        reasons.update({path: EXCLUDED for path in met if path not in reasons})
    kept = {path: reason for path, reason in (plain or {}).items() if path not in moved}
    return _served(table, {**kept, **reasons}, moved)


def matches(path: str, pattern: str) -> bool:
    """Whether a pattern meets a module path or that of a module around it."""
    parts = path.split(".")
    around = (".".join(parts[:end]) for end in range(1, len(parts) + 1))
    return any(fnmatchcase(part, pattern) for part in around)


def _require_known(text: str, met: bool, known: list[str]) -> None:  # noqa: FBT001 - a private guard
    if not met:
        raise InputError(
            f"{text!r} meets no layer of the network.{nearest(text, known)}",
            "Layers are named by module path, as in named_modules().",
        )


def _served(table: Backbone, plain: dict[str, str], moved: Mapping[str, str]) -> Backbone:
    left = [site for site in table.sites if site.name in plain]
    served = [site for site in table.sites if site.name not in plain]
    if not served:
        reasons = "; ".join(f"{path}: {reason}" for path, reason in list(plain.items())[:6])
        raise InfeasibleError(
            f"{table.name} has no layer that a warehouse can serve ({reasons or 'it has none'}).",
            "Give layers an address, exclude fewer, or name a network with convolutions.",
        )
    return replace(
        table,
        sites=tuple(_moved(site, moved) for site in served),
        plain_params=table.plain_params + sum(site.weight_params for site in left),
        plain_macs=table.plain_macs + sum(site.conv_macs for site in left),
        plain_layers=tuple(plain.items()),
    )


def _moved(site: Site, moved: Mapping[str, str]) -> Site:
    if site.name not in moved:
        return site
    return replace(site, address=Address.parse(check_address(moved[site.name])))
