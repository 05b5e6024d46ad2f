"""Rows and records on standard output; errors on standard error.

Tables are for people: numbers are rounded. JSON and CSV are for programs: numbers are exact, and a
CSV cell that a spreadsheet would run as a formula gets an apostrophe in front. In all of them text
has its control characters escaped, so that nothing stored in a database can steer a terminal or
break out of its cell.
"""

import csv
import json
import sys
import unicodedata
from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import Enum, StrEnum
from math import isfinite
from pathlib import Path
from typing import Any, TextIO

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from kwsearch.quantities import format_quantity
from search_spaces.errors import KwsearchError
from search_spaces.latency import milliseconds
from search_spaces.sites import SHARING_RANGES

Row = Mapping[str, Any]

_FORMULA = ("=", "+", "-", "@")
_UNPRINTABLE = ("Cc", "Cf", "Cs", "Zl", "Zp")
_WIDE = 10_000


class Form(StrEnum):
    """How rows are written."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"


def show_rows(
    rows: Sequence[Row],
    form: Form = Form.TABLE,
    *,
    hide: Sequence[str] = (),
    empty: str = "Nothing yet.",
) -> None:
    """Write rows with the same keys.

    Args:
        rows: what to write. In a table, a mapping becomes one column for each of its entries that
            differs between rows.
        form: how.
        hide: keys that a table leaves out.
        empty: what to tell people, on standard error, when a table has no rows.
    """
    if form is Form.JSON:
        _write_json([*rows])
    elif form is Form.CSV:
        _write_csv(rows)
    elif rows:
        shown = [{key: row[key] for key in row if key not in hide} for row in rows]
        _print_table(_spread(shown))
    else:
        say(empty)


def show_record(record: Row, form: Form = Form.TABLE) -> None:
    """Write one record; in a table a line an entry, and lists of rows as tables of their own."""
    if form is Form.JSON:
        _write_json(dict(record))
        return
    lists = {key: value for key, value in record.items() if _is_rows(value)}
    rest = _flat({key: value for key, value in record.items() if key not in lists})
    if form is Form.CSV:
        _write_csv([rest])
        return
    lines = Table.grid(padding=(0, 2))
    for key, value in rest.items():
        lines.add_row(Text(escape(key)), Text(cell(key, value)))
    console(sys.stdout).print(lines)
    for key, rows in lists.items():
        console(sys.stdout).print(Text(f"\n{escape(key)}", style="bold"))
        _print_table(_spread(rows))


def say(text: str) -> None:
    """Tell people something, on standard error."""
    print(escape(text), file=sys.stderr, flush=True)  # noqa: T201 - this is where talk comes out


_SHARING = {tokens: name for name, tokens in SHARING_RANGES.items()}
"""A study file's word for the address parts that a configuration merges."""


def show_error(error: KwsearchError) -> None:
    """Tell cause and cure, a line each (a file with many faults has a line a fault)."""
    for line in error.cause.splitlines():
        say(f"error: {line}")
    if error.cure:
        say(error.cure)


def console(stream: TextIO) -> Console:
    """A console that colours and folds for a terminal, and does neither elsewhere."""
    terminal = stream.isatty()
    return Console(
        file=stream,
        force_terminal=terminal,
        width=None if terminal else _WIDE,
        highlight=False,
        soft_wrap=not terminal,
    )


def escape(text: str) -> str:
    """The text with characters that steer a terminal, or hide in it, written out."""
    return "".join(
        ascii(char)[1:-1] if unicodedata.category(char) in _UNPRINTABLE else char for char in text
    )


def cell(key: str, value: object) -> str:
    """A value as a person reads it in a table; the key tells quantities from numbers."""
    text = str(value)
    if value is None:
        text = ""
    elif isinstance(value, bool):
        text = "yes" if value else "no"
    elif isinstance(value, int) and key.endswith(("params", "macs")):
        text = format_quantity(value)
    elif isinstance(value, float) and key.startswith("latency"):
        text = milliseconds(value)
    elif isinstance(value, float):
        text = f"{value:.4g}"
    elif isinstance(value, datetime):
        text = value.isoformat(sep=" ", timespec="seconds")
    elif isinstance(value, list | tuple):
        named = _SHARING.get(tuple(value)) if key == "sharing_range" else None
        text = named or ", ".join(cell(key, entry) for entry in value)
    return escape(text)


def _print_table(rows: Sequence[Row]) -> None:
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for key in rows[0]:
        numeric = all(isinstance(row.get(key), int | float | None) for row in rows)
        table.add_column(Text(escape(key)), justify="right" if numeric else "left", overflow="fold")
    for row in rows:
        table.add_row(*(Text(cell(key, row.get(key))) for key in rows[0]))
    console(sys.stdout).print(table)


def _write_json(value: object) -> None:
    json.dump(_plain(value), sys.stdout, indent=2, allow_nan=False)
    sys.stdout.write("\n")


def _write_csv(rows: Sequence[Row]) -> None:
    if not rows:
        return
    writer = csv.DictWriter(sys.stdout, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows({key: _csv_cell(value) for key, value in row.items()} for row in rows)


def _csv_cell(value: object) -> object:
    plain = _plain(value)
    if isinstance(plain, list | dict):
        plain = json.dumps(plain)
    if not isinstance(plain, str):
        return plain
    # Escaped before quoting: csv leaves a lone carriage return bare, and readers start a row there.
    text = escape(plain)
    return f"'{text}" if text.startswith(_FORMULA) else text


def _plain(value: object) -> Any:  # noqa: ANN401 - JSON
    """The value in JSON's types; what is not a number there (NaN, infinity) is null."""
    if isinstance(value, Mapping):
        return {str(key): _plain(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(entry) for entry in value]
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Path):
        return str(value)
    return None if isinstance(value, float) and not isfinite(value) else value


def _is_rows(value: object) -> bool:
    rows = value if isinstance(value, list | tuple) else ()
    return bool(rows) and all(isinstance(row, Mapping) for row in rows)


def _flat(record: Row, before: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in record.items():
        if isinstance(value, Mapping):
            flat.update(_flat(value, f"{before}{key}."))
        else:
            flat[before + key] = value
    return flat


def _spread(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """Rows without mappings: their entries are columns, where they differ between rows."""
    spread: list[dict[str, Any]] = [{} for _ in rows]
    for key in rows[0]:
        inner = [row.get(key) for row in rows]
        if not _is_rows([entry for entry in inner if entry is not None]):
            columns = {key: inner}
        else:
            maps = [entry or {} for entry in inner]
            names = dict.fromkeys(name for entries in maps for name in entries)
            columns = {name: [entries.get(name) for entries in maps] for name in names}
            own = [i for i, entries in enumerate(maps) if entries]
            columns = {n: c for n, c in columns.items() if any(c[i] != c[own[0]] for i in own)}
        for name, column in columns.items():
            for row, value in zip(spread, column, strict=True):
                row.setdefault(name, value)
    return spread
