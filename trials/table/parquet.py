"""Tables as Parquet files: a row a training and epoch, what all have in common in the metadata.

pyarrow is loaded where a file is read or written. What is read is checked row by row: counts and
features are worked out anew from the configuration, and a training has every epoch.
"""

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from math import isfinite
from pathlib import Path
from typing import Any

from search_spaces import Backbone, InputError, NetworkConfig, count, plan_network
from search_spaces.config import RATIOS
from search_spaces.errors import KwsearchError
from search_spaces.features import features
from search_spaces.sites import SHARING_RANGES
from trials.area import Area
from trials.errors import DamagedDataError
from trials.files import write_whole
from trials.records import Measurement
from trials.shares import standard_error
from trials.table.records import Candidate, Curve, Facts, PlainNetwork, Table

FORMAT = 1
"""Version of the columns and of the metadata."""

_KEY = b"kwsearch.table"
_SHARING = {tokens: name for name, tokens in SHARING_RANGES.items()}


def write_table(table: Table, path: Path) -> None:
    """Write a table; the same table gives the same rows.

    Raises:
        InputError: pyarrow is not installed.
        StorageError: the file cannot be written.
    """
    pa, pq = _arrow()
    rows = [*_rows(table)]
    columns = {name: [row.get(name) for row in rows] for name in rows[-1]} if rows else {}
    kept = pa.table(columns).replace_schema_metadata({_KEY: json.dumps(_plain(table.facts))})
    write_whole(
        path,
        lambda file: pq.write_table(
            kept, file, compression="zstd", compression_level=19, write_page_checksum=True
        ),
    )


def _arrow() -> tuple[Any, Any]:
    """Parquet by pyarrow, loaded here.

    Raises:
        InputError: it is not installed.
    """
    try:
        import pyarrow as pa  # noqa: PLC0415 - loads slowly, and most never need it
        import pyarrow.parquet as pq  # noqa: PLC0415 - likewise
    except ImportError:
        raise InputError("Parquet needs pyarrow.", "Install it: pip install pyarrow.") from None
    return pa, pq


def _plain(facts: Facts) -> dict[str, Any]:
    return {
        "format": FORMAT,
        **{name: getattr(facts, name) for name in facts.__slots__},
        "backbone": facts.backbone.to_dict(),
        "area": [*facts.area],
    }


def _rows(table: Table) -> Iterator[dict[str, Any]]:
    """Plain networks first, so that the last row has all columns."""
    for plain in table.plain:
        own: dict[str, Any] = {"digest": plain.digest, "plain": plain.name, "config": None}
        yield from _epochs(own | {"params": plain.params, "macs": plain.macs}, plain.curves)
    for one in table.candidates:
        config = one.config.model_dump(mode="json")
        own = {
            "digest": one.digest,
            "plain": None,
            "config": json.dumps(config),
            "params": one.params,
            "macs": one.macs,
            **{name: _single(getattr(one.config, name)) for name in RATIOS},
            "sharing_range": _SHARING.get(one.config.sharing_range),
            **one.features,
        }
        yield from _epochs(own, one.curves)


def _single(ratio: float | tuple[float, ...]) -> float | None:
    """A ratio of the whole network; one by stage is in the configuration alone."""
    return None if isinstance(ratio, tuple) else ratio


def _epochs(own: Mapping[str, Any], curves: Mapping[int, Curve]) -> Iterator[dict[str, Any]]:
    for seed, curve in sorted(curves.items()):
        for measured in curve:
            yield {
                **own,
                "seed": seed,
                "epoch": measured.epoch,
                "accuracy": measured.accuracy,
                "loss": measured.loss,
                "images": measured.images,
                "seconds": measured.seconds,
            }


_DAMAGES = (
    *(AttributeError, IndexError, KeyError, OverflowError, RecursionError, TypeError, ValueError),
    KwsearchError,
)
"""What reading a file raises that was damaged, or written by somebody else."""


def read_table(path: str | Path) -> Table:
    """Read a table that `write_table` wrote.

    Raises:
        InputError: there is no such file, it is no table, or of a later version; or pyarrow is not
            installed.
        DamagedDataError: the file is torn, or its rows contradict one another.
    """
    pa, pq = _arrow()
    path = Path(path)
    if not path.is_file():
        raise InputError(f"There is no file {str(path)!r}.", "Check the path.")
    try:
        read = pq.read_table(path, page_checksum_verification=True)
        metadata = (read.schema.metadata or {}).get(_KEY)
        rows = read.to_pylist()
    except (pa.ArrowException, OSError, ValueError) as error:
        raise DamagedDataError(
            f"{path} cannot be read as Parquet: {str(error).splitlines()[0]}",
            "Fetch or record the table again.",
        ) from None
    if metadata is None:
        raise InputError(
            f"{path} is no recorded table.", "Name one that benchmarks/kw_bench.py has packed."
        )
    try:
        return _table(json.loads(metadata), rows)
    except InputError:
        raise
    except _DAMAGES as error:
        raise DamagedDataError(
            f"{path} is damaged: {error}.", "Fetch or record the table again."
        ) from None


def _table(metadata: Mapping[str, Any], rows: Iterable[Mapping[str, Any]]) -> Table:
    if metadata["format"] > FORMAT:
        raise InputError(
            f"The table has format {metadata['format']}, this version reads up to {FORMAT}.",
            "Upgrade kwsearch.",
        )
    known = {name: metadata[name] for name in Facts.__slots__}
    backbone = Backbone.from_dict(known["backbone"])
    facts = Facts(**{**known, "backbone": backbone, "area": Area(*known["area"])})
    if not all(isinstance(facts.study[section], dict) for section in ("space", "proxy")):
        raise ValueError("the study that it was recorded by has no space or no proxy")
    trained: dict[tuple[str, str | None, str | None], list[Mapping[str, Any]]] = defaultdict(list)
    for row in rows:
        trained[row["digest"], row["plain"], row["config"]].append(row)
    epochs = facts.recipe["epochs"]
    plain, candidates = [], []
    for (digest, name, config), own in trained.items():
        curves = _curves(own, epochs)
        if config is None:
            size = own[0]["params"], own[0]["macs"]
            plain.append(PlainNetwork(str(name), digest, *size, curves))
        else:
            candidates.append(candidate(NetworkConfig(**json.loads(config)), backbone, curves))
            _require_same(candidates[-1], own[0])
    return Table(
        facts,
        tuple(sorted(candidates, key=lambda one: (one.params, one.digest))),
        tuple(sorted(plain, key=lambda one: (one.params, one.digest))),
    )


def candidate(config: NetworkConfig, backbone: Backbone, curves: Mapping[int, Curve]) -> Candidate:
    """A candidate with everything that follows from its configuration.

    Raises:
        InfeasibleError: it cannot be built.
    """
    plan = plan_network(config, backbone)
    size = count(plan)
    return Candidate(config, plan.digest, size.params, size.macs, features(plan), curves)


def _require_same(one: Candidate, row: Mapping[str, Any]) -> None:
    for name in ("digest", "params", "macs"):
        if row[name] != getattr(one, name):
            raise ValueError(f"{name} {row[name]} is not that of {row['config']}")


def _curves(rows: Iterable[Mapping[str, Any]], epochs: int) -> dict[int, Curve]:
    """Measurements by seed, each with all epochs."""
    curves: dict[int, list[Measurement]] = defaultdict(list)
    for row in rows:
        accuracy, images = row["accuracy"], row["images"]
        if not (0 <= accuracy <= 1 and isfinite(row["loss"]) and images > 0):
            raise ValueError(f"a row of {row['digest'][:12]} measures nothing")
        error = standard_error(accuracy, images)
        curves[row["seed"]].append(
            Measurement(row["epoch"], accuracy, error, row["loss"], images, row["seconds"])
        )
    ordered = {s: tuple(sorted(c, key=lambda m: m.epoch)) for s, c in curves.items()}
    for seed, curve in ordered.items():
        if [measured.epoch for measured in curve] != [*range(1, epochs + 1)]:
            raise ValueError(f"a training of seed {seed} has not every epoch up to {epochs} once")
    return ordered
