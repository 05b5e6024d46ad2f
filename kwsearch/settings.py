"""A whole study file: reading it, writing it, and keeping it as plain values."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import Field, field_validator

from kwsearch.sections import (
    BudgetSettings,
    ExecutionSettings,
    ProxySettings,
    SearchSettings,
    Settings,
    SpaceSettings,
)
from kwsearch.setting_types import RatioRange
from kwsearch.study_file import read_toml, validate, write_toml
from search_spaces.errors import InputError
from trials.names import check_name

__all__ = [
    "BudgetSettings",
    "ExecutionSettings",
    "ProxySettings",
    "RatioRange",
    "SearchSettings",
    "SpaceSettings",
    "StudySettings",
    "as_stored",
    "from_plain",
    "load_study",
    "to_plain",
    "to_toml",
]

BEFORE: dict[str, dict[str, Any]] = {
    "proxy": {
        "recalibration": 0,
        "attention_start": "temperature",
        "attention_learning_rate": 1.0,
        "start": "scratch",
        "start_learning_rate": 0.01,
    }
}
"""By section: what studies did before a setting came, where that is not its default."""


class StudySettings(Settings):
    """A whole study file."""

    name: str | None = Field(
        None, description="Name of the study: letters, digits, dots, dashes; the file's if unset."
    )
    space: SpaceSettings = Field(description="What the search may choose from.")
    budget: BudgetSettings = Field(
        BudgetSettings(),
        description="Hard limits: networks outside are turned down before they cost anything.",
    )
    proxy: ProxySettings = Field(
        ProxySettings(), description="How a trial is trained and measured."
    )
    search: SearchSettings = Field(
        SearchSettings(), description="Who proposes configurations, and how many are tried."
    )
    execution: ExecutionSettings = Field(ExecutionSettings(), description="Where trials run.")

    @field_validator("name")
    @classmethod
    def _safe_name(cls, value: str | None) -> str | None:
        try:
            return None if value is None else check_name(value)
        except InputError as error:
            raise ValueError(str(error)) from None


def load_study(path: str | Path) -> StudySettings:
    """Read a study file; a study without a name is called like its file.

    Raises:
        InputError: the file cannot be read, or has faults; all of them, a line each.
    """
    path = Path(path)
    values = read_toml(path)
    return validate(StudySettings, {"name": path.stem, **values}, str(path))


def from_plain(values: Any, source: str = "settings") -> StudySettings:  # noqa: ANN401 - checked here
    """Read settings back from plain values, such as a database keeps.

    Raises:
        InputError: with all faults.
    """
    return validate(StudySettings, values, source)


def as_stored(values: Mapping[str, Any]) -> dict[str, Any]:
    """Plain values of a study that is stored, with what it meant by settings that came later."""
    then = {section: {**BEFORE[section], **values.get(section, {})} for section in BEFORE}
    return {**values, **then}


def to_plain(settings: StudySettings) -> dict[str, Any]:
    """Settings as values that JSON can hold, with every default filled in."""
    return settings.model_dump(mode="json")


def to_toml(settings: StudySettings) -> str:
    """Settings as a study file that explains every key; `load_study` reads it back."""
    return write_toml(settings)
