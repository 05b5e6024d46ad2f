"""The tables, typed, and the database's clock. Rows of these classes never leave the store.

`kw_study` says what is searched and who drives it. `kw_tally` holds, one row a study, what would
otherwise be counted over all trials: each transaction brings it up to date, so that the status of
a study of a million trials is one row. It stands apart from `kw_study` because it is rewritten
with every measurement and the settings never are.
"""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    CheckConstraint,
    DateTime,
    Dialect,
    Double,
    Enum,
    ForeignKey,
    Index,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import TypeDecorator

from search_spaces import NetworkConfig
from trials.records import TrialState


class UtcDateTime(TypeDecorator[datetime]):
    """An instant: aware and in UTC on both sides, whatever the database's time zone is."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Turn an aware instant to UTC; SQLite keeps the digits alone."""
        if value is None:
            return None
        instant = value.astimezone(UTC)
        return instant.replace(tzinfo=None) if dialect.name == "sqlite" else instant

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Read the digits of SQLite as UTC; PostgreSQL says its time zone itself."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if dialect.name == "sqlite" else value.astimezone(UTC)


class ConfigText(TypeDecorator[NetworkConfig]):
    """A network configuration as its canonical JSON text."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: NetworkConfig | None, dialect: Dialect) -> str | None:
        """Write canonical JSON."""
        del dialect
        return None if value is None else value.to_json()

    def process_result_value(self, value: str | None, dialect: Dialect) -> NetworkConfig | None:
        """Read and validate it."""
        del dialect
        return None if value is None else NetworkConfig.from_json(value)


class clock(FunctionElement[datetime]):  # noqa: N801 - reads as the SQL function that it is
    """The database's own time, at the moment the statement runs."""

    type = UtcDateTime()
    inherit_cache = True


@compiles(clock, "sqlite")
def _sqlite_clock(_element: Any, _compiler: SQLCompiler, **_: Any) -> str:  # noqa: ANN401 - SQLAlchemy's hook is untyped
    return "strftime('%Y-%m-%d %H:%M:%f000', 'now')"


@compiles(clock, "postgresql")
def _postgresql_clock(_element: Any, _compiler: SQLCompiler, **_: Any) -> str:  # noqa: ANN401 - SQLAlchemy's hook is untyped
    return "clock_timestamp()"


def plain(text: str | None) -> str | None:
    """Return ``text`` without what PostgreSQL or UTF-8 cannot hold (NUL, lone surrogates)."""
    if text is None:
        return None
    return text.replace("\0", "\ufffd").encode("utf-8", "replace").decode("utf-8")


NAMES = {
    "pk": "pk_%(table_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
}
STATE = Enum(
    TrialState,
    name="state",
    native_enum=False,
    create_constraint=True,
    length=16,
    values_callable=lambda states: [state.value for state in states],
)


class Base(DeclarativeBase):
    """Root of the tables; constraints are named alike in every database."""

    metadata = MetaData(naming_convention=NAMES)
    type_annotation_map = {  # noqa: RUF012 - SQLAlchemy's own spelling
        datetime: UtcDateTime(),
        float: Double(),
        dict[str, Any]: JSON(),
        NetworkConfig: ConfigText(),
        TrialState: STATE,
    }


class StudyRow(Base):
    """A study: what is searched, and the lease of the process that drives it."""

    __tablename__ = "kw_study"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(100), unique=True)
    settings: Mapped[dict[str, Any]]
    backbone: Mapped[dict[str, Any]]
    seed: Mapped[int] = mapped_column(BigInteger)
    trials: Mapped[int]
    reference_params: Mapped[int] = mapped_column(BigInteger)
    reference_accuracy: Mapped[float]
    version: Mapped[str] = mapped_column(String(64))
    created_at: Mapped[datetime]
    lease_owner: Mapped[str | None] = mapped_column(Text)
    lease_until: Mapped[datetime | None]


class FrontRow(Base):
    """One front that ever was; `trial` is the number of the trial that made it."""

    __tablename__ = "kw_front"
    __table_args__ = (UniqueConstraint("study_id", "number"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    study_id: Mapped[int] = mapped_column(ForeignKey("kw_study.id"))
    number: Mapped[int]
    trial: Mapped[int]
    hypervolume: Mapped[float]
    reference_params: Mapped[int] = mapped_column(BigInteger)
    reference_accuracy: Mapped[float]
    created_at: Mapped[datetime]


class TallyRow(Base):
    """Running counts of a study, its present front, and a token of its last change."""

    __tablename__ = "kw_tally"

    study_id: Mapped[int] = mapped_column(
        ForeignKey("kw_study.id"), primary_key=True, autoincrement=False
    )
    waiting: Mapped[int] = mapped_column(default=0)
    running: Mapped[int] = mapped_column(default=0)
    complete: Mapped[int] = mapped_column(default=0)
    stopped: Mapped[int] = mapped_column(default=0)
    failed: Mapped[int] = mapped_column(default=0)
    infeasible: Mapped[int] = mapped_column(default=0)
    over_budget: Mapped[int] = mapped_column(default=0)
    under_budget: Mapped[int] = mapped_column(default=0)
    known: Mapped[int] = mapped_column(default=0)
    epochs: Mapped[int] = mapped_column(BigInteger, default=0)
    seconds: Mapped[float] = mapped_column(default=0.0)
    front_id: Mapped[int | None] = mapped_column(ForeignKey("kw_front.id"))
    unit: Mapped[str | None] = mapped_column(String(32))


class TrialRow(Base):
    """A trial; `epochs` to `seconds` repeat its last measurement, `front_id` is the front after it.

    `finish_order` (column ``place``) counts the study's finished trials from 0, so that history can
    be read in order.
    """

    __tablename__ = "kw_trial"
    __table_args__ = (
        UniqueConstraint("study_id", "number"),
        UniqueConstraint("study_id", "digest"),
        Index("ix_kw_trial_study_id_state_number", "study_id", "state", "number"),
        CheckConstraint("attempt >= 1", name="attempt"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    study_id: Mapped[int] = mapped_column(ForeignKey("kw_study.id"))
    number: Mapped[int]
    config: Mapped[NetworkConfig]
    digest: Mapped[str] = mapped_column(String(64))
    params: Mapped[int] = mapped_column(BigInteger)
    macs: Mapped[int] = mapped_column(BigInteger)
    seed: Mapped[int] = mapped_column(BigInteger)
    attempt: Mapped[int]
    choices: Mapped[dict[str, Any]]
    sampler_state: Mapped[dict[str, Any]]
    state: Mapped[TrialState]
    cause: Mapped[str | None] = mapped_column(Text)
    detail: Mapped[str | None] = mapped_column(Text)
    worker: Mapped[str | None] = mapped_column(Text)
    epochs: Mapped[int] = mapped_column(default=0)
    accuracy: Mapped[float | None]
    accuracy_error: Mapped[float | None]
    loss: Mapped[float | None]
    seconds: Mapped[float] = mapped_column(default=0.0)
    started_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]
    finish_order: Mapped[int | None] = mapped_column("place")
    front_id: Mapped[int | None] = mapped_column(ForeignKey("kw_front.id"))


class MeasurementRow(Base):
    """What one trial reached after one epoch, and the attempt that measured it first.

    `goes_on` and `reason` say what promotion decided on it; NULL where nothing was to be decided.
    """

    __tablename__ = "kw_measurement"
    __table_args__ = ({"sqlite_with_rowid": False},)

    trial_id: Mapped[int] = mapped_column(
        ForeignKey("kw_trial.id"), primary_key=True, autoincrement=False
    )
    epoch: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    attempt: Mapped[int]
    accuracy: Mapped[float]
    accuracy_error: Mapped[float]
    loss: Mapped[float]
    images: Mapped[int]
    seconds: Mapped[float]
    measured_at: Mapped[datetime]
    goes_on: Mapped[bool | None]
    reason: Mapped[str | None] = mapped_column(Text)


class FrontMemberRow(Base):
    """A trial on a front; `rank` (column ``place``) ascends with parameters, from 0."""

    __tablename__ = "kw_front_member"
    __table_args__ = ({"sqlite_with_rowid": False},)

    front_id: Mapped[int] = mapped_column(
        ForeignKey("kw_front.id"), primary_key=True, autoincrement=False
    )
    rank: Mapped[int] = mapped_column("place", primary_key=True, autoincrement=False)
    trial_id: Mapped[int] = mapped_column(ForeignKey("kw_trial.id"))


class FileRow(Base):
    """The weights of a member of the present front, in the runs folder."""

    __tablename__ = "kw_file"

    trial_id: Mapped[int] = mapped_column(
        ForeignKey("kw_trial.id"), primary_key=True, autoincrement=False
    )
    path: Mapped[str] = mapped_column(Text)
    sha256: Mapped[str] = mapped_column(String(64))
    bytes: Mapped[int] = mapped_column(BigInteger)


class TrainingRow(Base):
    """What one full training of a trial's configuration reached."""

    __tablename__ = "kw_training"

    id: Mapped[int] = mapped_column(primary_key=True)
    trial_id: Mapped[int] = mapped_column(ForeignKey("kw_trial.id"), index=True)
    epochs: Mapped[int]
    accuracy: Mapped[float]
    accuracy_error: Mapped[float]
    loss: Mapped[float]
    images: Mapped[int]
    seconds: Mapped[float]
    data: Mapped[str] = mapped_column(Text)
    part: Mapped[str] = mapped_column(String(16))
    finished_at: Mapped[datetime]


def _table(row: type[Base]) -> Table:
    assert isinstance(row.__table__, Table)  # noqa: S101 - every mapped class here has its own
    return row.__table__


STUDY, TALLY = _table(StudyRow), _table(TallyRow)
TRIAL, MEASUREMENT = _table(TrialRow), _table(MeasurementRow)
FRONT, MEMBER = _table(FrontRow), _table(FrontMemberRow)
TRAINING, FILE = _table(TrainingRow), _table(FileRow)
