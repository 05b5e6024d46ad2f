"""Whether an exported folder is what it says.

Bytes are compared with the checksums first, without torch. Then everything that can be worked out
again is: the plan and its digest, the counts, the authors' settings, the network and the names and
shapes of its weights. So a folder is found out too whose checksums were made to fit.

Nothing that the folder brings or names is run: a network that is neither shipped nor one of
torchvision's or timm's models is verified on its table, and said to be.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from kwsearch.exporting.checksums import CURE, faults_of, read_checksums
from kwsearch.exporting.exported import Exported, load, plain_object, read_part, require_export
from kwsearch.exporting.images import inputs_from
from kwsearch.exporting.layout import COUNTS, IMAGES, LADDER, ORIGIN, RESULTS, UPSTREAM
from search_spaces import count, from_upstream, plan_network
from search_spaces.errors import plural
from trials.errors import DamagedDataError
from trials.names import is_name

Row = dict[str, Any]
Checked = tuple[str, str]
"""What was looked at, and what was found."""


def verify(folder: Path) -> Row:
    """Check an exported trial, or a ladder of them.

    Returns:
        ``folder``, ``files`` (their number), ``checked`` (rows with ``part``, ``what`` and
        ``found``); and of a single trial ``digest``, ``params`` and ``macs``.

    Raises:
        InputError: there is no export there.
        DamagedDataError: a file is not as it was written, missing, or was added; the message names
            it.
    """
    require_export(folder)
    listed = read_checksums(folder)
    faults = faults_of(folder, listed)
    if faults:
        raise DamagedDataError(f"{folder} is not as it was written: {', '.join(faults)}.", CURE)
    facts: Row = {"folder": str(folder), "files": len(listed) + 1}
    checked = [("all files", f"{len(listed)} checksums", "as written")]
    if LADDER in listed:
        index = read_part(folder, LADDER, listed, plain_object)
        checked += _ladder(folder, index)
    else:
        exported = load(folder)
        facts |= {"digest": exported.plan.digest}
        facts |= {name: exported.origin[name] for name in ("params", "macs")}
        checked += [("the trial", *row) for row in _trial(exported)]
    facts["checked"] = [dict(zip(("part", "what", "found"), row, strict=True)) for row in checked]
    return facts


def _ladder(folder: Path, index: Row) -> Iterator[tuple[str, str, str]]:
    try:
        rungs = {row["folder"]: row for row in reversed(index["rungs"]) if row["folder"]}
        odd = [name for name in rungs if not is_name(name)]
    except (KeyError, TypeError) as error:
        raise DamagedDataError(f"{folder / LADDER} cannot be used: {error!r}.", CURE) from None
    odd += [name for name in rungs if not odd and not _is_trial(folder / name)]
    if odd:
        raise DamagedDataError(
            f"{folder / LADDER} names {odd[0]!r}, which is no exported trial beside it.", CURE
        )
    for name, row in rungs.items():
        verify(folder / name)
        exported = load(folder / name)
        for key in ("trial", "params", "accuracy"):
            _same(folder / LADDER, f"{key} of rung {name}", row.get(key), exported.origin.get(key))
        found = f"trial {row['trial']}, {row['params']:,} parameters"
        yield (f"rung {name}", "everything below", found)


def _is_trial(folder: Path) -> bool:
    """Whether a folder lies where its name says, and holds one trial, not a ladder."""
    return folder.is_dir() and not folder.is_symlink() and not (folder / LADDER).exists()


def _trial(exported: Exported) -> Iterator[Checked]:
    folder, origin, plan = exported.folder, exported.origin, exported.plan
    listed = read_checksums(folder)
    _same(folder / ORIGIN, "digest", origin["digest"], plan.digest)
    yield "digest of configuration and table", f"{plan.digest[:12]}… in {ORIGIN}"
    size = count(plan)
    told = read_part(folder, COUNTS, listed, plain_object)
    _same(folder / COUNTS, "content", _tupled(told), _tupled(size.to_dict()))
    for key in ("params", "macs"):
        _same(folder / ORIGIN, key, origin[key], getattr(size, key))
    yield f"parameters and MACs, per warehouse and site ({COUNTS})", f"{size.params:,} parameters"
    if UPSTREAM in listed:
        settings = read_part(folder, UPSTREAM, listed, lambda raw: from_upstream(plain_object(raw)))
        _same(folder / UPSTREAM, "digest", plan_network(settings).digest, plan.digest)
        yield f"the authors' settings ({UPSTREAM})", "the same network"
    if exported.results is not None:
        for key, found in (("digest", plan.digest), ("params", size.params)):
            _same(folder / RESULTS, key, exported.results.get(key), found)
        yield f"what the training reached ({RESULTS})", "of this network"
    if exported.images is not None:
        _, classes = read_part(folder, IMAGES, listed, lambda raw: inputs_from(plain_object(raw)))
        _same(folder / IMAGES, "classes", len(classes), plan.backbone.num_classes)
        yield f"names of classes ({IMAGES})", plural(len(classes), "class", "classes")
    from kwsearch.exporting.networks import rebuilt  # noqa: PLC0415 - loads torch

    built, tensors = rebuilt(folder, plan, exported.weights)
    if built is None:
        yield "the network, on its table", f"{plan.backbone.name} was not run"
    else:
        yield "the network, built", f"{built:,} parameters"
    what = "cells" if built is None else "names, shapes and types of"
    if exported.weights is None:
        yield "weights", "none were kept of this trial"
    else:
        yield f"{what} weights ({exported.weights.name})", f"{tensors} tensors"


def _same(path: Path, what: str, told: object, found: object) -> None:
    if told != found:
        shown = "" if what == "content" else f": {told} there, {found} worked out"
        raise DamagedDataError(f"{path} does not fit the configuration: {what}{shown}.", CURE)


def _tupled(value: Any) -> Any:  # noqa: ANN401 - JSON
    """JSON has lists where counts have tuples."""
    if isinstance(value, dict):
        return {key: _tupled(entry) for key, entry in value.items()}
    return tuple(map(_tupled, value)) if isinstance(value, list | tuple) else value
