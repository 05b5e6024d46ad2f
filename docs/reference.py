"""Writes the reference pages beside it, ``commands.md``, ``study-file.md`` and ``database.md``.

    python docs/reference.py

They come from the code alone; a test compares the pages with what this would write.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer.main
from pydantic import BaseModel
from pydantic_core import PydanticUndefined
from sqlalchemy import Column, Table
from sqlalchemy.dialects import postgresql, sqlite

from kwsearch.api import init
from kwsearch.cli import app
from kwsearch.presets import PRESETS
from kwsearch.settings import StudySettings
from trials.store.tables import METADATA

WRITTEN = "Written by `python docs/reference.py`; change the code's own descriptions instead."
SHARED = """\
`--database` of every command may be given once, as `KWSEARCH_DATABASE`. Standard output is data,
standard error is talk. Quantities read as people write them: `6M`, `300k`, `1.5e6`."""
FILE = """\
A study file is TOML. Keys that are not named have their default; unknown ones are refused, and all
faults of a file are told at once. `kwsearch init PRESET` prints one with every key explained."""
CHOICE = """\
A *choice* is what the search may choose from: one value, a list of values, or for ratios a range
such as `{low = 0.125, high = 4.0, log = true}`. Ratios may be written as fractions, `"1/4"`."""
DATABASE = """\
A study is in one SQLite file, `runs/kwsearch.db`, or in a PostgreSQL database; both have the same
tables. Any program may read them. Changing them is for kwsearch alone: fronts, counts and
measurements agree because each transaction keeps them so, and `kwsearch database check`
says where they do not."""
QUERIES = """\
Each of these runs on SQLite, as with `sqlite3 runs/kwsearch.db`, and on PostgreSQL. Times
are in UTC."""
ENDINGS = (
    (0, "done"),
    (2, "bad input"),
    (3, "storage"),
    (4, "the study is driven by another process"),
    (5, "interrupted, resumable"),
    (6, "nothing feasible or nothing found"),
    (7, "damaged data"),
)


QUERIES_FILE = Path(__file__).with_name("queries.sql")
"""Questions, each with a title, parted by empty lines."""

_PLURALS = (
    ("a whole number", "whole numbers"),
    ("a number", "numbers"),
    ("text", "words"),
    ("true, false", "both"),
)


def commands() -> str:
    """Every command with its arguments, options and defaults."""
    lines = [
        "# Commands",
        WRITTEN,
        SHARED,
        "Exit codes: " + " · ".join(f"{code} {what}" for code, what in ENDINGS) + ".",
    ]
    for path, command in _all(typer.main.get_command(app), "kwsearch"):
        lines += _command(path, command)
    return "\n\n".join(lines) + "\n"


def _all(group: Any, path: str) -> Iterator[tuple[str, Any]]:
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from _all(command, f"{path} {name}")
        else:
            yield f"{path} {name}", command


def _command(path: str, command: Any) -> list[str]:
    arguments = [p for p in command.params if p.param_type_name == "argument"]
    options = [p for p in command.params if p.param_type_name == "option"]
    words = " ".join(p.metavar if p.required else f"[{p.metavar}]" for p in arguments)
    rows = [("`" + p.metavar + "`", _cell(p.help), "") for p in arguments]
    rows += [(_spelled(p), _cell(p.help), _default(p)) for p in options]
    return [
        f"## `{path}`",
        f"`{path} {words}`".replace(" `", "`"),
        command.help.strip(),
        _table(("word", "meaning", "if not given"), rows),
    ]


def _spelled(option: Any) -> str:
    names = ", ".join(f"`{name}`" for name in (*option.opts, *option.secondary_opts))
    return names if option.is_flag else f"{names} `{option.metavar or 'TEXT'}`"


def _default(option: Any) -> str:
    if option.required:
        return "must be given"
    value = option.default
    return "" if value is None or isinstance(value, bool) or callable(value) else f"`{value}`"


def study_file() -> str:
    """Every key of a study file with its values, default and meaning; then a whole file."""
    lines = [
        "# Study file",
        WRITTEN,
        FILE,
        f"Presets: {', '.join(f'`{name}`' for name in PRESETS)}.",
        CHOICE,
    ]
    lines += _section("The study", StudySettings)
    for name, field in StudySettings.model_fields.items():
        if _is_section(field.annotation):
            lines += [*_section(f"`[{name}]`", field.annotation, field.description)]
    lines += ["## The quickstart, whole", f"```toml\n{init('quickstart').strip()}\n```"]
    return "\n\n".join(lines) + "\n"


def _is_section(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, BaseModel)


def _section(title: str, model: Any, description: str | None = None) -> list[str]:
    schema = model.model_json_schema()
    rows = [
        (
            f"`{name}`",
            _values(schema["properties"][name], schema.get("$defs", {})),
            "must be given" if field.default is PydanticUndefined else _toml(field.default),
            _cell(field.description),
        )
        for name, field in model.model_fields.items()
        if not _is_section(field.annotation)
    ]
    table = _table(("key", "values", "default", "meaning"), rows)
    return [f"## {title}", *([description] if description else []), table]


def _values(schema: dict[str, Any], known: dict[str, Any]) -> str:
    """What a value may be, from the JSON schema of its field."""
    if "anyOf" in schema:
        kinds = [_values(one, known) for one in schema["anyOf"] if one.get("type") != "null"]
        return " or ".join(dict.fromkeys(kinds))
    if "$ref" in schema:
        return "a range"
    words = schema.get("enum") or ([schema["const"]] if "const" in schema else [])
    if words:
        return ", ".join(f"`{word}`" for word in words)
    return _kind(schema, known)


def _kind(schema: dict[str, Any], known: dict[str, Any]) -> str:
    match schema.get("type"):
        case "array":
            return f"a list of {_many(_values(schema['items'], known))}"
        case "integer":
            return _numbers("a whole number", schema)
        case "number":
            return _numbers("a number", schema)
        case kind:
            return {"object": "a table", "boolean": "true, false"}.get(str(kind), "text")


def _many(values: str) -> str:
    for one, many in _PLURALS:
        values = values.replace(one, many)
    return values


def _numbers(kind: str, schema: dict[str, Any]) -> str:
    words = [kind]
    for key, word in (
        ("minimum", "from"),
        ("exclusiveMinimum", "above"),
        ("maximum", "to"),
        ("exclusiveMaximum", "below"),
    ):
        if key in schema:
            words.append(f"{word} {schema[key]:,}")
    return " ".join(words)


def _toml(value: Any) -> str:
    if value is None:
        return "unset"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, float):
        return f"`{value:.4g}`"
    if isinstance(value, tuple):
        return f"`[{', '.join(map(str, value))}]`"
    return f'`"{value}"`' if isinstance(value, str) else f"`{value}`"


def _cell(text: str | None) -> str:
    return (text or "").replace("|", "\\|").replace("\n", " ")


def _table(heads: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    lines = [heads, tuple("---" for _ in heads), *rows]
    return "\n".join(f"| {' | '.join(line)} |".replace("|  |", "| |") for line in lines)


def database() -> str:
    """Every table with its columns and types; then questions in SQL."""
    lines = ["# Database", WRITTEN, DATABASE]
    for table in sorted(METADATA.tables.values(), key=lambda table: table.name):
        lines += _table_of(table, table.info["doc"])
    lines += ["## Questions in SQL", QUERIES]
    for query in QUERIES_FILE.read_text(encoding="utf-8").strip().split("\n\n"):
        title, _, code = query.removeprefix("-- ").partition("\n")
        lines += [f"{title}:", f"```sql\n{code}\n```"]
    return "\n\n".join(lines) + "\n"


def _table_of(table: Table, description: str) -> list[str]:
    rows = [
        (
            f"`{column.name}`",
            *(column.type.compile(dialect=kind.dialect()) for kind in (sqlite, postgresql)),
            _rules(column),
        )
        for column in table.columns
    ]
    heads = ("column", "SQLite", "PostgreSQL", "rules")
    return [f"## `{table.name}`", description, _table(heads, rows)]


def _rules(column: Column[Any]) -> str:
    words = ["key"] if column.primary_key else []
    words += [f"of `{key.target_fullname}`" for key in column.foreign_keys]
    words += ["unique"] if column.unique else []
    words += ["may be NULL"] if column.nullable else []
    return ", ".join(words)


PAGES = {"commands.md": commands, "study-file.md": study_file, "database.md": database}

if __name__ == "__main__":
    for name, page in PAGES.items():
        (Path(__file__).parent / name).write_text(page(), encoding="utf-8")
