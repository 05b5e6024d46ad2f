"""A TOML file to and from typed settings, distrusting the file.

Reading refuses what cannot be a study file before looking into it, and then tells all faults at
once, each as ``section.key: value, rule, nearest valid value``. Writing puts the description of
every field above its key.
"""

import json
import re
import textwrap
import tomllib
from pathlib import Path
from stat import S_ISDIR, S_ISREG
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from kwsearch.setting_types import brief
from search_spaces.errors import InputError, nearest

_Model = TypeVar("_Model", bound=BaseModel)

LARGEST_FILE = 2**20
"""Bytes of the largest file that is read; a study file has a few thousand."""

_CURE = "See 'kwsearch init quickstart' for a study file with every setting explained."
_WIDTH = 96
_MOST_FAULTS = 100
# Sixteen dotted parts in a row. The parser's time grows with the square of their number.
_DEEP_KEY = re.compile(
    r"""(?<![\w-])(?:(?:[\w-]+|"[^"\n]*"|'[^'\n]*')[ \t]*\.[ \t]*){16}""", re.ASCII
)
_BOMS = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")
_TWICE = ("Cannot overwrite a value", "twice", "Cannot mutate", "Duplicate inline table key")


def read_toml(path: Path) -> dict[str, Any]:
    """Read a TOML file into plain values.

    Raises:
        InputError: no such file, a folder, too large, not UTF-8, too deeply nested, or not TOML.
    """
    text = _decode(_read_bytes(path), path)
    if _DEEP_KEY.search(text):
        raise InputError(f"{path}: keys are nested too deeply.", _CURE)
    try:
        return tomllib.loads(text)
    except RecursionError:
        raise InputError(f"{path}: values are nested too deeply.", _CURE) from None
    except ValueError as error:  # also Python's own refusal of numbers with thousands of digits
        raise InputError(f"{path}: {_syntax_fault(str(error), text)}", _CURE) from None


def validate(model: type[_Model], values: Any, source: str, context: str | None = None) -> _Model:  # noqa: ANN401 - parsed TOML
    """Check plain values against a model.

    Args:
        model: pydantic model of the whole file.
        values: what the file holds.
        source: where the values come from, for the message.
        context: `kwsearch.setting_types.STORED` for settings of a database.

    Raises:
        InputError: with every fault on a line of its own.
    """
    try:
        return model.model_validate(values, context=context)
    except ValidationError as error:
        found = error.errors(include_url=False)
        faults = [f"{source}: {_fault(model, fault)}" for fault in found[:_MOST_FAULTS]]
        if len(found) > _MOST_FAULTS:
            faults.append(f"{source}: and {len(found) - _MOST_FAULTS} faults more.")
    raise InputError("\n".join(faults), _CURE)


def write_toml(settings: BaseModel) -> str:
    """Settings as a commented TOML file; keys without a value are commented out."""
    plain = {name: value for name, value in settings if not isinstance(value, BaseModel)}
    blocks = [_keys(settings, list(plain))]
    for name, section in settings:
        if isinstance(section, BaseModel):
            about = _comment(type(settings).model_fields[name].description)
            blocks.append(f"{about}[{name}]\n{_keys(section, list(type(section).model_fields))}")
    return "\n".join(blocks)


def _read_bytes(path: Path) -> bytes:
    try:
        status = path.stat()
        if S_ISDIR(status.st_mode):
            raise InputError(f"{path} is a folder, not a study file.", "Name a file inside it.")
        if not S_ISREG(status.st_mode):
            raise InputError(f"{path} is not a regular file.", "Save it as a file first.")
        if status.st_size > LARGEST_FILE:
            raise InputError(
                f"{path} has {status.st_size:,} bytes; a study file has {LARGEST_FILE:,} at most.",
                _CURE,
            )
        with path.open("rb") as file:
            return file.read(LARGEST_FILE)
    except FileNotFoundError:
        raise InputError(f"There is no file {path}.", _CURE) from None
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise InputError(f"{str(path)!r} cannot be read: {reason}.", _CURE) from None


def _decode(content: bytes, path: Path) -> str:
    if content.startswith(_BOMS):
        raise InputError(
            f"{path}: the file starts with a byte order mark.", "Save it as UTF-8 without BOM."
        )
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise InputError(
            f"{path}: line {line} has a byte 0x{content[error.start]:02x} that is not UTF-8.",
            "Save it as UTF-8.",
        ) from None


def _syntax_fault(message: str, text: str) -> str:
    found = re.search(r"at line (\d+)", message)
    lines = text.rstrip().splitlines()
    line = lines[min(int(found[1]), len(lines)) - 1 if found else -1] if lines else ""
    if any(word in message for word in _TWICE):
        return f"{brief(line.split('=')[0].strip())} is given twice: {message}."
    if "at line" in message or "at end" in message:
        return f"this is not TOML: {message}."
    return f"a value is out of all bounds: {message.split(';', maxsplit=1)[0]}."


def _fault(model: type[BaseModel], fault: Any) -> str:  # noqa: ANN401 - pydantic's ErrorDetails
    """One of pydantic's findings as ``section.key: value, rule, nearest valid value``."""
    where = ".".join(map(str, fault["loc"])) or "file"
    kind, context = fault["type"], fault.get("ctx", {})
    value, message = brief(fault["input"]), fault["msg"]
    if kind == "extra_forbidden":
        return f"{brief(where)[1:-1]}: unknown key.{_known_keys(model, fault['loc'])}"
    if kind == "missing":
        return f"{where}: missing."
    if kind == "value_error":
        return f"{where}: {context['error']}"
    if kind == "literal_error":
        known = re.findall(r"'([^']*)'", context["expected"])
        hint = nearest(fault["input"], known) if isinstance(fault["input"], str) else ""
        return f"{where}: {value} is none of {', '.join(known)}.{hint}"
    if kind == "too_short":
        return f"{where}: an empty list leaves nothing."
    rule = message.replace("Input should be", "must be").replace("a valid integer", "an integer")
    rule = rule.replace("a valid ", "a ")
    bound = context.get("ge", context.get("le"))
    hint = "" if bound is None else f" The nearest valid value is {bound}."
    return f"{where}: {value} {rule}.{hint}"


def _known_keys(model: type[BaseModel], loc: tuple[Any, ...]) -> str:
    for name in loc[:-1]:
        section = model.model_fields[name].annotation
        if not (isinstance(section, type) and issubclass(section, BaseModel)):
            return ""
        model = section
    known = tuple(model.model_fields)
    return nearest(str(loc[-1])[:_WIDTH], known) or f" Known keys are {', '.join(known)}."


def _keys(settings: BaseModel, names: list[str]) -> str:
    lines = []
    for name in names:
        value = getattr(settings, name)
        about = _comment(type(settings).model_fields[name].description)
        lines.append(
            f"{about}# {name} =\n" if value is None else f"{about}{name} = {_toml(value)}\n"
        )
    return "".join(lines)


def _comment(text: str | None) -> str:
    return "".join(f"# {line}\n" for line in textwrap.wrap(text or "", _WIDTH))


def _toml(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int):
        return f"{value:_}"
    if isinstance(value, float):
        return repr(value)
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_toml, value))}]"
    if isinstance(value, dict | BaseModel):
        quoted = {_toml(k): v for k, v in value.items()} if isinstance(value, dict) else dict(value)
        return f"{{{', '.join(f'{key} = {_toml(entry)}' for key, entry in quoted.items())}}}"
    raise TypeError(f"{type(value).__name__} has no TOML form here")
